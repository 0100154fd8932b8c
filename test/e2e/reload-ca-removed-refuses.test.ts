import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { startEchoApp } from '../support/echo-app.ts';
import { caConfigMap } from '../support/manifests.ts';
import { makeOpensslCa } from '../support/openssl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { getRequest, type TlsClient, tlsClient } from '../support/tls-client.ts';

suite('a CA that leaves the bundle', () => {
  let shop: Shop;
  let idle: TlsClient;
  let halfway: TlsClient;
  let download: TlsClient;
  before(async () => {
    // `/endless` goes on until its connection is closed.
    const app = await startEchoApp((request, response) => {
      if (request.url !== '/endless') {
        response.end('hello\n');
        return;
      }
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(timer));
    });
    shop = await openShop({ app });
    const other = await makeOpensslCa(shop.directory, 'other');
    const connect = async () => {
      const connection = await tlsClient(shop.sidecar.port, shop.client);
      connection.send(getRequest('/before'));
      await connection.until((text) => text.endsWith('hello\n'));
      return connection;
    };
    [idle, halfway, download] = await Promise.all([connect(), connect(), connect()]);
    download.send(getRequest('/endless'));
    await download.until((text) => text.split('HTTP/1.1 200').length === 3);
    halfway.send('GET /after HTTP/1.1\r\nHost: loc');
    // A second connection proves that what was sent before it has arrived.
    await curl(shop.sidecar.port, { client: shop.client });
    const [profile, secret] = shop.documents();
    shop.write([profile, secret, caConfigMap('partner-ca', [other.bundle])]);
    await shop.sidecar.logged((line) => line.msg === 'configuration applied', 'configuration applied');
  });
  after(() => shop?.close());

  test('new connections of its certificates are refused with UntrustedIssuer', async () => {
    const { status, body } = await curl(shop.sidecar.port, { client: shop.client, path: '/after' });
    assert.equal(status, 400);
    assert.match(body, /^client certificate refused: UntrustedIssuer \(/);
  });

  test('an open connection that sends one more request is refused with TrustWithdrawn', async () => {
    halfway.send('alhost\r\n\r\n');
    await halfway.closed;
    const answer = halfway.text().split('hello\n')[1] ?? '';
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /Connection: close/);
    assert.match(
      answer,
      /\r\n\r\nclient certificate refused: TrustWithdrawn \(CN=ca,O=Lychgate is not trusted any more\)\n$/,
    );
  });

  test('an idle one is closed', async () => {
    await idle.closed;
    assert.equal(idle.text().split('HTTP/1.1').length, 2);
  });

  test('a download that runs is cut within some ten seconds', async () => {
    await download.closed;
    assert.doesNotMatch(download.text(), /0\r\n\r\n$/);
  });

  test('the application has seen none of the requests after it', () => {
    assert.deepEqual(
      shop.app.received.map(({ url }) => url).filter((url) => url === '/after'),
      [],
    );
  });
});
