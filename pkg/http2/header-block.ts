import { ConnectionError } from './connection-error.ts';
import { errorCode, flag, readUint31 } from './frame.ts';

/** A field block that comes in several frames (RFC 9113 4.3), put together; bounded in octets and in frames. */
export class HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  /** The stream was said to depend on itself: an error once the block has been read, for the table's sake. */
  readonly dependsOnItself: boolean;
  #bytes: Buffer;
  #length = 0;
  #frames = 0;
  readonly #maxBytes: number;

  constructor(streamId: number, endStream: boolean, dependsOnItself: boolean, maxBytes: number) {
    this.streamId = streamId;
    this.endStream = endStream;
    this.dependsOnItself = dependsOnItself;
    this.#maxBytes = maxBytes;
    this.#bytes = Buffer.allocUnsafe(Math.min(firstBytes, maxBytes));
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** @returns false where the block is too long or comes in too many pieces. */
  append(buffer: Buffer, start: number, end: number): boolean {
    const length = this.#length + end - start;
    this.#frames += 1;
    if (length > this.#maxBytes || this.#frames > maxFrames) return false;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(length, 2 * this.#bytes.length)));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    buffer.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
    return true;
  }
}

/** What a HEADERS frame's payload holds beside its part of the field block (RFC 9113 6.2). */
export interface Fragment {
  start: number;
  end: number;
  dependency: number;
}

/**
 * Finds the fragment in the payload of HEADERS. Writes into `fragment`, made once a session; `dependency` is -1 without
 * priority.
 * @throws ConnectionError where padding or priority do not fit.
 */
export function readFragment(flags: number, buffer: Buffer, start: number, end: number, fragment: Fragment): void {
  let from = start;
  let to = end;
  if (flags & flag.padded) {
    if (from >= to) throw new ConnectionError(errorCode.frameSizeError, 'HEADERS without its pad length');
    to -= buffer[from] ?? 0;
    from += 1;
  }
  fragment.dependency = -1;
  if (flags & flag.priority) {
    if (from + 5 > end) throw new ConnectionError(errorCode.frameSizeError, 'HEADERS too short for its priority');
    fragment.dependency = readUint31(buffer, from);
    from += 5;
  }
  if (from > to) throw new ConnectionError(errorCode.protocolError, 'HEADERS padded beyond its payload');
  fragment.start = from;
  fragment.end = to;
}

const firstBytes = 2048;
const maxFrames = 64;
