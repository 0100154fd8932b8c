import type { Clock } from '../process/clock.ts';
import type { Timers } from '../process/timers.ts';
import { debounce } from './debounce.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { Reconciler } from './reconcile.ts';
import type { Reports } from './reports.ts';
import { judgePods, statusesOf, type WantedStatus } from './status.ts';
import type { StatusWriter } from './status-writer.ts';
import { isSettling } from './view.ts';

/** Looks at everything again after changes, and every few seconds: a pod becomes late without any event. */
export interface StatusLoop {
  touch(): void;
  /** From now on this replica writes. */
  lead(): void;
  /** From now on another one does. */
  follow(): void;
  close(): void;
}

export interface StatusLoopOptions {
  readonly reconciler: Pick<Reconciler, 'namespaces' | 'offers'>;
  readonly reports: Pick<Reports, 'of'>;
  readonly writer: StatusWriter;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: Pick<OperatorMetrics, 'certificateExpiry' | 'leader' | 'resources' | 'sidecars'>;
}

/** Only the lease holder hears of all sidecars, so only it says anything of them: in statuses, and in metrics. */
export function createStatusLoop(options: StatusLoopOptions): StatusLoop {
  const { reconciler, reports, writer, clock, timers, metrics } = options;
  const { certificateExpiry, resources, sidecars } = metrics;
  let leadingSinceMs: number | undefined;
  let cancelTick: () => void = () => undefined;
  const changes = debounce({ clock, timers, quietMs, atMostMs, run: look });

  function look(): void {
    if (leadingSinceMs === undefined) return;
    const common = {
      offers: reconciler.offers,
      reportOf: (podUid: string) => reports.of(podUid),
      nowMs: clock.monotonicMs(),
      leadingSinceMs,
    };
    const wanted: WantedStatus[] = [];
    sidecars.reset();
    for (const state of [...Object.values(stateLabels), 'missing']) sidecars.set({ state }, 0);
    for (const namespace of reconciler.namespaces.values()) {
      const input = { ...common, namespace };
      const pods = judgePods(input);
      // An operator that starts would say "unknown" of what it knows a moment later.
      if (!isSettling(namespace.view)) wanted.push(...statusesOf(input, pods));
      for (const { state } of pods.judged) sidecars.inc({ state: stateLabels[state.kind] });
      sidecars.inc({ state: 'missing' }, pods.missing.length);
    }
    writer.set(wanted);
    measure(wanted);
  }

  function measure(wanted: readonly WantedStatus[]): void {
    resources.reset();
    certificateExpiry.reset();
    for (const { resource, status } of wanted) {
      for (const { type, status: value } of status.conditions) {
        resources.inc({ kind: resource.kind, condition: type, status: value });
      }
      if (status.certificate?.notAfter === undefined) continue;
      const { namespace, name: profile } = resource;
      certificateExpiry.set({ namespace, profile }, Date.parse(status.certificate.notAfter) / 1000);
    }
  }

  function tick(): void {
    cancelTick = timers.after(tickMs, () => {
      look();
      tick();
    });
  }

  function follow(): void {
    leadingSinceMs = undefined;
    cancelTick();
    writer.stop();
    metrics.leader.set(0);
    for (const gauge of [resources, sidecars, certificateExpiry]) gauge.reset();
  }

  metrics.leader.set(0);
  return {
    touch: () => changes.touch(),
    lead() {
      if (leadingSinceMs !== undefined) return;
      leadingSinceMs = clock.monotonicMs();
      metrics.leader.set(1);
      tick();
      changes.touch();
    },
    follow,
    close() {
      follow();
      changes.close();
    },
  };
}

const stateLabels = {
  Late: 'late',
  Outdated: 'outdated',
  Programmed: 'programmed',
  Rejected: 'rejected',
  Waiting: 'waiting',
} as const;
const quietMs = 100;
const atMostMs = 500;
const tickMs = 2000;
