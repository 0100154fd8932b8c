import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isRecord } from '../../pkg/api/raw.ts';
import { ApiError } from '../../pkg/cluster/api-error.ts';
import type { Cluster } from '../../pkg/cluster/cluster.ts';
import { connectCluster } from '../../pkg/cluster/connect.ts';
import { reviewPod } from '../../pkg/inject/review.ts';
import { type Authority, startAuthority } from '../../pkg/operator/authority.ts';
import { startWebhookServer, type WebhookServer } from '../../pkg/operator/webhook-server.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { silentLog } from '../../pkg/process/log.ts';
import { manifests, only } from '../chart/helm.ts';
import { toolPath } from '../cluster/tools.ts';
import { type RealApiServer, startRealApiServer } from '../support/api-server.ts';
import { injectSettings } from '../support/injection.ts';
import { until } from '../support/until.ts';

/*
 * npm run test:webhook: the chart's webhook configuration, the operator's CA and its webhook before the real API server,
 * which calls it for every combination of labels. Needs what `node test/cluster/tools.ts` builds.
 */
const missing = (['etcd', 'kube-apiserver', 'helm'] as const).filter((name) => !existsSync(toolPath(name)));
const namespace = 'lychgate-system';
/** Name, label, and what becomes of a pod by its own label. */
const namespaces = [
  ['silent', undefined, { none: 'Plain', true: 'Injected', false: 'Plain', yes: 'Refused' }],
  ['asks', 'true', { none: 'Injected', true: 'Injected', false: 'Plain', yes: 'Refused' }],
  ['refuses', 'false', { none: 'Plain', true: 'Injected', false: 'Plain', yes: 'Refused' }],
  // A pod's own word is clear.
  ['unclear', 'yes', { none: 'Refused', true: 'Injected', false: 'Plain', yes: 'Refused' }],
  // The release's own: never asked.
  [namespace, undefined, { none: 'Plain', true: 'Plain', false: 'Plain', yes: 'Plain' }],
] as const;
const configurationPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/lychgate';

describe('the webhook before the real API server', {
  skip: missing.length > 0 && `not built: ${missing.join()}`,
}, () => {
  let server: RealApiServer;
  let cluster: Cluster;
  let authority: Authority;
  let webhook: WebhookServer;

  before(async () => {
    server = await startRealApiServer();
    cluster = connectCluster({
      log: silentLog,
      clock: systemClock,
      random: Math.random,
      userAgent: 'lychgate-test',
      kubeconfig: server.kubeconfig,
    });
    for (const [name, label] of namespaces) {
      const labels = label === undefined ? {} : { 'lychgate.dev/inject': label };
      await cluster.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    }
    authority = startAuthority({
      cluster,
      namespace,
      service: 'lychgate',
      configMapName: 'lychgate-ca',
      watchNamespaces: undefined,
      source: { kind: 'Secret', secretName: 'lychgate-ca', webhookConfiguration: 'lychgate' },
      leading: () => true,
      clock: systemClock,
      log: silentLog,
    });
    webhook = await startWebhookServer({
      host: '127.0.0.1',
      port: 0,
      certificates: await authority.ready(),
      review: (request, entry, facts) => reviewPod(request, injectSettings(), entry, facts),
      namespaceFacts: async (name) => {
        const { metadata } = await cluster.get(`/api/v1/namespaces/${name}`);
        return { name, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} };
      },
      ensureCa: (name) => authority.ensureIn(name),
      log: silentLog,
      clock: systemClock,
    });
    await install(cluster, webhook.port);
    // The caBundle is in the configuration; the API server's own cache of it follows a moment later.
    await until(
      async () => (await bundles(cluster)).every((bundle) => bundle === authority.caBundlePem()) || undefined,
      'caBundle',
    );
    await until(
      async () => ((await tryPod(cluster, 'asks', undefined)).kind === 'Injected' ? true : undefined),
      'the API server calls the webhook',
    );
  });

  after(async () => {
    await webhook.close(AbortSignal.timeout(1000));
    authority.close();
    cluster.close();
    await server.close();
  });

  for (const [name, , outcomes] of namespaces) {
    for (const label of [undefined, 'true', 'false', 'yes'] as const) {
      const want = outcomes[label ?? 'none'];
      test(`namespace ${name}, pod label ${label}: ${want}`, async () => {
        const outcome = await tryPod(cluster, name, label);
        assert.deepEqual(outcome.kind, want, outcome.message ?? 'no message');
      });
    }
  }

  test('a pod that gets a sidecar finds the CA in its namespace', async () => {
    assert.equal((await tryPod(cluster, 'silent', 'true')).kind, 'Injected');
    const map = await cluster.get('/api/v1/namespaces/silent/configmaps/lychgate-ca');
    assert.deepEqual(map['data'], { 'ca.crt': authority.caBundlePem() });
  });

  test('a dry run makes nothing', async () => {
    const path = '/api/v1/namespaces/dry/configmaps';
    await cluster.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dry' } });
    assert.equal((await tryPod(cluster, 'dry', 'true', '?dryRun=All')).kind, 'Injected');
    await assert.rejects(cluster.get(`${path}/lychgate-ca`), { status: 404 });
  });

  test('nothing but caBundle of the chart is changed', async () => {
    const { metadata } = await cluster.get(configurationPath);
    const managers = (metadata as { managedFields?: { manager: string; fieldsV1: object }[] }).managedFields ?? [];
    const ours = managers.filter(({ manager }) => manager !== 'helm').map(({ fieldsV1 }) => JSON.stringify(fieldsV1));
    for (const fields of ours) assert.deepEqual(fields.match(/"f:(?!webhooks|clientConfig|caBundle)[^"]*"/g), null);
  });

  test('with the webhook gone, a pod that asks is refused and one that does not is let in', async () => {
    await webhook.close(AbortSignal.abort());
    assert.equal((await tryPod(cluster, 'asks', undefined)).kind, 'Refused');
    assert.equal((await tryPod(cluster, 'silent', 'true')).kind, 'Refused');
    assert.equal((await tryPod(cluster, 'silent', undefined)).kind, 'Plain');
    assert.equal((await tryPod(cluster, 'asks', 'false')).kind, 'Plain');
  });
});

/** The chart's configuration, for a webhook that listens on this machine. */
async function install(cluster: Cluster, port: number): Promise<void> {
  // The API server takes the name of such a Service for the address, and its own for the certificate's name.
  await cluster.create(`/api/v1/namespaces/${namespace}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'lychgate' },
    spec: { type: 'ExternalName', externalName: 'localhost' },
  });
  const rendered = only(
    await manifests({}, { namespace, showOnly: 'templates/webhook.yaml' }),
    'MutatingWebhookConfiguration',
  );
  const configuration: unknown = JSON.parse(JSON.stringify(rendered).replaceAll('"port":443', `"port":${port}`));
  assert.ok(isRecord(configuration));
  await cluster.apply(configurationPath, configuration, { fieldManager: 'helm', force: false });
}

async function bundles(cluster: Cluster): Promise<readonly (string | undefined)[]> {
  const { webhooks } = (await cluster.get(configurationPath)) as unknown as {
    webhooks: { clientConfig: { caBundle?: string } }[];
  };
  assert.equal(webhooks.length, 2);
  return webhooks.map(({ clientConfig: { caBundle } }) => caBundle && Buffer.from(caBundle, 'base64').toString());
}

/** Creates a pod; tells how it came out. */
async function tryPod(
  cluster: Cluster,
  inNamespace: string,
  label: string | undefined,
  query = '',
): Promise<{ readonly kind: 'Injected' | 'Plain' | 'Refused'; readonly message?: string }> {
  const labels = label === undefined ? {} : { 'lychgate.dev/inject': label };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'web-', labels },
    // Set by a plug-in that is off here.
    spec: { serviceAccountName: 'default', containers: [{ name: 'web', image: 'web:1' }] },
  };
  try {
    const made = await cluster.create(`/api/v1/namespaces/${inNamespace}/pods${query}`, pod);
    const first = (made as unknown as { spec: { initContainers?: { name: string }[] } }).spec.initContainers?.[0]?.name;
    return { kind: first === 'lychgate' ? 'Injected' : 'Plain' };
  } catch (error) {
    if (error instanceof ApiError) return { kind: 'Refused', message: error.message };
    throw error;
  }
}
