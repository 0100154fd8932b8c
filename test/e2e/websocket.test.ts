import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { after, before, suite, test } from 'node:test';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { type EchoApp, startEchoApp } from '../support/echo-app.ts';
import type { OpensslIdentity } from '../support/openssl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { extendedConnect } from '../support/websocket-over-http2.ts';

suite('a WebSocket', () => {
  let shop: Shop;
  let app: EchoApp;
  let upgrades: { readonly url: string; readonly certificate: string | string[] | undefined }[];
  let webSockets: WebSocketServer;
  before(async () => {
    upgrades = [];
    app = await startEchoApp();
    webSockets = new WebSocketServer({ server: app.server });
    webSockets.on('connection', (socket, request) => {
      upgrades.push({ url: request.url ?? '', certificate: request.headers['x-client-cert'] });
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    shop = await openShop({ app });
  });
  after(async () => {
    for (const socket of webSockets.clients) socket.terminate();
    webSockets.close();
    await shop?.close();
  });

  const dial = (client: OpensslIdentity | undefined, headers: Record<string, string> = {}) =>
    new WebSocket(`wss://localhost:${shop.sidecar.port}/chat`, {
      ...(client === undefined ? {} : { cert: readFileSync(client.chain), key: readFileSync(client.key) }),
      rejectUnauthorized: false,
      headers,
    });

  test('of a good certificate is echoed, text and binary, and the application got the certificate', async () => {
    const socket = dial(shop.client, { 'X-Client-Cert': 'forged' });
    await once(socket, 'open');
    const binary = randomBytes(300_000);
    await assertEchoed(socket, ['hello', binary]);
    socket.close(4321, 'enough');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    assert.deepEqual({ code, reason: reason.toString() }, { code: 4321, reason: 'enough' });
    assert.deepEqual(upgrades, [{ url: '/chat', certificate: encodeURIComponent(shop.client.pem) }]);
  });

  test('without a certificate is refused with 400 and does not reach the application', async () => {
    const before = upgrades.length;
    const socket = dial(undefined);
    const [error] = (await once(socket, 'error')) as [Error];
    assert.match(error.message, /Unexpected server response: 400/);
    assert.equal(upgrades.length, before);
  });

  suite('over HTTP/2', () => {
    const dialled: ClientHttp2Session[] = [];
    after(() => {
      for (const session of dialled) session.destroy();
    });
    const dialHttp2 = async (client: OpensslIdentity | undefined) => {
      const session = connect(`https://localhost:${shop.sidecar.port}`, {
        ...(client === undefined ? {} : { cert: readFileSync(client.chain), key: readFileSync(client.key) }),
        rejectUnauthorized: false,
      });
      dialled.push(session);
      session.on('error', () => undefined);
      await once(session, 'remoteSettings');
      return (headers: Record<string, string> = {}) =>
        new WebSocket('ws://localhost/chat', { createConnection: () => extendedConnect(session), headers });
    };

    test('of a good certificate is echoed, two beside each other on one session', async () => {
      const before = upgrades.length;
      const open = await dialHttp2(shop.client);
      const binary = randomBytes(1_000_000);
      const closed = [1001, 4321].map(async (code) => {
        const socket = open({ 'X-Client-Cert': 'forged' });
        await once(socket, 'open');
        await assertEchoed(socket, ['hello', binary]);
        socket.close(code, 'enough');
        const [ended, reason] = (await once(socket, 'close')) as [number, Buffer];
        return { code: ended, reason: reason.toString() };
      });
      assert.deepEqual(await Promise.all(closed), [
        { code: 1001, reason: 'enough' },
        { code: 4321, reason: 'enough' },
      ]);
      const upgrade = { url: '/chat', certificate: encodeURIComponent(shop.client.pem) };
      assert.deepEqual(upgrades.slice(before), [upgrade, upgrade]);
    });

    test('without a certificate is refused with 400 and does not reach the application', async () => {
      const before = upgrades.length;
      const open = await dialHttp2(undefined);
      const [error] = (await once(open(), 'error')) as [Error];
      assert.match(error.message, /Unexpected server response: 400/);
      assert.equal(upgrades.length, before);
    });
  });
});

/** Each comes back as it was sent, as text or as octets. */
async function assertEchoed(socket: WebSocket, messages: readonly (Buffer | string)[]): Promise<void> {
  for (const message of messages) {
    const answer = once(socket, 'message') as Promise<[RawData, boolean]>;
    socket.send(message);
    const [data, isBinary] = await answer;
    assert.equal(isBinary, typeof message !== 'string');
    assert.ok(Buffer.from(message).equals(data as Buffer));
  }
}
