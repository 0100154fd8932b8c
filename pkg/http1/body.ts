import { ChunkedDecoder } from './chunked.ts';
import type { Framing } from './head.ts';

/** Octets of body data: `buffer` from `start` up to `end`, a view of what was pushed, valid during the call only. */
export type OnData = (buffer: Buffer, start: number, end: number) => void;

/** Reads one body from the octets behind a head. */
export interface BodyReader {
  /** Whether the body is whole; always false where only the end of the connection ends it. */
  readonly done: boolean;
  /** @returns octets consumed. @throws HttpMalformed where the framing is broken. */
  push(buffer: Buffer, start: number, end: number, onData: OnData): number;
}

/** The reader for a head's framing; `status` as for ChunkedDecoder. */
export function bodyReader(framing: Framing, status = 400): BodyReader {
  switch (framing.kind) {
    case 'chunked':
      return new ChunkedDecoder(status);
    case 'close':
      return new FixedLengthReader(Number.POSITIVE_INFINITY);
    case 'length':
      return new FixedLengthReader(framing.length);
    case 'none':
      return new FixedLengthReader(0);
  }
}

/** Reads a body of `length` octets. */
export class FixedLengthReader implements BodyReader {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  push(buffer: Buffer, start: number, end: number, onData: OnData): number {
    const stop = end - start > this.#left ? start + this.#left : end;
    if (stop === start) return 0;
    this.#left -= stop - start;
    onData(buffer, start, stop);
    return stop - start;
  }
}
