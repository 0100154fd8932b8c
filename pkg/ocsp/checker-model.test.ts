import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ocspSettings } from '../../test/support/judging.ts';
import { makePki } from '../../test/support/pki.ts';
import { scriptedTransport } from '../../test/support/scripted-transport.ts';
import type { OcspSettings } from '../policy/policy.ts';
import { createOcspChecker } from './checker.ts';
import { type AnswerSingle, buildOcspResponse } from './respond.ts';
import type { RevocationStatus } from './status.ts';

/* The checker against a model that only remembers what was ever said: whatever comes in whatever order. */

const startMs = Date.UTC(2026, 10, 20, 10);
const pki = makePki({ nowMs: startMs });
const { certificate: issuer, key } = pki.intermediate;
const { certificate } = pki.intermediate.issue({ ocspUrls: ['http://ocsp.test/'] });
const settings: OcspSettings = { ...ocspSettings, clockSkewMs: 0, maxAgeMs: 60_000 };

type Word = 'good' | 'hold' | 'revoked' | 'unknown';

/** A signed answer as the model sees it. */
interface Said {
  readonly word: Word;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  readonly body: Buffer;
}

type Step =
  | { readonly kind: 'asked'; readonly times: number }
  | { readonly kind: 'passes'; readonly seconds: number }
  | { readonly kind: 'replays'; readonly index: number }
  | { readonly kind: 'says'; readonly word: Word; readonly ageSeconds: number; readonly lifeSeconds: number }
  | { readonly kind: 'setsClock'; readonly seconds: number }
  | { readonly kind: 'silent' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('asked' as const), times: fc.integer({ min: 1, max: 3 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('passes' as const), seconds: fc.integer({ min: 1, max: 120 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('says' as const),
        // Revoked ends all that could be seen, so it comes seldom.
        word: fc.oneof(
          { weight: 9, arbitrary: fc.constantFrom<Word>('good', 'good', 'good', 'good', 'hold', 'unknown') },
          { weight: 1, arbitrary: fc.constant<Word>('revoked') },
        ),
        ageSeconds: fc.integer({ min: 0, max: 90 }),
        lifeSeconds: fc.integer({ min: 10, max: 300 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('replays' as const), index: fc.nat(20) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('setsClock' as const), seconds: fc.integer({ min: -200, max: 200 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('silent' as const) }) },
  ),
  { minLength: 5, maxLength: 30 },
);

test('never a stale good, never good after revoked, never a good older than a refusal, whatever is said, replayed or kept silent', async () => {
  let served = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      served += await play(run);
    }),
    { seed: 9919, numRuns: 200 },
  );
  assert.ok(served > 200, `only ${served} good answers were served: the property says little`);
});

/** Plays the steps; the number of good answers served. @throws AssertionError where the checker says what nobody may. */
async function play(run: readonly Step[]): Promise<number> {
  let elapsedMs = 0;
  let clockMs = 0;
  const now = () => startMs + elapsedMs + clockMs;
  const made: Said[] = [];
  const heard: { said: Said; monotonicMs: number; wallMs: number }[] = [];
  let current: Said | undefined;
  const transport = scriptedTransport(async () => {
    if (current === undefined) return { kind: 'fault', cause: 'timeout', softenable: true, detail: 'silent' };
    heard.push({ said: current, monotonicMs: elapsedMs, wallMs: now() });
    return { kind: 'answer', body: current.body };
  });
  const checker = createOcspChecker({
    ...{ now, monotonicNow: () => elapsedMs, lookup: () => Promise.resolve([]), transport },
    random: (size) => Buffer.alloc(size, 0x40),
  });
  let served = 0;
  for (const step of run) {
    switch (step.kind) {
      case 'says':
        current = say(step.word, now() - step.ageSeconds * 1000, step.lifeSeconds * 1000);
        made.push(current);
        break;
      case 'replays':
        current = made[step.index % Math.max(1, made.length)] ?? current;
        break;
      case 'silent':
        current = undefined;
        break;
      case 'passes':
        elapsedMs += step.seconds * 1000;
        break;
      case 'setsClock':
        clockMs += step.seconds * 1000;
        break;
      case 'asked': {
        const statuses = await Promise.all(
          Array.from({ length: step.times }, () => checker.check(certificate, issuer, settings)),
        );
        // A refresh in the background ends before the next step.
        await new Promise((turn) => setImmediate(turn));
        assert.equal(transport.counts.mostInFlight <= 1, true, 'one question at a time');
        for (const status of statuses) {
          judge(status);
          if (status.kind === 'good') served += 1;
        }
      }
    }
  }
  return served;

  function judge(status: RevocationStatus): void {
    const nowMs = now();
    // What did not count when it came (out of time then) binds nobody.
    const counted = heard.filter(({ said, wallMs }) => said.thisUpdateMs <= wallMs && said.nextUpdateMs >= wallMs);
    if (counted.some(({ said }) => said.word === 'revoked')) {
      assert.equal(status.kind, 'revoked', 'revoked is for good');
      return;
    }
    if (status.kind !== 'good') return;
    const refusedMs = Math.max(
      ...counted
        .filter(({ said }) => said.word === 'hold' || said.word === 'unknown')
        .map(({ said }) => said.thisUpdateMs),
      Number.NEGATIVE_INFINITY,
    );
    assert.ok(status.answer.thisUpdateMs > refusedMs, 'the good answer is newer than every refusal');
    assert.ok(
      counted.some(
        ({ said, monotonicMs, wallMs }) =>
          said.word === 'good' &&
          said.nextUpdateMs >= nowMs &&
          elapsedMs - monotonicMs < settings.maxAgeMs + 1 &&
          nowMs - wallMs <= settings.maxAgeMs,
      ),
      'a good answer that still holds was heard within maxAge',
    );
  }
}

function say(word: Word, thisUpdateMs: number, lifeMs: number): Said {
  const whole = Math.floor(thisUpdateMs / 1000) * 1000;
  const nextUpdateMs = whole + lifeMs;
  const reason = word === 'hold' ? 'certificateHold' : 'keyCompromise';
  const status: AnswerSingle['status'] =
    word === 'hold' || word === 'revoked' ? { kind: 'revoked', atMs: whole, reason } : { kind: word };
  const single = { target: certificate, issuer, status, thisUpdateMs: whole, nextUpdateMs, hash: 'sha256' } as const;
  const body = buildOcspResponse({
    ...{ singles: [single], signer: { certificate: issuer, key }, producedAtMs: whole },
  });
  return { word, thisUpdateMs: whole, nextUpdateMs, body };
}

test('however many ask however often, one question is in flight for a certificate and the followers share its answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2, maxLength: 40 }), async (asking) => {
      const leaves = ['http://a.test/', 'http://b.test/', 'http://c.test/'].map(
        (url) => pki.intermediate.issue({ ocspUrls: [url] }).certificate,
      );
      const release: (() => void)[] = [];
      const perUrl = new Map<string, number>();
      const transport = scriptedTransport(async (url) => {
        perUrl.set(url, (perUrl.get(url) ?? 0) + 1);
        await new Promise<void>((open) => release.push(open));
        return { kind: 'fault', cause: 'connect', softenable: true, detail: url };
      });
      const checker = createOcspChecker({
        ...{ now: () => startMs, monotonicNow: () => 0, lookup: () => Promise.resolve([]), transport },
        random: (size) => Buffer.alloc(size),
      });
      const asked = asking.flatMap((index) => {
        const leaf = leaves[index];
        return leaf === undefined ? [] : [{ index, outcome: checker.check(leaf, issuer, settings) }];
      });
      const different = new Set(asking).size;
      assert.equal(checker.snapshot().inFlight, different);
      for (const { index, outcome } of asked) {
        assert.equal(outcome, asked.find((one) => one.index === index)?.outcome, 'the very same promise');
      }
      await new Promise((turn) => setImmediate(turn));
      for (const open of release) open();
      await Promise.all(asked.map(({ outcome }) => outcome));
      assert.deepEqual(new Set(perUrl.values()), new Set([1]));
      assert.equal(checker.snapshot().inFlight, 0);
    }),
    { seed: 9919, numRuns: 40 },
  );
});
