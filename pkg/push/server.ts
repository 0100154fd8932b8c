import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { PodCaller } from './caller.ts';
import type { ServingCertificates } from './certificates.ts';
import type { OfferSource } from './offer.ts';
import type { SidecarReport } from './report.ts';

export interface PushServerOptions {
  /** Every address, both families, unless given. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly certificates: ServingCertificates;
  /** @throws Unauthenticated, PermissionDenied or Unavailable; anything else counts as Unavailable. */
  authenticate(token: string): Promise<PodCaller>;
  /** The same for another replica of the operator. */
  authenticateReplica(token: string): Promise<void>;
  readonly offers: OfferSource;
  onReport(report: SidecarReport): void;
  /** What another replica's sidecars said; `from` is the name it gives itself. */
  onReplicaReports?(reports: readonly SidecarReport[], from: string): void;
  /** That replica has no stream any more: what it reported stays as it was until another one reports it. */
  onReplicaGone?(from: string): void;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** A stream ends after 0.8 to 1.2 of that and its sidecar dials again, so that load spreads over new replicas. */
  readonly maxConnectionAgeMs: number;
}

export interface PushServer {
  readonly port: number;
  /** Streams of sidecars that are open now. */
  readonly streams: number;
  /** Ends that pod's stream: the pod was deleted. */
  closePod(podUid: string): void;
  /** Ends every stream and stops listening. */
  close(): Promise<void>;
}

/** Listens for sidecars and for the other replicas. @throws when the port cannot be had. */
export function startPushServer(options: PushServerOptions): Promise<PushServer> {
  return Promise.reject(new Error(`port ${options.port}: not served yet`));
}
