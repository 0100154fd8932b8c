import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { testKey } from '../../test/support/pki.ts';
import { der, readDer } from './der.ts';
import { oids } from './extensions.ts';
import { issueCertificate } from './issue.ts';
import { parseDnText, parseName } from './name.ts';

const nowMs = Date.UTC(2026, 10, 24);
const dates = { notBeforeMs: nowMs, notAfterMs: nowMs + 86_400_000 };

test('issue: openssl verifies what RSA, EC and Ed25519 keys have signed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-issue-'));
  try {
    const keys = {
      rsa: testKey('rsa', 2048),
      ec: testKey('root'),
      ed25519: generateKeyPairSync('ed25519').privateKey,
    };
    for (const [type, key] of Object.entries(keys)) {
      const root = issueCertificate({ ...dates, subject: `CN=${type} root`, key, isCa: true, pathLength: 0 });
      const leaf = issueCertificate({
        ...dates,
        subject: 'CN=leaf',
        key: testKey('leaf'),
        issuer: { certificate: root, key },
        extendedKeyUsage: [oids.clientAuth],
      });
      writeFileSync(join(directory, 'root.pem'), root.pem);
      const verify = [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslclient',
        '-attime',
        String(nowMs / 1000 + 60),
        '-CAfile',
        join(directory, 'root.pem'),
      ];
      assert.equal(execFileSync('openssl', verify, { input: leaf.pem }).toString(), 'stdin: OK\n', type);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('issue: names are printed as openssl prints them', () => {
  const names = [
    'UID=b+CN=a,O=x',
    'CN=\\ lead\\ ,O=\\#hash',
    'CN=a\\,b\\+c\\;d\\<e\\>f\\"g\\\\h=i',
    'CN=Zo\\C3\\AB \\E2\\98\\83,DC=x,emailAddress=a@b',
    'CN=tab\\09here,serialNumber=1,C=GB',
    '1.2.3.4=#0C036F6464,CN=a',
  ];
  const got = names.map((subject) => {
    const certificate = issueCertificate({ ...dates, subject, key: testKey('leaf') });
    const printed = execFileSync('openssl', ['x509', '-noout', '-subject', '-nameopt', 'RFC2253'], {
      input: certificate.pem,
    });
    return [printed.toString().trimEnd().replace('subject=', ''), certificate.subject.text];
  });
  assert.deepEqual(
    got,
    names.map((name) => [name, parseDnText(name).text]),
  );
});

test('issue: a name given as DER, and an extension in place of a default one, are written as they are', () => {
  const subject = parseName(
    readDer(der.sequence(der.element(0x31, der.sequence(der.oid('2.5.4.3'), der.printable('x'))))),
  );
  const certificate = issueCertificate({
    ...dates,
    subject,
    key: testKey('leaf'),
    extensions: [{ oid: oids.keyUsage, critical: false, value: der.bitString(Buffer.of(0x20), 5) }],
  });
  assert.deepEqual(certificate.subject.der, subject.der);
  assert.deepEqual(certificate.keyUsage, new Set(['keyEncipherment']));
});

test('issue: a key that cannot sign that way is refused', () => {
  const key = generateKeyPairSync('x25519').privateKey;
  assert.throws(() => issueCertificate({ ...dates, subject: 'CN=a', key }), {
    message: 'no signature with sha256 by a key of type x25519',
  });
});
