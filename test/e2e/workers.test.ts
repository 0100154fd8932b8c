import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, suite, test } from 'node:test';
import { connectBothWorkers, connectionsOf } from '../support/both-workers.ts';
import { curl } from '../support/curl.ts';
import { startEchoApp } from '../support/echo-app.ts';
import { openShop, type Shop, type ShopOptions } from '../support/shop.ts';
import { main } from '../support/sidecar.ts';
import { getRequest, tlsClient } from '../support/tls-client.ts';
import { until } from '../support/until.ts';

/* The sidecar on two threads, black box. */

suite('two workers', () => {
  let shop: Shop;
  afterEach(() => shop?.close());

  async function open(options: ShopOptions = {}): Promise<Shop> {
    shop = await openShop({ ...options, args: ['--workers', '2', ...(options.args ?? [])] });
    return shop;
  }

  const requests = (protocol: string) =>
    shop.sidecar.metric(
      `lychgate_proxy_requests_total{profile="shop/partners",protocol="${protocol}",code_class="2xx"}`,
    );

  test('serve on one port; their series are summed, and the responder is asked once for both', async () => {
    const { sidecar, client } = await open();
    const connections = await connectBothWorkers(shop);
    for (let i = 0; i < 5; i += 1) assert.equal((await curl(sidecar.port, { client, http: '2' })).status, 200);
    assert.equal(await requests('HTTP/1.1'), connections.length);
    assert.equal(await requests('HTTP/2.0'), 5);
    assert.equal(await sidecar.metric('lychgate_proxy_connections{protocol="http/1.1"}'), connections.length);
    const count = 'lychgate_proxy_request_duration_seconds_count{profile="shop/partners"}';
    assert.equal(await sidecar.metric(count), connections.length + 5);
    const asked = (cached: boolean) =>
      sidecar.metric(`lychgate_proxy_ocsp_answers_total{result="good",reason="",cached="${cached}"}`);
    assert.deepEqual([await asked(false), await asked(true)], [1, connections.length + 5 - 1]);
    assert.equal(await sidecar.metric('lychgate_build_info{version="0.1.0"}'), 1);
    assert.match((await sidecar.admin('/metrics', 'application/openmetrics-text')).body, /\n# EOF\n$/);
  });

  test('both end the open connections of a certificate that is revoked, and no others', async () => {
    const { ca, client, responder, sidecar } = await open({
      auth: '    ocsp: {maxAge: 1s, timeout: 10s, allowInternalAddresses: [127.0.0.1/32]}',
    });
    const other = await ca.issue('innocent', { ocspUrl: shop.ocspUrl });
    await responder.refresh();
    const innocent = await connectBothWorkers(shop, other);
    const connections = await connectBothWorkers(shop);
    ca.revoke(client);
    await responder.refresh();
    await Promise.all(connections.map(({ closed }) => closed));
    const answer = await curl(sidecar.port, { client });
    assert.equal(answer.status, 400);
    assert.match(answer.body, /^client certificate refused: Revoked /);
    await until(async () => {
      // What curl had may take a moment to be seen as closed.
      const open = await sidecar.metric('lychgate_proxy_connections{protocol="http/1.1"}');
      return open === innocent.length || undefined;
    }, 'the connections of the other certificate alone');
    const closed = sidecar
      .log()
      .filter(({ msg }) => msg === 'connection closed: its client certificate is no longer accepted');
    assert.deepEqual(
      closed.map((line) => [line['reason'], line['subject']]),
      connections.map(() => ['Revoked', 'CN=client,O=Lychgate']),
    );
    assert.deepEqual(new Set(closed.map((line) => line['worker'])), new Set([1, 2]));
    for (const { socket } of innocent) socket.destroy();
  });

  test('swap a policy both or neither', async (t) => {
    const { sidecar, client } = await open();
    const connections = await connectBothWorkers(shop);
    const [profile, secret, bundle] = shop.documents();
    const before = await policyInForce();
    // A port that another program has: that is found out by whoever wants to listen there.
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const taken = profile.replace('name: partners', 'name: others').replace('spec:', `spec:\n  port: ${port}`);
    shop.write([profile, taken, secret, bundle]);
    await sidecar.logged(({ msg }) => msg.startsWith('change not applied'), 'the change is refused');
    assert.equal(await policyInForce(), before);
    assert.equal(await sidecar.metric('lychgate_proxy_policy_last_apply_successful'), 0);
    for (const connection of connections) connection.send(getRequest('/'));
    for (const connection of connections) {
      await connection.until((text) => text.split('hello\n').length === 3);
      assert.equal(connection.text().split('HTTP/1.1 200 OK').length, 3);
    }

    shop.write(shop.documents({ auth: '    {verifyClientRevocation: None, allow: [{subjectDn: CN=nobody}]}' }));
    await sidecar.logged(({ msg }) => msg === 'configuration applied', 'the change is applied');
    assert.notEqual(await policyInForce(), before);
    // On both: none of them is accepted any more.
    await Promise.all(connections.map(({ closed }) => closed));
    for (let i = 0; i < 8; i += 1) {
      assert.match((await curl(sidecar.port, { client })).body, /^client certificate refused: NotAllowed/);
    }
  });

  async function policyInForce(): Promise<unknown> {
    const { body } = await shop.sidecar.admin('/config');
    return JSON.parse(body).version;
  }

  test('have one limit of connections together', async () => {
    const { sidecar, client } = await open({ args: ['--max-connections', '16'] });
    const connections = await connectBothWorkers(shop);
    while (connections.length < 16) {
      const one = await tlsClient(sidecar.port, client);
      one.send(getRequest('/'));
      await one.until((text) => text.endsWith('hello\n'));
      connections.push(one);
    }
    for (let i = 0; i < 8; i += 1) assert.equal((await curl(sidecar.port, { client })).status, 503);
    connections[0]?.socket.destroy();
    await until(async () => (await curl(sidecar.port, { client })).status === 200 || undefined, 'a free place');
    for (const { socket } of connections) socket.destroy();
  });

  test('finish what runs on both when the process is told to end', async () => {
    const waiting: ServerResponse[] = [];
    const app = await startEchoApp((request, response) => {
      if (request.url === '/slow') waiting.push(response);
      else response.end('hello\n');
    });
    const { sidecar } = await open({ app, responder: false, auth: '    {verifyClientRevocation: None}' });
    const connections = await connectBothWorkers(shop);
    for (const connection of connections) connection.send(getRequest('/slow'));
    await until(() => waiting.length === connections.length || undefined, 'the requests at the application');
    sidecar.kill('SIGTERM');
    await until(async () => (await sidecar.admin('/readyz')).status === 503 || undefined, 'not ready');
    for (const response of waiting) response.end('done\n');
    for (const connection of connections) {
      await connection.closed;
      assert.match(connection.text(), /done\n$/);
    }
    const { code, stderr } = await sidecar.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(sidecar.log().at(-1)?.msg, 'stopped');
  });

  test('go on while one that has died is replaced, with the policy in force and counters that do not go back', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lychgate-break-'));
    const file = join(directory, 'break');
    const { sidecar, client } = await open({
      program: ['--import', join(import.meta.dirname, '..', 'support', 'break-worker.ts'), main],
      environment: { LYCHGATE_TEST_BREAK: file },
      args: ['--max-connections', '40'],
    });
    const connections = await connectBothWorkers(shop);
    const served = await requests('HTTP/1.1');
    writeFileSync(file, '');
    const { worker, why } = await sidecar.logged(({ msg }) => msg.startsWith('a worker has ended'), 'the end');
    assert.match(String(why), /^Error: broken by a test/);
    await Promise.race(connections.map(({ closed }) => closed));
    await sidecar.logged(({ msg }) => msg === 'a worker has taken its place', 'the replacement');
    assert.equal((await sidecar.admin('/readyz')).status, 200);
    assert.equal(await sidecar.metric('lychgate_worker_restarts_total'), 1);
    assert.equal(await requests('HTTP/1.1'), served);
    const left = await connectionsOf(shop);
    assert.equal(left[Number(worker) - 1], 0);
    await connectBothWorkers(shop);
    assert.equal((await curl(sidecar.port, { client })).status, 200);
    assert.equal(await sidecar.metric('lychgate_proxy_ocsp_answers_total{result="good",reason="",cached="false"}'), 1);

    for (let deaths = 2; deaths <= 4; deaths += 1) {
      writeFileSync(file, '');
      await until(() => !existsSync(file) || undefined, 'the next end');
    }
    const { code } = await sidecar.ended;
    assert.equal(code, 1);
    assert.match(JSON.stringify(sidecar.log()), /"why":"4 workers have ended within a minute"/);
    rmSync(directory, { recursive: true });
  });
});
