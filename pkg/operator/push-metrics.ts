import type { Clock } from '../process/clock.ts';
import { authenticationStatus } from '../push/call.ts';
import type { PodCaller } from '../push/caller.ts';
import type { SidecarReport } from '../push/report.ts';
import { podKey } from '../translate/world.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { Reconciler } from './reconcile.ts';

/** Counts what a sidecar that is connected here answered; for the first acknowledgement of an offer, how long it took. */
export function recordReport(
  metrics: Pick<OperatorMetrics, 'pushDuration' | 'pushes'>,
  report: SidecarReport,
  before: SidecarReport | undefined,
  reconciler: Pick<Reconciler, 'offers'>,
  clock: Clock,
): void {
  const again = before?.digest === report.digest && before.result === report.result;
  if (report.result === 'Connected' || again) return;
  metrics.pushes.inc({ result: pushResults[report.result] });
  const offer = reconciler.offers.get(podKey(report));
  if (report.result !== 'Ack' || offer?.digest !== report.digest || offer.podUid !== report.podUid) return;
  metrics.pushDuration.observe((clock.monotonicMs() - offer.sinceMs) / 1000);
}

/** The same authentication, with its failures counted. */
export function countFailures<T extends PodCaller | void>(
  { streamAuthFailures }: Pick<OperatorMetrics, 'streamAuthFailures'>,
  authenticate: (token: string) => Promise<T>,
): (token: string) => Promise<T> {
  return async (token) => {
    try {
      return await authenticate(token);
    } catch (cause) {
      streamAuthFailures.inc({ reason: authenticationStatus(cause).code.toLowerCase() });
      throw cause;
    }
  };
}

const pushResults = { Ack: 'acked', Nack: 'nacked', Outdated: 'outdated' } as const;
