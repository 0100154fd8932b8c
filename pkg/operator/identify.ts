import { ApiError } from '../cluster/api-error.ts';
import type { Cluster } from '../cluster/cluster.ts';
import {
  type TokenIdentity,
  type TokenReviewer,
  Unauthenticated as TokenUnauthenticated,
} from '../cluster/token-review.ts';
import { PermissionDenied, type PodCaller, Unauthenticated, Unavailable } from '../push/caller.ts';
import { type ObservedPod, observePod } from './observed-pod.ts';
import type { WorldWatch } from './world-watch.ts';

export interface IdentifyOptions {
  /** Reviews a token of the sidecars' audience. */
  readonly review: TokenReviewer;
  readonly watch: Pick<WorldWatch, 'pod' | 'watches'>;
  readonly cluster: Pick<Cluster, 'get'>;
}

/**
 * Which pod a sidecar runs in: the token says so, and the pod must be there with that UID and have our sidecar. A pod
 * that our watch has not seen yet is asked for; where that cannot be told, the answer is "later", never "no".
 * The returned function @throws Unauthenticated, PermissionDenied, Unavailable of pkg/push.
 */
export function createPodIdentifier({
  review,
  watch,
  cluster,
}: IdentifyOptions): (token: string) => Promise<PodCaller> {
  return async (token) => {
    const reviewed = await judgedToken(review, token);
    const { namespace, podName: name, podUid: uid, expiresAtMs } = reviewed;
    const key = `${namespace}/${name}`;
    if (!watch.watches(namespace)) {
      throw new PermissionDenied(`namespace ${namespace} is not watched by this operator; see --watch-namespaces`);
    }
    const seen = watch.pod(key);
    const pod = seen?.uid === uid ? seen : await ask(cluster, namespace, name);
    if (pod.uid !== uid) {
      throw new Unauthenticated(`the token belongs to an earlier pod ${key}; this one has another UID`);
    }
    if (!pod.injected) {
      throw new PermissionDenied(`pod ${key} has no sidecar of ours: there is no container lychgate in initContainers`);
    }
    if (pod.phase === 'Finished') throw new PermissionDenied(`pod ${key} has finished`);
    return { namespace, name, uid, expiresAtMs };
  };
}

export interface ReplicaIdentifyOptions {
  /** Reviews a token of the replicas' audience. */
  readonly review: TokenReviewer;
  /** This replica's own token of that audience. */
  readonly ownToken: () => Promise<string>;
}

/** Lets in who has the same service account as this replica. @throws Unauthenticated, PermissionDenied, Unavailable of pkg/push. */
export function createReplicaIdentifier({
  review,
  ownToken,
}: ReplicaIdentifyOptions): (token: string) => Promise<void> {
  return async (token) => {
    const { username } = await judgedToken(review, token);
    let own: string;
    try {
      own = (await review(await ownToken())).username;
    } catch (cause) {
      throw new Unavailable('this replica could not find out its own service account', cause);
    }
    if (username !== own) throw new PermissionDenied(`${username} is no replica of this operator`);
  };
}

async function judgedToken(review: TokenReviewer, token: string): Promise<TokenIdentity> {
  try {
    return await review(token);
  } catch (cause) {
    if (cause instanceof TokenUnauthenticated) throw new Unauthenticated(cause.message, cause);
    throw new Unavailable('the token could not be reviewed now', cause);
  }
}

async function ask(cluster: Pick<Cluster, 'get'>, namespace: string, name: string): Promise<ObservedPod> {
  let raw: unknown;
  try {
    raw = await cluster.get(`/api/v1/namespaces/${namespace}/pods/${name}`);
  } catch (cause) {
    const why = cause instanceof ApiError ? cause.reason : 'no answer';
    // Not found, too: an API server that lags behind the one that made the token would say so.
    throw new Unavailable(`pod ${namespace}/${name} cannot be looked up now: ${why}`, cause);
  }
  const pod = observePod(raw);
  if (pod === undefined) throw new Unavailable(`pod ${namespace}/${name} cannot be read`);
  return pod;
}
