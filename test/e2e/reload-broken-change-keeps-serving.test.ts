import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { tlsSecret } from '../support/manifests.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { getRequest, tlsClient } from '../support/tls-client.ts';
import { until } from '../support/until.ts';

suite('a change of the folder that is broken', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop?.close());

  const breaks: readonly {
    name: string;
    change(): void;
    fault: { file: string; object: string; field: string; rule: RegExp };
  }[] = [
    {
      name: 'no YAML',
      change: () => writeFileSync(join(shop.folder, 'more.yaml'), 'kind: [\n'),
      fault: { file: 'more.yaml', object: '', field: '', rule: /./ },
    },
    {
      name: 'an unknown field, whose nearest known one is suggested',
      change: () => {
        const [profile, ...rest] = shop.documents();
        shop.write([profile.replace('certificateRefs:', 'certificateRef:'), ...rest]);
      },
      fault: {
        file: 'shop.yaml',
        object: 'SslProfile shop/partners',
        field: 'spec.certificateRef',
        rule: /certificateRefs/,
      },
    },
    {
      name: 'a Secret that is gone',
      change: () => {
        const [profile, , bundle] = shop.documents();
        shop.write([profile, bundle]);
      },
      fault: {
        file: 'shop.yaml',
        object: 'SslProfile shop/partners',
        field: 'spec.certificateRefs[0]',
        rule: /shop-tls/,
      },
    },
    {
      name: 'a key that belongs to another certificate',
      change: () => {
        const [profile, , bundle] = shop.documents();
        shop.write([profile, tlsSecret('shop-tls', shop.server.chain, shop.client.key), bundle]);
      },
      fault: {
        file: 'shop.yaml',
        object: 'SslProfile shop/partners',
        field: 'spec.certificateRefs[0]',
        rule: /private key does not belong/,
      },
    },
    {
      name: 'a backend port out of range',
      change: () => {
        const [profile, ...rest] = shop.documents();
        shop.write([profile.replace(/ {4}port: \d+/, '    port: 70000'), ...rest]);
      },
      fault: { file: 'shop.yaml', object: 'SslProfile shop/partners', field: 'spec.backend.port', rule: /65535/ },
    },
  ];

  // What is repaired must not be seen by the next case: every case begins with the folder as it was.
  afterEach(() => {
    rmSync(join(shop.folder, 'more.yaml'), { force: true });
    shop.write(shop.documents());
  });

  for (const { name, change, fault } of breaks) {
    test(`${name}: reported with file, object, field and rule; the last good configuration serves on`, async () => {
      const open = await tlsClient(shop.sidecar.port, shop.client);
      open.send(getRequest('/before'));
      await open.until((text) => text.endsWith('hello\n'));

      change();
      // The lines of one read come together; which of them is ours is told by the field.
      const line = await shop.sidecar.logged(
        (entry) =>
          entry.msg === 'manifest fault' && entry['field'] === fault.field && fault.rule.test(String(entry['rule'])),
        `fault of ${name}`,
      );
      assert.deepEqual(
        { file: line['file'], object: line['object'], field: line['field'] },
        { file: fault.file, object: fault.object, field: fault.field },
      );
      assert.equal(typeof line['line'], 'number');

      const answer = await curl(shop.sidecar.port, { client: shop.client, path: '/new-connection' });
      assert.equal(answer.status, 200, answer.body);
      open.send(getRequest('/same-connection'));
      const text = await open.until((seen) => seen.split('hello\n').length === 3);
      assert.equal(text.split('HTTP/1.1 200 OK').length, 3);
      assert.equal((await shop.sidecar.admin('/readyz')).status, 200);
      open.socket.destroy();
    });
  }

  test('once it is repaired with a change, the change is in force', async () => {
    shop.write(shop.documents({ auth: '    {verifyClientRevocation: None, refusal: {status: 403}}' }));
    await until(async () => (await curl(shop.sidecar.port)).status === 403 || undefined, 'the new status');
    assert.equal(await shop.sidecar.metric('lychgate_proxy_policy_last_apply_successful'), 1);
  });
});
