import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { caConfigMap, sslProfile, tlsSecret, writeManifests } from '../support/manifests.ts';
import { makeOpensslCa, type OpensslCa, type OpensslIdentity } from '../support/openssl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { type Sidecar, startSidecar } from '../support/sidecar.ts';
import { tlsClient } from '../support/tls-client.ts';

/** Two profiles on one port, told apart by server name, and a third in another namespace. */
suite('of several profiles in a folder', () => {
  let shop: Shop;
  let sidecar: Sidecar;
  let staffCa: OpensslCa;
  let staff: OpensslIdentity;
  before(async () => {
    shop = await openShop({ start: false, responder: false });
    staffCa = await makeOpensslCa(shop.directory, 'staff-ca', 'RSA');
    staff = await staffCa.issue('staff-client');
    const profile = (name: string, host: string, bundle: string, app = 'shop') =>
      sslProfile({
        name,
        app,
        spec: `
  hostnames: [${host}]
  certificateRefs: [{name: shop-tls}]
  trustedClientCertificates: [{kind: ConfigMap, name: ${bundle}}]
  clientAuthConfiguration: {verifyClientRevocation: None}
  backend: {port: ${shop.app.port}}`,
      });
    writeManifests(shop.folder, 'shop.yaml', [
      profile('partners', 'partners.example.test', 'partner-ca'),
      profile('staff', 'staff.example.test', 'staff-ca'),
      profile('other', 'other.example.test', 'staff-ca', 'other'),
      tlsSecret('shop-tls', shop.server.chain, shop.server.key),
      caConfigMap('partner-ca', [shop.ca.bundle]),
      caConfigMap('staff-ca', [staffCa.bundle]),
    ]);
    sidecar = await startSidecar(shop.folder, { args: ['--namespace', 'shop', '--labels', 'app=shop,tier=web'] });
  });
  after(async () => {
    await sidecar?.stop();
    await shop?.close();
  });

  const rows = [
    { host: 'partners.example.test', client: 'partner', status: 200 },
    { host: 'staff.example.test', client: 'staff', status: 200 },
    { host: 'partners.example.test', client: 'staff', status: 400 },
    { host: 'staff.example.test', client: 'partner', status: 400 },
    { host: 'PARTNERS.example.test', client: 'partner', status: 200 },
  ] as const;
  for (const http of ['1.1', '2'] as const) {
    for (const { host, client, status } of rows) {
      test(`HTTP/${http}: ${host} answers a ${client} certificate with ${status}`, async () => {
        const identity = client === 'staff' ? staff : shop.client;
        const answer = await curl(sidecar.port, { host, http, client: identity });
        assert.equal(answer.status, status, answer.error);
        if (status === 400) assert.match(answer.body, /refused: UntrustedIssuer/);
        else assert.deepEqual(shop.app.last('x-client-cert'), [encodeURIComponent(identity.pem)]);
      });
    }

    test(`HTTP/${http}: the name of one and the Host of the other is a 421`, async () => {
      const before = shop.app.received.length;
      const answer = await curl(sidecar.port, {
        ...{ host: 'staff.example.test', http, client: staff },
        args: ['-H', 'Host: partners.example.test'],
      });
      assert.equal(answer.status, 421);
      assert.equal(shop.app.received.length, before);
    });
  }

  test('a name that no profile of this pod claims, and none, get no certificate', async () => {
    for (const servername of ['stranger.example.test', 'other.example.test', '']) {
      await assert.rejects(tlsClient(sidecar.port, shop.client, { servername }), servername);
    }
  });
});
