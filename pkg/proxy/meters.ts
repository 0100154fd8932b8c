import type { RejectReason } from '../policy/reason.ts';
import type { BackFailure } from './exchange.ts';
import type { ProxyMetrics } from './metrics.ts';

/** The series of one profile, with their label sets looked up once: a request only adds. */
export interface Meters {
  request(protocol: string, status: number, seconds: number): void;
  backendDuration(seconds: number): void;
  backendFailed(cause: BackFailure['cause']): void;
  rejected(reason: RejectReason): void;
  reported(reason: RejectReason): void;
}

export function createMeters(metrics: ProxyMetrics, profile: string): Meters {
  const requestDuration = metrics.requestDuration.labels({ profile });
  const backendDuration = metrics.backendDuration.labels({ profile });
  const requests = new Map<string, { inc(): void }>();
  const requestsOf = (protocol: string, status: number) => {
    const key = `${protocol} ${(status / 100) | 0}`;
    let child = requests.get(key);
    if (child === undefined) {
      child = metrics.requests.labels({ profile, protocol, code_class: `${(status / 100) | 0}xx` });
      requests.set(key, child);
    }
    return child;
  };
  return {
    request(protocol, status, seconds) {
      requestsOf(protocol, status).inc();
      requestDuration.observe(seconds);
    },
    backendDuration: (seconds) => backendDuration.observe(seconds),
    backendFailed: (cause) => metrics.backendFailures.inc({ profile, cause }),
    rejected: (reason) => metrics.rejections.inc({ profile, reason }),
    reported: (reason) => metrics.reports.inc({ profile, reason }),
  };
}
