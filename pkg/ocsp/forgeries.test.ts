import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answer,
  anyEku,
  ca,
  client,
  critical,
  dayMs,
  delegate,
  judge,
  nonce,
  nowMs,
  ocspSigning,
  options,
  pki,
  type Row,
  root,
  rsa,
  rsaSingles,
  single,
  twin,
  underRsa,
} from '../../test/support/ocsp-answers.ts';
import { makeAuthority, testKey } from '../../test/support/pki.ts';
import { oids as certificateOids } from '../x509/extensions.ts';
import { issueCertificate } from '../x509/issue.ts';
import { targetOf } from './request.ts';
import { signerChecks } from './signer.ts';
import { timeChecks } from './times.ts';
import { verifySteps } from './verify.ts';

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
