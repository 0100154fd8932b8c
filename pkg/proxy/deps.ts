import type { RevocationChecker } from '../crl/revocation.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { ProxyMetrics } from './metrics.ts';

/** Which requests the log has. */
export type AuditLevel = 'all' | 'off' | 'refusals';

/** What every part of the data plane is handed. */
export interface Deps {
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: ProxyMetrics;
  readonly ocsp: RevocationChecker;
  readonly audit: AuditLevel;
}
