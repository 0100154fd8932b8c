import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { injectSettings } from '../../test/support/injection.ts';
import { applyJsonPatch } from '../../test/support/json-patch.ts';
import { podArbitrary } from '../../test/support/pods.ts';
import { parseProbes } from '../relay/probe.ts';
import { injectPod } from './inject.ts';
import { difference, patchDocument } from './patch.ts';
import type { Container, Pod } from './pod.ts';
import { reviewPod } from './review.ts';
import { readPod } from './shape.ts';

const arbitraryPod = podArbitrary();
const settings = injectSettings({ imagePullSecrets: ['pull'] });
const namespace = { name: 'shop' };
const runs = { seed: 20_261_124, numRuns: 150 };

suite('for every pod', () => {
  test('injecting twice is injecting once', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const injected = injectedOf(pod);
        if (injected === undefined) return;
        assert.equal(injectPod(injected, settings, namespace).kind, 'Skipped');
      }),
      runs,
    );
  });

  test('most of them are injected, so that the other properties say something', () => {
    const pods = fc.sample(arbitraryPod, { seed: runs.seed, numRuns: 100 });
    const count = pods.filter((pod) => injectedOf(pod) !== undefined).length;
    assert.ok(count > 50, `${count} of ${pods.length}`);
  });

  test('a pod that is restricted in the sense of Pod Security stays restricted', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const injected = injectedOf(pod);
        if (injected === undefined) return;
        assert.deepEqual(violations(injected), violations(pod));
      }),
      runs,
    );
  });

  test('containers change in their probes and hooks only, and what is relayed is what was declared', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const injected = injectedOf(pod);
        if (injected === undefined) return;
        const before = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
        const [sidecar, ...init] = injected.spec.initContainers ?? [];
        const after = [...init, ...injected.spec.containers];
        assert.deepEqual(after.map(withoutHandlers), before.map(withoutHandlers));
        assert.equal(sidecar?.name, 'lychgate');
        // As many questions go to the relay as it knows, and it reads them.
        const env = (sidecar as { env?: readonly { name: string; value?: string }[] } | undefined)?.env ?? [];
        const value = env.find(({ name }) => name === 'LYCHGATE_PROBES')?.value;
        const known =
          value === undefined ? [] : parseProbes(value.replaceAll('$$', '$')).map(({ id }) => `/probe/${id}`);
        assert.deepEqual(
          [...JSON.stringify(after).matchAll(/"path":"(\/probe\/[^"]*)"/g)].map(([, path = '']) => path).toSorted(),
          known.toSorted(),
        );
      }),
      runs,
    );
  });

  test('a Guaranteed pod stays Guaranteed, and no limit is below its request', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const injected = injectedOf(pod);
        if (injected === undefined) return;
        if (guaranteed(pod)) assert.ok(guaranteed(injected));
      }),
      runs,
    );
  });

  test('the patch makes the injected pod', () => {
    fc.assert(
      fc.property(arbitraryPod, (pod) => {
        const injected = injectedOf(pod);
        if (injected === undefined) return;
        assert.deepEqual(applyJsonPatch(pod, patchDocument(difference(pod, injected))), injected);
      }),
      runs,
    );
  });
});

suite('for every JSON value', () => {
  test('a review and a pod made of it are answered, never thrown at', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (request, object) => {
        injectPod({ metadata: object, spec: { containers: [], initContainers: request } }, settings, namespace);
        injectPod({ metadata: { annotations: object }, spec: request }, settings, namespace);
        const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
        assert.equal(reviewPod(review, settings, 'namespace', namespace).kind, 'AdmissionReview');
        readPod(object);
      }),
      runs,
    );
  });

  test('a patch makes any value of any other', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
        // As it comes over the wire: -0 is 0.
        const want: unknown = JSON.parse(JSON.stringify(after));
        assert.deepEqual(
          applyJsonPatch(JSON.parse(JSON.stringify(before)), patchDocument(difference(before, want))),
          want,
        );
      }),
      runs,
    );
  });
});

function injectedOf(pod: Pod): Pod | undefined {
  const injection = injectPod(pod, settings, namespace);
  return injection.kind === 'Injected' ? (JSON.parse(JSON.stringify(injection.pod)) as Pod) : undefined;
}

function withoutHandlers(container: Container): object {
  const { startupProbe, readinessProbe, livenessProbe, lifecycle, ...rest } = container;
  const probes = [startupProbe, readinessProbe, livenessProbe].map((probe) => {
    if (probe === undefined || probe === null) return probe;
    const { httpGet: _http, tcpSocket: _tcp, grpc: _grpc, ...kept } = probe;
    return kept;
  });
  return { ...rest, probes, postStart: lifecycle?.postStart === undefined };
}

/** What Pod Security's "restricted" level refuses, as far as these pods can offend. */
function violations(pod: Pod): readonly string[] {
  interface Secured extends Container {
    readonly securityContext?: Record<string, unknown> & { capabilities?: { drop?: string[]; add?: string[] } };
  }
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers] as readonly Secured[];
  const found = containers.flatMap(({ name, securityContext: context = {}, ports }) => [
    ...(context['allowPrivilegeEscalation'] === false ? [] : [`${name}: allowPrivilegeEscalation`]),
    ...(context['runAsNonRoot'] === true ? [] : [`${name}: runAsNonRoot`]),
    ...(context['runAsUser'] === 0 ? [`${name}: runAsUser`] : []),
    ...(context['privileged'] === true ? [`${name}: privileged`] : []),
    ...(context.capabilities?.drop?.includes('ALL') === true ? [] : [`${name}: capabilities.drop`]),
    ...(context.capabilities?.add ?? []).map((capability) => `${name}: add ${capability}`),
    ...((context['seccompProfile'] as { type?: string } | undefined)?.type === 'RuntimeDefault'
      ? []
      : [`${name}: seccomp`]),
    ...(ports ?? []).flatMap((port) => ('hostPort' in port ? [`${name}: hostPort`] : [])),
  ]);
  const allowed = [
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ];
  const volumes = (pod.spec.volumes ?? []).flatMap(({ name, ...source }) =>
    Object.keys(source)
      .filter((kind) => !allowed.includes(kind))
      .map((kind) => `volume ${name}: ${kind}`),
  );
  return [...found, ...volumes];
}

function guaranteed({ spec }: Pod): boolean {
  return [...(spec.initContainers ?? []), ...spec.containers].every(({ resources }) =>
    (['cpu', 'memory'] as const).every((resource) => {
      const limit = resources?.limits?.[resource];
      return limit !== undefined && (resources?.requests?.[resource] ?? limit) === limit;
    }),
  );
}
