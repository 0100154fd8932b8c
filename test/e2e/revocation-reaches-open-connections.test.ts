import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { after, before, suite, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { curl } from '../support/curl.ts';
import { startEchoApp } from '../support/echo-app.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { getRequest, type TlsClient, tlsClient } from '../support/tls-client.ts';

/** With maxAge 1s; every connection is open, and in use, before the responder's index says revoked. */
suite('when a certificate becomes revoked', () => {
  let shop: Shop;
  let webSockets: WebSocketServer;
  let revokedAtMs: number;
  let idle: TlsClient;
  let download: TlsClient;
  let session: ClientHttp2Session;
  let stream: Promise<number>;
  let webSocket: Promise<number>;
  let other: TlsClient;
  before(async () => {
    const app = await startEchoApp((request, response) => {
      if (request.url !== '/endless') {
        response.end('hello\n');
        return;
      }
      response.flushHeaders();
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(timer));
    });
    webSockets = new WebSocketServer({ server: app.server });
    shop = await openShop({ app, auth: '    ocsp: {maxAge: 1s, allowInternalAddresses: [127.0.0.1/32]}' });
    const { sidecar, client } = shop;
    const innocent = await shop.ca.issue('innocent', { ocspUrl: shop.ocspUrl });
    const connect = async (identity = client) => {
      const connection = await tlsClient(sidecar.port, identity);
      connection.send(getRequest('/'));
      await connection.until((text) => text.endsWith('hello\n'));
      return connection;
    };
    [idle, download, other] = await Promise.all([connect(), connect(), connect(innocent)]);
    download.send(getRequest('/endless'));
    await download.until((text) => /Transfer-Encoding: chunked/.test(text));
    const identity = { cert: readFileSync(client.chain), key: readFileSync(client.key), rejectUnauthorized: false };
    session = connectHttp2(`https://localhost:${sidecar.port}`, identity);
    session.on('error', () => undefined);
    const request = session.request({ ':path': '/endless' });
    request.on('error', () => undefined);
    await once(request, 'response');
    request.resume();
    stream = once(request, 'close').then(() => performance.now());
    const socket = new WebSocket(`wss://localhost:${sidecar.port}/chat`, identity);
    await once(socket, 'open');
    webSocket = once(socket, 'close').then(() => performance.now());
    shop.ca.revoke(client);
    await shop.responder.refresh();
    revokedAtMs = performance.now();
  });
  after(async () => {
    session?.destroy();
    for (const socket of webSockets?.clients ?? []) socket.terminate();
    webSockets?.close();
    await shop?.close();
  });

  const kinds: readonly { name: string; ended(): Promise<number> }[] = [
    { name: 'an idle keep-alive connection is closed', ended: () => idle.closed.then(() => performance.now()) },
    { name: 'a long download is cut', ended: () => download.closed.then(() => performance.now()) },
    { name: 'an HTTP/2 stream is cut', ended: () => stream },
    { name: 'a WebSocket is cut', ended: () => webSocket },
  ];
  for (const { name, ended } of kinds) {
    test(name, async (context) => {
      const seconds = ((await ended()) - revokedAtMs) / 1000;
      context.diagnostic(`${name}: ${seconds.toFixed(2)} s after the revocation, maxAge 1 s`);
      assert.ok(seconds < 15, `${seconds} s`);
    });
  }

  test('the download ends without the end of its body', () => {
    assert.doesNotMatch(download.text(), /\r\n0\r\n\r\n$/);
  });

  test('new connections are refused with Revoked', async () => {
    const { status, body } = await curl(shop.sidecar.port, { client: shop.client });
    assert.equal(status, 400);
    assert.match(body, /^client certificate refused: Revoked \(since 2025-11-20T10:00:00Z, keyCompromise\)\n$/);
  });

  test('the connections of other certificates live on', async () => {
    other.send(getRequest('/'));
    const text = await other.until((seen) => seen.split('hello\n').length === 3);
    assert.equal(text.split('HTTP/1.1 200 OK').length, 3);
    other.socket.destroy();
  });

  test('what was closed is counted and logged with the reason', async () => {
    assert.equal(await shop.sidecar.metric('lychgate_proxy_connections_closed_total{cause="verdict"}'), 4);
    const lines = shop.sidecar
      .log()
      .filter(({ msg }) => msg === 'connection closed: its client certificate is no longer accepted');
    assert.deepEqual(
      lines.map((line) => [line['reason'], line['subject']]),
      Array.from({ length: 4 }, () => ['Revoked', 'CN=client,O=Lychgate']),
    );
  });
});
