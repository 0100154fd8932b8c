import { readFile } from 'node:fs/promises';
import type { Registry } from 'prom-client';
import type { Clock } from '../../pkg/process/clock.ts';
import type { Log } from '../../pkg/process/log.ts';
import { registerControlPlaneMetrics } from '../../pkg/proxy/control-plane-metrics.ts';
import type { DataPlane } from '../../pkg/proxy/data-plane.ts';
import {
  type SidecarIdentity,
  type Subscriber,
  type SubscriberState,
  startSubscriber,
} from '../../pkg/push/subscriber.ts';
import type { Source } from './source.ts';

/** The operator of this pod, and how each proves itself to the other. */
export interface ClusterSource {
  readonly kind: 'cluster';
  /** `host:port`. */
  readonly operator: string;
  readonly caFile: string;
  readonly tokenFile: string;
  readonly stateDir: string;
  /** Readiness does not wait for a policy, nor for a profile. */
  readonly readyWithoutPolicy: boolean;
}

export interface ClusterDeps {
  /** Where what is known of the operator is shown. */
  readonly registry: Registry;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
}

/** The pod's environment does not say which pod it is. */
export class PodUnknown extends Error {
  readonly code = 'POD_UNKNOWN';
}

/** Which pod this is, by the downward API. @throws PodUnknown naming every variable that is missing. */
export function podIdentity(
  environment: Readonly<Record<string, string | undefined>>,
  version: string,
): SidecarIdentity {
  const { POD_NAMESPACE: namespace = '', POD_NAME: name = '', POD_UID: uid = '' } = environment;
  const missing = Object.entries({ POD_NAMESPACE: namespace, POD_NAME: name, POD_UID: uid }).flatMap(
    ([variable, value]) => (value === '' ? [variable] : []),
  );
  if (missing.length > 0)
    throw new PodUnknown(`--operator needs ${missing.join(', ')} in the environment, from the downward API`);
  return { namespace, name, uid, version };
}

/**
 * Serves what the operator says: the last good policy of this pod first, then whatever comes. It stays in force while
 * the operator is gone. Never rejects for want of an operator.
 */
export async function startCluster(
  source: ClusterSource,
  identity: SidecarIdentity,
  gate: DataPlane,
  { registry, log, clock, random }: ClusterDeps,
): Promise<Source> {
  let subscriber: Subscriber | undefined;
  const metrics = registerControlPlaneMetrics(registry, () => ({
    connected: subscriber?.state.connected === true,
    inForceSinceMs: subscriber?.state.inForceSinceMs,
    fromLastGood: subscriber?.state.fromLastGood === true,
  }));
  let nack: SubscriberState['lastNack'];
  const started = await startSubscriber({
    address: source.operator,
    ca: () => readFile(source.caFile, 'utf8'),
    token: async () => (await readFile(source.tokenFile, 'utf8')).trim(),
    identity,
    apply: async (policy) => (await gate.apply(policy)).policy,
    exposed: () => gate.exposed(),
    stateDir: source.stateDir,
    clock,
    random,
    log,
    onState({ lastNack }) {
      if (lastNack !== undefined && lastNack !== nack) metrics.refused(lastNack.reason);
      nack = lastNack;
    },
  });
  subscriber = started;
  return {
    notReady: () => notReady(source, gate, started.state.fault),
    close: () => started.close(),
  };
}

function notReady(
  { operator, readyWithoutPolicy }: ClusterSource,
  gate: DataPlane,
  fault: string | undefined,
): readonly string[] {
  if (readyWithoutPolicy) return gate.notReady({ policy: undefined, profiles: undefined });
  const error = fault === undefined ? '' : ` (last error: ${fault})`;
  return gate.notReady({
    policy: `no policy yet: waiting for the operator at ${operator}${error}`,
    profiles: 'no SslProfile selects this pod',
  });
}
