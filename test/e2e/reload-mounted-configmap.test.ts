import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { writeManifests } from '../support/manifests.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { type Sidecar, startSidecar } from '../support/sidecar.ts';

/** The kubelet's way: FILE -> ..data/FILE, ..data -> ..TIMESTAMP, and an update swaps ..data by renaming. */
suite('a folder that is a mounted ConfigMap', () => {
  let shop: Shop;
  let sidecar: Sidecar;
  let mount: string;

  function publish(timestamp: string, documents: readonly string[]): void {
    writeManifests(join(mount, `..${timestamp}`), 'shop.yaml', documents);
    symlinkSync(`..${timestamp}`, join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  }

  before(async () => {
    shop = await openShop({ start: false, auth: '    {verifyClientRevocation: None}' });
    mount = join(shop.directory, 'mount');
    mkdirSync(mount);
    publish('2026_1', shop.documents());
    symlinkSync('..data/shop.yaml', join(mount, 'shop.yaml'));
    sidecar = await startSidecar(mount);
  });
  after(async () => {
    await sidecar?.stop();
    await shop?.close();
  });

  test('is served', async () => {
    assert.equal((await curl(sidecar.port, { client: shop.client })).status, 200);
    assert.equal((await curl(sidecar.port)).status, 400);
  });

  test('takes effect when ..data is swapped, and again when it is swapped once more', async () => {
    for (const [timestamp, status] of [
      ['2026_2', 401],
      ['2026_3', 403],
    ] as const) {
      const applied = () => sidecar.log().filter(({ msg }) => msg === 'configuration applied').length;
      const before = applied();
      publish(timestamp, shop.documents({ auth: `    {verifyClientRevocation: None, refusal: {status: ${status}}}` }));
      await sidecar.logged(() => applied() > before, 'configuration applied');
      rmSync(join(mount, '..2026_1'), { recursive: true, force: true });
      assert.equal((await curl(sidecar.port)).status, status);
    }
  });
});
