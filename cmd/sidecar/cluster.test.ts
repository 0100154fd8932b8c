import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { policyDigest } from '../../pkg/policy/digest.ts';
import type { PodPolicy } from '../../pkg/policy/policy.ts';
import type { Offer } from '../../pkg/push/offer.ts';
import { startEchoApp } from '../../test/support/echo-app.ts';
import { freePort } from '../../test/support/free-port.ts';
import { connectTo, exchange, policyOf, profileOf } from '../../test/support/gate.ts';
import { startPodSidecar } from '../../test/support/pod-sidecar.ts';
import { inputOf, pushPki, startOperator } from '../../test/support/push.ts';
import { until } from '../../test/support/until.ts';

/* The sidecar in a process of its own, with the operator's end of the push channel in this one. */

suite('a sidecar in a pod', { concurrency: 2 }, () => {
  test('serves what the operator says, on without the operator, and after a restart from its last good policy', async (t) => {
    const operator = await startOperator(t);
    const app = await startEchoApp();
    t.after(() => app.close());
    const port = await freePort();
    const first = await startPodSidecar(t, { operatorPort: operator.server.port });
    await until(async () => (await first.metric('lychgate_control_plane_connected')) === 1 || undefined, 'connected');
    assert.deepEqual(await first.admin('/readyz'), {
      status: 503,
      body: `not ready:\n- no policy yet: waiting for the operator at localhost:${operator.server.port}\n`,
    });

    operator.offer(offerOf(policyOf(port, [profileOf(pushPki, app.port)]), 1));
    await operator.reported({ result: 'Ack' });
    assert.deepEqual(await first.admin('/readyz'), { status: 200, body: 'ready\n' });
    assert.match(await ask(port, true), /^HTTP\/1\.1 200 /);
    assert.match(await ask(port, false), /^HTTP\/1\.1 400 /);

    await operator.server.close();
    await until(
      async () => (await first.metric('lychgate_control_plane_connected')) === 0 || undefined,
      'not connected',
    );
    assert.match(await ask(port, true), /^HTTP\/1\.1 200 /);
    assert.equal((await first.admin('/readyz')).status, 200);
    first.kill('SIGKILL');
    await first.ended;

    const second = await startPodSidecar(t, { operatorPort: operator.server.port, after: first });
    await second.logged('last good policy in force');
    assert.match(await ask(port, true), /^HTTP\/1\.1 200 /);
    assert.match(await ask(port, false), /^HTTP\/1\.1 400 /);
    assert.equal((await second.admin('/readyz')).status, 200);
    assert.equal(await second.metric('lychgate_policy_from_last_good'), 1);
    const sinceMs = ((await second.metric('lychgate_policy_last_good_timestamp_seconds')) ?? 0) * 1000;
    assert.ok(sinceMs > Date.now() - 120_000 && sinceMs <= Date.now(), `${sinceMs}`);
    assert.equal(statSync(join(second.stateDir, 'last-good.json')).mode & 0o777, 0o600);
    second.kill('SIGTERM');
    assert.equal(await second.ended, 0);
    assert.equal(second.stderr(), '');
  });

  test('refuses a policy that cannot serve, says why, counts it, and serves on', async (t) => {
    const operator = await startOperator(t);
    const app = await startEchoApp();
    t.after(() => app.close());
    const port = await freePort();
    const sidecar = await startPodSidecar(t, { operatorPort: operator.server.port });
    const profile = profileOf(pushPki, app.port);
    operator.offer(offerOf(policyOf(port, [profile]), 1));
    await operator.reported({ result: 'Ack' });

    operator.offer(offerOf(policyOf(port, [profile, { ...profile, name: 'other' }]), 2));
    const { reason, message } = await operator.reported({ result: 'Nack' });
    assert.deepEqual(
      [reason, message],
      ['PolicyUnusable', `port ${port}: shop/partners and shop/other both have no hostnames`],
    );
    assert.equal(await sidecar.metric('lychgate_policy_nacks_total{reason="PolicyUnusable"}'), 1);
    assert.match(await ask(port, true), /^HTTP\/1\.1 200 /);
    assert.equal((await sidecar.admin('/readyz')).status, 200);
  });

  test('on two threads acknowledges what both serve, and refuses what they cannot', async (t) => {
    const operator = await startOperator(t);
    const app = await startEchoApp();
    t.after(() => app.close());
    const port = await freePort();
    const sidecar = await startPodSidecar(t, { operatorPort: operator.server.port, args: ['--workers', '2'] });
    assert.equal((await sidecar.admin('/readyz')).status, 503);
    const profile = profileOf(pushPki, app.port);
    operator.offer(offerOf(policyOf(port, [profile]), 1));
    await operator.reported({ result: 'Ack' });
    assert.deepEqual(await sidecar.admin('/readyz'), { status: 200, body: 'ready\n' });
    const served = async () => {
      for (let i = 0; i < 8; i += 1) assert.match(await ask(port, true), /^HTTP\/1\.1 200 /);
    };
    await served();

    // Without the profile in force: what is refused must not take its connections away.
    const others = ['other', 'another'].map((name) => ({ ...profile, name }));
    operator.offer(offerOf(policyOf(port, others), 2));
    const { reason, message } = await operator.reported({ result: 'Nack' });
    assert.deepEqual(
      [reason, message],
      ['PolicyUnusable', `port ${port}: shop/other and shop/another both have no hostnames`],
    );
    await served();
    assert.equal((await sidecar.admin('/readyz')).status, 200);

    operator.offer(offerOf({ schema: 1, listeners: [], holds: [] }, 3));
    await until(async () => (await sidecar.admin('/readyz')).body.includes('no SslProfile') || undefined, 'nothing');
    for (let i = 0; i < 4; i += 1) await assert.rejects(ask(port, true), { code: 'ECONNREFUSED' });
    sidecar.kill('SIGTERM');
    assert.equal(await sidecar.ended, 0);
    assert.equal(sidecar.stderr(), '');
  });

  test('is not ready where no profile selects its pod', async (t) => {
    const operator = await startOperator(t);
    const sidecar = await startPodSidecar(t, { operatorPort: operator.server.port });
    operator.offer(offerOf({ schema: 1, listeners: [], holds: [] }, 1));
    await operator.reported({ result: 'Ack' });
    assert.deepEqual(await sidecar.admin('/readyz'), {
      status: 503,
      body: 'not ready:\n- no SslProfile selects this pod\n',
    });
  });

  test('is ready without a policy where it is told so, and says the last error where it is not', async (t) => {
    const operatorPort = await freePort();
    const job = await startPodSidecar(t, { operatorPort, args: ['--ready-without-policy'] });
    assert.deepEqual(await job.admin('/readyz'), { status: 200, body: 'ready\n' });
    job.kill('SIGTERM');
    assert.equal(await job.ended, 0);
    const other = await startPodSidecar(t, { operatorPort });
    const page = await until(async () => {
      const { status, body } = await other.admin('/readyz');
      return status === 503 && body.includes('last error') ? body : undefined;
    }, 'the last error');
    assert.match(
      page,
      /^not ready:\n- no policy yet: waiting for the operator at localhost:\d+ \(last error: UNAVAILABLE/,
    );
  });

  test("answers the kubelet's probes of the application, policy or not", async (t) => {
    const statuses = [503, 200];
    const { port } = await listening(t, () => statuses.shift() ?? 500);
    const sidecar = await startPodSidecar(t, {
      operatorPort: await freePort(),
      probes: [
        { id: 'app/readiness', timeoutMs: 1000, kind: 'httpGet', port, scheme: 'HTTP', path: '/healthz', headers: [] },
      ],
    });
    const probe = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${sidecar.probePort}${path}`);
      return [response.status, await response.text()];
    };
    assert.deepEqual(await probe('/probe/app/readiness'), [503, '']);
    assert.deepEqual(await probe('/probe/app/readiness'), [200, '']);
    assert.deepEqual(await probe('/probe/app/liveness'), [404, '']);
    assert.deepEqual(await probe('/metrics'), [404, '']);
  });
});

function offerOf(policy: PodPolicy, generation: number): Offer {
  return { policy, digest: policyDigest(policy), inputs: [inputOf('partners', generation)] };
}

async function ask(port: number, withCertificate: boolean): Promise<string> {
  const socket = await connectTo(port, pushPki, withCertificate ? pushPki.client('good') : undefined);
  return exchange(socket, 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
}

async function listening(t: TestContext, status: () => number): Promise<{ readonly port: number }> {
  const server = createServer((_, response) => response.writeHead(status()).end('a body'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port };
}
