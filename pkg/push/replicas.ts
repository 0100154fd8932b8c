import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { SidecarReport } from './report.ts';

export interface ReplicaReporterOptions {
  /** `host:port` of the lease holder. */
  readonly address: string;
  /** The operator's CA bundle as it is now; read before every dial. */
  caPem(): string;
  /** What the lease holder's certificate is for, since it is dialled by its address. */
  readonly serverName: string;
  /** This replica's token of the replicas' own audience; read before every dial. */
  token(): Promise<string>;
  /** What this replica is called, the same over reconnects: its pod's name. */
  readonly identity: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface ReplicaReporter {
  /** Remembers the newest report per pod and passes it on; after a reconnect everything is passed on again. */
  send(reports: readonly SidecarReport[]): void;
  /** Pods that are gone: not passed on again. */
  forget(podUids: Iterable<string>): void;
  close(): void;
}

/** Keeps a stream to the lease holder and reports what this replica's sidecars say. */
export function startReplicaReporter(options: ReplicaReporterOptions): ReplicaReporter {
  throw new Error(`${options.address}: not dialled yet`);
}
