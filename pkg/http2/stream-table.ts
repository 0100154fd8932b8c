import { ClosedStreams, type Ending } from './closed-streams.ts';
import { ConnectionError } from './connection-error.ts';
import { errorCode } from './frame.ts';
import type { OpenStream } from './open-stream.ts';

/**
 * The streams of a session: those that live, and what must be known of the others (RFC 9113 5.1). Those that live stand in
 * a ring by their number, since clients count up and streams are short; a Map would be built anew all the time. What does
 * not fit there, as when a client skips numbers, stands in a list, at most as long as streams are allowed.
 */
export class StreamTable {
  /** The highest identifier that the client has used. */
  lastId = 0;
  /** Streams that live. */
  count = 0;
  #ring: (OpenStream | undefined)[] = Array.from({ length: smallestRing });
  readonly #others: OpenStream[] = [];
  readonly #closed = new ClosedStreams(rememberedStreams);

  find(id: number): OpenStream | undefined {
    const stream = this.#ring[placeOf(id, this.#ring.length)];
    if (stream !== undefined && stream.id === id) return stream;
    return this.#others.length === 0 ? undefined : this.#others.find((other) => other.id === id);
  }

  add(stream: OpenStream): void {
    this.count += 1;
    while (this.#ring[placeOf(stream.id, this.#ring.length)] !== undefined) {
      if (this.#ring.length === largestRing) {
        this.#others.push(stream);
        return;
      }
      this.#grow();
    }
    this.#ring[placeOf(stream.id, this.#ring.length)] = stream;
  }

  remove(stream: OpenStream, ending: Ending): void {
    this.count -= 1;
    const place = placeOf(stream.id, this.#ring.length);
    if (this.#ring[place] === stream) this.#ring[place] = undefined;
    else this.#others.splice(this.#others.indexOf(stream), 1);
    this.#closed.add(stream.id, ending);
  }

  /** Those that live, the oldest first. */
  all(): readonly OpenStream[] {
    return [...this.#ring.filter((stream) => stream !== undefined), ...this.#others].toSorted((a, b) => a.id - b.id);
  }

  clear(): void {
    this.count = 0;
    this.#ring = Array.from({ length: smallestRing });
    this.#others.length = 0;
  }

  /** A stream that we reset, or do not take, without its ever having been open. */
  refused(id: number): void {
    this.#closed.addRefused(id);
  }

  /** The peer resets a stream that is not open any more. */
  resetByPeer(id: number): void {
    this.#closed.resetByPeer(id);
  }

  /** How a stream that is not open ended; undefined: it was skipped. */
  endingOf(id: number): Ending | 'forgotten' | undefined {
    return this.#closed.find(id);
  }

  /** No two streams of a ring share a place in one of twice its size. */
  #grow(): void {
    const streams = this.#ring;
    this.#ring = Array.from({ length: 2 * streams.length });
    for (const stream of streams) {
      if (stream !== undefined) this.#ring[placeOf(stream.id, this.#ring.length)] = stream;
    }
  }

  /** @throws ConnectionError for a stream that no client has begun: nothing but HEADERS and PRIORITY may come for it. */
  assertBegun(id: number, frame: string): void {
    if (id === 0) throw new ConnectionError(errorCode.protocolError, `${frame} on the connection itself`);
    if (id > this.lastId || id % 2 === 0) {
      throw new ConnectionError(errorCode.protocolError, `${frame} on an idle stream`);
    }
  }
}

function placeOf(id: number, size: number): number {
  return (id >>> 1) & (size - 1);
}

/** More than may live at once: all of them may be reset together. Those that are refused may be more; see ClosedStreams. */
const rememberedStreams = 128;
/** Powers of two. */
const smallestRing = 16;
const largestRing = 256;
