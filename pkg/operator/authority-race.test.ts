import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type FakeApiServer, startFakeApiServer } from '../../test/support/fake-api-server.ts';
import { connectCluster } from '../cluster/connect.ts';
import { systemClock } from '../process/clock.ts';
import { silentLog } from '../process/log.ts';
import { certificatesFromPem } from '../x509/pem.ts';
import { type Authority, startAuthority } from './authority.ts';

const secretPath = '/api/v1/namespaces/lychgate-system/secrets/lychgate-ca';
const webhookPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/lychgate';
const mapPath = '/api/v1/namespaces/shop/configmaps/lychgate-ca';

test('replicas that start at once over the network agree on one CA, and the leader puts it everywhere', async (context) => {
  const server = await startFakeApiServer();
  context.after(() => server.close());
  server.put({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'lychgate' },
    webhooks: [{ name: 'pod', clientConfig: { service: { name: 'lychgate', namespace: 'lychgate-system' } } }],
  });
  const together = barrier(4);
  const replicas = [true, false, false, false].map((leading) => replica(context, server, leading, together));
  const served = await Promise.all(replicas.map((authority) => authority.ready()));
  for (const authority of replicas) authority.setNamespaces(new Set(['shop']));

  const tried = server.requests.filter(
    ({ method, path }) => method === 'POST' && path === secretPath.replace('/lychgate-ca', ''),
  );
  assert.ok(tried.length >= 4, `only ${tried.length} tries to make the CA`);
  const bundle = textOf(server.at(secretPath)?.['data'], 'ca.crt');
  assert.equal(certificatesFromPem(bundle).length, 1);
  assert.deepEqual(
    replicas.map((authority) => authority.caBundlePem()),
    replicas.map(() => bundle),
  );
  assert.deepEqual(
    served.map((certificates) => certificates.current().caPem),
    replicas.map(() => bundle),
  );
  await server.waitFor('the ConfigMap', () => server.at(mapPath) !== undefined);
  assert.deepEqual(server.at(mapPath)?.['data'], { 'ca.crt': bundle });
  await server.waitFor('the caBundle', () => caBundleOf(server) === bundle);
});

test('a Secret that cannot be read yet is no Secret that is missing', async (context) => {
  const server = await startFakeApiServer();
  context.after(() => server.close());
  const lift = server.fail(
    { path: secretPath.replace('/lychgate-ca', '') },
    { kind: 'status', status: 403, reason: 'Forbidden' },
    Infinity,
  );
  const authority = replica(context, server, true);
  await server.waitFor('a refused list', () => server.requests.some(({ path }) => path.endsWith('/secrets')));
  await authority.look();
  while (authority.faults().join().endsWith('has not been read yet')) await setImmediate();
  assert.match(authority.faults().join(), /^no serving certificate: .*403/);
  assert.deepEqual(
    server.requests.filter(({ method }) => method !== 'GET'),
    [],
  );
  lift();
  await authority.ready();
});

/** Settles for all when the last of so many has come. */
function barrier(count: number): () => Promise<void> {
  const all = Promise.withResolvers<void>();
  let left = count;
  return () => {
    left -= 1;
    if (left === 0) all.resolve();
    return all.promise;
  };
}

function replica(
  context: TestContext,
  server: FakeApiServer,
  leading: boolean,
  beforeCreate: () => Promise<void> = () => Promise.resolve(),
): Authority {
  const cluster = connectCluster({
    log: silentLog,
    clock: systemClock,
    random: () => 0,
    userAgent: 'test',
    kubeconfig: server.kubeconfig,
  });
  const authority = startAuthority({
    cluster: { ...cluster, create: (...given) => beforeCreate().then(() => cluster.create(...given)) },
    namespace: 'lychgate-system',
    service: 'lychgate',
    configMapName: 'lychgate-ca',
    watchNamespaces: undefined,
    source: { kind: 'Secret', secretName: 'lychgate-ca', webhookConfiguration: 'lychgate' },
    leading: () => leading,
    clock: systemClock,
    log: silentLog,
  });
  context.after(() => {
    authority.close();
    cluster.close();
  });
  return authority;
}

function caBundleOf(server: FakeApiServer): string {
  const [entry] = (server.at(webhookPath)?.['webhooks'] ?? []) as { clientConfig: object }[];
  return textOf(entry?.clientConfig, 'caBundle');
}

function textOf(data: unknown, key: string): string {
  return Buffer.from((data as Record<string, string> | undefined)?.[key] ?? '', 'base64').toString();
}
