import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { createMemoryCluster, type MemoryCluster } from '../../test/support/memory-cluster.ts';
import { ApiError } from '../cluster/api-error.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { silentLog } from '../process/log.ts';
import { certificatesFromPem } from '../x509/pem.ts';
import { type Authority, startAuthority } from './authority.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;
const startMs = Date.UTC(2026, 0, 1);
const secretPath = '/api/v1/namespaces/lychgate-system/secrets/lychgate-ca';
const webhookPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/lychgate';
const mapPath = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps/lychgate-ca`;

/** A clock for both times, set by the test. */
function testClock() {
  let nowMs = startMs;
  return {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs - startMs + 1000,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

interface World {
  readonly api: MemoryCluster;
  readonly clock: ReturnType<typeof testClock>;
  start(leading: () => boolean): {
    readonly authority: Authority;
    readonly client: ReturnType<MemoryCluster['connect']>;
  };
}

function world(context: TestContext): World {
  const api = createMemoryCluster();
  const clock = testClock();
  return {
    api,
    clock,
    start(leading) {
      const client = api.connect();
      const authority = startAuthority({ ...settings(client), leading, clock });
      context.after(() => {
        authority.close();
        client.close();
      });
      return { authority, client };
    },
  };
}

function settings(cluster: Cluster) {
  return {
    cluster,
    namespace: 'lychgate-system',
    service: 'lychgate',
    configMapName: 'lychgate-ca',
    watchNamespaces: undefined,
    source: { kind: 'Secret', secretName: 'lychgate-ca', webhookConfiguration: 'lychgate' },
    log: silentLog,
    timers: { after: () => () => undefined },
  } as const;
}

describe('the first CA', () => {
  test('is made once by replicas that start at the same time, without a leader', async (context) => {
    const { api, start } = world(context);
    const replicas = [1, 2, 3].map(() => start(() => false));
    const served = await Promise.all(replicas.map(({ authority }) => authority.ready()));
    const creates = replicas.flatMap(({ client }) => client.written.filter((line) => line.startsWith('POST')));
    assert.equal(creates.length, 3, 'all have tried');
    const bundles = new Set(replicas.map(({ authority }) => authority.caBundlePem()));
    assert.deepEqual([...bundles], [dataOf(api, secretPath)['ca.crt']]);
    const keys = new Set(served.map((certificates) => certificates.current().keyPem));
    assert.equal(keys.size, 3, 'each has a key of its own');
    for (const certificates of served)
      assert.ok(verifies(certificates.current().certPem, dataOf(api, secretPath)['ca.crt']));
  });

  test('is written into a Secret that is there and empty', async (context) => {
    const { api, start } = world(context);
    api.put(secretPath, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'lychgate-ca', namespace: 'lychgate-system', labels: { team: 'edge' } },
    });
    await start(() => false).authority.ready();
    assert.equal(api.at(secretPath)?.metadata['labels']?.['team' as never], 'edge');
  });

  test('is not made while the Secret cannot be written; readiness says why', async (context) => {
    const { start } = world(context);
    const { authority, client } = start(() => true);
    client.refuse = () => new ApiError(403, 'Forbidden', 'POST secrets: 403 Forbidden: grant it');
    await authority.look();
    await authority.look();
    assert.deepEqual(authority.faults(), [
      'no serving certificate: operator CA could not be written (First): POST secrets: 403 Forbidden: grant it',
    ]);
    assert.throws(() => authority.certificates.current(), { code: 'CERTIFICATE_MISSING' });
    client.refuse = undefined;
    await authority.look();
    await authority.ready();
    assert.deepEqual([authority.faults(), authority.warnings().length], [[], 1]);
  });

  test('is made anew when the Secret is deleted', async (context) => {
    const { api, start } = world(context);
    const { authority } = start(() => true);
    await authority.ready();
    const before = authority.caBundlePem();
    api.remove(secretPath);
    await settle(authority);
    assert.notEqual(authority.caBundlePem(), before);
    assert.ok(verifies(authority.certificates.current().certPem, authority.caBundlePem()));
  });

  test('is never taken from a Secret that is broken, nor written over it; who knows the old one serves on', async (context) => {
    const { api, clock, start } = world(context);
    const old = start(() => true);
    await old.authority.ready();
    const broken = { ...api.at(secretPath), data: { 'tls.crt': 'eA==' } };
    api.put(secretPath, broken);
    const young = start(() => true);
    await settle(old.authority, young.authority);
    assert.deepEqual(api.at(secretPath)?.['data'], { 'tls.crt': 'eA==' });
    assert.match(
      young.authority.faults().join(),
      /^no serving certificate: Secret lychgate-system\/lychgate-ca: tls\.crt: no PEM block found/,
    );
    assert.deepEqual(old.authority.faults(), []);
    assert.match(old.authority.warnings().join(), /it is left as it is, since sidecars may rely on it/);
    const before = old.authority.certificates.current().certPem;
    clock.pass(6 * dayMs);
    await settle(old.authority);
    assert.notEqual(old.authority.certificates.current().certPem, before);
    assert.deepEqual(old.authority.faults(), []);
  });
});

describe('the serving certificate', () => {
  test('is renewed at two thirds of its life under the same CA, and listeners are told once', async (context) => {
    const { clock, start } = world(context);
    const { authority } = start(() => false);
    await authority.ready();
    const first = authority.certificates.current();
    let told = 0;
    const stop = authority.certificates.onChange(() => told++);
    clock.pass(4.6 * dayMs);
    await settle(authority);
    assert.deepEqual([authority.certificates.current(), told], [first, 0]);
    clock.pass(0.1 * dayMs);
    await settle(authority);
    assert.equal(told, 1);
    assert.notEqual(authority.certificates.current().keyPem, first.keyPem);
    assert.equal(authority.certificates.current().caPem, first.caPem);
    stop();
    clock.pass(6 * dayMs);
    await settle(authority);
    assert.equal(told, 1);
  });

  test('that has expired is a fault', async (context) => {
    const { clock, start } = world(context);
    const { authority } = start(() => false);
    await authority.ready();
    clock.pass(8 * dayMs);
    assert.match(authority.faults().join(), /^the serving certificate has expired: /);
  });
});

describe('rotation', () => {
  test('goes through three CAs by the leader alone, everywhere announced before it signs', async (context) => {
    const { api, clock, start } = world(context);
    api.put(webhookPath, webhooks(['namespace', 'pod']));
    const leader = start(() => true);
    const follower = start(() => false);
    const both = [leader.authority, follower.authority];
    for (const authority of both) authority.setNamespaces(new Set(['shop', 'billing']));
    await settle(...both);
    const signers = [signerOf(leader.authority)];
    for (const rotation of [1, 2]) {
      clock.pass(244 * dayMs);
      await settle(...both);
      assert.equal(leader.authority.state()?.rotation, 'Announced', `rotation ${rotation}`);
      const bundle = leader.authority.caBundlePem();
      assert.deepEqual(
        bundlesIn(api),
        Array.from({ length: 4 }, () => bundle),
      );
      clock.pass(10 * minuteMs - 1);
      await settle(...both);
      assert.deepEqual([signerOf(leader.authority), signerOf(follower.authority)], [signers.at(-1), signers.at(-1)]);
      clock.pass(minuteMs);
      await settle(...both);
      signers.push(signerOf(leader.authority));
      assert.equal(signerOf(follower.authority), signers.at(-1));
      assert.equal(leader.authority.state()?.rotation, 'Idle');
      // What a client had before the change verifies what is served after it.
      for (const { certificates } of both) assert.ok(verifies(certificates.current().certPem, bundle));
    }
    assert.equal(new Set(signers).size, 3);
    assert.deepEqual(
      follower.client.written.filter((line) => !line.startsWith('POST')),
      [],
    );
  });

  test('waits while a namespace cannot be written, and goes on when it can', async (context) => {
    const { api, clock, start } = world(context);
    api.put(webhookPath, webhooks(['namespace']));
    const { authority, client } = start(() => true);
    authority.setNamespaces(new Set(['shop']));
    await settle(authority);
    const first = signerOf(authority);
    client.refuse = (method) => (method === 'APPLY' ? new ApiError(403, 'Forbidden', 'no') : undefined);
    clock.pass(244 * dayMs);
    await settle(authority);
    clock.pass(dayMs);
    await settle(authority);
    assert.deepEqual([signerOf(authority), authority.state()?.rotation], [first, 'Announced']);
    assert.deepEqual(authority.warnings(), ['ConfigMap shop/lychgate-ca could not be written: no']);
    client.refuse = undefined;
    await settle(authority);
    clock.pass(10 * minuteMs);
    await settle(authority);
    assert.notEqual(signerOf(authority), first);
    assert.deepEqual(authority.warnings(), []);
  });

  test('is not done twice by two that both believe to lead', async (context) => {
    const { clock, start } = world(context);
    const replicas = [start(() => true).authority, start(() => true).authority];
    await settle(...replicas);
    clock.pass(244 * dayMs);
    await settle(...replicas);
    assert.equal(certificatesFromPem(replicas[0]?.caBundlePem() ?? '').length, 2);
    assert.equal(replicas[0]?.caBundlePem(), replicas[1]?.caBundlePem());
  });
});

describe('the webhook configuration', () => {
  test('gets the bundle into the entries that call this Service, and into no others', async (context) => {
    const { api, start } = world(context);
    const foreign = { name: 'other', clientConfig: { service: { name: 'other', namespace: 'lychgate-system' } } };
    const url = { name: 'url', clientConfig: { url: 'https://example.test' } };
    const own = webhooks(['namespace', 'pod']);
    api.put(webhookPath, { ...own, webhooks: [foreign, ...own.webhooks, url] });
    const { authority } = start(() => true);
    await settle(authority);
    const caBundle = Buffer.from(authority.caBundlePem() ?? '').toString('base64');
    assert.deepEqual(api.at(webhookPath)?.['webhooks'], [
      foreign,
      ...own.webhooks.map((entry) => ({ ...entry, clientConfig: { ...entry.clientConfig, caBundle } })),
      url,
    ]);
  });

  test('is put right after somebody emptied it, and left alone by a replica that does not lead', async (context) => {
    const { api, start } = world(context);
    let leads = false;
    const { authority, client } = start(() => leads);
    api.put(webhookPath, webhooks(['pod']));
    await settle(authority);
    assert.deepEqual(bundlesIn(api), [undefined]);
    leads = true;
    await settle(authority);
    api.put(webhookPath, webhooks(['pod']));
    await settle(authority);
    assert.deepEqual(bundlesIn(api), [authority.caBundlePem()]);
    assert.equal(client.written.filter((line) => line.startsWith('PATCH')).length, 2);
  });

  test('is not hit where its order has changed meanwhile', async (context) => {
    const { api, start } = world(context);
    let leads = false;
    const { authority, client } = start(() => leads);
    api.put(webhookPath, webhooks(['namespace']));
    await settle(authority);
    client.lagging = '';
    const other = { name: 'other', clientConfig: { service: { name: 'other', namespace: 'x' } } };
    api.put(webhookPath, { ...webhooks(['namespace']), webhooks: [other, ...webhooks(['namespace']).webhooks] });
    leads = true;
    await settle(authority);
    assert.deepEqual(bundlesIn(api), [undefined, undefined]);
    assert.deepEqual(authority.warnings(), [
      'caBundle of MutatingWebhookConfiguration lychgate could not be written: json patch /webhooks/0/name: test failed',
    ]);
    client.lagging = undefined;
    await settle(authority);
    assert.deepEqual(bundlesIn(api), [undefined, authority.caBundlePem()]);
  });
});

describe('the ConfigMap with the CA', () => {
  test('is made for whoever asks, by a replica that does not lead, once for many at the same time', async (context) => {
    const { api, start } = world(context);
    const { authority, client } = start(() => false);
    await authority.ready();
    await Promise.all([authority.ensureIn('shop'), authority.ensureIn('shop'), authority.ensureIn('shop')]);
    await settle(authority);
    await authority.ensureIn('shop');
    assert.deepEqual(api.at(mapPath('shop'))?.['data'], { 'ca.crt': authority.caBundlePem() });
    assert.deepEqual(
      client.written.filter((line) => line.startsWith('APPLY')),
      [`APPLY ${mapPath('shop')}`],
    );
  });

  test('that cannot be made is told to whoever asks', async (context) => {
    const { start } = world(context);
    const { authority, client } = start(() => false);
    await assert.rejects(authority.ensureIn('shop'), { message: 'the operator does not know its own CA yet' });
    await authority.ready();
    client.refuse = () => new ApiError(403, 'Forbidden', 'not allowed');
    await assert.rejects(authority.ensureIn('shop'), { message: 'not allowed' });
    client.refuse = undefined;
    await authority.ensureIn('shop');
  });

  test('of somebody else is taken over; its other keys stay', async (context) => {
    const { api, start } = world(context);
    const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'lychgate-ca', namespace: 'shop' } };
    api.put(mapPath('shop'), { ...foreign, data: { 'ca.crt': 'theirs', note: 'a' } });
    const { authority } = start(() => false);
    await authority.ready();
    await authority.ensureIn('shop');
    assert.deepEqual(api.at(mapPath('shop'))?.['data'], { 'ca.crt': authority.caBundlePem(), note: 'a' });
  });

  test('is put right by the leader when it is changed or deleted', async (context) => {
    const { api, start } = world(context);
    const { authority } = start(() => true);
    authority.setNamespaces(new Set(['shop']));
    await settle(authority);
    api.put(mapPath('shop'), { ...api.at(mapPath('shop')), data: { 'ca.crt': 'theirs' } });
    await settle(authority);
    assert.deepEqual(api.at(mapPath('shop'))?.['data'], { 'ca.crt': authority.caBundlePem() });
    api.remove(mapPath('shop'));
    await settle(authority);
    assert.deepEqual(api.at(mapPath('shop'))?.['data'], { 'ca.crt': authority.caBundlePem() });
  });

  test('with a newer bundle is left alone by a replica that is behind', async (context) => {
    const { api, clock, start } = world(context);
    const leader = start(() => true);
    const behind = start(() => false);
    leader.authority.setNamespaces(new Set(['shop']));
    await settle(leader.authority, behind.authority);
    const old = behind.authority.caBundlePem();
    clock.pass(244 * dayMs);
    // It sees ConfigMaps, but has not heard of the Secret again.
    behind.client.lagging = '/secrets';
    behind.client.refuse = () => new ApiError(503, 'ServiceUnavailable', 'away');
    await settle(leader.authority);
    assert.notEqual(leader.authority.caBundlePem(), old);
    assert.equal(behind.authority.caBundlePem(), old);
    await behind.authority.ensureIn('shop');
    assert.deepEqual(api.at(mapPath('shop'))?.['data'], { 'ca.crt': leader.authority.caBundlePem() });
  });
});

/** What was started is done, and what that caused, too. */
async function settle(...authorities: readonly Authority[]): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await Promise.all(authorities.map((authority) => authority.look()));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function signerOf(authority: Authority): string | undefined {
  return certificatesFromPem(authority.certificates.current().certPem)[0]?.issuer.text;
}

function verifies(certPem: string, bundle: string | undefined): boolean {
  const [leaf] = certificatesFromPem(certPem);
  return leaf !== undefined && certificatesFromPem(bundle ?? '').some((ca) => leaf.isIssuedBy(ca));
}

function dataOf(api: MemoryCluster, path: string): Record<string, string> {
  const data = Object.entries((api.at(path)?.['data'] ?? {}) as Record<string, string>);
  return Object.fromEntries(data.map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]));
}

/** Every bundle of the webhook configuration, then of the ConfigMaps. */
function bundlesIn(api: MemoryCluster): readonly (string | undefined)[] {
  const entries = (api.at(webhookPath)?.['webhooks'] ?? []) as { clientConfig: { caBundle?: string } }[];
  const maps = ['billing', 'shop'].flatMap((namespace) => api.at(mapPath(namespace)) ?? []);
  return [
    ...entries.map(({ clientConfig: { caBundle } }) => caBundle && Buffer.from(caBundle, 'base64').toString()),
    ...maps.map((map) => (map['data'] as { 'ca.crt': string })['ca.crt']),
  ];
}

function webhooks(entries: readonly string[]) {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'lychgate' },
    webhooks: entries.map((entry) => ({
      name: `${entry}.inject.lychgate.dev`,
      clientConfig: { service: { name: 'lychgate', namespace: 'lychgate-system', path: `/inject/${entry}` } },
    })),
  };
}
