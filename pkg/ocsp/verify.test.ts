import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answer,
  client,
  dayMs,
  delegate,
  ed25519,
  harmless,
  judge,
  nonce,
  nowMs,
  options,
  other,
  type Row,
  revoked,
  root,
  rsa,
  rsaSingles,
  single,
  twin,
  underRsa,
} from '../../test/support/ocsp-answers.ts';
import { testKey } from '../../test/support/pki.ts';
import { der } from '../x509/der.ts';
import { buildOcspError, wrapOcspResponse } from './respond.ts';

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
    name: 'RSA-PSS with the longest salt that fits the key',
    response: () => answer({ signer: rsa, singles: rsaSingles, certificates: [], pssSaltLength: 222 }),
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

for (const { name, response, input, want } of refused) {
  test(`does not count: ${name}`, () => assert.equal(judge(response(), input), want));
}
