import type { RevocationStatus } from '../ocsp/status.ts';
import type { PodPolicy } from '../policy/policy.ts';
import type { LogLevel } from '../process/log.ts';
import type { AuditLevel } from '../proxy/deps.ts';
import type { MetricFamily } from './merge-metrics.ts';

/** What a worker is told when it starts. */
export interface WorkerSetup {
  /** From 1. */
  readonly worker: number;
  readonly version: string;
  readonly logLevel: LogLevel;
  readonly audit: AuditLevel;
  readonly listenAddress: string | undefined;
  readonly handshakeMs: number;
  readonly maxConnections: number;
  /** Of the pod; see places.ts. */
  readonly places: SharedArrayBuffer;
  /** One number a worker, which it raises twice a second: a sign of life. */
  readonly beats: SharedArrayBuffer;
}

/** What the owner asks a worker to do; each is answered once, when it is done. */
export type Command =
  /** First phase: compile, open ports, serve nobody by it yet. `places` has every profile of the policy. */
  | {
      readonly kind: 'prepare';
      readonly policy: PodPolicy;
      readonly places: ReadonlyMap<string, SharedArrayBuffer>;
    }
  /** Second phase: what was prepared is in force, or is not. */
  | { readonly kind: 'abandon' | 'commit' }
  /** See DataPlane. */
  | { readonly kind: 'retire' | 'stop' }
  | { readonly kind: 'metrics' };

/** From the owner to a worker. */
export type ToWorker =
  | { readonly kind: 'command'; readonly id: number; readonly command: Command }
  | Answer
  /** CRLs have changed: what they said is asked again. */
  | { readonly kind: 'lists-changed' }
  /** A stop takes too long: what still runs is cut. */
  | { readonly kind: 'cut' };

/** From a worker to the owner. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly families: readonly MetricFamily[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'log'; readonly lines: readonly string[] }
  | Ask;

/** A worker's question about a certificate. Its answer goes to all workers. */
export interface Ask {
  readonly kind: 'ask';
  /** Under what a revocation is remembered, whatever the settings; `revocationKey`. */
  readonly subject: string;
  /** Of this very question: certificate, issuer and settings. */
  readonly key: string;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly issuer: Uint8Array;
  /** Digest of the settings, which the owner has from the policy. */
  readonly revocation: string;
}

/** What the owner says about a certificate. Newer answers come later: the owner alone decides which one prevails. */
export interface Answer {
  readonly kind: 'answer';
  readonly subject: string;
  readonly key: string;
  /** SHA-256 of the certificate. */
  readonly certificate: string;
  /** Whether CRLs are asked by the settings. */
  readonly lists: boolean;
  readonly status: RevocationStatus;
}
