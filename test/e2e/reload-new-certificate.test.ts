import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { tlsSecret } from '../support/manifests.ts';
import { type OpensslIdentity, serverExtensions } from '../support/openssl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { getRequest, type TlsClient, tlsClient } from '../support/tls-client.ts';

suite('a new server certificate in the folder', () => {
  let shop: Shop;
  let renewed: OpensslIdentity;
  let open: TlsClient;
  before(async () => {
    shop = await openShop();
    renewed = await shop.ca.issue('renewed', { extensions: serverExtensions, days: 25 });
    open = await tlsClient(shop.sidecar.port, shop.client);
    open.send(getRequest('/before'));
    await open.until((text) => text.endsWith('hello\n'));
    const [profile, , bundle] = shop.documents();
    shop.write([profile, tlsSecret('shop-tls', renewed.chain, renewed.key), bundle]);
    await shop.sidecar.logged((line) => line.msg === 'configuration applied', 'configuration applied');
  });
  after(() => shop?.close());

  test('new handshakes get it, with its chain', async () => {
    const { socket } = await tlsClient(shop.sidecar.port, shop.client);
    const peer = socket.getPeerCertificate(true);
    socket.destroy();
    assert.equal(peer.serialNumber, renewed.serial);
    assert.equal(peer.issuerCertificate.subject.CN, 'ca');
  });

  test('an open connection lives on under the old one', async () => {
    assert.equal(open.socket.getPeerCertificate().serialNumber, shop.server.serial);
    open.send(getRequest('/after'));
    const text = await open.until((seen) => seen.split('hello\n').length === 3);
    assert.equal(text.split('HTTP/1.1 200 OK').length, 3);
    assert.deepEqual(
      shop.app.received.map(({ url }) => url),
      ['/before', '/after'],
    );
    open.socket.destroy();
  });

  test('its expiry is in the metrics', async () => {
    const { valid_to: validTo } = (await tlsClient(shop.sidecar.port, shop.client)).socket.getPeerCertificate();
    assert.equal(
      await shop.sidecar.metric('lychgate_proxy_certificate_expiration_timestamp_seconds{profile="shop/partners"}'),
      Date.parse(validTo) / 1000,
    );
  });
});
