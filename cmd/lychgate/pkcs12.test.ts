import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { command, succeed } from '../../test/support/command.ts';
import { makePki, testKey } from '../../test/support/pki.ts';
import { type CheckOptions, type CheckReport, checkCertificate, exitCodeOf } from './check-report.ts';
import { looksLikePkcs12, Pkcs12Unusable, readPkcs12 } from './pkcs12.ts';
import { UsageFault } from './usage-fault.ts';

suite('PKCS #12', () => {
  const nowMs = Date.now();
  const pki = makePki({ nowMs });
  const clients = {
    EC: pki.intermediate.issue({ subject: 'CN=EC client' }),
    RSA: pki.intermediate.issue({ subject: 'CN=RSA client' }, testKey('rsa-client', 2048)),
    Ed25519: pki.intermediate.issue({ subject: 'CN=Ed25519 client' }, generateKeyPairSync('ed25519').privateKey),
  } as const;
  type Algorithm = keyof typeof clients;
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'lychgate-pkcs12-'));
    writeFileSync(file('ca.crt'), pki.caPem);
    writeFileSync(file('chain.crt'), pki.intermediate.certificate.pem);
    writeFileSync(file('password'), 'right\nsecond line\n');
    writeFileSync(file('other-password'), 'wrong\r\n');
    for (const [name, { certificate, keyPem }] of Object.entries(clients)) {
      writeFileSync(file(`${name}.crt`), certificate.pem);
      writeFileSync(file(`${name}.key`), keyPem);
    }
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  function file(name: string): string {
    return join(directory, name);
  }

  let made = 0;
  /** As a user makes one. */
  async function exported(algorithm: Algorithm, args: readonly string[] = [], password = 'right'): Promise<Buffer> {
    made += 1;
    const out = file(`${made}.p12`);
    await succeed('openssl', [
      ...['pkcs12', '-export', '-in', file(`${algorithm}.crt`), '-inkey', file(`${algorithm}.key`)],
      ...['-passout', `pass:${password}`, '-out', out, ...args],
    ]);
    return readFileSync(out);
  }

  const chain = () => ['-certfile', file('chain.crt')];
  const forms: readonly { readonly name: string; readonly args: readonly string[]; readonly password?: string }[] = [
    { name: 'as openssl 3 writes it', args: [] },
    { name: 'as openssl 1 wrote it', args: ['-legacy'] },
    { name: 'with 3DES for everything', args: ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES'] },
    { name: 'with AES-128', args: ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-128-CBC'] },
    { name: 'with the certificates in the clear', args: ['-certpbe', 'NONE'] },
    { name: 'with everything in the clear', args: ['-certpbe', 'NONE', '-keypbe', 'NONE'] },
    { name: 'without a MAC', args: ['-nomac'] },
    { name: 'with a MAC of SHA-512 and a friendly name', args: ['-macalg', 'sha512', '-name', 'Zoë’s key'] },
    { name: 'with a password that is not ASCII', args: [], password: 'pässwörd €' },
    { name: 'with an old password that is not ASCII', args: ['-legacy'], password: 'pässwörd' },
    { name: 'with an empty password', args: [], password: '' },
  ];
  for (const [index, { name, args, password = 'right' }] of forms.entries()) {
    // The kind of key and the form have to do with each other in the first two only: what is encrypted is octets.
    for (const algorithm of index < 2 ? (['EC', 'RSA', 'Ed25519'] as const) : (['EC'] as const)) {
      test(`${algorithm}, ${name}: the certificate, its chain and its key, to the byte`, async (t) => {
        if (args.includes('-legacy') && !(await hasLegacy())) return t.skip('this openssl has no legacy provider');
        const bytes = await exported(algorithm, [...args, ...chain()], password);
        assert.equal(looksLikePkcs12(bytes), true);
        const got = readPkcs12(bytes, password);
        const { certificate, keyPem } = clients[algorithm];
        assert.deepEqual(got, { leaf: certificate.der, chain: [pki.intermediate.certificate.der], keyPem });
        assert.ok(createPrivateKey(got.keyPem).equals(createPrivateKey(keyPem)));
      });
    }
  }

  const faults: readonly {
    readonly name: string;
    readonly bytes: () => Promise<Buffer>;
    readonly password?: string;
    readonly want: RegExp;
  }[] = [
    {
      name: 'a wrong password',
      bytes: () => exported('EC'),
      password: 'wrong',
      want: /^the password is wrong, or the file was changed$/,
    },
    {
      name: 'a wrong password where there is no MAC',
      bytes: () => exported('EC', ['-nomac']),
      password: 'wrong',
      want: /^the password is wrong, or the file was changed$/,
    },
    {
      name: 'no password where one is needed',
      bytes: () => exported('EC'),
      want: /^it is protected by a password; give it by --password-file or in LYCHGATE_PASSWORD$/,
    },
    {
      name: 'a changed file',
      bytes: async () => {
        const bytes = await exported('EC');
        const middle = Math.floor(bytes.length / 2);
        bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
        return bytes;
      },
      password: 'right',
      want: /^(?:the password is wrong, or the file was changed|it is no PKCS #12 file, or a damaged one)$/,
    },
    {
      name: 'a cut file',
      bytes: async () => (await exported('EC')).subarray(0, 300),
      password: 'right',
      want: /^it is no PKCS #12 file, or a damaged one$/,
    },
    {
      name: 'an encryption that is not supported',
      bytes: () => exported('EC', ['-certpbe', 'CAMELLIA-128-CBC']),
      password: 'right',
      want: /^its encryption uses the algorithm 1\.2\.392\.200011\.61\.1\.1\.1\.2, which is not supported; write it anew with openssl pkcs12 -export$/,
    },
    {
      name: 'a MAC that is not supported',
      bytes: () => exported('EC', ['-macalg', 'sha3-256']),
      password: 'right',
      want: /^its MAC uses the algorithm 2\.16\.840\.1\.101\.3\.4\.2\.8, which is not supported/,
    },
    {
      name: 'a file without a key',
      bytes: () => exported('EC', ['-nokeys']),
      password: 'right',
      want: /^expected one certificate with its key, found 0 \(1 certificates, 0 keys\); export/,
    },
    {
      name: 'a MAC of too many iterations',
      bytes: async () => {
        const bytes = await exported('EC', ['-iter', '2048']);
        const at = bytes.lastIndexOf(Buffer.from('02020800', 'hex'));
        // The last INTEGER is the MAC's: 2048 becomes 0x7fff_ffff, in as many octets more.
        const longer = Buffer.concat([bytes.subarray(0, at), Buffer.from('02047fffffff', 'hex')]);
        return withLengths(longer, 2);
      },
      password: 'right',
      want: /^its MAC takes 2147483647 iterations, limit 1000000$/,
    },
    {
      name: 'a file that is too large',
      bytes: () => Promise.resolve(Buffer.alloc(1_048_577)),
      want: /^1048577 bytes, limit 1048576$/,
    },
    {
      name: 'something else',
      bytes: () => Promise.resolve(Buffer.from('hello there')),
      want: /^it is no PKCS #12 file, or a damaged one$/,
    },
  ];
  for (const { name, bytes, password, want } of faults) {
    test(`tells of ${name}`, async () => {
      const content = await bytes();
      assert.throws(
        () => readPkcs12(content, password),
        (error) => error instanceof Pkcs12Unusable && want.test(error.message),
      );
    });
  }

  test('neither a certificate nor a key looks like one', () => {
    const { certificate, key } = clients.EC;
    const others = [
      certificate.der,
      key.export({ type: 'pkcs8', format: 'der' }),
      Buffer.from(certificate.pem),
      Buffer.of(),
    ];
    assert.deepEqual(others.map(looksLikePkcs12), [false, false, false, false]);
  });

  function check(cert: string, change: Partial<CheckOptions> = {}): Promise<CheckReport> {
    return checkCertificate({ cert, ca: file('ca.crt'), ocsp: false, allowInternal: [], ...change }, nowMs);
  }

  for (const algorithm of ['EC', 'RSA'] as const) {
    test(`lychgate check takes ${algorithm} with its chain, and asks OpenSSL with the key that is in it`, async () => {
      writeFileSync(file(`${algorithm}.p12`), await exported(algorithm, chain()));
      const reports = [
        await check(file(`${algorithm}.p12`), { passwordFile: file('password') }),
        await check(file(`${algorithm}.p12`), { password: 'right' }),
      ];
      for (const report of reports) {
        const { verdict, subject, openssl } = report;
        assert.deepEqual(
          { verdict, subject, openssl: openssl.kind, exitCode: exitCodeOf(report) },
          { verdict: 'accept', subject: `CN=${algorithm} client`, openssl: 'agrees', exitCode: 0 },
        );
      }
    });
  }

  const misuses: readonly {
    readonly name: string;
    readonly cert: () => Promise<string>;
    readonly change: () => Partial<CheckOptions>;
    readonly want: RegExp;
  }[] = [
    {
      name: 'a password file with another password, before that of the environment',
      cert: () => saved('wrong.p12'),
      change: () => ({ passwordFile: file('other-password'), password: 'right' }),
      want: /wrong\.p12: the password is wrong/,
    },
    {
      name: 'a key beside the file',
      cert: () => saved('with-key.p12'),
      change: () => ({ key: file('EC.key'), password: 'right' }),
      want: /with-key\.p12: a PKCS #12 file has its own key; leave --key out/,
    },
    {
      name: 'a password file beside PEM',
      cert: () => Promise.resolve(file('EC.crt')),
      change: () => ({ passwordFile: file('password') }),
      want: /EC\.crt: --password-file is for PKCS #12, which this is not/,
    },
  ];
  for (const { name, cert, change, want } of misuses) {
    test(`lychgate check tells of ${name}`, async () => {
      await assert.rejects(check(await cert(), change()), (error) => {
        assert.ok(error instanceof UsageFault);
        assert.match(error.message, want);
        return true;
      });
    });
  }

  test('the environment gives the password to the command', async () => {
    const cert = await saved('env.p12');
    const main = new URL('main.ts', import.meta.url).pathname;
    const args = [main, 'check', '--cert', cert, '--ca', file('ca.crt'), '--chain', file('chain.crt'), '--no-ocsp'];
    const run = (env: Readonly<Record<string, string>>) =>
      command('env', [...assignments(env), process.execPath, ...args]);
    const withIt = await run({ LYCHGATE_PASSWORD: 'right' });
    assert.deepEqual([withIt.code, withIt.stderr, withIt.stdout.split('\n')[0]], [0, '', 'accept']);
    const without = await run({});
    assert.deepEqual([without.code, /protected by a password/.test(without.stderr)], [2, true]);
  });

  async function saved(name: string): Promise<string> {
    writeFileSync(file(name), await exported('EC'));
    return file(name);
  }
});

function assignments(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

async function hasLegacy(): Promise<boolean> {
  return (await command('openssl', ['list', '-providers', '-provider', 'legacy'])).code === 0;
}

/** Two more octets at the end of the file's outer SEQUENCE (long form of two octets) and of the MacData in it. */
function withLengths(bytes: Buffer, more: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt16BE(changed.readUInt16BE(2) + more, 2);
  // MacData is short: its SEQUENCE of less than 128 octets ends with the file.
  for (let at = changed.length - 100; at < changed.length; at += 1) {
    if (changed[at] === 0x30 && changed.readUInt8(at + 1) + more === changed.length - at - 2) {
      changed.writeUInt8(changed.readUInt8(at + 1) + more, at + 1);
      return changed;
    }
  }
  throw new Error('no MacData found');
}
