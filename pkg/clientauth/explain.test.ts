import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker, isGood, nothing, nowMs, present, settings, silent, withOcsp } from '../../test/support/judging.ts';
import { makePki } from '../../test/support/pki.ts';
import { compileJudge } from './judge.ts';
import { compileTrust } from './trust.ts';

const pki = makePki({ nowMs, ocspUrl: 'http://ocsp.test/' });
const trust = compileTrust([pki.caPem]);
const good = pki.client('good');

for (const { name, presented, judge, want } of [
  {
    name: 'a good certificate',
    presented: present(good),
    judge: compileJudge(
      { ...withOcsp, allow: [{ dnsName: 'client.example.test' }] },
      trust,
      checker(Promise.resolve(isGood)),
    ),
    want: [
      'presented pass CN=good client,O=Lychgate',
      'wellFormed pass version 3, not a CA, acceptable key',
      'pathTrusted pass CN=good client,O=Lychgate < CN=Test Intermediate,O=Lychgate < CN=Test Root,O=Lychgate',
      'withinValidity pass until 2026-12-24T00:00:00Z',
      'purposeIsClientAuth pass clientAuth',
      'issuerMatches pass CN=Test Intermediate,O=Lychgate',
      'allowed pass allow[0]',
      'notRevoked pass good, by CN=Responder',
    ],
  },
  {
    name: 'an expired one, with what else was found',
    presented: present(pki.client('expired'), 'CERT_HAS_EXPIRED'),
    judge: compileJudge(withOcsp, trust, silent),
    want: [
      'presented pass CN=expired client,O=Lychgate',
      'wellFormed pass version 3, not a CA, acceptable key',
      'pathTrusted fail OpenSSL: CERT_HAS_EXPIRED',
      'withinValidity fail since 2026-11-23T23:00:00Z',
      'purposeIsClientAuth pass clientAuth',
      'issuerMatches pass CN=Test Intermediate,O=Lychgate',
      'allowed skip no allow list',
      'notRevoked skip not reached',
    ],
  },
  {
    name: 'a malformed one',
    presented: present(pki.client('version1')),
    judge: compileJudge(settings, trust, silent),
    want: [
      'presented pass CN=version 1 client,O=Lychgate',
      'wellFormed fail X.509 version 1, expected 3',
      ...['pathTrusted', 'withinValidity', 'purposeIsClientAuth', 'issuerMatches', 'allowed', 'notRevoked'].map(
        (check) => `${check} skip not reached`,
      ),
    ],
  },
  {
    name: 'none',
    presented: nothing,
    judge: compileJudge(settings, trust, silent),
    want: [
      'presented fail none was presented',
      ...[
        'wellFormed',
        'pathTrusted',
        'withinValidity',
        'purposeIsClientAuth',
        'issuerMatches',
        'allowed',
        'notRevoked',
      ].map((check) => `${check} skip not reached`),
    ],
  },
]) {
  test(`explanation: of ${name}`, async () => {
    // Twice: what the judge remembers of the first is told as well.
    for (let i = 0; i < 2; i++) {
      const { verdict, checks } = await judge.explain(presented, nowMs);
      assert.deepEqual(
        checks.map(({ check, outcome, detail }) => `${check} ${outcome} ${detail}`),
        want,
      );
      assert.deepEqual(verdict, await judge.judge(presented, nowMs));
    }
  });
}
