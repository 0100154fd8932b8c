import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { tlsSecret } from '../support/manifests.ts';
import { makeOpensslCa, serverExtensions } from '../support/openssl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { type Sidecar, startSidecar } from '../support/sidecar.ts';
import { tlsClient } from '../support/tls-client.ts';

suite('a profile with an ECDSA and an RSA server certificate', () => {
  let shop: Shop;
  let sidecar: Sidecar;
  before(async () => {
    shop = await openShop({ start: false, responder: false, auth: '    {verifyClientRevocation: None}' });
    const rsaCa = await makeOpensslCa(shop.directory, 'rsa-ca', 'RSA');
    const rsa = await rsaCa.issue('rsa-server', { extensions: serverExtensions });
    const [profile, secret, bundle] = shop.documents();
    shop.write([
      profile.replace('[{name: shop-tls}]', '[{name: shop-tls}, {name: shop-tls-rsa}]'),
      secret,
      tlsSecret('shop-tls-rsa', rsa.chain, rsa.key),
      bundle,
    ]);
    sidecar = await startSidecar(shop.folder);
  });
  after(async () => {
    await sidecar?.stop();
    await shop?.close();
  });

  const algorithms = [
    { sigalgs: 'ECDSA+SHA256', version: 'TLSv1.2', issuer: 'ca' },
    { sigalgs: 'RSA+SHA256', version: 'TLSv1.2', issuer: 'rsa-ca' },
    { sigalgs: 'ecdsa_secp256r1_sha256', version: 'TLSv1.3', issuer: 'ca' },
    { sigalgs: 'rsa_pss_rsae_sha256:RSA+SHA256', version: 'TLSv1.3', issuer: 'rsa-ca' },
  ] as const;
  for (const { sigalgs, version, issuer } of algorithms) {
    for (const servername of ['localhost', '']) {
      test(`gives a ${version} client that knows ${sigalgs} the one it can use, ${servername === '' ? 'without' : 'with'} SNI`, async () => {
        const { socket } = await tlsClient(sidecar.port, undefined, {
          ...{ servername, sigalgs, minVersion: version, maxVersion: version },
        });
        const peer = socket.getPeerCertificate(true);
        socket.destroy();
        assert.equal(peer.issuer.CN, issuer);
        assert.equal(peer.issuerCertificate.subject.CN, issuer);
      });
    }
  }

  test('lets a good client through', async () => {
    assert.equal((await curl(sidecar.port, { client: shop.client })).status, 200);
  });
});
