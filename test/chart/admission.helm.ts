import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { type Manifest, manifests, only } from './helm.ts';

/*
 * Which entry of the webhook sees a pod, for every combination of labels: the table in docs/chart.md. What the admission
 * policy says of the same combinations is asked of an API server, in policy.helm.ts.
 */
const combinations: readonly (readonly [string | undefined, string | undefined, readonly string[]])[] = [
  // namespace, pod, paths that are called
  [undefined, undefined, []],
  [undefined, 'true', ['/inject/pod']],
  [undefined, 'false', ['/inject/pod']],
  [undefined, 'yes', ['/inject/pod']],
  ['true', undefined, ['/inject/namespace']],
  ['true', 'true', ['/inject/namespace']],
  ['true', 'false', []],
  ['true', 'yes', ['/inject/namespace']],
  ['false', undefined, []],
  ['false', 'true', ['/inject/pod']],
  ['false', 'false', ['/inject/pod']],
  ['false', 'yes', ['/inject/pod']],
  ['yes', undefined, ['/inject/namespace']],
  ['yes', 'true', ['/inject/namespace', '/inject/pod']],
  ['yes', 'false', ['/inject/pod']],
  ['yes', 'no', ['/inject/namespace', '/inject/pod']],
];

describe('the webhook', () => {
  const all = manifests();
  const webhooks = async (objects: Promise<readonly Manifest[]> = all): Promise<readonly Webhook[]> =>
    configuration.parse(only(await objects, 'MutatingWebhookConfiguration')).webhooks;

  for (const [namespace, pod, paths] of combinations) {
    test(`namespace ${namespace ?? 'without label'}, pod ${pod ?? 'without label'}: ${paths.join(' and ') || 'not called'}`, async () => {
      assert.deepEqual(called(await webhooks(), labels(namespace, 'shop'), labels(pod)), paths);
    });
  }

  for (const namespace of ['kube-system', 'lychgate', 'kube-node-lease']) {
    test(`never sees pods of ${namespace}`, async () => {
      const list = await webhooks(manifests({ webhook: { excludedNamespaces: ['kube-node-lease'] } }));
      for (const pod of ['true', undefined]) {
        assert.deepEqual(called(list, labels('true', namespace), labels(pod)), []);
        assert.deepEqual(called(list, labels(undefined, namespace), labels(pod)), []);
      }
    });
  }

  test('sees the watched namespaces only, where they are listed', async () => {
    const list = await webhooks(manifests({ watchNamespaces: ['shop', 'stock'] }));
    assert.deepEqual(called(list, labels('true', 'stock'), {}), ['/inject/namespace']);
    assert.deepEqual(called(list, labels('true', 'other'), {}), []);
    assert.deepEqual(called(list, labels(undefined, 'other'), labels('true')), []);
  });

  test('fails closed, soon, for new pods alone, without writing in a dry run', async () => {
    for (const { name, clientConfig, namespaceSelector, objectSelector, ...rest } of await webhooks()) {
      assert.ok(name.endsWith('.inject.lychgate.dev'));
      assert.deepEqual(Object.keys(clientConfig), ['service']);
      assert.ok(namespaceSelector.matchExpressions.length + objectSelector.matchExpressions.length > 0);
      assert.deepEqual(rest, {
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        reinvocationPolicy: 'IfNeeded',
        sideEffects: 'NoneOnDryRun',
        timeoutSeconds: 5,
        rules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
        ],
      });
    }
  });

  test('leaves caBundle to cert-manager where that is used', async () => {
    const objects = await manifests({ certManager: { enabled: true, issuerRef: { name: 'ca' } } });
    assert.deepEqual(only(objects, 'MutatingWebhookConfiguration').metadata.annotations, {
      'cert-manager.io/inject-ca-from': 'lychgate/lychgate-serving',
    });
  });
});

type Labels = Readonly<Record<string, string>>;
type Webhook = z.output<typeof webhook>;

/** The labels of a namespace or pod. */
function labels(inject: string | undefined, namespace?: string): Labels {
  return {
    ...(namespace === undefined ? {} : { 'kubernetes.io/metadata.name': namespace }),
    ...(inject === undefined ? {} : { 'lychgate.dev/inject': inject }),
  };
}

/** The paths that the API server calls. */
function called(list: readonly Webhook[], namespace: Labels, pod: Labels): readonly string[] {
  return list
    .filter(
      ({ namespaceSelector, objectSelector }) => matches(namespaceSelector, namespace) && matches(objectSelector, pod),
    )
    .map(({ clientConfig }) => clientConfig.service.path);
}

/** As the API server does: all must hold; NotIn holds where the label is absent. */
function matches({ matchExpressions }: Webhook['objectSelector'], given: Labels): boolean {
  return matchExpressions.every((expression) => {
    const value = given[expression.key];
    switch (expression.operator) {
      case 'Exists':
        return value !== undefined;
      case 'In':
        return value !== undefined && expression.values.includes(value);
      case 'NotIn':
        return value === undefined || !expression.values.includes(value);
    }
  });
}

const selector = z.strictObject({
  matchExpressions: z.array(
    z.discriminatedUnion('operator', [
      z.strictObject({ key: z.string(), operator: z.literal('Exists') }),
      z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }),
      z.strictObject({ key: z.string(), operator: z.literal('NotIn'), values: z.array(z.string()) }),
    ]),
  ),
});
const webhook = z.looseObject({
  name: z.string(),
  clientConfig: z.strictObject({
    service: z.strictObject({ name: z.string(), namespace: z.string(), path: z.string(), port: z.literal(443) }),
  }),
  namespaceSelector: selector,
  objectSelector: selector,
});
const configuration = z.looseObject({ webhooks: z.array(webhook).length(2) });
