import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { injectedPod, injectSettings } from '../../test/support/injection.ts';
import { applyJsonPatch } from '../../test/support/json-patch.ts';
import { difference, patchDocument } from './patch.ts';
import { reviewedNamespace, reviewPod } from './review.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { 'lychgate.dev/inject': 'true' } },
  spec: {
    containers: [{ name: 'web', livenessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 3 } }],
    volumes: [{ name: 'data' }],
  },
};

function review(request: object = {}): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      operation: 'CREATE',
      namespace: 'shop',
      object: pod,
      ...request,
    },
  };
}

function answerTo(raw: unknown, entry: 'namespace' | 'pod' = 'pod') {
  return reviewPod(raw, injectSettings(), entry, { name: 'shop' }).response;
}

suite('an AdmissionReview', () => {
  test('of a pod that asks: the patch makes the injected pod of it', () => {
    const { patch = '', patchType, ...rest } = answerTo(review());
    assert.deepEqual([patchType, rest], ['JSONPatch', { uid: 'u-1', allowed: true }]);
    const operations: unknown = JSON.parse(Buffer.from(patch, 'base64').toString('utf8'));
    assert.deepEqual(applyJsonPatch(pod, operations), injectedPod(pod));
  });

  test('the patch names no more than what changes', () => {
    const { patch = '' } = answerTo(review());
    const operations = JSON.parse(Buffer.from(patch, 'base64').toString('utf8')) as readonly {
      op: string;
      path: string;
    }[];
    assert.deepEqual(
      operations.map(({ op, path }) => `${op} ${path}`),
      [
        'add /metadata/labels/lychgate.dev~1sidecar',
        'add /metadata/annotations',
        'replace /spec/containers/0/livenessProbe/httpGet/path',
        'replace /spec/containers/0/livenessProbe/httpGet/port',
        'add /spec/containers/0/livenessProbe/httpGet/scheme',
        'add /spec/containers/0/lifecycle',
        'add /spec/volumes/1',
        'add /spec/volumes/2',
        'add /spec/volumes/3',
        'add /spec/initContainers',
      ],
    );
  });

  test('of an injected pod is allowed without a patch', () => {
    assert.deepEqual(answerTo(review({ object: injectedPod(pod) })), { uid: 'u-1', allowed: true });
  });

  test('by the entry of the namespace: a pod that says nothing gets a sidecar; by the entry of the pod none', () => {
    const object = { ...pod, metadata: { name: 'web' } };
    assert.equal(answerTo(review({ object }), 'namespace').patchType, 'JSONPatch');
    assert.deepEqual(answerTo(review({ object }), 'pod'), { uid: 'u-1', allowed: true });
  });

  test('of a pod that cannot have a sidecar is denied with the reason, and with the warnings', () => {
    const spec = { ...pod.spec, hostNetwork: true, shareProcessNamespace: true };
    const { status, warnings, allowed } = answerTo(review({ object: { ...pod, spec } }));
    assert.deepEqual([allowed, status?.code, status?.reason], [false, 403, 'Forbidden']);
    assert.match(status?.message ?? '', /^hostNetwork is true/);
    assert.match(warnings?.[0] ?? '', /^lychgate: shareProcessNamespace is true/);
  });

  const others: readonly (readonly [string, object])[] = [
    ['an update', { operation: 'UPDATE' }],
    ['a deletion', { operation: 'DELETE', object: null }],
    ['an ephemeral container', { subResource: 'ephemeralcontainers' }],
    ['another kind', { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } }],
    ['a pod of another group', { kind: { group: 'example.com', version: 'v1', kind: 'Pod' } }],
  ];
  for (const [name, request] of others) {
    test(`of ${name} is allowed unchanged`, () => {
      assert.deepEqual(answerTo(review(request)), { uid: 'u-1', allowed: true });
    });
  }

  const unreadable: readonly unknown[] = [
    undefined,
    null,
    [],
    'x',
    {},
    { ...review(), apiVersion: 'admission.k8s.io/v1beta1' },
    { ...review(), kind: 'Pod' },
    { ...review(), request: null },
    review({ uid: '' }),
    review({ uid: 3 }),
  ];
  for (const [index, raw] of unreadable.entries()) {
    test(`that is none (${index}) is denied`, () => {
      const { allowed, status } = answerTo(raw);
      assert.deepEqual([allowed, status?.code], [false, 403]);
      assert.match(status?.message ?? '', /no AdmissionReview/);
    });
  }

  for (const object of [undefined, null, {}, { spec: {} }, { spec: { containers: 3 } }]) {
    test(`of something that is no pod is denied: ${JSON.stringify(object)}`, () => {
      assert.equal(answerTo(review({ object }), 'namespace').allowed, false);
    });
  }

  test('messages and warnings have a length that the API server passes on', () => {
    const annotations = { [`lychgate.dev/${'x'.repeat(300)}`]: '', 'lychgate.dev/port': 'x'.repeat(10_000) };
    const containers = Array.from({ length: 100 }, (_, index) => ({
      name: `container-${index}`,
      ports: [{ containerPort: 8443 }],
    }));
    const object = { metadata: { labels: pod.metadata.labels, annotations }, spec: { containers } };
    const { status, warnings } = answerTo(review({ object }));
    assert.equal(status?.message.length, 4096);
    assert.ok(warnings?.every((warning) => warning.length <= 256));
  });

  test('tells its namespace', () => {
    assert.deepEqual(
      [review(), review({ namespace: '' }), {}, null].map((raw) => reviewedNamespace(raw)),
      ['shop', undefined, undefined, undefined],
    );
  });
});

suite('the difference of two values', () => {
  const cases: readonly {
    readonly name: string;
    readonly before: unknown;
    readonly after: unknown;
    readonly operations: number;
  }[] = [
    { name: 'nothing', before: { a: [1, { b: 2 }] }, after: { a: [1, { b: 2 }] }, operations: 0 },
    { name: 'fields of every kind', before: { a: 1, b: 2, c: null }, after: { b: 3, c: {}, d: 4 }, operations: 4 },
    {
      name: 'keys that a pointer escapes',
      before: { 'a/b~c': 1 },
      after: { 'a/b~c': 2, '~1': 3, '': 4 },
      operations: 3,
    },
    {
      name: 'an entry before others',
      before: [{ name: 'a' }],
      after: [{ name: 'z' }, { name: 'a', x: 1 }],
      operations: 2,
    },
    {
      name: 'entries between others',
      before: [{ name: 'a' }, { name: 'b' }],
      after: [{ name: 'a' }, { name: 'c' }, { name: 'b' }, { name: 'd' }],
      operations: 2,
    },
    { name: 'an entry less', before: [{ name: 'a' }, { name: 'b' }], after: [{ name: 'b' }], operations: 1 },
    {
      name: 'entries in another order',
      before: [{ name: 'a' }, { name: 'b' }],
      after: [{ name: 'b' }, { name: 'a' }],
      operations: 1,
    },
    { name: 'a list of plain values that grows', before: [1, 2], after: [1, 2, 3], operations: 1 },
    { name: 'a list that becomes an object', before: { a: [1] }, after: { a: { 0: 1 } }, operations: 1 },
    { name: 'undefined, which is absent', before: { a: 1 }, after: { a: undefined, b: undefined }, operations: 1 },
  ];
  for (const { name, before, after, operations } of cases) {
    test(name, () => {
      const patch = patchDocument(difference(before, after));
      assert.equal(patch.length, operations);
      assert.deepEqual(applyJsonPatch(before, patch), JSON.parse(JSON.stringify(after)));
    });
  }
});
