import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { openShop, type Shop } from '../support/shop.ts';

suite('a responder on an internal address', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ auth: '    {verifyClientRevocation: OCSP}' });
  });
  after(() => shop?.close());

  test('is not asked without allowInternalAddresses, and the body says which address and what to set', async () => {
    const { status, body } = await curl(shop.sidecar.port, { client: shop.client });
    assert.equal(status, 400);
    assert.match(body, /^client certificate refused: RevocationUnavailable \(address-refused, .*127\.0\.0\.1/);
    assert.match(body, /allowInternalAddresses/);
    assert.deepEqual(shop.app.received, []);
  });

  test('is not asked where a name leads to it either, nor one that another range permits', async () => {
    const named = await shop.ca.issue('named', { ocspUrl: shop.ocspUrl.replace('127.0.0.1', 'localhost') });
    shop.write(
      shop.documents({ auth: '    ocsp: {allowInternalAddresses: [10.0.0.0/8], responderAllowList: [localhost]}' }),
    );
    await shop.sidecar.logged(({ msg }) => msg === 'configuration applied', 'configuration applied');
    for (const client of [named, shop.client]) {
      const { status, body } = await curl(shop.sidecar.port, { client });
      assert.equal(status, 400);
      assert.match(body, /^client certificate refused: RevocationUnavailable \(address-refused, /);
    }
    assert.deepEqual(shop.app.received, []);
  });
});
