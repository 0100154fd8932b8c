import type { RejectReason } from '../policy/reason.ts';
import type { BackFailure } from './exchange.ts';
import type { ProxyMetrics } from './metrics.ts';
import type { NumberTally } from './tally.ts';

/** The series of one profile, with their label sets looked up once: a request only adds. */
export interface Meters {
  request(protocol: string, status: number, seconds: number): void;
  backendDuration(seconds: number): void;
  backendFailed(cause: BackFailure['cause']): void;
  rejected(reason: RejectReason): void;
  reported(reason: RejectReason): void;
}

export function createMeters(metrics: ProxyMetrics, profile: string): Meters {
  const requestDuration = metrics.requestDuration.of({ profile });
  const backendDuration = metrics.backendDuration.of({ profile });
  const requests = new Map<string, NumberTally[]>();
  const requestsOf = (protocol: string, codeClass: number): NumberTally => {
    let byClass = requests.get(protocol);
    if (byClass === undefined) {
      byClass = [];
      requests.set(protocol, byClass);
    }
    let tally = byClass[codeClass];
    if (tally === undefined) {
      tally = metrics.requests.of({ profile, protocol, code_class: `${codeClass}xx` });
      byClass[codeClass] = tally;
    }
    return tally;
  };
  return {
    request(protocol, status, seconds) {
      requestsOf(protocol, (status / 100) | 0).value += 1;
      requestDuration.observe(seconds);
    },
    backendDuration: (seconds) => backendDuration.observe(seconds),
    backendFailed: (cause) => metrics.backendFailures.inc({ profile, cause }),
    rejected: (reason) => metrics.rejections.inc({ profile, reason }),
    reported: (reason) => metrics.reports.inc({ profile, reason }),
  };
}
