import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import {
  type FakeApiServer,
  type FakeApiServerOptions,
  type Fault,
  startFakeApiServer,
} from '../../test/support/fake-api-server.ts';
import { createManualTime, eventually, type ManualTime } from '../../test/support/manual-time.ts';
import { makePki } from '../../test/support/pki.ts';
import { silentLog } from '../process/log.ts';
import type { Cluster } from './cluster.ts';
import { connectCluster } from './connect.ts';

suite('requests', () => {
  test('objects are created, read, replaced and patched', async (t) => {
    const { cluster } = await start(t);
    const made = await cluster.create(maps, { ...map, data: { a: '1', b: '2' } });
    assert.deepEqual((await cluster.get(`${maps}/m`))['data'], { a: '1', b: '2' });
    const replaced = await cluster.replace(`${maps}/m`, { ...made, data: { a: '3', b: '2' } });
    assert.deepEqual(replaced['data'], { a: '3', b: '2' });
    const merged = await cluster.patch(`${maps}/m`, { data: { b: null } }, 'merge');
    assert.deepEqual(merged['data'], { a: '3' });
    const stepped = await cluster.patch(`${maps}/m`, [{ op: 'add', path: '/data/c~1d', value: '4' }], 'json');
    assert.deepEqual(stepped['data'], { a: '3', 'c/d': '4' });
    assert.equal(stepped.metadata.uid, made.metadata.uid);
  });

  test('an older version is not replaced: 409', async (t) => {
    const { cluster } = await start(t);
    const made = await cluster.create(maps, map);
    await cluster.replace(`${maps}/m`, { ...made, data: { a: '1' } });
    await assert.rejects(cluster.replace(`${maps}/m`, { ...made, data: {} }), { name: 'ApiError', status: 409 });
  });

  test('server-side apply says who owns the fields, and goes to the status', async (t) => {
    const { server, cluster } = await start(t);
    const profile = {
      apiVersion: 'lychgate.dev/v1alpha1',
      kind: 'SslProfile',
      metadata: { name: 'p', namespace: 'shop' },
    };
    server.put({ ...profile, spec: { a: 1 } });
    const path = '/apis/lychgate.dev/v1alpha1/namespaces/shop/sslprofiles/p/status';
    const options = { fieldManager: 'lychgate', force: true };
    const status = { conditions: [{ type: 'Accepted', status: 'True' }], observedGeneration: 1 };
    const applied = await cluster.apply(path, { ...profile, spec: { a: 2 }, status }, options);
    assert.deepEqual([applied['spec'], applied['status']], [{ a: 1 }, status]);
    const { method, query, headers } = server.requests.at(-1) ?? {};
    assert.deepEqual(
      [method, query, headers?.['content-type']],
      ['PATCH', { fieldManager: 'lychgate', force: 'true' }, 'application/apply-patch+yaml'],
    );
    const version = applied.metadata.resourceVersion;
    const again = await cluster.apply(path, { ...profile, status }, options);
    assert.equal(again.metadata.resourceVersion, version, 'nothing changed, so nothing was written');
  });

  test('one connection serves one request after the other, and says who asks', async (t) => {
    const { server, cluster } = await start(t);
    for (let n = 0; n < 4; n += 1) await assert.rejects(cluster.get(`${maps}/none`), { status: 404 });
    await cluster.create(maps, map);
    await cluster.get(`${maps}/m`);
    assert.equal(server.connections, 1);
    assert.deepEqual([...new Set(server.requests.map(({ headers }) => headers['user-agent']))], ['test/1']);
  });
});

suite('requests that fail', () => {
  for (const { name, fault, wants } of [
    {
      name: 'a right that is missing is named',
      fault: { kind: 'status', status: 403, reason: 'Forbidden' },
      wants: {
        status: 403,
        reason: 'Forbidden',
        message:
          'GET /apis/lychgate.dev/v1alpha1/namespaces/shop/sslprofiles/p/status: 403 Forbidden: injected by the test; ' +
          'grant get on sslprofiles/status.lychgate.dev in namespace shop',
      },
    },
    {
      name: 'an object that is not there is no missing definition',
      fault: { kind: 'status', status: 404, reason: 'NotFound' },
      wants: { status: 404, message: /: 404 NotFound: injected by the test$/ },
    },
    {
      name: 'Retry-After is told',
      fault: { kind: 'status', status: 429, retryAfter: '3' },
      wants: { status: 429, retryAfterMs: 3000 },
    },
    {
      name: 'a Retry-After that is a date is not',
      fault: { kind: 'status', status: 503, retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT' },
      wants: { status: 503, retryAfterMs: undefined },
    },
    {
      name: 'a refusal that is no Status object has the usual reason',
      fault: { kind: 'body', status: 404, body: '404 page not found' },
      wants: { status: 404, reason: 'NotFound', message: /: 404 NotFound$/ },
    },
    { name: 'a reset', fault: { kind: 'reset' }, wants: { status: 0, reason: 'Unreachable' } },
    { name: 'an answer that is no JSON', fault: { kind: 'garbage' }, wants: { status: 0, reason: 'Malformed' } },
    {
      name: 'an answer that is no object',
      fault: { kind: 'body', body: '[]' },
      wants: { status: 0, reason: 'Malformed' },
    },
    {
      name: 'an answer without end',
      fault: { kind: 'body', body: ' '.repeat(8 * 1024 * 1024 + 1) },
      wants: { status: 0, reason: 'TooLarge' },
    },
  ] satisfies readonly { name: string; fault: Fault; wants: object }[]) {
    test(name, async (t) => {
      const { server, cluster } = await start(t);
      server.fail({}, fault);
      const asked = cluster.get('/apis/lychgate.dev/v1alpha1/namespaces/shop/sslprofiles/p/status');
      await assert.rejects(asked, { name: 'ApiError', ...wants });
    });
  }

  for (const { name, limits, waitMs } of [
    { name: '10 s', limits: undefined, waitMs: 10_000 },
    { name: 'what the caller says', limits: { deadlineMs: 1234 }, waitMs: 1234 },
  ]) {
    test(`no answer within ${name} is a failure`, async (t) => {
      const { server, time, cluster } = await start(t);
      server.fail({}, { kind: 'hang' });
      const asked = assert.rejects(cluster.get(`${maps}/m`, limits), { status: 0, reason: 'Timeout' });
      await eventually('the request', () => server.requests.length === 1);
      time.advance(waitMs - 1);
      assert.deepEqual(time.pending, [1]);
      time.advance(1);
      await asked;
    });
  }

  test('close ends what is asked, and nothing is asked after it', async (t) => {
    const { server, time, cluster } = await start(t);
    server.fail({}, { kind: 'hang' });
    const asked = assert.rejects(cluster.get(`${maps}/m`), { status: 0, reason: 'Closed' });
    await eventually('the request', () => server.requests.length === 1);
    cluster.close();
    await asked;
    await assert.rejects(cluster.get(`${maps}/m`), { reason: 'Closed' });
    await eventually('no connection', () => server.connections === 0);
    assert.deepEqual(time.pending, []);
  });

  test('a server that is not there', async (t) => {
    const { server, cluster } = await start(t);
    await server.close();
    await assert.rejects(cluster.get(`${maps}/m`), {
      reason: 'Unreachable',
      message: /cannot be reached \(.*ECONNREFUSED/,
    });
  });
});

suite('the configuration', () => {
  test('trusts the CA of the kubeconfig and sends its token', async (t) => {
    const { root, server: identity } = pki();
    const tls = { certPem: identity.chainPem, keyPem: identity.keyPem, caPem: root.certificate.pem };
    const { server, cluster } = await start(t, { tls, bearerToken: 'secret' });
    await cluster.create(maps, map);
    await cluster.get(`${maps}/m`);
    assert.deepEqual([server.requests[0]?.headers.authorization, server.connections], ['Bearer secret', 1]);
  });

  test('trusts no other CA', async (t) => {
    const { stranger, server: identity } = pki();
    const tls = { certPem: identity.chainPem, keyPem: identity.keyPem, caPem: stranger.certificate.pem };
    const { server, cluster } = await start(t, { tls });
    await assert.rejects(cluster.get(`${maps}/m`), {
      reason: 'Unreachable',
      message: /unable to get local issuer certificate/,
    });
    assert.equal(server.requests.length, 0);
  });

  for (const { name, kubeconfig, says } of [
    { name: 'an empty one', kubeconfig: '{}', says: /none was found; run in a pod .*, or set KUBECONFIG$/ },
    { name: 'one that is no YAML', kubeconfig: '{', says: /cannot be read/ },
    {
      name: 'a server that is no URL',
      kubeconfig: JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: 'https://undefined:undefined' } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: {} }],
        'current-context': 'c',
      }),
      says: /its server is 'https:\/\/undefined:undefined'/,
    },
  ]) {
    test(`${name} is refused at once`, () => {
      const { clock, timers } = createManualTime(0);
      const options = { log: silentLog, clock, timers, random: () => 0, userAgent: 'test/1', kubeconfig };
      assert.throws(() => connectCluster(options), { name: 'ApiError', reason: 'Unconfigured', message: says });
    });
  }
});

async function start(
  t: TestContext,
  options: FakeApiServerOptions = {},
): Promise<{ server: FakeApiServer; time: ManualTime; cluster: Cluster }> {
  const server = await startFakeApiServer(options);
  const time = createManualTime(Date.UTC(2026, 0, 1));
  const { kubeconfig } = server;
  const { clock, timers } = time;
  const cluster = connectCluster({ log: silentLog, clock, timers, random: () => 0, userAgent: 'test/1', kubeconfig });
  t.after(async () => {
    cluster.close();
    await server.close();
  });
  return { server, time, cluster };
}

function pki(): ReturnType<typeof makePki> {
  return makePki({ nowMs: Date.now() });
}

const maps = '/api/v1/namespaces/shop/configmaps';
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'shop' } };
