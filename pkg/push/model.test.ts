import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyOf } from '../../test/support/push.ts';
import { policyDigest } from '../policy/digest.ts';
import type { Input } from '../policy/input.ts';
import { acceptSnapshot, type InForce, withVersions } from './accept.ts';
import { features } from './features.ts';
import type { FromOperator, FromSidecar, Hello } from './messages.ts';
import type { Offer } from './offer.ts';
import { encodeOffer } from './schema.ts';
import { orderOf } from './stale.ts';
import { openStream, type StreamState, stepStream } from './stream.ts';

/*
 * Two operator replicas that lag behind the truth, one sidecar, and a network that loses, doubles and turns around what
 * is said, while the sidecar restarts and dials now this replica, now that one. Both state machines are the real ones.
 */

type Move =
  | { readonly kind: 'dial' | 'learn'; readonly replica: 0 | 1 }
  | { readonly kind: 'deliver' | 'double' | 'lose'; readonly way: 'down' | 'up'; readonly index: number }
  | { readonly kind: 'edit'; readonly port: number }
  | { readonly kind: 'extra' | 'flush' }
  | { readonly kind: 'pass'; readonly seconds: number };

const way = fc.constantFrom('down' as const, 'up' as const);
const replica = fc.constantFrom(0 as const, 1 as const);
const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('deliver' as const), way, index: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('deliver', 'double', 'lose'), way, index: fc.nat(3) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('edit' as const), port: fc.integer({ min: 2000, max: 2004 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('extra' as const) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('learn' as const), replica }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('dial' as const), replica }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.constantFrom(1, 31, 61, 301) }),
    },
  ),
  { minLength: 10, maxLength: 60, size: 'max' },
);

/** A policy that the sidecar cannot use. */
const badPort = 2000;
/** Above every time-out of both ends: tombstones live for ten minutes. */
const settleSeconds = 900;

/** The truth: a profile that is edited, and a second one that comes and goes without any trace in the first. */
class World {
  readonly offers: Offer[] = [];
  #version = 10;
  #port = 2001;
  #generation = 1;
  #extra: Input | undefined;

  constructor() {
    this.#publish();
  }

  edit(port: number): void {
    this.#port = port;
    this.#generation += 1;
    this.#publish();
  }

  toggleExtra(): void {
    const { kind, namespace } = inputBase;
    const uid = `extra-${this.#version}`;
    const resourceVersion = String(this.#version + 1);
    this.#extra =
      this.#extra === undefined ? { kind, namespace, name: 'extra', uid, generation: 1, resourceVersion } : undefined;
    this.#publish();
  }

  #publish(): void {
    this.#version += 1;
    const holds =
      this.#extra === undefined
        ? []
        : [{ namespace: 'shop', name: 'extra', selected: 'Yes', trustedCas: null } as const];
    const policy = { ...policyOf(this.#port), holds };
    const profile = { ...inputBase, generation: this.#generation, resourceVersion: String(this.#version) };
    const inputs = this.#extra === undefined ? [profile] : [profile, this.#extra];
    this.offers.push({ policy, digest: policyDigest(policy), inputs });
  }
}

/** Everything together; every move may be followed by the checks of safety. */
class Run {
  readonly world = new World();
  readonly #seen = [0, 0];
  #dialled: 0 | 1 = 0;
  #stream: StreamState = openStream(0);
  #open = false;
  up: FromSidecar[] = [];
  down: FromOperator[] = [];
  nowMs = 0;
  sends = 0;
  inForce: InForce | undefined;
  lastReport = '';
  /** When an input that the sidecar had left its policy. */
  readonly #left = new Map<string, number>();

  move(move: Move): void {
    switch (move.kind) {
      case 'edit':
        return this.world.edit(move.port);
      case 'extra':
        return this.world.toggleExtra();
      case 'flush':
        return this.flush();
      case 'learn':
        return this.learn(move.replica, (this.#seen[move.replica] ?? 0) + 1);
      case 'dial':
        return this.dial(move.replica);
      case 'pass':
        return this.pass(move.seconds);
      case 'deliver':
        return this.deliver(move.way, move.index);
      case 'double':
        if (move.way === 'up') this.up.push(...this.up.slice(move.index, move.index + 1));
        else this.down.push(...this.down.slice(move.index, move.index + 1));
        return;
      case 'lose':
        (move.way === 'up' ? this.up : this.down).splice(move.index, 1);
        return;
    }
  }

  learn(of: 0 | 1, version: number): void {
    this.#seen[of] = Math.min(version, this.world.offers.length - 1);
    if (this.#open && of === this.#dialled) this.#step({ kind: 'Offer', offer: this.#offer() });
  }

  dial(to: 0 | 1): void {
    this.#dialled = to;
    this.#stream = openStream(this.nowMs);
    this.#open = true;
    this.down = [];
    const { inForce } = this;
    const hello: Hello = {
      type: 'hello',
      podUid: 'u',
      schemas: [1],
      features: features.map(({ name }) => name),
      version: '1',
      ...(inForce === undefined ? {} : { inForce: { digest: inForce.digest, inputs: inForce.inputs } }),
      exposed: [],
    };
    this.up = [hello];
    this.#step({ kind: 'Offer', offer: this.#offer() });
  }

  pass(seconds: number): void {
    this.nowMs += seconds * 1000;
    if (this.#open) this.#step({ kind: 'Tick' });
  }

  deliver(direction: 'down' | 'up', index: number): void {
    if (!this.#open) return;
    if (direction === 'up') {
      const [message] = this.up.splice(index, 1);
      if (message !== undefined && message.type !== 'token') this.#step({ kind: 'Message', message });
    } else {
      const [message] = this.down.splice(index, 1);
      if (message !== undefined) this.#receive(message);
    }
  }

  /** From here on the network works, the replicas know everything, and time passes. */
  settle(): void {
    for (const each of [0, 1] as const) this.learn(each, this.world.offers.length);
    this.sends = 0;
    for (let second = 0; second < settleSeconds; second += 10) {
      if (!this.#open) this.dial(this.#dialled);
      this.flush();
      this.pass(10);
    }
  }

  /** Delivers everything, also what is said to it. */
  flush(): void {
    for (let times = 0; this.#open && this.up.length + this.down.length > 0; times += 1) {
      assert.ok(times < 200, 'the two ends never stop talking');
      this.deliver('down', 0);
      this.deliver('up', 0);
    }
  }

  #offer(): Offer | undefined {
    return this.world.offers[this.#seen[this.#dialled] ?? 0];
  }

  #step(event: Parameters<typeof stepStream>[1]): void {
    const { state, actions } = stepStream(this.#stream, event, this.nowMs, encodeOffer);
    this.#stream = state;
    for (const action of actions) {
      if (action.kind === 'End') this.#open = false;
      else if (action.kind === 'Report') this.lastReport = `${action.outcome.result} ${action.outcome.digest}`;
      else {
        const message = action.message();
        if (message.type === 'snapshot') this.sends += 1;
        this.down.push(message);
      }
    }
  }

  #receive(message: FromOperator): void {
    if (message.type === 'current') {
      if (this.inForce?.digest === message.digest) {
        this.#putInForce(withVersions(this.inForce, message.inputs, this.nowMs));
      }
      return;
    }
    const { nonce, digest } = message;
    const acceptance = acceptSnapshot(message, this.inForce, this.nowMs);
    if (acceptance.kind === 'Refused') {
      this.up.push({ type: 'nack', nonce, digest, reason: acceptance.reason, message: acceptance.message });
    } else if (acceptance.kind === 'Accepted' && acceptance.policy.listeners[0]?.port === badPort) {
      this.up.push({ type: 'nack', nonce, digest, reason: 'PolicyUnusable', message: 'no' });
    } else {
      this.#putInForce(acceptance.next);
      this.up.push({ type: 'ack', nonce, digest });
    }
  }

  /** Safety: what comes in force was offered, can be used, and takes nothing back. */
  #putInForce(next: InForce): void {
    const offer = this.world.offers.find(({ digest }) => digest === next.digest);
    assert.ok(offer !== undefined && offer.policy.listeners[0]?.port !== badPort);
    const before = this.inForce?.inputs ?? [];
    let newer = false;
    let returned: string | undefined;
    for (const input of next.inputs) {
      const known = before.find(({ name }) => name === input.name);
      if (known !== undefined) assert.notEqual(orderOf(input, known), 'older', 'an input went back');
      newer ||= known !== undefined && orderOf(input, known) === 'newer';
      const leftAtMs = this.#left.get(input.uid);
      if (known === undefined && leftAtMs !== undefined && this.nowMs - leftAtMs < 600_000) returned = input.uid;
      this.#left.delete(input.uid);
    }
    assert.ok(returned === undefined || newer, `${returned} came back with nothing newer`);
    for (const { uid } of before) if (!next.inputs.some((input) => input.uid === uid)) this.#left.set(uid, this.nowMs);
    this.inForce = next;
  }
}

test('nothing goes back, whatever the network does; when it works again, the newest offer is in force or refused', () => {
  fc.assert(
    fc.property(moves, (script) => {
      const run = new Run();
      run.dial(0);
      for (const move of script) run.move(move);
      run.settle();
      const newest = run.world.offers.at(-1);
      assert.ok(newest !== undefined);
      const usable = newest.policy.listeners[0]?.port !== badPort;
      if (usable) assert.equal(run.inForce?.digest, newest.digest);
      assert.equal(run.lastReport, `${usable ? 'Ack' : 'Nack'} ${newest.digest}`);
      // Once, once more for a lost answer, and once a minute while it looks stale.
      assert.ok(run.sends <= 14, `${run.sends} snapshots were sent after the last change`);
    }),
    { numRuns: 300, seed: 20_261_125 },
  );
});

const inputBase = { kind: 'SslProfile', namespace: 'shop', name: 'partners', uid: 'p' };
