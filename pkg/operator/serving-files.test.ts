import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createMemoryCluster } from '../../test/support/memory-cluster.ts';
import { makeAuthority, type Authority as TestAuthority, testKey } from '../../test/support/pki.ts';
import { silentLog } from '../process/log.ts';
import { oids } from '../x509/extensions.ts';
import { startAuthority } from './authority.ts';
import { serveFromFiles } from './serving-files.ts';

const nowMs = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;
const clock = { wallMs: () => nowMs, monotonicMs: () => 0 };
const first = makeAuthority('first', 'CN=First', nowMs);
const second = makeAuthority('second', 'CN=Second', nowMs);

describe('a serving certificate from files', () => {
  test('is read, and read again when the kubelet has swapped it', async (context) => {
    const folder = mounted(context);
    folder.swap(filesOf(first));
    const source = serveFromFiles({ directory: folder.path, clock, log: silentLog });
    assert.match(source.faults().join(), /has not been read yet$/);
    await source.look();
    assert.deepEqual(source.certificates.current(), held(first));
    let told = 0;
    source.certificates.onChange(() => told++);
    await source.look();
    assert.equal(told, 0);
    folder.swap(filesOf(second));
    await source.look();
    assert.deepEqual([source.certificates.current(), told], [held(second), 1]);
    assert.deepEqual([source.faults(), source.warnings(), source.bundlePem()], [[], [], second.certificate.pem]);
    assert.deepEqual(source.state(), {
      caNotAfterMs: undefined,
      servingNotAfterMs: nowMs + 30 * dayMs,
      rotation: 'Idle',
    });
  });

  for (const [what, broken, want] of [
    [
      'a key of another certificate',
      { 'tls.key': second.keyPem },
      /tls\.crt and tls\.key: the private key does not belong to the first certificate of the chain$/,
    ],
    ['an empty certificate', { 'tls.crt': '' }, /tls\.crt and tls\.key: the certificate chain is not PEM$/],
    [
      'an empty ca.crt',
      { 'ca.crt': '' },
      /ca\.crt \(sidecars know the operator by it; .*\): no PEM block found, expected -----BEGIN CERTIFICATE-----$/,
    ],
    [
      'a key in ca.crt',
      { 'ca.crt': second.keyPem },
      /ca\.crt .*: PEM block 1: a private key \(PRIVATE KEY\) has no place here; remove it$/,
    ],
    ['no tls.key at all', { 'tls.key': undefined }, /ENOENT.*tls\.key/],
  ] as const) {
    test(`that is broken by ${what} is a fault, and the last good one serves on`, async (context) => {
      const folder = mounted(context);
      folder.swap({ ...filesOf(first), ...broken });
      const source = serveFromFiles({ directory: folder.path, clock, log: silentLog });
      await source.look();
      assert.match(source.faults().join(), want);
      assert.throws(() => source.certificates.current(), { code: 'CERTIFICATE_MISSING' });
      folder.swap(filesOf(first));
      await source.look();
      folder.swap({
        ...filesOf(second),
        ...broken,
        ...(broken['tls.key'] === second.keyPem ? { 'tls.key': first.keyPem } : {}),
      });
      await source.look();
      assert.deepEqual([source.certificates.current(), source.faults()], [held(first), []]);
      assert.match(source.warnings().join(), want);
    });
  }

  test('that has expired is a fault', async (context) => {
    const folder = mounted(context);
    folder.swap(filesOf(first));
    const late = { ...clock, wallMs: () => nowMs + 31 * dayMs };
    const source = serveFromFiles({ directory: folder.path, clock: late, log: silentLog });
    await source.look();
    assert.deepEqual(source.faults(), [`the serving certificate in ${folder.path} has expired`]);
  });

  test('makes no CA and patches no webhook; its ca.crt goes into the ConfigMaps', async (context) => {
    const folder = mounted(context);
    folder.swap(filesOf(first));
    const api = createMemoryCluster();
    const client = api.connect();
    const authority = startAuthority({
      cluster: client,
      namespace: 'lychgate-system',
      service: 'lychgate',
      configMapName: 'lychgate-ca',
      watchNamespaces: ['shop'],
      source: { kind: 'Files', directory: folder.path },
      leading: () => true,
      clock,
      log: silentLog,
      timers: { after: () => () => undefined },
    });
    context.after(() => authority.close());
    authority.setNamespaces(new Set(['shop']));
    assert.deepEqual((await authority.ready()).current(), held(first));
    await authority.look();
    const map = '/api/v1/namespaces/shop/configmaps/lychgate-ca';
    assert.deepEqual(client.written, [`APPLY ${map}`]);
    assert.deepEqual(api.at(map)?.['data'], { 'ca.crt': first.certificate.pem });
  });
});

function mounted(context: TestContext) {
  const path = mkdtempSync(join(tmpdir(), 'serving-'));
  context.after(() => rmSync(path, { recursive: true }));
  let version = 0;
  return {
    path,
    /** As the kubelet does it: a new folder, then one rename of the link to it. */
    swap(files: Readonly<Record<string, string | undefined>>) {
      const folder = `..${version++}`;
      mkdirSync(join(path, folder));
      for (const [name, text] of Object.entries(files)) {
        if (text !== undefined) writeFileSync(join(path, folder, name), text);
        if (version === 1) symlinkSync(`..data/${name}`, join(path, name));
      }
      symlinkSync(folder, join(path, '..data_tmp'));
      renameSync(join(path, '..data_tmp'), join(path, '..data'));
    },
  };
}

function servingOf(ca: TestAuthority) {
  const made =
    leaves.get(ca) ??
    ca.issue({ subject: 'CN=operator', extendedKeyUsage: [oids.serverAuth] }, testKey(ca.certificate.subject.text));
  leaves.set(ca, made);
  return made;
}

function filesOf(ca: TestAuthority) {
  const { chainPem, keyPem } = servingOf(ca);
  return { 'tls.crt': chainPem, 'tls.key': keyPem, 'ca.crt': ca.certificate.pem };
}

function held(ca: TestAuthority) {
  const { chainPem, keyPem } = servingOf(ca);
  return { certPem: chainPem, keyPem, caPem: ca.certificate.pem };
}

const leaves = new Map<TestAuthority, ReturnType<TestAuthority['issue']>>();
