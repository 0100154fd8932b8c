import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ocspSettings } from '../../test/support/judging.ts';
import type { AnswerFacts, RevocationStatus, UnavailableCause } from '../ocsp/status.ts';
import type { OcspSettings } from '../policy/policy.ts';
import { forever } from './checks.ts';
import { notRevoked } from './revocation.ts';

const freshUntilMs = 5000;
const answer: AnswerFacts = {
  responderUrl: 'http://ocsp.test/',
  source: 'ocsp',
  signer: 'CN=Responder',
  signedBy: 'delegate',
  producedAtMs: 1000,
  thisUpdateMs: 1000,
  nextUpdateMs: 9000,
};
const strict: OcspSettings = ocspSettings;
const lenient: OcspSettings = { ...strict, onMissingResponder: 'Allow', onUnavailable: 'Allow' };
const revoked = { kind: 'revoked', answer, revokedAtMs: Date.UTC(2026, 10, 20, 10), freshUntilMs } as const;
const unavailable = (softenable: boolean, cause: UnavailableCause = 'timeout') =>
  ({ kind: 'unavailable', cause, softenable, detail: 'no answer\nin 2000 ms', freshUntilMs }) as const;
const refused = (reason: string, detail: string, holdsUntilMs = freshUntilMs) => ({
  kind: 'fail',
  reason,
  detail,
  holdsUntilMs,
});
const responder = 'ocsp.test';

for (const { name, status, settings, want } of [
  {
    name: 'good passes until it is stale',
    status: { kind: 'good', answer, freshUntilMs },
    settings: strict,
    want: { kind: 'pass', revocation: 'good', detail: 'good, by CN=Responder', holdsUntilMs: freshUntilMs, responder },
  },
  {
    name: 'revoked names time and reason',
    status: { ...revoked, reason: 'keyCompromise' },
    settings: lenient,
    want: { ...refused('Revoked', 'since 2026-11-20T10:00:00Z, keyCompromise'), responder },
  },
  {
    name: 'revoked without a reason names the time',
    status: { ...revoked, reason: undefined },
    settings: lenient,
    want: { ...refused('Revoked', 'since 2026-11-20T10:00:00Z'), responder },
  },
  {
    name: 'unknown refuses, also where much is allowed',
    status: { kind: 'unknown', answer, freshUntilMs },
    settings: lenient,
    want: { ...refused('RevocationUnknown', 'ocsp.test does not know the certificate'), responder },
  },
  {
    name: 'a missing responder refuses',
    status: { kind: 'responder-missing', detail: 'no AIA' },
    settings: { ...strict, onUnavailable: 'Allow' },
    want: refused('ResponderMissing', 'no AIA', forever),
  },
  {
    name: 'a missing responder passes where allowed',
    status: { kind: 'responder-missing', detail: 'no AIA' },
    settings: { ...strict, onMissingResponder: 'Allow' },
    want: { kind: 'pass', revocation: 'missing', detail: 'allowed: no AIA', holdsUntilMs: undefined },
  },
  {
    name: 'no answer refuses, its detail on one line',
    status: unavailable(true),
    settings: { ...strict, onMissingResponder: 'Allow' },
    want: refused('RevocationUnavailable', 'timeout, no answer?in 2000 ms'),
  },
  {
    name: 'no answer names who was asked, without what may be a secret',
    status: { ...unavailable(true), responderUrl: 'http://user:word@ocsp.test:8080/secret?key=1' },
    settings: strict,
    want: { ...refused('RevocationUnavailable', 'timeout, no answer?in 2000 ms'), responder: 'ocsp.test:8080' },
  },
  {
    name: 'nobody is named by what is no URL',
    status: { ...unavailable(true), responderUrl: 'http://user:word@[/secret' },
    settings: strict,
    want: refused('RevocationUnavailable', 'timeout, no answer?in 2000 ms'),
  },
  {
    name: 'nobody is named by a URL without a host',
    status: { ...unavailable(true), responderUrl: 'urn:secret' },
    settings: strict,
    want: refused('RevocationUnavailable', 'timeout, no answer?in 2000 ms'),
  },
  {
    name: 'a list that the profile brought is named as such',
    status: { kind: 'good', answer: { ...answer, source: 'crl', responderUrl: 'crl.refs' }, freshUntilMs },
    settings: strict,
    want: {
      ...{ kind: 'pass', revocation: 'good-crl', detail: 'not in the CRL of CN=Responder, 1970-01-01T00:00:01Z' },
      ...{ holdsUntilMs: freshUntilMs, responder: 'crl.refs' },
    },
  },
  {
    name: 'no answer passes where allowed',
    status: unavailable(true),
    settings: { ...strict, onUnavailable: 'Allow' },
    want: {
      kind: 'pass',
      revocation: 'unavailable',
      detail: 'allowed: timeout, no answer\nin 2000 ms',
      holdsUntilMs: freshUntilMs,
    },
  },
  {
    name: 'a bad answer refuses, also where no answer is allowed',
    status: unavailable(false, 'untrusted-signer'),
    settings: lenient,
    want: refused('RevocationUnavailable', 'untrusted-signer, no answer?in 2000 ms'),
  },
] satisfies { name: string; status: RevocationStatus; settings: OcspSettings; want: unknown }[]) {
  test(`revocation: ${name}`, () => assert.deepEqual(notRevoked(status, settings), want));
}
