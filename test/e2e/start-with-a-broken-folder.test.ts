import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { sslProfile } from '../support/manifests.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { runSidecar } from '../support/sidecar.ts';

suite('a sidecar that starts', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ start: false, responder: false });
  });
  after(() => shop?.close());

  test('with a broken folder exits 1 and lists every fault with file, line, object, field and rule', async () => {
    const folder = join(shop.directory, 'broken');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'a.yaml'),
      sslProfile({
        spec: `
  certificateRefs: [{name: no-such-secret}]
  trustedClientCertificates: [{kind: ConfigMap, name: no-such-bundle}]
  clientAuthConfiguration:
    verifyClientAuthMode: Strickt
    ocsp: {timout: 2s}
  backend: {port: 0}`,
      }),
    );
    writeFileSync(
      join(folder, 'b.yaml'),
      sslProfile({
        name: 'staff',
        spec: `
  certificateRefs: [{name: no-such-secret}]
  trustedClientCertificates: [{kind: ConfigMap, name: no-such-bundle}]
  backend: {port: 8080}`,
      }),
    );
    const { code, stdout, stderr } = await runSidecar(folder);
    assert.equal(code, 1);
    assert.equal(stdout.includes('"serving"'), false);
    for (const line of [
      /^sidecar: .*broken cannot be served:$/m,
      /^ {2}a\.yaml:\d+: SslProfile shop\/partners: spec\.clientAuthConfiguration\.verifyClientAuthMode: .*Strickt.*Strict/m,
      /^ {2}a\.yaml:\d+: SslProfile shop\/partners: spec\.clientAuthConfiguration\.ocsp\.timout: .*timeout/m,
      /^ {2}a\.yaml:\d+: SslProfile shop\/partners: spec\.backend\.port: /m,
      /^ {2}b\.yaml:\d+: SslProfile shop\/staff: spec\.certificateRefs\[0\]: .*no-such-secret/m,
      /^ {2}b\.yaml:\d+: SslProfile shop\/staff: spec\.trustedClientCertificates\[0\]: .*no-such-bundle/m,
    ]) {
      assert.match(stderr, line);
    }
  });

  test('with an empty folder exits 1 and says what is missing', async () => {
    const folder = join(shop.directory, 'empty');
    mkdirSync(folder);
    const { code, stderr } = await runSidecar(folder);
    assert.equal(code, 1);
    assert.match(stderr, /empty has no SslProfile for this pod; add one, or check --namespace and --labels/);
  });

  test('with a folder that is not there exits 1 and names it', async () => {
    const { code, stderr } = await runSidecar(join(shop.directory, 'nowhere'));
    assert.equal(code, 1);
    assert.match(stderr, /cannot read the folder .*nowhere: ENOENT/);
  });

  test('for a pod that no profile selects exits 1', async () => {
    for (const args of [
      ['--namespace', 'elsewhere'],
      ['--labels', 'app=other'],
    ]) {
      const { code, stderr } = await runSidecar(shop.folder, args);
      assert.equal(code, 1);
      assert.match(stderr, /has no SslProfile for this pod/);
    }
  });

  test('with an option that is none exits 1 and says so', async () => {
    const { code, stderr } = await runSidecar(shop.folder, ['--no-such-option']);
    assert.equal(code, 1);
    assert.match(stderr, /unknown option '--no-such-option'/);
  });
});
