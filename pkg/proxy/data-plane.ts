import type { PodPolicy } from '../policy/policy.ts';
import type { Absence } from './readiness.ts';

/** The policy that is served. */
export interface InForce {
  /** SHA-256 of the policy, in hexadecimal. */
  readonly version: string;
  /** With the last good copies of what it holds. */
  readonly policy: PodPolicy;
}

/** What serves a pod's policy, on one thread or on several. */
export interface DataPlane {
  readonly inForce: InForce | undefined;
  /**
   * Puts a policy in force: everything is compiled and every port is open before anything is swapped. What fails leaves
   * the policy before it in force. @throws PolicyUnusable.
   */
  apply(policy: PodPolicy): Promise<InForce>;
  /** Profiles whose application can be reached around the gate: `namespace/name address:port`. */
  exposed(): readonly string[];
  /** Why no traffic should come here; empty when all is well. */
  notReady(absence?: Absence): readonly string[];
  /** Client connections that are open now, over all ports. */
  connectionCount(): number;
  /**
   * The first half of an orderly end: not ready from now on, and clients are asked to leave (HTTP/1.1: `Connection: close`
   * with every answer; HTTP/2: the notice of RFC 9113 6.8), while all that comes, on new connections too, is still served:
   * who sends it has not heard yet that he should not. `stop` is the second half.
   */
  retire(): void;
  /** Stops accepting, tells clients, finishes what runs; resolves when every connection is closed or `signal` fires. */
  stop(signal: AbortSignal): Promise<void>;
}
