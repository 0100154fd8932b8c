import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { answer, ocspSettings } from '../../test/support/judging.ts';
import { startOcspResponder } from '../../test/support/ocsp-responder.ts';
import { makePki } from '../../test/support/pki.ts';
import { createOcspChecker } from '../ocsp/checker.ts';
import type { AnswerFacts, RevocationStatus, UnavailableCause } from '../ocsp/status.ts';
import type { AskedRevocation, CrlSettings, OcspSettings } from '../policy/policy.ts';
import { createRevocationChecker } from './revocation.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const pki = makePki({ nowMs });
const issuer = pki.intermediate.certificate;
const client = pki.client('good').certificate;
const crlSettings: CrlSettings = { lists: [], maxAgeMs: 86_400_000, maxBytes: 1_000_000 };
const freshUntilMs = nowMs + 60_000;

const facts = (source: AnswerFacts['source'], thisUpdateMs: number): AnswerFacts => ({
  ...{ ...answer, source, producedAtMs: thisUpdateMs, thisUpdateMs },
});
const good = (source: AnswerFacts['source'], atMs = nowMs): RevocationStatus => ({
  ...{ kind: 'good', answer: facts(source, atMs), freshUntilMs },
});
const revoked = (source: AnswerFacts['source'], reason?: string, atMs = nowMs): RevocationStatus => ({
  ...{ kind: 'revoked', answer: facts(source, atMs), revokedAtMs: atMs - 1000, reason, freshUntilMs },
});
const unknown: RevocationStatus = { kind: 'unknown', answer: facts('ocsp', nowMs), freshUntilMs };
const missing: RevocationStatus = { kind: 'responder-missing', detail: 'no AIA' };
const silent = (cause: UnavailableCause, softenable: boolean, unknownSinceMs?: number): RevocationStatus => ({
  ...{ kind: 'unavailable', cause, softenable, detail: cause, freshUntilMs: nowMs + 1000 },
  ...(unknownSinceMs === undefined ? {} : { unknownSinceMs }),
});

function settings(kind: AskedRevocation['kind'], changes: Partial<OcspSettings> = {}): AskedRevocation {
  const ocsp = { ...ocspSettings, ...changes };
  return kind === 'ocsp' ? { kind, ocsp } : { kind, ocsp, crl: crlSettings };
}

function door(ocsp: RevocationStatus, crl: RevocationStatus) {
  const says = { ocsp, crl };
  const asked: string[] = [];
  const found: string[] = [];
  const ask = (who: 'crl' | 'ocsp') => () => {
    asked.push(who);
    return says[who];
  };
  const onRevoked = ({ serialHex }: { readonly serialHex: string }) => found.push(serialHex);
  const checker = createRevocationChecker({ check: ask('ocsp') }, { check: ask('crl') }, { onRevoked });
  return {
    says,
    asked,
    found,
    check: async (kind: AskedRevocation['kind'], changes: Partial<OcspSettings> = {}) =>
      short(await checker.check(client, issuer, settings(kind, changes))),
  };
}

function short(status: RevocationStatus): string {
  if (status.kind === 'unavailable') return status.cause;
  return status.kind === 'responder-missing' ? status.kind : `${status.kind} by ${status.answer.source}`;
}

describe('OCSPThenCRL', () => {
  for (const { name, ocsp, crl, want, asked = 'ocsp,crl' } of [
    {
      name: 'takes a good answer of OCSP',
      ocsp: good('ocsp'),
      crl: revoked('crl'),
      want: 'good by ocsp',
      asked: 'ocsp',
    },
    {
      name: 'takes a revocation by OCSP',
      ocsp: revoked('ocsp'),
      crl: good('crl'),
      want: 'revoked by ocsp',
      asked: 'ocsp',
    },
    { name: 'takes an unknown of OCSP', ocsp: unknown, crl: good('crl'), want: 'unknown by ocsp', asked: 'ocsp' },
    {
      name: 'looks at the CRL where nobody answers',
      ocsp: silent('timeout', true),
      crl: good('crl'),
      want: 'good by crl',
    },
    { name: 'refuses who is on the CRL', ocsp: silent('dns', true), crl: revoked('crl'), want: 'revoked by crl' },
    { name: 'looks at the CRL where no responder is named', ocsp: missing, crl: good('crl'), want: 'good by crl' },
    {
      name: 'looks at no CRL after an answer that was wrong',
      ...{ ocsp: silent('untrusted-signer', false), crl: good('crl'), want: 'untrusted-signer', asked: 'ocsp' },
    },
    {
      name: 'looks at no CRL where our own queue is full',
      ...{ ocsp: silent('overloaded', false), crl: good('crl'), want: 'overloaded', asked: 'ocsp' },
    },
    {
      name: 'does not lift an unknown by an older CRL',
      ...{ ocsp: silent('timeout', true, nowMs), crl: good('crl', nowMs - 1000), want: 'timeout' },
    },
    {
      name: 'lifts an unknown by a newer CRL',
      ...{ ocsp: silent('timeout', true, nowMs - 2000), crl: good('crl', nowMs - 1000), want: 'good by crl' },
    },
    {
      name: 'tells the silence of the responder where the CRL is silent too',
      ...{ ocsp: silent('timeout', true), crl: silent('connect', true), want: 'timeout' },
    },
    {
      name: 'tells a CRL that is wrong, which no setting lets pass',
      ...{ ocsp: silent('timeout', true), crl: silent('stale', false), want: 'stale' },
    },
    {
      name: 'leaves a certificate that names neither to onMissingResponder',
      ...{ ocsp: missing, crl: silent('crl-missing', false), want: 'responder-missing' },
    },
  ]) {
    test(name, async () => {
      const { check, asked: got } = door(ocsp, crl);
      assert.equal(await check('ocspThenCrl'), want);
      assert.equal(got.join(), asked);
    });
  }
  test('asks one of them alone where that is set', async () => {
    const { check, asked } = door(silent('timeout', true), good('crl'));
    assert.equal(await check('ocsp'), 'timeout');
    assert.equal(await check('crl'), 'good by crl');
    assert.equal(asked.join(), 'ocsp,crl');
  });
});

describe('revoked stays revoked', () => {
  test('for good: nobody is asked again, whatever the other source says', async () => {
    const gate = door(silent('timeout', true), revoked('crl', 'keyCompromise'));
    assert.equal(await gate.check('ocspThenCrl'), 'revoked by crl');
    gate.says.ocsp = good('ocsp', nowMs + 5000);
    assert.equal(await gate.check('ocspThenCrl'), 'revoked by crl');
    assert.equal(await gate.check('ocsp'), 'revoked by crl');
    assert.equal(gate.asked.join(), 'ocsp,crl');
  });
  test('a hold ends with a newer good answer only', async () => {
    const gate = door(revoked('ocsp', 'certificateHold'), missing);
    assert.equal(await gate.check('ocsp'), 'revoked by ocsp');
    for (const status of [silent('timeout', true), missing, good('ocsp', nowMs - 1), unknown]) {
      gate.says.ocsp = status;
      assert.equal(await gate.check('ocsp', { onUnavailable: 'Allow' }), 'revoked by ocsp');
    }
    gate.says.ocsp = good('ocsp', nowMs + 1);
    assert.equal(await gate.check('ocsp'), 'good by ocsp');
  });
  test('but not by a responder that the profile does not trust any more', async () => {
    const gate = door(revoked('ocsp'), missing);
    assert.equal(await gate.check('ocsp', { trustedResponders: ['a'] }), 'revoked by ocsp');
    gate.says.ocsp = good('ocsp');
    assert.equal(await gate.check('ocsp'), 'good by ocsp');
  });
});

test('a change of policy lifts no revocation, and a good answer under other settings does not count', async () => {
  const { certificate, key } = pki.intermediate;
  const responder = await startOcspResponder({ issuer, signer: { certificate, key }, now: () => nowMs });
  const ocsp = createOcspChecker({
    ...{ now: () => nowMs, monotonicNow: () => performance.now(), random: randomBytes },
    lookup: () => Promise.reject(new Error('nobody is looked up here')),
  });
  after(async () => {
    ocsp.close();
    await responder.close();
  });
  const checker = createRevocationChecker(ocsp, { check: () => missing });
  const bad = pki.intermediate.issue({ ocspUrls: [responder.url] }).certificate;
  const fine = pki.intermediate.issue({ ocspUrls: [responder.url] }).certificate;
  responder.verdicts.set(bad.serialHex, { kind: 'revoked', atMs: nowMs - 1000 });
  responder.verdicts.set(fine.serialHex, { kind: 'good' });
  const before = settings('ocsp', { allowInternalAddresses: ['127.0.0.1/32'] });
  const renewed = settings('ocsp', {
    allowInternalAddresses: ['127.0.0.1/32'],
    timeoutMs: 1500,
    onUnavailable: 'Allow',
  });
  assert.equal(short(await checker.check(bad, issuer, before)), 'revoked by ocsp');
  assert.equal(short(await checker.check(fine, issuer, before)), 'good by ocsp');
  responder.fault = 'status500';
  assert.equal(short(await checker.check(bad, issuer, renewed)), 'revoked by ocsp');
  assert.equal(short(await checker.check(fine, issuer, renewed)), 'http-status');
  assert.equal(short(await checker.check(fine, issuer, before)), 'good by ocsp');
});

test('who is newly found to be revoked is told once, whoever says so, and again after a hold was lifted', async () => {
  const { says, found, check } = door(good('ocsp'), good('crl'));
  await check('ocsp');
  assert.deepEqual(found, []);
  says.ocsp = revoked('ocsp', 'certificateHold');
  await check('ocsp');
  await check('ocsp');
  assert.deepEqual(found, [client.serialHex]);
  says.ocsp = good('ocsp', nowMs + 1);
  assert.equal(await check('ocsp'), 'good by ocsp');
  says.crl = revoked('crl', 'keyCompromise', nowMs + 2);
  await check('crl');
  await check('ocsp');
  assert.deepEqual(found, [client.serialHex, client.serialHex]);
});
