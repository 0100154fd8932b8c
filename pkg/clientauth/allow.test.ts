import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePki } from '../../test/support/pki.ts';
import type { AllowEntry } from '../policy/policy.ts';
import type { CertificateRequest } from '../x509/issue.ts';
import type { CertificatePath } from '../x509/path.ts';
import { allowFaults, compileAllow } from './allow.ts';
import { compileTrust } from './trust.ts';

const pki = makePki({ nowMs: Date.UTC(2026, 10, 24) });
const trust = compileTrust([pki.caPem]);
const severalRoots = compileTrust([pki.caPem, pki.stranger.certificate.pem]);
const pathOf = (request: Partial<CertificateRequest>): CertificatePath => [
  pki.intermediate.issue(request).certificate,
  pki.intermediate.certificate,
  pki.root.certificate,
];
const path = pathOf({
  subject: 'CN=web,O=Shop\\, Inc',
  san: { dns: ['Web.shop.test'], uri: ['spiffe://shop.test/ns/a/sa/web'], email: ['Web@Shop.test'] },
});
const [leaf] = path;
const isAllowed = (entries: readonly AllowEntry[], of: CertificatePath) => {
  const tests = compileAllow(entries, trust);
  return tests.some((matches) => matches(of));
};

for (const { name, entry, want } of [
  { name: 'the subject', entry: { subjectDn: 'cn=WEB, O=shop\\, inc' }, want: true },
  { name: 'a part of the subject', entry: { subjectDn: 'CN=web' }, want: false },
  { name: 'the subject in another order', entry: { subjectDn: 'O=Shop\\, Inc,CN=web' }, want: false },
  { name: 'the DNS name in any case', entry: { dnsName: 'web.SHOP.test' }, want: true },
  { name: 'a part of the DNS name', entry: { dnsName: 'shop.test' }, want: false },
  { name: 'a wildcard for one label', entry: { dnsName: '*.shop.test' }, want: true },
  { name: 'a wildcard for two labels', entry: { dnsName: '*.test' }, want: false },
  { name: 'a wildcard for no label', entry: { dnsName: '*.web.shop.test' }, want: false },
  { name: 'the URI', entry: { uri: 'spiffe://shop.test/ns/a/sa/web' }, want: true },
  { name: 'a prefix of the URI ending in a slash', entry: { uri: 'spiffe://shop.test/ns/a/' }, want: true },
  { name: 'a prefix of the URI without a slash', entry: { uri: 'spiffe://shop.test/ns/a' }, want: false },
  { name: 'the URI in another case', entry: { uri: 'spiffe://shop.test/ns/A/' }, want: false },
  { name: 'the address, its domain in any case', entry: { email: 'Web@sHOP.test' }, want: true },
  { name: 'another local part', entry: { email: 'web@Shop.test' }, want: false },
  {
    name: 'the fingerprint with colons',
    entry: { sha256Fingerprint: leaf.sha256.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:') },
    want: true,
  },
  { name: 'another fingerprint', entry: { sha256Fingerprint: pki.root.certificate.sha256 }, want: false },
  { name: 'the key', entry: { spkiSha256: leaf.spkiSha256 }, want: true },
  {
    name: "the issuer's key as the leaf's",
    entry: { spkiSha256: pki.intermediate.certificate.spkiSha256 },
    want: false,
  },
  { name: "the issuer's key", entry: { issuerSpkiSha256: pki.intermediate.certificate.spkiSha256 }, want: true },
  {
    name: "the root's key is not the issuer's",
    entry: { issuerSpkiSha256: pki.root.certificate.spkiSha256 },
    want: false,
  },
  {
    name: 'two fields that both match',
    entry: { subjectDn: 'CN=web,O=Shop\\, Inc', dnsName: 'web.shop.test' },
    want: true,
  },
  {
    name: 'two fields of which one matches',
    entry: { subjectDn: 'CN=web,O=Shop\\, Inc', dnsName: 'api.shop.test' },
    want: false,
  },
  { name: 'a name in a SAN of another type', entry: { uri: 'http://Web.shop.test' }, want: false },
] satisfies { name: string; entry: AllowEntry; want: boolean }[]) {
  test(`allow: ${name} ${want ? 'matches' : 'does not match'}`, () => assert.equal(isAllowed([entry], path), want));
}

test('allow: one of two entries is enough', () => {
  assert.equal(isAllowed([{ dnsName: 'api.shop.test' }, { dnsName: 'web.shop.test' }], path), true);
});

for (const { name, san, entry } of [
  {
    name: 'a wildcard certificate does not match a wildcard',
    san: { dns: ['*.shop.test'] },
    entry: { dnsName: '*.shop.test' },
  },
  {
    name: 'a wildcard certificate does not match a host',
    san: { dns: ['*.shop.test'] },
    entry: { dnsName: 'web.shop.test' },
  },
  {
    name: 'a name without a label does not match a wildcard',
    san: { dns: ['.shop.test'] },
    entry: { dnsName: '*.shop.test' },
  },
  {
    name: 'dot segments do not match a prefix',
    san: { uri: ['spiffe://shop.test/ns/a/../b'] },
    entry: { uri: 'spiffe://shop.test/ns/a/' },
  },
  {
    name: 'encoded dot segments do not match a prefix',
    san: { uri: ['spiffe://shop.test/ns/a/%2E./b'] },
    entry: { uri: 'spiffe://shop.test/ns/a/' },
  },
  { name: 'an address in the subject is not a SAN', san: {}, entry: { email: 'a@shop.test' } },
  { name: 'a common name is not a DNS name', san: {}, entry: { dnsName: 'web' } },
]) {
  test(`allow: ${name}`, () => {
    assert.equal(isAllowed([entry], pathOf({ subject: 'CN=web,emailAddress=a@shop.test', san })), false);
  });
}

for (const { name, entries, roots, want } of [
  {
    name: 'an empty entry',
    entries: [{ email: 'a@b' }, {}],
    roots: trust,
    want: ['allow[1]: empty, would allow every certificate; remove it or give it a field'],
  },
  {
    name: 'a subject that is none',
    entries: [{ subjectDn: 'web' }],
    roots: trust,
    want: ['allow[0].subjectDn: not a distinguished name: "web": expected TYPE=VALUE, found "web"'],
  },
  {
    name: 'a wildcard within a name',
    entries: [{ dnsName: 'a.*.test' }],
    roots: trust,
    want: ['allow[0].dnsName: "a.*.test" is not a DNS name, exact or *. and one'],
  },
  {
    name: 'a prefix without an authority',
    entries: [{ uri: 'https://' }],
    roots: trust,
    want: ['allow[0].uri: prefix "https://" needs an authority before its last slash'],
  },
  {
    name: 'a URI without a scheme',
    entries: [{ uri: '/a' }],
    roots: trust,
    want: ['allow[0].uri: "/a" is not an absolute URI'],
  },
  {
    name: 'an address without a domain',
    entries: [{ email: 'a@' }],
    roots: trust,
    want: ['allow[0].email: "a@" is not an e-mail address'],
  },
  {
    name: 'a hash of another length',
    entries: [{ spkiSha256: 'ab' }],
    roots: trust,
    want: ['allow[0].spkiSha256: "ab" is not a SHA-256 in 64 hexadecimal digits'],
  },
  {
    name: 'a name alone under several roots',
    entries: [{ dnsName: 'a.test' }],
    roots: severalRoots,
    want: [
      'allow[0].dnsName: more than one root CA is trusted and any of them could issue this name; add issuerSpkiSha256',
    ],
  },
  {
    name: 'a name with its issuer under several roots is none',
    entries: [{ dnsName: 'a.test', issuerSpkiSha256: 'a'.repeat(64) }],
    roots: severalRoots,
    want: [],
  },
  {
    name: 'a key alone under several roots is none',
    entries: [{ sha256Fingerprint: 'a'.repeat(64) }],
    roots: severalRoots,
    want: [],
  },
  { name: 'a name alone under one root is none', entries: [{ dnsName: 'a.test' }], roots: trust, want: [] },
]) {
  test(`allow faults: ${name}`, () => {
    assert.deepEqual(allowFaults(entries, roots), want);
    if (want.length > 0) {
      assert.throws(() => compileAllow(entries, roots), {
        name: 'AllowMalformed',
        code: 'ALLOW_MALFORMED',
        faults: want,
      });
    }
  });
}

test('allow faults: a field of a later version is one', () => {
  const entry: AllowEntry = { dnsName: 'a.test', ...{ later: 'x' } };
  assert.deepEqual(allowFaults([entry], trust), ['allow[0].later: not supported']);
});
