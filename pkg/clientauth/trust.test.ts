import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authority, makeAuthority, makePki, testKey } from '../../test/support/pki.ts';
import { compileTrust } from './trust.ts';

const nowMs = Date.UTC(2026, 10, 24);
const pki = makePki({ nowMs });
const root = makeAuthority('trust root', 'CN=R', nowMs);
const int1 = makeAuthority('trust int1', 'CN=I1', nowMs, root);
const int2 = makeAuthority('trust int2', 'CN=I2', nowMs, int1);
const other = makeAuthority('trust other', 'CN=O', nowMs, root);
const root2 = makeAuthority('trust root2', 'CN=R2', nowMs);
const intOf2 = makeAuthority('trust int of 2', 'CN=J', nowMs, root2);
const bundle = (...authorities: Authority[]) => authorities.map(({ certificate }) => certificate.pem).join('');
const immediate = (...bundles: string[]) => compileTrust(bundles).immediateIssuers.map(({ subject }) => subject.text);

// Azure, mutual-authentication-overview: "Verify client certificate DN".
for (const { name, pem, want } of [
  { name: 'a root alone: the root', pem: bundle(root), want: 'CN=R' },
  { name: 'root and intermediate: the intermediate', pem: bundle(root, int1), want: 'CN=I1' },
  { name: 'the order in the file does not matter for one chain', pem: bundle(int2, int1, root), want: 'CN=I2' },
  { name: 'two intermediates in a row: the second', pem: bundle(root, int1, int2), want: 'CN=I2' },
  { name: 'two chains of one length: that of the first', pem: bundle(root, int1, root2, intOf2), want: 'CN=I1' },
  { name: 'two chains of one length, the other way round', pem: bundle(root2, intOf2, root, int1), want: 'CN=J' },
  { name: 'two chains under one root: that of the first', pem: bundle(root, other, int1), want: 'CN=O' },
  {
    name: 'two chains of different length: that of the longest',
    pem: bundle(root2, intOf2, root, int1, int2),
    want: 'CN=I2',
  },
  { name: 'an intermediate whose root is not there does not count', pem: bundle(root, intOf2), want: 'CN=R' },
]) {
  test(`immediate issuer: ${name}`, () => assert.deepEqual(immediate(pem), [want]));
}

test('trust: several bundles have an immediate issuer each, and their roots once', () => {
  const trust = compileTrust([bundle(root, int1), bundle(root, other), bundle(root2)]);
  assert.deepEqual(
    [trust.anchors, trust.intermediates, trust.immediateIssuers].map((list) => list.map(({ subject }) => subject.text)),
    [
      ['CN=R', 'CN=R2'],
      ['CN=I1', 'CN=O'],
      ['CN=I1', 'CN=O', 'CN=R2'],
    ],
  );
});

test('trust: the digest is that of the certificates in their order, not of the text around them', () => {
  const digest = (...bundles: string[]) => compileTrust(bundles).digest;
  assert.equal(digest(bundle(root, int1)), digest(`# comment\n${bundle(root, int1, root)}`));
  assert.notEqual(digest(bundle(root, other, int1)), digest(bundle(root, int1, other)));
  assert.notEqual(digest(bundle(root, root2)), digest(bundle(root), bundle(root2)));
  assert.match(digest(), /^[0-9a-f]{64}$/);
});

test('trust: no bundle is no anchor', () => assert.deepEqual(compileTrust([]).anchors, []));

for (const { name, bundles, want } of [
  {
    name: 'no self-signed root',
    bundles: [bundle(root), bundle(int1)],
    want: 'trusted CA bundle 1: no self-signed root CA; add the root that its intermediates lead to',
  },
  {
    name: 'a root that is only named so',
    bundles: [bundle(makeAuthority('false', 'CN=R', nowMs, root))],
    want: 'trusted CA bundle 0: no self-signed root CA; add the root that its intermediates lead to',
  },
  {
    name: 'a client certificate',
    bundles: [bundle(root) + pki.client('good').certificate.pem],
    want: 'trusted CA bundle 0, PEM block 2: CN=good client,O=Lychgate is not a CA (basicConstraints without cA)',
  },
  {
    name: 'a CA that may not sign',
    bundles: [bundle(root, root, makeAuthority('nosign', 'CN=N', nowMs, root, { keyUsage: ['cRLSign'] }))],
    want: 'trusted CA bundle 0, PEM block 3: CN=N may not sign certificates (keyUsage without keyCertSign)',
  },
  {
    name: 'a weak key',
    bundles: [bundle(makeAuthority('weak', 'CN=W', nowMs, undefined, { key: testKey('rsa-1024', 1024) }))],
    want: 'trusted CA bundle 0, PEM block 1: CN=W has an unacceptable key: RSA key of 1024 bits, expected 2048 to 8192',
  },
  {
    name: 'an intermediate over SHA-1',
    bundles: [bundle(root, makeAuthority('sha1', 'CN=S', nowMs, root, { signatureHash: 'sha1' }))],
    want: 'trusted CA bundle 0, PEM block 2: CN=S is signed over MD5 or SHA-1',
  },
  {
    name: 'a private key',
    bundles: [bundle(root) + root.keyPem],
    want: 'trusted CA bundle 0, PEM block 2: a private key (PRIVATE KEY) has no place here; remove it',
  },
  {
    name: 'a broken block',
    bundles: [`${bundle(root)}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`],
    want: 'trusted CA bundle 0, PEM block 2: certificate malformed: expected a tag, found end-of-contents, at byte 0',
  },
  {
    name: 'an empty text',
    bundles: [''],
    want: 'trusted CA bundle 0: no PEM block found, expected -----BEGIN CERTIFICATE-----',
  },
]) {
  test(`trust: ${name} refuses the bundle`, () => {
    assert.throws(() => compileTrust(bundles), { name: 'TrustMalformed', code: 'TRUST_MALFORMED', message: want });
  });
}

test('trust: a root over SHA-1 is a root, and an expired one is read', () => {
  const sha1 = makeAuthority('sha1 root', 'CN=S', nowMs, undefined, {
    signatureHash: 'sha1',
    notAfterMs: nowMs - 1000,
  });
  assert.deepEqual(immediate(bundle(sha1)), ['CN=S']);
});
