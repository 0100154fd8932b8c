import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { startEchoApp } from '../support/echo-app.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { getRequest, tlsClient } from '../support/tls-client.ts';
import { until } from '../support/until.ts';

suite('a sidecar that is told to end', () => {
  let shop: Shop;
  /** Requests to /slow that the application has not answered yet. */
  let waiting: ServerResponse[];
  beforeEach(async () => {
    waiting = [];
    const app = await startEchoApp((request, response) => {
      if (request.url === '/slow') waiting.push(response);
      else response.end('hello\n');
    });
    shop = await openShop({ app, responder: false, auth: '    {verifyClientRevocation: None}' });
  });
  afterEach(() => shop?.close());

  test('by SIGTERM under load: not ready at once, running requests are finished, idle connections are closed, exit 0', async () => {
    const { sidecar, client } = shop;
    const idle = await tlsClient(sidecar.port, client);
    idle.send(getRequest('/'));
    await idle.until((text) => text.endsWith('hello\n'));
    const slow = (['1.1', '2', '1.1', '2'] as const).map((http) => curl(sidecar.port, { client, http, path: '/slow' }));
    await until(() => waiting.length === 4 || undefined, 'four requests at the application');

    sidecar.kill('SIGTERM');
    const page = await until(async () => {
      const answer = await sidecar.admin('/readyz');
      return answer.status === 503 ? answer : undefined;
    }, 'not ready');
    assert.equal(page.body, 'not ready:\n- shutting down\n');
    await idle.closed;
    const late = await curl(sidecar.port, { client });
    assert.equal(late.status, 0);
    assert.equal(late.code, 7, late.error);

    for (const response of waiting) response.end('done\n');
    for (const answer of await Promise.all(slow)) {
      assert.deepEqual({ ...answer, version: '' }, { status: 200, version: '', body: 'done\n', code: 0, error: '' });
    }
    const { code, signal, stderr } = await sidecar.ended;
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    assert.equal(sidecar.log().at(-1)?.msg, 'stopped');
  });

  test('by a second SIGTERM ends at once with 143, whatever still runs', async () => {
    const { sidecar, client } = shop;
    const slow = curl(sidecar.port, { client, path: '/slow' });
    await until(() => waiting.length === 1 || undefined, 'a request at the application');
    sidecar.kill('SIGTERM');
    await sidecar.logged((line) => line.msg === 'stopping', 'stopping');
    sidecar.kill('SIGTERM');
    assert.equal((await sidecar.ended).code, 143);
    assert.equal((await slow).status, 0);
  });

  test('by kill -9 in the middle of requests serves again when it is started anew', async () => {
    const { sidecar, client } = shop;
    const slow = curl(sidecar.port, { client, path: '/slow' });
    await until(() => waiting.length === 1 || undefined, 'a request at the application');
    sidecar.kill('SIGKILL');
    assert.equal((await sidecar.ended).signal, 'SIGKILL');
    assert.equal((await slow).status, 0);
    const again = await shop.startAgain();
    assert.equal(again.port, sidecar.port);
    assert.equal((await curl(again.port, { client })).status, 200);
  });
});
