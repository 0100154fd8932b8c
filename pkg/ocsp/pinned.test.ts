import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  answer,
  ca,
  client,
  critical,
  dayMs,
  judge,
  nowMs,
  options,
  pki,
  single,
} from '../../test/support/ocsp-answers.ts';
import { testKey } from '../../test/support/pki.ts';
import { type CertificateRequest, issueCertificate } from '../x509/issue.ts';
import { targetOf } from './request.ts';
import { signerChecks } from './signer.ts';
import { verifyResponse } from './verify.ts';

/** A responder of a CA that has nothing to do with the client's, which has authorised nobody. */
function foreign(changes: Partial<CertificateRequest> = {}) {
  const key = changes.key ?? testKey('foreign responder');
  const issuer = { certificate: pki.stranger.certificate, key: pki.stranger.key };
  const validity = { notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs };
  return { certificate: issueCertificate({ subject: 'CN=foreign', key, issuer, ...validity, ...changes }), key };
}

const responder = foreign();
const pin = (...pems: string[]) => ({ options: { ...options, trustedResponders: pems } });

test('a responder that the profile trusts counts, though no CA has authorised it, and its answer says so', () => {
  const outcome = verifyResponse({
    response: answer({ signer: responder, certificates: [] }),
    ...{ target: targetOf(client.certificate), certificate: client.certificate, issuer: ca.certificate },
    ...{ nowMs, sentNonce: undefined, ...pin(responder.certificate.pem) },
  });
  assert.equal(outcome.kind !== 'error' && outcome.facts.signedBy, 'pinned');
  assert.equal(outcome.kind, 'good');
});

test('it counts also where it is sent along, and where it says revoked', () => {
  const status = { kind: 'revoked', atMs: nowMs - dayMs } as const;
  const response = answer({ signer: responder, singles: [single({ status })] });
  assert.equal(judge(response, pin(responder.certificate.pem)), 'revoked');
});

describe('does not count', () => {
  const bundle = responder.certificate.pem;
  const below = issueCertificate({
    ...{ subject: 'CN=below', key: testKey('below'), issuer: responder },
    ...{ notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs, extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'] },
  });
  for (const { name, response, pems } of [
    { name: 'without the profile', response: answer({ signer: responder }), pems: [] },
    { name: 'with another responder pinned', response: answer({ signer: responder }), pems: [ca.certificate.pem] },
    { name: 'with a pin that cannot be read', response: answer({ signer: responder }), pems: ['nonsense'] },
    {
      name: 'a certificate that a pinned responder issued',
      ...{ response: answer({ signer: { certificate: below, key: testKey('below') } }), pems: [bundle] },
    },
    {
      name: 'a certificate of the CA of a pinned responder',
      ...{ response: answer({ signer: foreign({ key: testKey('sibling') }) }), pems: [bundle] },
    },
    {
      name: 'an answer of the pinned one that is about a certificate of its own CA',
      response: answer({ signer: responder, singles: [single({ issuer: pki.stranger.certificate })] }),
      pems: [bundle],
    },
  ]) {
    test(name, () => assert.notEqual(judge(response, pin(...pems)), 'good'));
  }
});

for (const { without, changes } of [
  { without: 'signerValidity', changes: { notAfterMs: nowMs - 301_000 } },
  { without: 'signerValidity', changes: { notBeforeMs: nowMs + 301_000 } },
  { without: 'signerKeyUsage', changes: { keyUsage: ['keyEncipherment'] as const } },
  { without: 'signerCriticalExtensions', changes: { extensions: [critical] } },
  { without: 'notTheChecked', changes: { key: client.key } },
]) {
  test(`a pinned responder must still pass ${without}: ${Object.keys(changes).join()}`, () => {
    const signer = foreign(changes);
    const response = answer({ signer });
    const input = pin(signer.certificate.pem);
    assert.equal(judge(response, input), 'untrusted-signer at signer');
    const left = { signerChecks: signerChecks.filter(({ name }) => name !== without) };
    assert.equal(judge(response, input, left), 'good');
  });
}
