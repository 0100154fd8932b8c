import type { Clock } from '../process/clock.ts';
import type { SidecarReport } from '../push/report.ts';

/** What sidecars said last, wherever they are connected. */
export interface Reports {
  /** By the pod's UID. */
  of(podUid: string): SidecarReport | undefined;
  /** What sidecars connected to this replica said: what the lease holder must be told. */
  readonly own: readonly SidecarReport[];
  /** Of a sidecar connected here. */
  addOwn(report: SidecarReport): void;
  /** Of sidecars connected to another replica. */
  addOthers(reports: readonly SidecarReport[]): void;
  /** Forgets pods that are gone. @returns their UIDs. */
  keepOnly(podUids: ReadonlySet<string>): readonly string[];
}

/**
 * The newest report of a pod wins, by the clocks of the replicas that had its stream. Nothing is forgotten because a
 * stream or a replica went away: a sidecar serves on what it has, and a gap must not look like a change.
 */
export function createReports(clock: Clock): Reports {
  const newest = new Map<string, SidecarReport>();
  const own = new Map<string, SidecarReport>();

  function add(report: SidecarReport): void {
    const known = newest.get(report.podUid);
    if (known !== undefined && known.atMs > report.atMs) return;
    newest.set(report.podUid, report);
    // The pod has dialled another replica: this one has nothing to say about it any more.
    const here = own.get(report.podUid);
    if (here !== undefined && here.atMs < report.atMs) own.delete(report.podUid);
  }

  return {
    of: (podUid) => newest.get(podUid),
    get own() {
      return [...own.values()];
    },
    addOwn(report) {
      own.set(report.podUid, report);
      add(report);
    },
    addOthers(reports) {
      // A clock that runs ahead must not make its reports win for ever.
      const nowMs = clock.wallMs();
      for (const report of reports) add(report.atMs > nowMs ? { ...report, atMs: nowMs } : report);
    },
    keepOnly(podUids) {
      const nowMs = clock.wallMs();
      // A report may come before the watch has seen its pod.
      const gone = [...newest.values()].filter(({ podUid, atMs }) => !podUids.has(podUid) && nowMs - atMs > graceMs);
      for (const { podUid } of gone) {
        newest.delete(podUid);
        own.delete(podUid);
      }
      return gone.map(({ podUid }) => podUid);
    },
  };
}

const graceMs = 60_000;
