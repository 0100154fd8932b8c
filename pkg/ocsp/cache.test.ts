import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answered, neverRefused, prevailing, refusedSince } from './cache.ts';

/** `good 10`, `unknown 10`, `hold 10`, `revoked 10`: what was said, and as of when. */
function said(text: string): Answered {
  const [word = '', at = ''] = text.split(' ');
  const answer = {
    ...({ source: 'ocsp', responderUrl: '', signer: '', signedBy: 'issuer' } as const),
    ...{ producedAtMs: Number(at), thisUpdateMs: Number(at), nextUpdateMs: undefined },
  };
  if (word === 'good' || word === 'unknown') return { kind: word, answer, freshUntilMs: 0 };
  const reason = word === 'hold' ? 'certificateHold' : 'keyCompromise';
  return { kind: 'revoked', answer, revokedAtMs: 0, reason, freshUntilMs: 0 };
}

function text(answer: Answered | undefined): string {
  if (answer === undefined) return 'nothing';
  const word = answer.kind !== 'revoked' ? answer.kind : answer.reason === 'certificateHold' ? 'hold' : 'revoked';
  return `${word} ${answer.answer.thisUpdateMs}`;
}

/** What counts after these answers have come one after the other. */
function after(...texts: readonly string[]): string {
  let last: Answered | undefined;
  let refusedMs = neverRefused;
  for (const next of texts.map(said)) {
    last = prevailing(last, next, refusedMs);
    refusedMs = refusedSince(refusedMs, next);
  }
  return text(last);
}

const rows: readonly (readonly [string, readonly string[], string])[] = [
  ['a newer good takes the place of a good', ['good 10', 'good 11'], 'good 11'],
  ['an older good does not', ['good 10', 'good 9'], 'good 10'],
  ['revoked takes the place of everything, also when it is older', ['good 10', 'revoked 9'], 'revoked 9'],
  ['nothing takes the place of revoked', ['revoked 10', 'good 11', 'unknown 12', 'hold 13'], 'revoked 10'],
  ['revoked takes the place of hold', ['hold 10', 'revoked 9'], 'revoked 9'],
  ['a newer good ends a hold', ['hold 10', 'good 11'], 'good 11'],
  ['an older good does not end a hold', ['hold 10', 'good 9'], 'hold 10'],
  ['a good of the same second does not end a hold', ['hold 10', 'good 10'], 'hold 10'],
  ['unknown does not end a hold', ['hold 10', 'unknown 11'], 'hold 10'],
  ['a replayed older hold does not open the way for an older good', ['hold 10', 'hold 8', 'good 9'], 'hold 10'],
  ['a newer hold takes the place of a hold', ['hold 10', 'hold 11', 'good 11'], 'hold 11'],
  ['a good older than an unknown during a hold does not end it', ['hold 10', 'unknown 12', 'good 11'], 'hold 10'],
  ['a good newer than both does', ['hold 10', 'unknown 12', 'good 13'], 'good 13'],
  ['a newer good takes the place of unknown', ['unknown 10', 'good 11'], 'good 11'],
  ['an older good does not take the place of unknown', ['unknown 10', 'good 9'], 'unknown 10'],
  [
    'a replayed older unknown does not open the way for an older good',
    ['unknown 10', 'unknown 8', 'good 9'],
    'unknown 10',
  ],
  ['a newer unknown takes the place of good', ['good 10', 'unknown 11'], 'unknown 11'],
  ['of the same second the stricter counts', ['good 10', 'unknown 10', 'hold 10'], 'hold 10'],
  ['a late hold is refused until a good that is newer than it', ['good 10', 'hold 9', 'good 10'], 'good 10'],
];
for (const [name, answers, want] of rows) {
  test(`${name}: ${answers.join(', then ')}`, () => assert.equal(after(...answers), want));
}
