import type { BodyReader, OnData } from './body-reader.ts';
import { ChunkedDecoder } from './chunked.ts';
import type { Framing } from './head.ts';

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
