import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { type CrlRequest, distributionPoints, issuingPoint, makeCrl, makeCrlPem } from '../../test/support/crl.ts';
import { ocspSettings } from '../../test/support/judging.ts';
import { makeAuthority, makePki, testKey } from '../../test/support/pki.ts';
import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { der } from '../x509/der.ts';
import { createCrlChecker } from './checker.ts';
import { certificateSteps, listSteps, timeSteps } from './verify.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const hourMs = 3_600_000;
const pki = makePki({ nowMs });
const ca = { certificate: pki.intermediate.certificate, key: pki.intermediate.key };
const root = { certificate: pki.root.certificate, key: pki.root.key };
const twin = { certificate: pki.twin.certificate, key: pki.twin.key };
const client = pki.intermediate.issue({ extensions: [distributionPoints('ldap://crl.test/ca')] }).certificate;
const weakCa = makeAuthority('rsa-1024', 'CN=Weak CA', nowMs, undefined, { key: testKey('rsa-1024', 1024) });
const rsaCa = makeAuthority('rsa', 'CN=RSA CA', nowMs, undefined, { key: testKey('rsa', 2048) });
const noSign = makeAuthority('no crl', 'CN=No CRL CA', nowMs, pki.root, { keyUsage: ['keyCertSign'] });
const unknown = { oid: '1.2.3.4', critical: true, value: der.nullValue() };
const dnsName = der.implicit(2, Buffer.from('elsewhere.test'));
const certificateIssuer = { oid: '2.5.29.29', critical: true, value: der.sequence(dnsName) };
const deltaIndicator = { oid: '2.5.29.27', critical: true, value: der.integer(1) };
const other = { serial: Buffer.of(0x22, 0x22), atMs: nowMs - hourMs };

function list(changes: Partial<CrlRequest> = {}): CrlRequest {
  return { issuer: ca, thisUpdateMs: nowMs - hourMs, nextUpdateMs: nowMs + hourMs, entries: [other], ...changes };
}

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

interface Asking {
  readonly certificate?: Certificate;
  readonly issuer?: Certificate;
  readonly ocsp?: Partial<OcspSettings>;
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
}

async function ask(pem: string, asking: Asking = {}, without?: string): Promise<string> {
  const checker = createCrlChecker({
    ...{ now: () => nowMs, monotonicNow: () => nowMs, random: randomBytes },
    lookup: () => Promise.reject(new Error('nobody is looked up here')),
    steps: {
      list: listSteps.filter(({ name }) => name !== without),
      time: timeSteps.filter(({ name }) => name !== without),
      certificate: certificateSteps.filter(({ name }) => name !== without),
    },
  });
  closing.push(() => checker.close());
  const status = await checker.check(asking.certificate ?? client, asking.issuer ?? ca.certificate, {
    ocsp: { ...ocspSettings, ...asking.ocsp },
    crl: { lists: [pem], maxAgeMs: asking.maxAgeMs ?? 24 * hourMs, maxBytes: asking.maxBytes ?? 1_000_000 },
  });
  if (status.kind === 'unavailable') return `${status.cause}${status.softenable ? ', softenable' : ''}`;
  return status.kind === 'revoked' ? `revoked ${status.reason} ${status.revokedAtMs}` : status.kind;
}

test('a proper CRL without the certificate is good, and with it revoked with date and reason', async () => {
  assert.equal(await ask(makeCrlPem(list())), 'good');
  const entry = { serial: client.serial, atMs: nowMs - hourMs, reason: 'keyCompromise' };
  assert.equal(await ask(makeCrlPem(list({ entries: [other, entry] }))), `revoked keyCompromise ${nowMs - hourMs}`);
  assert.equal(
    await ask(makeCrlPem(list({ entries: [{ ...entry, reason: 'removeFromCRL' }] }))),
    `revoked removeFromCRL ${nowMs - hourMs}`,
  );
});

/** `without`: the check that, taken out, lets the forgery count; so each row also shows that its check is needed. */
const forged: readonly (Asking & { name: string; crl: () => CrlRequest; want: string; without: string })[] = [
  {
    name: 'of a CA that may not sign CRLs',
    crl: () => list({ issuer: noSign }),
    ...{ certificate: noSign.issue({}).certificate, issuer: noSign.certificate },
    ...{ want: 'untrusted-signer', without: 'crlSign' },
  },
  {
    name: 'signed with SHA-1',
    crl: () => list({ issuer: rsaCa, hash: 'sha1' }),
    ...{ certificate: rsaCa.issue({}).certificate, issuer: rsaCa.certificate },
    ...{ want: 'untrusted-signer', without: 'sha1' },
  },
  {
    name: 'of a CA of the same name with another key',
    ...{ crl: () => list({ issuer: twin }), want: 'untrusted-signer', without: 'signature' },
  },
  {
    name: 'with a broken signature',
    ...{ crl: () => list({ spoilSignature: true }), want: 'untrusted-signer', without: 'signature' },
  },
  {
    name: 'that is a delta',
    ...{ crl: () => list({ extensions: [deltaIndicator] }), want: 'malformed', without: 'delta' },
  },
  {
    name: 'that is indirect',
    ...{ crl: () => list({ extensions: [issuingPoint({ flags: [4] })] }), want: 'malformed', without: 'indirect' },
  },
  {
    name: 'for some reasons only',
    ...{ crl: () => list({ extensions: [issuingPoint({ reasons: true })] }), want: 'malformed', without: 'reasons' },
  },
  {
    name: 'about attribute certificates',
    ...{ crl: () => list({ extensions: [issuingPoint({ flags: [5] })] }), want: 'malformed', without: 'attributes' },
  },
  {
    name: 'with an unknown critical extension',
    ...{ crl: () => list({ extensions: [unknown] }), want: 'malformed', without: 'criticalExtensions' },
  },
  {
    name: 'with an entry about a certificate of another CA',
    crl: () => list({ entries: [{ ...other, extensions: [certificateIssuer] }] }),
    ...{ want: 'malformed', without: 'certificateIssuer' },
  },
  {
    name: 'with an unknown critical extension in an entry about somebody else',
    crl: () => list({ entries: [{ ...other, extensions: [unknown] }] }),
    ...{ want: 'malformed', without: 'entryCriticalExtensions' },
  },
  {
    name: 'valid from the future on',
    ...{ crl: () => list({ thisUpdateMs: nowMs + 301_000 }), want: 'stale', without: 'thisUpdateNotInFuture' },
  },
  {
    name: 'without nextUpdate',
    ...{ crl: () => list({ nextUpdateMs: undefined }), want: 'stale', without: 'nextUpdatePresent' },
  },
  {
    name: 'past its nextUpdate',
    ...{ crl: () => list({ nextUpdateMs: nowMs - 301_000 }), want: 'stale', without: 'nextUpdateNotPassed' },
  },
  {
    name: 'with nextUpdate before thisUpdate',
    crl: () => list({ thisUpdateMs: nowMs + 10_000, nextUpdateMs: nowMs }),
    ...{ want: 'stale', without: 'nextUpdateAfterThisUpdate' },
  },
  {
    name: 'older than maxAge',
    ...{ crl: () => list({ thisUpdateMs: nowMs - hourMs }), maxAgeMs: 60_000, want: 'stale', without: 'maxAge' },
  },
  {
    name: 'for a certificate of another CA of the same name',
    ...{ crl: () => list(), certificate: pki.client('twin').certificate, want: 'wrong-certificate', without: 'link' },
  },
  {
    name: 'about users, for a certificate of a CA',
    crl: () => list({ issuer: root, extensions: [issuingPoint({ flags: [1] })] }),
    ...{ certificate: ca.certificate, issuer: root.certificate },
    ...{ want: 'wrong-certificate', without: 'onlyUserCerts' },
  },
  {
    name: 'about CAs, for a certificate of a user',
    crl: () => list({ extensions: [issuingPoint({ flags: [2] })] }),
    ...{ want: 'wrong-certificate', without: 'onlyCaCerts' },
  },
  {
    name: 'for a distribution point that the certificate does not name',
    crl: () => list({ extensions: [issuingPoint({ urls: ['ldap://crl.test/other'] })] }),
    ...{ want: 'wrong-certificate', without: 'distributionPoint' },
  },
  {
    name: 'for a distribution point, where it is not marked critical either',
    crl: () => list({ extensions: [issuingPoint({ urls: ['ldap://crl.test/other'], critical: false })] }),
    ...{ want: 'wrong-certificate', without: 'distributionPoint' },
  },
  {
    name: 'of a CA with a short RSA key',
    crl: () => list({ issuer: weakCa }),
    ...{ certificate: client, issuer: weakCa.certificate },
    ...{ want: 'untrusted-signer', without: 'keyFits' },
  },
];

describe('a CRL does not count', () => {
  for (const { name, crl, want, without, ...asking } of forged) {
    test(`${name}; ${without} is what refuses it`, async () => {
      const pem = makeCrlPem(crl());
      assert.equal(await ask(pem, asking), want);
      // The link to the weak CA's certificate is refused for the same reason, by another step.
      if (without === 'keyFits') assert.equal(await ask(pem, asking, without), 'wrong-certificate');
      else assert.equal(await ask(pem, asking, without), 'good');
    });
  }
});

test('a CRL that was proven for one CA is not proven for another of the name', async () => {
  const checker = createCrlChecker({
    ...{ now: () => nowMs, monotonicNow: () => nowMs, random: randomBytes },
    lookup: () => Promise.reject(new Error('nobody is looked up here')),
  });
  closing.push(() => checker.close());
  const settings = {
    ocsp: ocspSettings,
    crl: { lists: [makeCrlPem(list())], maxAgeMs: 24 * hourMs, maxBytes: 100_000 },
  };
  assert.equal((await checker.check(client, ca.certificate, settings)).kind, 'good');
  const status = await checker.check(pki.client('twin').certificate, twin.certificate, settings);
  assert.equal(status.kind === 'unavailable' && status.cause, 'untrusted-signer');
});

test('every check refuses a forgery of its own', () => {
  const all = [...listSteps, ...timeSteps, ...certificateSteps].map(({ name }) => name);
  const shown = new Set(forged.map(({ without }) => without));
  // Lists of other names are not looked at among those of the profile; without an algorithm no signature verifies.
  assert.deepEqual(all.filter((name) => !shown.has(name)).sort(), ['issuerName', 'signatureAlgorithm']);
});

for (const { name, pem, want, asking = {} } of [
  {
    name: 'MD5',
    pem: makeCrlPem(list({ issuer: rsaCa, hash: 'md5' })),
    want: 'untrusted-signer',
    asking: {
      certificate: rsaCa.issue({}).certificate,
      issuer: rsaCa.certificate,
      ocsp: { sha1Signatures: 'Allow' as const },
    },
  },
  {
    name: 'SHA-1 where that is allowed',
    pem: makeCrlPem(list({ issuer: rsaCa, hash: 'sha1' })),
    want: 'good',
    asking: {
      certificate: rsaCa.issue({}).certificate,
      issuer: rsaCa.certificate,
      ocsp: { sha1Signatures: 'Allow' as const },
    },
  },
  { name: 'another CA, which says nothing', pem: makeCrlPem(list({ issuer: root })), want: 'crl-missing' },
  { name: 'version 1 without extensions', pem: makeCrlPem(list({ version: 1 })), want: 'good' },
  {
    name: 'its own distribution point',
    pem: makeCrlPem(list({ extensions: [issuingPoint({ urls: ['ldap://crl.test/x', 'ldap://crl.test/ca'] })] })),
    want: 'good',
  },
  { name: 'users, for a user', pem: makeCrlPem(list({ extensions: [issuingPoint({ flags: [1] })] })), want: 'good' },
  { name: 'nobody', pem: makeCrlPem(list({ entries: [] })), want: 'good' },
  { name: 'more bytes than maxBytes', pem: makeCrlPem(list()), want: 'malformed', asking: { maxBytes: 100 } },
  { name: 'no PEM', pem: 'x', want: 'malformed' },
  { name: 'a certificate in its place', pem: ca.certificate.pem, want: 'malformed' },
] satisfies { name: string; pem: string; want: string; asking?: Asking }[] as readonly {
  name: string;
  pem: string;
  want: string;
  asking?: Asking;
}[]) {
  test(`a CRL of ${name} is ${want}`, async () => assert.equal(await ask(pem, asking), want));
}

test('no single flipped bit of a CRL leaves it good', async () => {
  const bytes = makeCrl(list());
  const survivors: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const spoilt = Buffer.from(bytes);
    spoilt[at] = (spoilt[at] ?? 0) ^ (1 << (at % 8));
    const pem = `-----BEGIN X509 CRL-----\n${spoilt.toString('base64')}\n-----END X509 CRL-----\n`;
    if ((await ask(pem)) === 'good') survivors.push(at);
  }
  assert.deepEqual(survivors, []);
});
