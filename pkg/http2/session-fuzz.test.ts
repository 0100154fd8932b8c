import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldBlock, frame } from '../../test/support/http2-frames.ts';
import {
  data,
  endHeaders,
  endStream,
  get,
  headers,
  post,
  rstStream,
  SessionProbe,
  settings,
  windowUpdate,
} from '../../test/support/http2-session.ts';
import { clientPreface, errorCode } from './frame.ts';

/** Times as many cases; 1 where the variable is not set. */
const effort = Number(process.env['LYCHGATE_FUZZ'] ?? 1);
const runs = (numRuns: number) => ({ seed: 20_261_129, numRuns: numRuns * effort });

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((octets) => Buffer.from(octets));

/** Something a client does, on one of its streams. */
type Move = (streams: number[], pick: number) => Buffer;

const ends = (end: boolean) => (end ? endStream : 0);
const proper: fc.Arbitrary<Move> = fc.oneof(
  fc.boolean().map((end) => (streams: number[]) => headers(next(streams), post, endHeaders | ends(end))),
  fc.nat(30).map((at) => (streams: number[]) => {
    const stream = next(streams);
    const block = fieldBlock(get);
    return Buffer.concat([
      frame(1, endStream, stream, block.subarray(0, at)),
      frame(9, endHeaders, stream, block.subarray(at)),
    ]);
  }),
  fc.tuple(fc.constantFrom('', 'x', 'hello', 'y'.repeat(16_384)), fc.nat(4)).map(
    ([text, end]) =>
      (streams: number[], pick: number) =>
        data(one(streams, pick), text, ends(end === 0)),
  ),
  fc.constantFrom(0, 1, 7, 8).map((code) => (streams: number[], pick: number) => rstStream(one(streams, pick), code)),
  fc.tuple(fc.constantFrom(0, 1, 100, 65_535, 100, 1000, 0x7fff_0000), fc.boolean()).map(
    ([more, all]) =>
      (streams: number[], pick: number) =>
        windowUpdate(all && more > 0 && more < 99_999 ? 0 : one(streams, pick), more),
  ),
  fc.constantFrom(0, 1, 100, 65_535, 0x7f_ffff).map((window) => () => settings(4, window)),
  fc.constantFrom(0, 64, 4096, 1_000_000).map((size) => () => settings(1, size)),
);
const odd: fc.Arbitrary<Move> = fc.oneof(
  fc.tuple(fc.nat(10), fc.nat(255), fc.nat(8), bytes(20)).map(
    ([type, flags, stream, payload]) =>
      () =>
        frame(type, flags, stream, payload),
  ),
  bytes(40).map((block) => (streams: number[]) => frame(1, endHeaders | endStream, next(streams), block)),
  bytes(30).map((octets) => () => octets),
);
const moves = fc.array(
  fc.tuple(fc.oneof({ weight: 60, arbitrary: proper }, { weight: 1, arbitrary: odd }), fc.nat(1000)),
  { maxLength: 40, size: 'max' },
);

function next(streams: number[]): number {
  const stream = (streams.at(-1) ?? -1) + 2;
  streams.push(stream);
  return stream;
}

/** Mostly one of the last, for those still live. */
function one(streams: number[], pick: number): number {
  return streams[streams.length - 1 - (pick % Math.min(4, streams.length))] ?? next(streams);
}

function octetsOf(streams: number[], does: readonly (readonly [Move, number])[]): readonly Buffer[] {
  return does.map(([move, pick]) => {
    if (streams.length === 0) return headers(next(streams), post, endHeaders);
    return move(streams, pick);
  });
}

/** A request that was reset, or lost with its connection, in the chunk it came in is told to nobody: left out of both. */
function told(events: readonly string[]): readonly string[] {
  const lives = new Map<string, string[]>();
  for (const event of events) {
    const [kind = '', stream = ''] = event.split(' ', 2);
    lives.set(stream, [...(lives.get(stream) ?? []), kind]);
  }
  const silent = new Set([...lives].filter(([, kinds]) => kinds.join() === 'request,closed').map(([stream]) => stream));
  return events.filter((event) => !silent.has(event.split(' ', 2)[1] ?? ''));
}

/** Which stream's word comes first is no matter; the session's own come last. */
function byStream(events: readonly string[]): readonly string[] {
  const key = (event: string) => Number(/^[a-z]+ (\d+)/.exec(event)?.[1] ?? Number.POSITIVE_INFINITY);
  return told(events).toSorted((a, b) => (key(a) === key(b) ? 0 : key(a) - key(b)));
}

test('however its octets are cut, a client is understood the same way', () => {
  fc.assert(
    fc.property(moves, fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (does, sizes) => {
      const octets = Buffer.concat([clientPreface, settings(), ...octetsOf([], does)]);
      const whole = new SessionProbe().receive(octets);
      const cut = new SessionProbe();
      for (let at = 0, i = 0; at < octets.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        cut.session.receive(Buffer.from(octets.subarray(at, at + size)));
        at += size;
      }
      cut.turn();
      assert.deepEqual(cut.sent, whole.sent);
      const joined = (events: readonly string[]) =>
        byStream(events).reduce<string[]>((list, event) => {
          const [kind = '', stream = '', text = ''] = event.split(' ');
          const last = list.at(-1);
          // A frame of DATA may come in any number of parts.
          if (kind === 'data' && last?.startsWith(`data ${stream} `) === true) list[list.length - 1] = last + text;
          else list.push(event);
          return list;
        }, []);
      assert.deepEqual(joined(cut.events), joined(whole.events));
    }),
    runs(300),
  );
});

/** What a handler or the outlet does between two chunks. */
type Act = readonly [kind: number, pick: number, size: number];

const acts = fc.array(fc.tuple(fc.nat(12), fc.nat(20), fc.constantFrom(0, 1, 1000, 20_000, 100_000)), {
  maxLength: 12,
});

function act(probe: SessionProbe, [kind, pick, size]: Act): void {
  const streams = [...probe.streams.values()];
  const stream = streams[streams.length - 1 - (pick % Math.max(1, Math.min(6, streams.length)))];
  switch (kind) {
    case 0:
      probe.takes = !probe.takes;
      if (probe.takes) probe.session.drained();
      return;
    case 1:
      probe.nowMs += size;
      return;
    case 2:
      if (size === 1 && pick < 2) probe.session.retire();
      if (size === 1000 && pick === 0) probe.session.drain();
      if (size === 100_000 && pick === 0) probe.session.abort(errorCode.internalError);
      return;
    default:
  }
  if (stream === undefined) return;
  try {
    switch (kind) {
      case 3:
        stream.reset(errorCode.cancel);
        return;
      case 4:
        stream.pause();
        return;
      case 5:
        stream.resume();
        return;
      case 6:
        stream.refuseRest();
        return;
      case 7:
        stream.end(size > 1 ? ['x-t', 'y'] : []);
        return;
      case 8:
        stream.informational([':status', '103', 'link', 'x'.repeat(size)]);
        return;
      case 9:
        stream.respond([':status', '204'], true);
        return;
      case 10:
        stream.respond([':status', '200', 'x', 'y'.repeat(size)], false);
        return;
      default:
        stream.write(Buffer.alloc(size, 'z'), pick % 2 === 0);
    }
  } catch (error) {
    // The order of calls, which is ours to keep.
    assert.match(String(error), /the answer|second answer|or twice/);
  }
}

test('whatever a client sends and a handler does: nothing is thrown, every stream ends once, nothing stays', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(moves, acts), { maxLength: 8, size: 'max' }), (rounds) => {
      const probe = new SessionProbe({ streamWindow: 65_535, sessionWindow: 100_000, maxHeldBytes: 50_000 });
      probe.receive(clientPreface, settings());
      const streams: number[] = [];
      for (const [does, handled] of rounds) {
        for (const chunk of octetsOf(streams, does)) probe.receive(chunk);
        for (const each of handled) {
          act(probe, each);
          probe.turn();
        }
      }
      probe.session.close();
      assert.equal(probe.session.streamCount, 0);
      const count = (kind: string) => probe.events.filter((event) => event.startsWith(`${kind} `)).length;
      assert.equal(count('closed'), count('request'));
      assert.equal(
        new Set(probe.events.filter((event) => event.startsWith('closed')).map((event) => event.split(' ')[1])).size,
        count('closed'),
      );
      assert.ok(probe.keptWhole, 'octets that were written have changed');
      const goaways = probe.sent.filter((text) => text.startsWith('GOAWAY')).length;
      assert.ok(goaways <= 3, `${goaways} times GOAWAY`);
    }),
    runs(400),
  );
});

interface Download {
  readonly chunks: readonly number[];
  readonly trailers: boolean;
}

test('windows, in any order and of any size, let every octet through once, in order, and never too many', () => {
  const download = fc.record({ chunks: fc.array(fc.nat(50_000), { maxLength: 5 }), trailers: fc.boolean() });
  const step = fc.tuple(fc.nat(5), fc.nat(7), fc.constantFrom(1, 2, 100, 5000, 70_000));
  fc.assert(
    fc.property(
      fc.array(download, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(0, 1, 1000, 65_535),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (downloads, initial, steps) => new Downloads(downloads, initial).run(steps),
    ),
    runs(150),
  );
});

/** A client that opens windows at random and keeps the books, and handlers that write when they may. */
class Downloads {
  readonly #probe = new SessionProbe().open();
  readonly #left: { readonly chunks: Buffer[]; readonly trailers: boolean; blocked: boolean; over: boolean }[];
  readonly #want: readonly Buffer[];
  readonly #got: Buffer[][];
  readonly #windows: number[];
  readonly #ends: string[] = [];
  #window = 65_535;
  #initial: number;
  #octet = 0;

  constructor(downloads: readonly Download[], initial: number) {
    this.#initial = initial;
    this.#left = downloads.map(({ chunks, trailers }) => ({
      chunks: chunks.map((size) => this.#counted(size)),
      trailers,
      blocked: false,
      over: false,
    }));
    this.#want = this.#left.map(({ chunks }) => Buffer.concat(chunks));
    this.#got = downloads.map(() => []);
    this.#windows = downloads.map(() => initial);
  }

  run(steps: readonly (readonly [number, number, number])[]): void {
    const probe = this.#probe;
    probe.receive(settings(4, this.#initial), ...this.#left.map((_, i) => headers(2 * i + 1)));
    for (const [i] of this.#left.entries()) probe.stream(2 * i + 1).respond([':status', '200'], false);
    for (const step of steps) this.#step(step);
    probe.takes = true;
    probe.session.drained();
    this.#settings(70_000);
    for (let round = 0; probe.session.streamCount > 0 && round < 100; round++) {
      this.#open(0, 1_000_000);
      for (const [i] of this.#left.entries()) this.#open(i + 1, 100_000);
      this.#write();
    }
    this.#read();
    assert.deepEqual(
      this.#got
        .map((parts, i) => Buffer.concat(parts).equals(this.#want[i] ?? Buffer.alloc(0)))
        .filter((same) => !same),
      [],
    );
    assert.ok(probe.keptWhole, 'octets that were written have changed');
    assert.equal(this.#ends.length, this.#left.length);
    assert.equal(probe.events.filter((event) => event.endsWith('in order')).length, this.#left.length);
  }

  #step([kind, which, size]: readonly [number, number, number]): void {
    const probe = this.#probe;
    switch (kind) {
      case 0:
        this.#open(0, size);
        break;
      case 1:
        this.#open(which, size);
        break;
      case 2:
        this.#settings(size);
        break;
      case 3:
        probe.takes = !probe.takes;
        if (probe.takes) probe.session.drained();
        break;
      default:
        this.#write();
    }
    probe.turn();
    this.#read();
  }

  #open(which: number, size: number): void {
    const i = which - 1;
    if (which > this.#left.length || this.#left[i]?.over === true) return;
    if (which === 0) this.#window += size;
    else this.#windows[i] = (this.#windows[i] ?? 0) + size;
    this.#probe.receive(windowUpdate(which === 0 ? 0 : 2 * i + 1, size));
    this.#read();
  }

  #settings(initial: number): void {
    for (const [i, window] of this.#windows.entries()) this.#windows[i] = window + initial - this.#initial;
    this.#initial = initial;
    // What was framed before the session heard of it keeps to the old window.
    this.#probe.turn();
    this.#read(true);
    this.#probe.receive(settings(4, initial));
    this.#read();
  }

  /** Every handler that may writes its next chunk, or ends. */
  #write(): void {
    for (const [i, left] of this.#left.entries()) {
      const id = 2 * i + 1;
      if (left.blocked && this.#probe.events.includes(`writable ${id}`)) {
        this.#probe.events.splice(this.#probe.events.indexOf(`writable ${id}`), 1);
        left.blocked = false;
      }
      if (left.blocked || left.over) continue;
      const chunk = left.chunks.shift();
      if (chunk === undefined) {
        left.over = true;
        this.#probe.stream(id).end(left.trailers ? ['x', 'y'] : []);
      } else {
        left.blocked = !this.#probe.stream(id).write(chunk, true);
      }
    }
  }

  #read(isOld = false): void {
    this.#probe.turn();
    for (const { type, flags, stream, payload } of this.#probe.frames.splice(0)) {
      const i = (stream - 1) / 2;
      if (type === 0) {
        this.#got[i]?.push(payload);
        this.#window -= payload.length;
        this.#windows[i] = (this.#windows[i] ?? 0) - payload.length;
        assert.ok(this.#window >= 0, 'beyond the window of the connection');
        if (payload.length > 0 && !isOld)
          assert.ok((this.#windows[i] ?? 0) >= 0, `beyond the window of stream ${stream}`);
      }
      if (type <= 1 && flags & 1) this.#ends.push(`${stream}`);
    }
  }

  /** Octets that are unlike at every place. */
  #counted(size: number): Buffer {
    const chunk = Buffer.alloc(size);
    for (let i = 0; i < size; i++) {
      this.#octet = (this.#octet * 33 + 7) % 251;
      chunk[i] = this.#octet ^ (i >> 8);
    }
    return chunk;
  }
}
