import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type PodText, podObject } from '../../test/support/cluster-objects.ts';
import { type ObservedPod, observePod } from './observed-pod.ts';

const cases: readonly { readonly name: string; readonly pod: PodText; readonly want: Partial<ObservedPod> }[] = [
  {
    name: 'a pod with our sidecar',
    pod: { name: 'web-1', deployment: 'web' },
    want: { injected: true, port: 8443, phase: 'Live', asks: 'absent', workload: 'deployment/web' },
  },
  { name: 'a pod without', pod: { name: 'web-1', injected: false }, want: { injected: false, workload: undefined } },
  { name: 'a pod that asks', pod: { name: 'a', labels: { 'lychgate.dev/inject': 'true' } }, want: { asks: 'asked' } },
  {
    name: 'a pod that declines',
    pod: { name: 'a', labels: { 'lychgate.dev/inject': 'false' } },
    want: { asks: 'declined' },
  },
  { name: 'a pod that has failed', pod: { name: 'a', phase: 'Failed' }, want: { phase: 'Finished' } },
  {
    name: 'a pod that is deleted and there',
    pod: { name: 'a', deletionTimestamp: '2026-11-25T00:00:00Z' },
    want: { phase: 'Terminating' },
  },
];

suite('of a pod is kept what counts:', () => {
  for (const { name, pod, want } of cases) {
    test(name, () => {
      const observed: Partial<ObservedPod> = observePod(podObject(pod)) ?? {};
      assert.deepEqual({ ...observed, ...want }, observed);
    });
  }

  test('another port of the sidecar', () => {
    const ports = [{ name: 'lychgate-tls', containerPort: 9443 }];
    const pod = { ...podObject({ name: 'a' }), spec: { initContainers: [{ name: 'lychgate', ports }] } };
    assert.equal(observePod(pod)?.port, 9443);
  });

  test('the workload of a pod of a StatefulSet', () => {
    const pod = podObject({ name: 'db-0' });
    const ownerReferences = [{ kind: 'StatefulSet', name: 'db', controller: true }];
    assert.equal(observePod({ ...pod, metadata: { ...pod.metadata, ownerReferences } })?.workload, 'statefulset/db');
  });

  for (const raw of [undefined, null, 1, {}, { metadata: { name: 'a' } }, { metadata: null, spec: [] }]) {
    test(`nothing of ${JSON.stringify(raw)}`, () => assert.equal(observePod(raw), undefined));
  }
});
