import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Authority, makeAuthority, makePki, testKey } from '../../test/support/pki.ts';
import type { Certificate } from './certificate.ts';
import { der } from './der.ts';
import { oids } from './extensions.ts';
import { issueCertificate } from './issue.ts';
import { findPath, indexIssuers } from './path.ts';

const nowMs = Date.UTC(2026, 10, 24);
const dayMs = 86_400_000;
const pki = makePki({ nowMs });
const { root, intermediate, stranger, twin } = pki;
const good = pki.client('good').certificate;

function search(
  leaf: Certificate,
  sent: readonly Certificate[],
  anchors: readonly Certificate[] = [root.certificate],
  intermediates: readonly Certificate[] = [],
) {
  const result = findPath(
    leaf,
    sent,
    { anchors: indexIssuers(anchors), intermediates: indexIssuers(intermediates) },
    nowMs,
  );
  return result.kind === 'trusted' ? result.path.map(({ sha256 }) => sha256) : result.detail;
}
const prints = (...certificates: Certificate[]) => certificates.map(({ sha256 }) => sha256);
const below = (parent: Authority, name: string, extra: Parameters<typeof makeAuthority>[4] = {}) =>
  makeAuthority(name, `CN=${name}`, nowMs, parent, extra);

test('path: over the intermediate that was sent', () => {
  assert.deepEqual(search(good, [intermediate.certificate]), prints(good, intermediate.certificate, root.certificate));
});

test('path: over the intermediate that is configured, when none was sent', () => {
  assert.deepEqual(
    search(good, [], [root.certificate], [intermediate.certificate]),
    prints(good, intermediate.certificate, root.certificate),
  );
});

test('path: none without the intermediate, and the message names it', () => {
  assert.equal(search(good, []), 'no trusted issuer named CN=Test Intermediate,O=Lychgate');
});

test('path: a root that was only sent is no anchor', () => {
  const leaf = pki.client('stranger').certificate;
  assert.equal(
    search(leaf, [stranger.certificate]),
    'CN=Stranger Root,O=Elsewhere is self-signed and not among the trusted CAs',
  );
  assert.equal(search(leaf, []), 'no trusted issuer named CN=Stranger Root,O=Elsewhere');
});

test('path: a same-name twin that was sent beside, before or instead of the issuer misleads nothing', () => {
  const want = prints(good, intermediate.certificate, root.certificate);
  assert.deepEqual(search(good, [twin.certificate, intermediate.certificate]), want);
  assert.deepEqual(search(good, [twin.certificate], [root.certificate], [intermediate.certificate]), want);
  assert.equal(
    search(good, [twin.certificate]),
    'the signature of CN=good client,O=Lychgate does not verify under CN=Test Intermediate,O=Lychgate',
  );
});

test('path: a leaf of the twin is not trusted by way of the name', () => {
  const leaf = pki.client('twin').certificate;
  assert.equal(
    search(leaf, [twin.certificate, stranger.certificate, intermediate.certificate]),
    'CN=Stranger Root,O=Elsewhere is self-signed and not among the trusted CAs',
  );
});

test('path: a same-name root with another key is no anchor', () => {
  const fake = issueCertificate({
    subject: 'CN=Test Root,O=Lychgate',
    key: testKey('fake root'),
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + dayMs,
    isCa: true,
  });
  const child = intermediate.issue({ issuer: { certificate: fake, key: testKey('fake root') } }).certificate;
  assert.equal(
    search(child, [fake]),
    'the signature of CN=Test Root,O=Lychgate does not verify under CN=Test Root,O=Lychgate',
  );
});

test('path: at most five certificates', () => {
  const a = below(root, 'a');
  const b = below(a, 'b');
  const c = below(b, 'c');
  const five = c.issue({});
  assert.deepEqual(search(five.certificate, five.chain.slice(1)), prints(...five.chain, root.certificate));
  const six = below(c, 'd').issue({});
  assert.equal(search(six.certificate, six.chain.slice(1)), 'path longer than 5 certificates');
});

for (const { name, extra, want } of [
  { name: 'is no CA', extra: { isCa: false }, want: 'CN=odd is not a CA' },
  {
    name: 'lacks keyCertSign',
    extra: { keyUsage: ['cRLSign'] },
    want: 'CN=odd may not sign certificates (keyUsage without keyCertSign)',
  },
  {
    name: 'has an unknown critical extension',
    extra: { extensions: [{ oid: '1.2.3', critical: true, value: der.nullValue() }] },
    want: 'CN=odd has the critical extension 1.2.3, which is not supported',
  },
  {
    name: 'demands a policy',
    extra: { extensions: [{ oid: '2.5.29.36', critical: true, value: der.sequence(der.implicit(0, Buffer.of(0))) }] },
    want: 'CN=odd has the critical extension 2.5.29.36, which is not supported',
  },
  {
    name: 'has a weak key',
    extra: { key: testKey('rsa-1024', 1024) },
    want: 'CN=odd: RSA key of 1024 bits, expected 2048 to 8192',
  },
  { name: 'is signed over SHA-1', extra: { signatureHash: 'sha1' }, want: 'CN=odd is signed over MD5 or SHA-1' },
  { name: 'is version 1', extra: { version: 1 }, want: 'CN=odd is not a CA' },
] satisfies { name: string; extra: Parameters<typeof makeAuthority>[4]; want: string }[]) {
  test(`path: none over an issuer that ${name}`, () => {
    const odd = below(root, 'odd', extra);
    assert.equal(search(odd.issue({}).certificate, [odd.certificate]), want);
  });
}

test('path: none for a leaf that is signed over SHA-1', () => {
  assert.equal(search(root.issue({ signatureHash: 'sha1' }).certificate, []), 'CN=client is signed over MD5 or SHA-1');
});

test('path: keyUsage may be absent', () => {
  const plain = below(root, 'plain', { keyUsage: [] });
  const leaf = plain.issue({}).certificate;
  assert.deepEqual(search(leaf, [plain.certificate]), prints(leaf, plain.certificate, root.certificate));
});

test('path: pathLength counts the CAs below, self-issued ones not', () => {
  const zero = below(root, 'zero', { pathLength: 0 });
  const direct = zero.issue({}).certificate;
  assert.deepEqual(search(direct, [zero.certificate]), prints(direct, zero.certificate, root.certificate));
  const under = below(zero, 'under');
  assert.equal(
    search(under.issue({}).certificate, [under.certificate, zero.certificate]),
    'CN=zero allows 0 CAs below it, found 1',
  );
  const renewed = makeAuthority('zero renewed', 'CN=zero', nowMs, zero);
  const leaf = renewed.issue({}).certificate;
  assert.deepEqual(
    search(leaf, [renewed.certificate, zero.certificate]),
    prints(leaf, renewed.certificate, zero.certificate, root.certificate),
  );
});

test('path: pathLength of the anchor counts too', () => {
  const anchor = makeAuthority('short root', 'CN=Short Root', nowMs, undefined, { pathLength: 0 });
  const middle = below(anchor, 'middle');
  assert.equal(
    search(middle.issue({}).certificate, [middle.certificate], [anchor.certificate]),
    'CN=Short Root allows 0 CAs below it, found 1',
  );
});

test('path: of several, one whose issuers are in date is taken; else one that is not', () => {
  const key = testKey('renewing');
  const old = makeAuthority('renewing', 'CN=Renewing', nowMs, root, {
    key,
    notAfterMs: nowMs - 1000,
    serial: Buffer.of(1),
  });
  const fresh = makeAuthority('renewing', 'CN=Renewing', nowMs, root, { key, serial: Buffer.of(2) });
  const leaf = old.issue({}).certificate;
  assert.deepEqual(
    search(leaf, [old.certificate, fresh.certificate]),
    prints(leaf, fresh.certificate, root.certificate),
  );
  assert.deepEqual(search(leaf, [old.certificate]), prints(leaf, old.certificate, root.certificate));
});

test('path: two CAs that certify each other end the search', () => {
  const one = below(stranger, 'one');
  const two = below(one, 'two');
  const back = issueCertificate({
    subject: 'CN=one',
    key: one.key,
    issuer: { certificate: two.certificate, key: two.key },
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + dayMs,
    isCa: true,
  });
  assert.equal(typeof search(two.issue({}).certificate, [two.certificate, back, one.certificate]), 'string');
});

test('path: a crowd of same-name CAs cannot buy more than a bounded number of signature checks', () => {
  let checks = 0;
  const key = testKey('crowd');
  const crowd = Array.from({ length: 16 }, (_, index) => {
    const { certificate } = makeAuthority('crowd', 'CN=crowd', nowMs, undefined, { key, serial: Buffer.of(1, index) });
    return {
      ...certificate,
      isIssuedBy: (issuer: Certificate) => {
        checks += 1;
        return certificate.isIssuedBy(issuer);
      },
    };
  });
  const leaf = issueCertificate({
    subject: 'CN=leaf',
    key,
    issuer: { certificate: crowd[0] ?? good, key },
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + dayMs,
  });
  assert.equal(typeof search(leaf, crowd), 'string');
  assert.ok(checks <= 32, `${checks} checks`);
});

test('path: more than 16 certificates sent are not looked at', () => {
  assert.equal(
    search(
      good,
      Array.from({ length: 17 }, () => intermediate.certificate),
    ),
    '17 certificates sent, limit 16',
  );
});

test('path: name constraints of any CA on it hold for everything below', () => {
  const permitted = (dns: string) => der.sequence(der.explicit(0, der.sequence(der.implicit(2, Buffer.from(dns)))));
  const constrained = below(root, 'constrained', {
    extensions: [{ oid: oids.nameConstraints, critical: true, value: permitted('example.test') }],
  });
  const middle = below(constrained, 'middle');
  const inside = middle.issue({ san: { dns: ['a.example.test'] } }).certificate;
  const outside = middle.issue({ san: { dns: ['a.example.org'] } }).certificate;
  const sent = [middle.certificate, constrained.certificate];
  assert.deepEqual(search(inside, sent), prints(inside, ...sent, root.certificate));
  assert.equal(search(outside, sent), 'CN=constrained constrains names: CN=client has a not permitted DNS name');
});
