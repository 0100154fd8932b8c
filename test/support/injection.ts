import assert from 'node:assert/strict';
import { injectPod } from '../../pkg/inject/inject.ts';
import type { Pod } from '../../pkg/inject/pod.ts';
import {
  defaultSidecarResources,
  defaultSidecarUser,
  type InjectSettings,
  type PodNamespace,
} from '../../pkg/inject/settings.ts';

/** An operator's settings of injection, with defaults for what a test does not say; its secret is always the same. */
export function injectSettings(settings: Partial<InjectSettings> = {}): InjectSettings {
  return {
    image: 'registry.example.com/lychgate:0.1.0',
    imagePullPolicy: undefined,
    imagePullSecrets: [],
    imageAnnotation: 'Deny',
    operatorAddress: 'lychgate.lychgate-system.svc:9443',
    caConfigMap: 'lychgate-ca',
    resources: defaultSidecarResources,
    logLevel: 'info',
    audit: 'refusals',
    workers: 'auto',
    version: '0.1.0',
    user: defaultSidecarUser,
    newSecret: () => 'secret-of-the-hooks',
    ...settings,
  };
}

/** The pod that injection makes, which must make one. @throws otherwise. */
export function injectedPod(pod: unknown, namespace: PodNamespace = { name: 'shop' }): Pod {
  const injection = injectPod(pod, injectSettings(), namespace);
  assert.ok(injection.kind === 'Injected', JSON.stringify(injection));
  return injection.pod as Pod;
}
