import type { PodPolicy } from '../policy/policy.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';

export interface SubscriberOptions {
  /** `host:port` of the operator; its certificate must be for that host. */
  readonly address: string;
  /** PEM bundle that the operator's certificate must lead to; read before every dial. */
  ca(): Promise<string>;
  /** This pod's token; read before every dial and once a minute. */
  token(): Promise<string>;
  readonly identity: SidecarIdentity;
  /** Puts a policy in force and gives back what then is: with the profiles that were kept for a hold. @throws: NACK, the one before serves on. */
  apply(policy: PodPolicy): Promise<PodPolicy>;
  /** Profiles whose application answers beside the gate; looked at every few seconds. */
  exposed(): readonly string[];
  /** A directory in memory of this container alone, for the last good policy. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  onState?(state: SubscriberState): void;
}

export interface SidecarIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of this build. */
  readonly version: string;
}

/** For readiness and metrics. All times are Unix milliseconds. */
export interface SubscriberState {
  readonly connected: boolean;
  /** Of the offer in force, as it was sent. */
  readonly digest: string | undefined;
  /** When the offer in force came from the operator; of a last good policy, when it was written. */
  readonly inForceSinceMs: number | undefined;
  /** Whether what is in force comes from the disk and no operator has confirmed it since. */
  readonly fromLastGood: boolean;
  readonly lastSnapshotAtMs: number | undefined;
  readonly lastNack: { readonly reason: string; readonly message: string; readonly atMs: number } | undefined;
  /** Why there is no stream now. */
  readonly fault: string | undefined;
}

export interface Subscriber {
  readonly state: SubscriberState;
  close(): Promise<void>;
}

/** Starts from the last good policy, then dials the operator and follows it until closed. Never rejects. */
export function startSubscriber(options: SubscriberOptions): Promise<Subscriber> {
  return Promise.reject(new Error(`${options.address}: not dialled yet`));
}
