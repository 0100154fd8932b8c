import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { offerOf } from '../../test/support/push.ts';
import type { Hello } from './messages.ts';
import type { Offer } from './offer.ts';
import { encodeOffer } from './schema.ts';
import { openStream, type StreamEvent, type StreamState, stepStream } from './stream.ts';

const hello: Hello = {
  type: 'hello',
  podUid: 'u',
  schemas: [1],
  features: [],
  version: '1',
  exposed: [],
};
const [a, b, c] = [offerOf(2001), offerOf(2002), offerOf(2003)];
const names = new Map([a, b, c].map(({ digest }, index) => [digest, 'abc'[index] ?? '?']));

/** Steps as short words, and what the stream did at each: `send 1 a`, `current a`, `Ack a`, `end CODE`. */
class Driven {
  state: StreamState = openStream(0);
  nowMs = 0;

  do(...events: readonly StreamEvent[]): readonly string[] {
    return events.flatMap((event) => {
      const { state, actions } = stepStream(this.state, event, this.nowMs, encodeOffer);
      this.state = state;
      return actions.map((action) => {
        if (action.kind === 'End') return `end ${action.code}: ${action.details}`;
        if (action.kind === 'Report') {
          const { result, reason, digest } = action.outcome;
          return [result, reason, names.get(digest) ?? '-'].filter((word) => word !== undefined).join(' ');
        }
        const message = action.message();
        const name = names.get(message.digest) ?? '?';
        return message.type === 'snapshot' ? `send ${message.nonce} ${name}` : `current ${name}`;
      });
    });
  }
}

const greet = (inForce?: Offer): StreamEvent => ({
  kind: 'Message',
  message: inForce === undefined ? hello : { ...hello, inForce: { digest: inForce.digest, inputs: inForce.inputs } },
});
const offer = (offered: Offer | undefined): StreamEvent => ({ kind: 'Offer', offer: offered });
const ack = (nonce: string, { digest }: Offer): StreamEvent => ({
  kind: 'Message',
  message: { type: 'ack', nonce, digest },
});
const nack = (
  nonce: string,
  { digest }: Offer,
  reason: 'PolicyUnusable' | 'Stale' = 'PolicyUnusable',
): StreamEvent => ({
  kind: 'Message',
  message: { type: 'nack', nonce, digest, reason, message: 'why' },
});
const tick: StreamEvent = { kind: 'Tick' };

suite('the stream of a sidecar', () => {
  const stories: readonly {
    readonly name: string;
    readonly events: readonly StreamEvent[];
    readonly want: readonly string[];
  }[] = [
    { name: 'sends nothing before hello', events: [offer(a), tick], want: [] },
    { name: 'waits where nothing is known', events: [greet(), tick, offer(a)], want: ['Connected -', 'send 1 a'] },
    { name: 'sends what is offered at hello', events: [offer(a), greet()], want: ['send 1 a', 'Connected -'] },
    { name: 'reports an answer', events: [offer(a), greet(), ack('1', a)], want: ['send 1 a', 'Connected -', 'Ack a'] },
    {
      name: 'does not send what the sidecar came with, and says that it is current once',
      events: [offer(a), greet(a), offer(a), offer({ ...a, inputs: [] }), tick],
      want: ['current a', 'Ack a'],
    },
    {
      name: 'says that it is current also when the offer comes later',
      events: [greet(a), offer(a)],
      want: ['Connected a', 'current a', 'Ack a'],
    },
    {
      name: 'has one snapshot in flight; the newest offer wins',
      events: [offer(a), greet(), offer(b), offer(c), ack('1', a), ack('2', c)],
      want: ['send 1 a', 'Connected -', 'Ack a', 'send 2 c', 'Ack c'],
    },
    {
      name: 'sends nothing more when the offer has come back to what is in flight',
      events: [offer(a), greet(), offer(b), offer(a), ack('1', a)],
      want: ['send 1 a', 'Connected -', 'Ack a'],
    },
    {
      name: 'does not send again what was refused, until the offer changes',
      events: [
        offer(a),
        greet(),
        nack('1', a),
        tick,
        offer(a),
        offer({ ...a, inputs: [] }),
        offer(b),
        ack('2', b),
        offer(a),
      ],
      want: ['send 1 a', 'Connected -', 'Nack PolicyUnusable a', 'send 2 b', 'Ack b', 'send 3 a'],
    },
    {
      name: 'reports the earlier policy again when it is offered instead of the refused one',
      events: [offer(a), greet(), ack('1', a), offer(b), nack('2', b), offer(a)],
      want: ['send 1 a', 'Connected -', 'Ack a', 'send 2 b', 'Nack PolicyUnusable b', 'Ack a'],
    },
    {
      name: 'sends what was stale again with newer inputs',
      events: [offer(a), greet(), nack('1', a, 'Stale'), offer(a), offer({ ...a, inputs: b.inputs })],
      want: ['send 1 a', 'Connected -', 'Nack Stale a', 'send 2 a'],
    },
    {
      name: 'ignores an answer to another snapshot',
      events: [offer(a), greet(), ack('7', a), nack('', b), ack('1', a), ack('1', a)],
      want: ['send 1 a', 'Connected -', 'Ack a'],
    },
    {
      name: 'ends at an answer about another digest',
      events: [offer(a), greet(), ack('1', b)],
      want: [
        'send 1 a',
        'Connected -',
        `end INVALID_ARGUMENT: the answer is about digest ${b.digest}, sent was ${a.digest}`,
      ],
    },
    {
      name: 'ends where the first message is no hello',
      events: [ack('1', a)],
      want: ['end INVALID_ARGUMENT: the first message must be hello, it was ack'],
    },
    {
      name: 'ends at a second hello',
      events: [greet(), greet()],
      want: ['Connected -', 'end INVALID_ARGUMENT: a second hello on one stream'],
    },
    {
      name: 'keeps what is in flight when nothing is known any more',
      events: [offer(a), greet(), offer(undefined), ack('1', a), tick],
      want: ['send 1 a', 'Connected -', 'Ack a'],
    },
  ];
  for (const { name, events, want } of stories) {
    test(name, () => assert.deepEqual(new Driven().do(...events), want));
  }

  test('counts answers that it ignores', () => {
    const stream = new Driven();
    stream.do(offer(a), greet(), ack('7', a), ack('1', a), ack('1', a));
    assert.equal(stream.state.staleAnswers, 2);
  });

  test('ends without a hello after 10 s', () => {
    const stream = new Driven();
    stream.nowMs = 9_999;
    assert.deepEqual(stream.do(offer(a), tick), []);
    stream.nowMs = 10_000;
    assert.deepEqual(stream.do(tick), ['end DEADLINE_EXCEEDED: no hello in 10 s']);
  });

  test('is late after 30 s, and ends after five minutes', () => {
    const stream = new Driven();
    stream.do(offer(a), greet());
    stream.nowMs = 29_999;
    assert.deepEqual(stream.do(tick), []);
    stream.nowMs = 30_000;
    assert.deepEqual(stream.do(tick, tick), ['Connected Late -']);
    stream.nowMs = 300_000;
    assert.deepEqual(stream.do(tick), ['end UNAVAILABLE: no answer to a snapshot in 300 s']);
  });

  test('takes a late answer', () => {
    const stream = new Driven();
    stream.do(offer(a), greet());
    stream.nowMs = 40_000;
    assert.deepEqual(stream.do(tick, ack('1', a)), ['Connected Late -', 'Ack a']);
  });

  test('asks once a minute whether what was stale still is', () => {
    const stream = new Driven();
    stream.do(offer(a), greet(), nack('1', a, 'Stale'));
    stream.nowMs = 59_999;
    assert.deepEqual(stream.do(tick, tick), []);
    stream.nowMs = 60_000;
    assert.deepEqual(stream.do(tick, tick, nack('2', a, 'Stale'), tick), ['send 2 a']);
  });

  test('reports exposure with the last outcome, once', () => {
    const exposed = ['shop/p 10.0.0.1:80'];
    const exposure: StreamEvent = { kind: 'Message', message: { type: 'exposure', exposed } };
    const stream = new Driven();
    stream.do(offer(a), greet(), ack('1', a));
    assert.deepEqual(stream.do(exposure, exposure), ['Ack a']);
    assert.deepEqual(stream.state.reported?.exposed, exposed);
  });

  test('tells an outdated sidecar nothing, and reports why once', () => {
    const stream = new Driven();
    const held: Offer = {
      ...a,
      policy: { ...a.policy, holds: [{ namespace: 'n', name: 'p', selected: 'Yes', trustedCas: null }] },
    };
    assert.deepEqual(stream.do(offer(held), greet(), tick, offer(held)), ['Outdated MissingFeatures a']);
    assert.match(stream.state.reported?.message ?? '', /needs hold, which the sidecar does not have; restart the pod/);
  });
});
