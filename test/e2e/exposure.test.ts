import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { after, suite, test } from 'node:test';
import { startEchoApp } from '../support/echo-app.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { startSidecar } from '../support/sidecar.ts';
import { until } from '../support/until.ts';

const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
const skip = own.length === 0 ? 'this machine has only loopback addresses' : false;

suite('an application that also listens on other addresses than loopback', { skip }, () => {
  const shops: Shop[] = [];
  after(() => Promise.all(shops.map((shop) => shop.close())));
  const auth = '    {verifyClientRevocation: None}';
  const exposed = 'lychgate_proxy_backend_exposed{profile="shop/partners"}';

  test('is reported by a metric and a warning that says what to do', async () => {
    const shop = await openShop({ responder: false, auth, app: await startEchoApp(undefined, '0.0.0.0') });
    shops.push(shop);
    const line = await shop.sidecar.logged(
      ({ msg }) => msg === 'the application can be reached around the gate',
      'exposure',
    );
    assert.equal(line.level, 'warn');
    assert.equal(line['profile'], 'shop/partners');
    assert.equal(line['port'], shop.app.port);
    assert.ok(own.some(({ address }) => address === line['address']));
    assert.equal(line['action'], 'bind the application to 127.0.0.1');
    assert.equal(await shop.sidecar.metric(exposed), 1);
    assert.equal((await shop.sidecar.admin('/readyz')).status, 200);
  });

  test('makes the gate not ready with the reason where whenExposed is Refuse', async () => {
    const shop = await openShop({
      ...{ responder: false, auth, start: false, backend: '    whenExposed: Refuse' },
      app: await startEchoApp(undefined, '0.0.0.0'),
    });
    shops.push(shop);
    const sidecar = await startSidecar(shop.folder, { ready: false });
    try {
      const { body } = await until(async () => {
        const page = await sidecar.admin('/readyz');
        return page.status === 503 ? page : undefined;
      }, 'not ready');
      assert.match(
        body,
        /^not ready:\n- shop\/partners: the application also listens on \S+; bind it to 127\.0\.0\.1, or set backend\.whenExposed: Warn\n$/,
      );
    } finally {
      await sidecar.stop();
    }
  });

  test('on loopback alone is not reported', async () => {
    const shop = await openShop({ responder: false, auth, backend: '    whenExposed: Refuse' });
    shops.push(shop);
    assert.equal(await shop.sidecar.metric(exposed), 0);
    assert.equal((await shop.sidecar.admin('/readyz')).status, 200);
  });
});
