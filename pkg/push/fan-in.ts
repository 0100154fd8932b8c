import type { SidecarReport } from './report.ts';

/** A pod's newest report, and whether the replica that gave it is still heard. */
export interface Heard {
  readonly report: SidecarReport;
  readonly from: string;
  /** The replica's stream is gone: the report stands as it was, until another replica has one. Never counted as nothing. */
  readonly frozen: boolean;
}

/** What is known of every sidecar, by pod UID. */
export type FanIn = ReadonlyMap<string, Heard>;

/**
 * Adds what one replica reports: the newest per pod wins, at equal times the later to come. A time ahead of `nowMs`
 * (Unix milliseconds) counts as now, so that a replica whose clock is ahead does not silence the others.
 */
export function mergeReports(known: FanIn, reports: readonly SidecarReport[], from: string, nowMs: number): FanIn {
  const merged = new Map(known);
  for (const report of reports) {
    const atMs = Math.min(report.atMs, nowMs);
    const before = merged.get(report.podUid);
    // A frozen report of another replica gives way to any: that replica is not heard, and its pods have moved.
    const yields = before === undefined || before.report.atMs <= atMs || (before.frozen && before.from !== from);
    if (yields) merged.set(report.podUid, { report: { ...report, atMs }, from, frozen: false });
    else if (before.from === from && before.frozen) merged.set(report.podUid, { ...before, frozen: false });
  }
  return merged;
}

/** A replica's stream is gone. */
export function freezeReports(known: FanIn, from: string): FanIn {
  return new Map([...known].map(([uid, heard]) => [uid, heard.from === from ? { ...heard, frozen: true } : heard]));
}

/** Leaves out pods that are not there any more: `exists` is asked by UID. */
export function forgetReports(known: FanIn, exists: (podUid: string) => boolean): FanIn {
  return new Map([...known].filter(([uid]) => exists(uid)));
}
