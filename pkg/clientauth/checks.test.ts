import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority, makePki, testKey } from '../../test/support/pki.ts';
import { oids } from '../x509/extensions.ts';
import type { CertificateRequest } from '../x509/issue.ts';
import type { CertificatePath } from '../x509/path.ts';
import {
  earliestNotAfterMs,
  fail,
  forever,
  isoTime,
  pass,
  purposeIsClientAuth,
  wellFormed,
  withinValidity,
} from './checks.ts';

const nowMs = Date.UTC(2026, 10, 24);
const pki = makePki({ nowMs });
const leaf = (request: Partial<CertificateRequest>, key = testKey('leaf')) =>
  pki.intermediate.issue(request, key).certificate;

for (const { name, certificate, want } of [
  { name: 'a P-256 key is well formed', certificate: leaf({ subject: 'CN=a' }), want: pass('CN=a') },
  {
    name: 'an RSA key of 2048 bits is well formed',
    certificate: leaf({ subject: 'CN=a' }, testKey('rsa', 2048)),
    want: pass('CN=a'),
  },
  {
    name: 'an RSA key of 1024 bits is not',
    certificate: leaf({}, testKey('rsa-1024', 1024)),
    want: fail('InvalidCertificate', 'RSA key of 1024 bits, expected 2048 to 8192'),
  },
  {
    name: 'basicConstraints that deny a CA are well formed',
    certificate: leaf({ subject: 'CN=a', isCa: false }),
    want: pass('CN=a'),
  },
  {
    name: 'a certificate of version 2 is not',
    certificate: leaf({ version: 2 }),
    want: fail('InvalidCertificate', 'X.509 version 2, expected 3'),
  },
]) {
  test(`checks: ${name}`, () => assert.deepEqual(wellFormed(certificate), want));
}

test('checks: the leaf is named before the CAs when several dates are over', () => {
  const old = makeAuthority('old', 'CN=Old', nowMs, pki.root, { notAfterMs: nowMs - 1000 });
  const path: CertificatePath = [
    old.issue({ notAfterMs: nowMs - 2000 }).certificate,
    old.certificate,
    pki.root.certificate,
  ];
  assert.deepEqual(
    [
      withinValidity(path, nowMs),
      withinValidity(path, nowMs - 1500),
      withinValidity(path, nowMs - 2000),
      earliestNotAfterMs(path),
    ],
    [
      fail('Expired', 'since 2026-11-23T23:59:58Z'),
      fail('Expired', 'since 2026-11-23T23:59:58Z'),
      pass('until 2026-11-23T23:59:58Z'),
      nowMs - 2000,
    ],
  );
});

test('checks: a CA for clientAuth among others is no restriction', () => {
  const both = makeAuthority('both', 'CN=Both', nowMs, pki.root, {
    extendedKeyUsage: [oids.serverAuth, oids.clientAuth],
  });
  const path: CertificatePath = [both.issue({}).certificate, both.certificate, pki.root.certificate];
  assert.deepEqual(purposeIsClientAuth(path), pass('clientAuth'));
});

test('checks: times are whole seconds, a failure holds for ever unless time can mend it', () => {
  assert.equal(isoTime(Date.UTC(2026, 10, 20, 10, 0, 0, 999)), '2026-11-20T10:00:00Z');
  assert.equal(fail('NotAllowed', 'x').holdsUntilMs, forever);
});
