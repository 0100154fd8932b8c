import { ClosedStreams, type Ending } from './closed-streams.ts';
import { ConnectionError } from './connection-error.ts';
import { errorCode } from './frame.ts';
import type { OpenStream } from './open-stream.ts';

/** The streams of a session: those that live, and what must be known of the others (RFC 9113 5.1). */
export class StreamTable {
  readonly open = new Map<number, OpenStream>();
  /** The highest identifier that the client has used. */
  lastId = 0;
  readonly #closed = new ClosedStreams(rememberedStreams);
  /** Most frames are of the stream of the frame before. */
  #recent: OpenStream | undefined;

  find(id: number): OpenStream | undefined {
    if (this.#recent !== undefined && this.#recent.id === id) return this.#recent;
    const stream = this.open.get(id);
    if (stream !== undefined) this.#recent = stream;
    return stream;
  }

  add(stream: OpenStream): void {
    this.open.set(stream.id, stream);
    this.#recent = stream;
  }

  remove(stream: OpenStream, ending: Ending): void {
    this.open.delete(stream.id);
    this.#recent = undefined;
    this.#closed.add(stream.id, ending);
  }

  /** A stream that we reset, or do not take, without its ever having been open. */
  refused(id: number): void {
    this.#closed.add(id, 'reset-by-us');
  }

  /** How a stream that is not open ended; undefined: it was skipped, or that is long ago. */
  endingOf(id: number): Ending | undefined {
    return this.#closed.find(id);
  }

  /** @throws ConnectionError for a stream that no client has begun: nothing but HEADERS and PRIORITY may come for it. */
  assertBegun(id: number, frame: string): void {
    if (id === 0) throw new ConnectionError(errorCode.protocolError, `${frame} on the connection itself`);
    if (id > this.lastId || id % 2 === 0) {
      throw new ConnectionError(errorCode.protocolError, `${frame} on an idle stream`);
    }
  }
}

const rememberedStreams = 256;
