import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { makeAuthority, makePki, testKey } from '../../test/support/pki.ts';
import { der } from '../x509/der.ts';
import { oids as certificateOids } from '../x509/extensions.ts';
import { type CertificateRequest, issueCertificate } from '../x509/issue.ts';
import { targetOf } from './request.ts';
import {
  type AnswerRequest,
  type AnswerSingle,
  buildOcspError,
  buildOcspResponse,
  wrapOcspResponse,
} from './respond.ts';
import { signerChecks } from './signer.ts';
import { timeChecks } from './times.ts';
import { type Chosen, type VerifyInput, verifyResponse, verifySteps } from './verify.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const dayMs = 86_400_000;
const pki = makePki({ nowMs });
const ca = { certificate: pki.intermediate.certificate, key: pki.intermediate.key };
const root = { certificate: pki.root.certificate, key: pki.root.key };
const twin = { certificate: pki.twin.certificate, key: pki.twin.key };
const client = pki.client('good');
const other = pki.intermediate.issue({ serial: Buffer.of(0x22, 0x22) }).certificate;
const ocspSigning = [certificateOids.ocspSigning];
const anyEku = '2.5.29.37.0';

/** A responder certificate that the CA has authorised, unless what is given spoils it. */
function delegate(changes: Partial<CertificateRequest> = {}, issuer = ca) {
  const key = changes.key ?? testKey('responder');
  const certificate = issueCertificate({
    ...{ subject: 'CN=responder', key, issuer, notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + 30 * dayMs },
    ...{ extendedKeyUsage: ocspSigning, ocspNoCheck: true },
    ...changes,
  });
  return { certificate, key };
}

function single(changes: Partial<AnswerSingle> = {}): AnswerSingle {
  return {
    ...{
      target: client.certificate,
      issuer: ca.certificate,
      status: { kind: 'good' } as const,
      hash: 'sha256' as const,
    },
    ...{ thisUpdateMs: nowMs - 60_000, nextUpdateMs: nowMs + 3_600_000 },
    ...changes,
  };
}

/** A proper answer, unless what is given spoils it; a delegate's certificate is sent along. */
function answer(changes: Partial<AnswerRequest> = {}): Buffer {
  const signer = changes.signer ?? ca;
  const certificates = signer.certificate === ca.certificate ? [] : [signer.certificate];
  return buildOcspResponse({ singles: [single()], signer, producedAtMs: nowMs - 60_000, certificates, ...changes });
}

function judge(response: Buffer, changes: Partial<VerifyInput> = {}, chosen?: Chosen): string {
  const outcome = verifyResponse(
    {
      ...{ response, target: targetOf(client.certificate), certificate: client.certificate, issuer: ca.certificate },
      ...{ nowMs, sentNonce: undefined },
      options: { clockSkewMs: 300_000, maxAgeWithoutNextUpdateMs: 0, nonce: 'Off', sha1Signatures: 'Deny' },
      ...changes,
    },
    chosen,
  );
  return outcome.kind === 'error' ? `${outcome.cause} at ${outcome.step}` : outcome.kind;
}

const options = {
  clockSkewMs: 300_000,
  maxAgeWithoutNextUpdateMs: 0,
  nonce: 'Off',
  sha1Signatures: 'Deny',
} satisfies VerifyInput['options'];
const rsa = {
  certificate: issueCertificate({
    subject: 'CN=RSA CA',
    key: testKey('rsa', 2048),
    isCa: true,
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + dayMs,
  }),
  key: testKey('rsa', 2048),
};
const rsaLeaf = issueCertificate({
  subject: 'CN=client',
  key: testKey('leaf'),
  issuer: rsa,
  notBeforeMs: nowMs - dayMs,
  notAfterMs: nowMs + dayMs,
});
const underRsa = { target: targetOf(rsaLeaf), certificate: rsaLeaf, issuer: rsa.certificate };
const rsaSingles = [single({ target: rsaLeaf, issuer: rsa.certificate })];
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const nonce = Buffer.alloc(32, 7);
const critical = { oid: '1.2.3.4', critical: true, value: der.nullValue() };
const harmless = { oid: '1.2.3.5', critical: false, value: der.nullValue() };
const revoked = { kind: 'revoked', atMs: nowMs - dayMs } as const;

interface Row {
  readonly name: string;
  readonly response: () => Buffer;
  readonly input?: Partial<VerifyInput>;
  readonly want: string;
}

const accepted: readonly Row[] = [
  { name: 'signed by the issuer, named by key', response: () => answer(), want: 'good' },
  { name: 'signed by the issuer, named by name', response: () => answer({ responderId: 'name' }), want: 'good' },
  { name: 'signed by an authorised delegate', response: () => answer({ signer: delegate() }), want: 'good' },
  {
    name: 'by a delegate named by name, behind other certificates',
    response: () => {
      const signer = delegate();
      return answer({
        signer,
        responderId: 'name',
        certificates: [Buffer.of(0x30, 0), other, delegate({ key: testKey('second') }).certificate, signer.certificate],
      });
    },
    want: 'good',
  },
  { name: 'by an Ed25519 delegate', response: () => answer({ signer: delegate({ key: ed25519 }) }), want: 'good' },
  { name: 'SHA-1 CertID', response: () => answer({ singles: [single({ hash: 'sha1' })] }), want: 'good' },
  { name: 'SHA-384 CertID', response: () => answer({ singles: [single({ hash: 'sha384' })] }), want: 'good' },
  {
    name: 'RSA PKCS #1 with SHA-256',
    response: () => answer({ signer: rsa, singles: rsaSingles, certificates: [] }),
    input: underRsa,
    want: 'good',
  },
  {
    name: 'RSA-PSS with SHA-256',
    response: () => answer({ signer: rsa, singles: rsaSingles, certificates: [], pssSaltLength: 32 }),
    input: underRsa,
    want: 'good',
  },
  {
    name: 'RSA with SHA-1 where that is allowed',
    response: () => answer({ signer: rsa, singles: rsaSingles, certificates: [], hash: 'sha1' }),
    input: { ...underRsa, options: { ...options, sha1Signatures: 'Allow' } },
    want: 'good',
  },
  {
    name: 'revoked',
    response: () => answer({ singles: [single({ status: { ...revoked, reason: 'keyCompromise' } })] }),
    want: 'revoked',
  },
  {
    name: 'a revocation dated in the future is one',
    response: () => answer({ singles: [single({ status: { kind: 'revoked', atMs: nowMs + dayMs } })] }),
    want: 'revoked',
  },
  {
    name: 'removeFromCRL is a revocation',
    response: () => answer({ singles: [single({ status: { ...revoked, reason: 'removeFromCRL' } })] }),
    want: 'revoked',
  },
  { name: 'unknown', response: () => answer({ singles: [single({ status: { kind: 'unknown' } })] }), want: 'unknown' },
  {
    name: 'good then revoked is revoked',
    response: () => answer({ singles: [single(), single({ status: revoked })] }),
    want: 'revoked',
  },
  {
    name: 'revoked then good is revoked',
    response: () => answer({ singles: [single({ status: revoked }), single()] }),
    want: 'revoked',
  },
  {
    name: 'good then unknown is unknown',
    response: () => answer({ singles: [single(), single({ status: { kind: 'unknown' } })] }),
    want: 'unknown',
  },
  {
    name: 'unknown then revoked is revoked',
    response: () => answer({ singles: [single({ status: { kind: 'unknown' } }), single({ status: revoked })] }),
    want: 'revoked',
  },
  {
    name: 'about another certificate too',
    response: () => answer({ singles: [single({ target: other, status: revoked }), single()] }),
    want: 'good',
  },
  {
    name: 'an unknown extension that is not critical',
    response: () => answer({ extensions: [harmless], singles: [single({ extensions: [harmless] })] }),
    want: 'good',
  },
  { name: 'producedAt before thisUpdate', response: () => answer({ producedAtMs: nowMs - dayMs }), want: 'good' },
  {
    name: 'within the clock skew on either side',
    response: () =>
      answer({
        producedAtMs: nowMs + 300_000,
        singles: [single({ thisUpdateMs: nowMs + 300_000, nextUpdateMs: nowMs + 300_000 })],
      }),
    want: 'good',
  },
  {
    name: 'nextUpdate passed by the clock skew',
    response: () => answer({ singles: [single({ nextUpdateMs: nowMs - 300_000, thisUpdateMs: nowMs - 400_000 })] }),
    want: 'good',
  },
  {
    name: 'without nextUpdate where that is accepted for a while',
    response: () => answer({ singles: [single({ nextUpdateMs: undefined })] }),
    input: { options: { ...options, maxAgeWithoutNextUpdateMs: 60_000 } },
    want: 'good',
  },
  {
    name: 'the nonce that was sent',
    response: () => answer({ nonce }),
    input: { sentNonce: nonce, options: { ...options, nonce: 'Required' } },
    want: 'good',
  },
  {
    name: 'no nonce where it is optional',
    response: () => answer(),
    input: { sentNonce: nonce, options: { ...options, nonce: 'Optional' } },
    want: 'good',
  },
  { name: 'a nonce that nobody asked for', response: () => answer({ nonce }), want: 'good' },
  {
    name: 'by a delegate without nocheck that lives for 30 days',
    response: () => answer({ signer: delegate({ ocspNoCheck: false }) }),
    want: 'good',
  },
  {
    name: 'by a delegate without keyUsage',
    response: () => answer({ signer: delegate({ keyUsage: [] }) }),
    want: 'good',
  },
];

const subCa = makeAuthority('sub', 'CN=Sub CA', nowMs, pki.intermediate);
const sameKeyClient = issueCertificate({
  subject: 'CN=renewed',
  key: client.key,
  issuer: ca,
  notBeforeMs: nowMs - dayMs,
  notAfterMs: nowMs + dayMs,
  extendedKeyUsage: ocspSigning,
  ocspNoCheck: true,
});
const weakKey = testKey('rsa-weak', 1024);

/** `without`: the check that, taken out, lets the forgery pass; so each row also shows that its check is needed. */
const forged: readonly (Row & { readonly without: string })[] = [
  {
    name: 'by a certificate of the same CA without a purpose',
    response: () => answer({ signer: delegate({ extendedKeyUsage: [] }) }),
    want: 'untrusted-signer at signer',
    without: 'ocspSigning',
  },
  {
    name: 'by a client certificate of the same CA',
    response: () => answer({ signer: delegate({ extendedKeyUsage: [certificateOids.clientAuth] }) }),
    want: 'untrusted-signer at signer',
    without: 'ocspSigning',
  },
  {
    name: 'by a certificate with any purpose only',
    response: () => answer({ signer: delegate({ extendedKeyUsage: [anyEku] }) }),
    want: 'untrusted-signer at signer',
    without: 'ocspSigning',
  },
  {
    name: 'by an expired delegate',
    response: () => answer({ signer: delegate({ notAfterMs: nowMs - 301_000 }) }),
    want: 'untrusted-signer at signer',
    without: 'signerValidity',
  },
  {
    name: 'by a delegate that is not yet valid',
    response: () => answer({ signer: delegate({ notBeforeMs: nowMs + 301_000 }) }),
    want: 'untrusted-signer at signer',
    without: 'signerValidity',
  },
  {
    name: 'by a delegate of a sub-CA',
    response: () => answer({ signer: delegate({}, { certificate: subCa.certificate, key: subCa.key }) }),
    want: 'untrusted-signer at signer',
    without: 'issuedDirectly',
  },
  {
    name: 'by a delegate of the parent CA',
    response: () => answer({ signer: delegate({}, root) }),
    want: 'untrusted-signer at signer',
    without: 'issuedDirectly',
  },
  {
    name: 'by a delegate of a CA with the same name',
    response: () => answer({ signer: delegate({}, twin) }),
    want: 'untrusted-signer at signer',
    without: 'issuedDirectly',
  },
  {
    name: 'by a self-signed responder',
    response: () => {
      const key = testKey('lone');
      const certificate = issueCertificate({
        subject: 'CN=lone',
        key,
        notBeforeMs: nowMs - dayMs,
        notAfterMs: nowMs + dayMs,
        extendedKeyUsage: ocspSigning,
        ocspNoCheck: true,
      });
      return answer({ signer: { certificate, key } });
    },
    want: 'untrusted-signer at signer',
    without: 'issuedDirectly',
  },
  {
    name: 'by a renewed certificate with the key of the checked one',
    response: () => answer({ signer: { certificate: sameKeyClient, key: client.key } }),
    want: 'untrusted-signer at signer',
    without: 'notTheChecked',
  },
  {
    name: 'by a delegate without the right key usage',
    response: () => answer({ signer: delegate({ keyUsage: ['keyEncipherment'] }) }),
    want: 'untrusted-signer at signer',
    without: 'signerKeyUsage',
  },
  {
    name: 'by a delegate without nocheck that lives for two years',
    response: () => answer({ signer: delegate({ ocspNoCheck: false, notAfterMs: nowMs + 730 * dayMs }) }),
    want: 'untrusted-signer at signer',
    without: 'noCheck',
  },
  {
    name: 'by a delegate with an unknown critical extension',
    response: () => answer({ signer: delegate({ extensions: [critical] }) }),
    want: 'untrusted-signer at signer',
    without: 'signerCriticalExtensions',
  },
  {
    name: 'by a delegate with a short RSA key',
    response: () => answer({ signer: delegate({ key: weakKey }) }),
    want: 'untrusted-signer at signer',
    without: 'keyFits',
  },
  {
    name: 'with a broken signature',
    response: () => answer({ spoilSignature: true }),
    want: 'untrusted-signer at signer',
    without: 'signature',
  },
  {
    name: 'by a responder that it does not name',
    response: () => answer({ signer: { certificate: delegate().certificate, key: ca.key }, certificates: [] }),
    want: 'untrusted-signer at signer',
    without: 'responderId',
  },
  {
    name: 'signed with SHA-1',
    response: () => answer({ signer: rsa, singles: rsaSingles, certificates: [], hash: 'sha1' }),
    input: underRsa,
    want: 'untrusted-signer at sha1',
    without: 'sha1',
  },
  {
    name: 'about a certificate that another CA of the same name issued',
    response: () => answer({ singles: [single({ target: pki.client('twin').certificate })] }),
    input: { target: targetOf(pki.client('twin').certificate), certificate: pki.client('twin').certificate },
    want: 'wrong-certificate at link',
    without: 'link',
  },
  {
    name: 'an answer of version 2',
    response: () => answer({ version: 1 }),
    want: 'malformed at version',
    without: 'version',
  },
  {
    name: 'with an unknown critical extension',
    response: () => answer({ extensions: [critical] }),
    want: 'malformed at responseExtensions',
    without: 'responseExtensions',
  },
  {
    name: 'with an unknown critical extension in the part about it',
    response: () => answer({ singles: [single({ extensions: [critical] })] }),
    want: 'malformed at singleExtensions',
    without: 'singleExtensions',
  },
  {
    name: 'produced in the future',
    response: () => answer({ producedAtMs: nowMs + 301_000 }),
    want: 'stale at producedAt',
    without: 'producedAt',
  },
  {
    name: 'with another nonce',
    response: () => answer({ nonce: Buffer.alloc(32, 8) }),
    input: { sentNonce: nonce },
    want: 'wrong-nonce at nonce',
    without: 'nonce',
  },
  {
    name: 'with a short nonce',
    response: () => answer({ nonce: nonce.subarray(0, 16) }),
    input: { sentNonce: nonce },
    want: 'wrong-nonce at nonce',
    without: 'nonce',
  },
  {
    name: 'with a nonce that is not wrapped',
    response: () => answer({ extensions: [{ oid: '1.3.6.1.5.5.7.48.1.2', critical: false, value: nonce }] }),
    input: { sentNonce: nonce },
    want: 'wrong-nonce at nonce',
    without: 'nonce',
  },
  {
    name: 'without the nonce that is required',
    response: () => answer(),
    input: { sentNonce: nonce, options: { ...options, nonce: 'Required' } },
    want: 'wrong-nonce at nonce',
    without: 'nonce',
  },
  {
    name: 'valid from the future on',
    response: () => answer({ singles: [single({ thisUpdateMs: nowMs + 301_000 })] }),
    want: 'stale at times',
    without: 'thisUpdateNotInFuture',
  },
  {
    name: 'past its nextUpdate',
    response: () => answer({ singles: [single({ thisUpdateMs: nowMs - dayMs, nextUpdateMs: nowMs - 301_000 })] }),
    want: 'stale at times',
    without: 'nextUpdateNotPassed',
  },
  {
    name: 'with nextUpdate before thisUpdate',
    response: () => answer({ singles: [single({ thisUpdateMs: nowMs + 10_000, nextUpdateMs: nowMs })] }),
    want: 'stale at times',
    without: 'nextUpdateAfterThisUpdate',
  },
  {
    name: 'without nextUpdate',
    response: () => answer({ singles: [single({ nextUpdateMs: undefined })] }),
    want: 'stale at times',
    without: 'nextUpdateAbsent',
  },
  {
    name: 'without nextUpdate and too old',
    response: () => answer({ singles: [single({ thisUpdateMs: nowMs - dayMs, nextUpdateMs: undefined })] }),
    input: { options: { ...options, maxAgeWithoutNextUpdateMs: 60_000 } },
    want: 'stale at times',
    without: 'nextUpdateAbsent',
  },
  {
    name: 'older than maxResponseAge',
    response: () => answer({ singles: [single({ thisUpdateMs: nowMs - dayMs })] }),
    input: { options: { ...options, maxResponseAgeMs: 60_000 } },
    want: 'stale at times',
    without: 'maxResponseAge',
  },
];

/** These have no check of their own that could be taken out alone, or more than one. */
const refused: readonly Row[] = [
  {
    name: 'by the revoked client itself',
    response: () => answer({ signer: { certificate: client.certificate, key: client.key } }),
    want: 'untrusted-signer at signer',
  },
  {
    name: 'by the CA of the same name itself',
    response: () => answer({ signer: twin }),
    want: 'untrusted-signer at signer',
  },
  {
    name: 'by the CA of the same name under the name',
    response: () => answer({ signer: twin, responderId: 'name' }),
    want: 'untrusted-signer at signer',
  },
  {
    name: 'signed with MD5',
    response: () => answer({ signer: rsa, singles: rsaSingles, certificates: [], hash: 'md5' }),
    input: { ...underRsa, options: { ...options, sha1Signatures: 'Allow' } },
    want: 'untrusted-signer at signatureAlgorithm',
  },
  {
    name: 'about another serial',
    response: () => answer({ singles: [single({ target: other })] }),
    want: 'wrong-certificate at match',
  },
  {
    name: 'with the right name and another key hash',
    response: () => answer({ singles: [single({ issuer: twin.certificate })] }),
    want: 'wrong-certificate at match',
  },
  {
    name: 'with the right key and another name hash',
    response: () =>
      answer({
        singles: [single({ target: { issuerName: root.certificate.subject.der, serial: client.certificate.serial } })],
      }),
    want: 'wrong-certificate at match',
  },
  {
    name: 'with an MD5 CertID',
    response: () => answer({ singles: [single({ hash: 'md5' })] }),
    want: 'wrong-certificate at match',
  },
  { name: 'about nothing', response: () => answer({ singles: [] }), want: 'wrong-certificate at match' },
  {
    name: 'with nine certificates',
    response: () => answer({ certificates: Array.from({ length: 9 }, () => other) }),
    want: 'malformed at parse',
  },
  {
    name: 'with an extension twice',
    response: () => answer({ extensions: [harmless, harmless] }),
    want: 'malformed at parse',
  },
  {
    name: 'of another type',
    response: () => wrapOcspResponse(Buffer.of(0x30, 0), '1.3.6.1.5.5.7.48.1.99'),
    want: 'malformed at responseType',
  },
  {
    name: 'successful without an answer',
    response: () => der.sequence(der.enumerated(0)),
    want: 'malformed at responseType',
  },
  { name: 'tryLater', response: () => buildOcspError('tryLater'), want: 'responder-error at responseStatus' },
  { name: 'unauthorized', response: () => buildOcspError('unauthorized'), want: 'unauthorized at responseStatus' },
  { name: 'the undefined status 4', response: () => buildOcspError(4), want: 'malformed at parse' },
  { name: 'the undefined status 7', response: () => buildOcspError(7), want: 'malformed at parse' },
  { name: 'more bytes behind it', response: () => Buffer.concat([answer(), Buffer.of(0)]), want: 'malformed at parse' },
  {
    name: 'a length that is not minimal',
    response: () => {
      const bytes = answer();
      return Buffer.concat([Buffer.of(0x30, 0x83, 0), bytes.subarray(2)]);
    },
    want: 'malformed at parse',
  },
  {
    name: 'the indefinite form',
    response: () => Buffer.concat([Buffer.of(0x30, 0x80), buildOcspError('tryLater').subarray(2), Buffer.of(0, 0)]),
    want: 'malformed at parse',
  },
  { name: 'nothing', response: () => Buffer.alloc(0), want: 'malformed at parse' },
  { name: 'more than 64 KiB', response: () => Buffer.alloc(65_537), want: 'too-large at parse' },
  {
    name: 'a thousand levels',
    response: () => {
      let bytes = der.nullValue();
      for (let depth = 0; depth < 1000; depth += 1) bytes = der.sequence(bytes);
      return bytes;
    },
    want: 'malformed at parse',
  },
  {
    name: 'a certStatus of another form',
    response: () => {
      const bytes = answer();
      const at = bytes.indexOf(Buffer.of(0x80, 0, 0x18));
      bytes[at] = 0x83;
      return bytes;
    },
    want: 'malformed at parse',
  },
];

for (const { name, response, input, want } of accepted) {
  test(`counts: ${name}`, () => assert.equal(judge(response(), input), want));
}

for (const { name, response, input, want, without } of forged) {
  test(`does not count: ${name}; ${without} is what refuses it`, () => {
    assert.equal(judge(response(), input), want);
    const left = {
      steps: verifySteps.filter((step) => step.name !== without),
      signerChecks: signerChecks.filter((check) => check.name !== without),
      timeChecks: timeChecks.filter((check) => check.name !== without),
    };
    assert.equal(judge(response(), input, left), 'good');
  });
}

for (const { name, response, input, want } of refused) {
  test(`does not count: ${name}`, () => assert.equal(judge(response(), input), want));
}

test('every check refuses a forgery of its own', () => {
  const all = [...verifySteps, ...signerChecks, ...timeChecks].map((check) => check.name);
  const shown = new Set(forged.map(({ without }) => without));
  // These make what later ones need: without them nothing counts at all.
  const makers = ['match', 'responseType', 'signatureAlgorithm', 'signer', 'times'];
  assert.deepEqual(all.filter((name) => !shown.has(name)).sort(), makers);
  const proper = answer();
  for (const maker of makers.filter((name) => name === 'match' || name.startsWith('sign'))) {
    assert.notEqual(judge(proper, {}, { steps: verifySteps.filter((step) => step.name !== maker) }), 'good');
  }
});

test('no single flipped bit of an answer leaves it good', () => {
  const bytes = answer({ signer: delegate() });
  const survivors: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const spoilt = Buffer.from(bytes);
    spoilt[at] = (spoilt[at] ?? 0) ^ (1 << (at % 8));
    if (judge(spoilt) === 'good') survivors.push(at);
  }
  assert.deepEqual(survivors, []);
});
