import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer, isGood, nowMs, ocspSettings, present, withOcsp } from '../../test/support/judging.ts';
import { makePki } from '../../test/support/pki.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { OcspSettings, VerifyingClientAuth } from '../policy/policy.ts';
import { compileJudge } from './judge.ts';
import { compileTrust } from './trust.ts';

const pki = makePki({ nowMs });
const good = pki.client('good');
const trust = compileTrust([pki.caPem]);
const leafName = good.certificate.subject.text;
const caName = pki.intermediate.certificate.subject.text;
const freshUntilMs = isGood.freshUntilMs;

const revoked: RevocationStatus = {
  ...{ kind: 'revoked', answer, revokedAtMs: Date.UTC(2026, 10, 20, 10), reason: 'cACompromise', freshUntilMs },
};
const unknown: RevocationStatus = { kind: 'unknown', answer, freshUntilMs };
const missing: RevocationStatus = { kind: 'responder-missing', detail: 'no AIA' };
const away: RevocationStatus = {
  ...{ kind: 'unavailable', cause: 'timeout', softenable: true, detail: 'slow', freshUntilMs: freshUntilMs - 1 },
};
const soonGood: RevocationStatus = { ...isGood, freshUntilMs: nowMs + 1000 };
const byCrl: RevocationStatus = { ...isGood, answer: { ...answer, source: 'crl' } };

function chained(changes: Partial<OcspSettings> = {}): VerifyingClientAuth {
  return { ...withOcsp, revocation: { kind: 'ocsp', ocsp: { ...ocspSettings, scope: 'Chain', ...changes } } };
}

function ask(leaf: RevocationStatus, ca: RevocationStatus, settings: VerifyingClientAuth, late = false) {
  const asked: string[][] = [];
  const judge = compileJudge(settings, trust, {
    check: (certificate, issuer) => {
      asked.push([certificate.subject.text, issuer.subject.text]);
      const status = certificate.isCa ? ca : leaf;
      return late && certificate.isCa ? Promise.resolve(status) : status;
    },
  });
  return { asked, judge, verdict: judge.judge(present(good), nowMs) };
}

function short(verdict: Awaited<ReturnType<typeof ask>['verdict']>): string {
  if (verdict.kind === 'accept') return `accept ${verdict.revocation}`;
  return verdict.kind === 'refuse' ? `${verdict.reason}: ${verdict.detail}` : verdict.kind;
}

describe('the whole path is asked about', () => {
  test('each certificate but the root under its own issuer, the leaf first', () => {
    const rootName = pki.root.certificate.subject.text;
    assert.deepEqual(ask(isGood, isGood, chained()).asked, [
      [leafName, caName],
      [caName, rootName],
    ]);
  });

  test('with scope Leaf the leaf alone is', () => {
    assert.deepEqual(ask(isGood, revoked, withOcsp).asked, [[leafName, caName]]);
  });

  test('remembered answers are taken at once, and one that is not is waited for', async () => {
    assert.ok(!(ask(isGood, isGood, chained()).verdict instanceof Promise));
    const { verdict } = ask(isGood, revoked, chained(), true);
    assert.ok(verdict instanceof Promise);
    assert.equal(short(await verdict), `Revoked: CA ${caName}: since 2026-11-20T10:00:00Z, cACompromise`);
  });

  test('the verdict holds until the first of the answers is stale', async () => {
    const verdict = await ask(isGood, soonGood, chained()).verdict;
    assert.equal(verdict.kind === 'accept' && verdict.holdsUntilMs, nowMs + 1000);
  });

  test('lychgate check tells the certificate that is revoked', async () => {
    const { checks } = await ask(isGood, revoked, chained()).judge.explain(present(good), nowMs);
    assert.deepEqual(checks.at(-1), {
      check: 'notRevoked',
      outcome: 'fail',
      detail: `CA ${caName}: since 2026-11-20T10:00:00Z, cACompromise`,
    });
  });
});

const lenient: Partial<OcspSettings> = { onMissingResponder: 'Allow', onUnavailable: 'Allow' };
for (const { name, leaf, ca, settings = {}, want } of [
  { name: 'two good ones are good', leaf: isGood, ca: isGood, want: 'accept good' },
  { name: 'a revoked CA refuses', leaf: isGood, ca: revoked, settings: lenient, want: 'Revoked: CA' },
  { name: 'a revoked leaf is named before its revoked CA', leaf: revoked, ca: revoked, want: 'Revoked: since' },
  { name: 'a revoked CA outweighs an unknown leaf', leaf: unknown, ca: revoked, want: 'Revoked: CA' },
  { name: 'an unknown CA refuses', leaf: isGood, ca: unknown, settings: lenient, want: 'RevocationUnknown: CA' },
  { name: 'a CA without AIA is ResponderMissing', leaf: isGood, ca: missing, want: 'ResponderMissing: CA' },
  {
    name: 'a CA without AIA passes where onMissingResponder says so',
    ...{ leaf: isGood, ca: missing, settings: lenient, want: 'accept missing' },
  },
  { name: 'an unavailable CA refuses', leaf: isGood, ca: away, want: 'RevocationUnavailable: CA' },
  {
    name: 'an unavailable leaf is told before a CA without AIA',
    ...{ leaf: away, ca: missing, settings: lenient, want: 'accept unavailable' },
  },
  { name: 'a CRL for one of them is told', leaf: isGood, ca: byCrl, want: 'accept good-crl' },
] satisfies {
  name: string;
  leaf: RevocationStatus;
  ca: RevocationStatus;
  settings?: Partial<OcspSettings>;
  want: string;
}[]) {
  test(`the strictest answer on the path decides: ${name}`, async () => {
    const got = short(await ask(leaf, ca, chained(settings)).verdict);
    assert.ok(got.startsWith(want), `${got} is not ${want}`);
  });
}
