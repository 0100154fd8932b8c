import type { Input } from '../policy/input.ts';
import type { PodPolicy } from '../policy/policy.ts';
import type { PodCaller } from './caller.ts';

/** What the operator offers one pod. */
export interface Offer {
  /** Never logged: it has private keys. */
  readonly policy: PodPolicy;
  /** `policyDigest(policy)`: the same on every replica that has seen the same. */
  readonly digest: string;
  /**
   * Every object the policy was made of, the pod itself too (kind Pod): where a pod's labels bring a profile back, the
   * pod's new version shows the sidecar that the offer is not an old one.
   */
  readonly inputs: readonly Input[];
}

/** Where the server gets its offers. */
export interface OfferSource {
  /** Undefined: nothing is known yet, the stream waits. */
  offerFor(pod: PodCaller): Offer | undefined;
  /** Calls `listener` with the pods (`namespace/name`) whose offer may have changed; gives back how to stop that. */
  onChange(listener: (podKeys: ReadonlySet<string>) => void): () => void;
}
