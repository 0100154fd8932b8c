import { Arena } from './arena.ts';
import { flag, frameHeadBytes, frameType, maxFrameBytes } from './frame.ts';
import { ByteWriter } from './hpack/byte-writer.ts';
import type { HpackEncoder } from './hpack/encoder.ts';

/** Where a stream's last frame stands, so that END_STREAM can still be set on it. */
export interface FramePlace {
  /** Octets behind the first that is gathered. */
  frameAt: number;
  /** Which gathering; another one than the writer's: the frame has been taken. */
  gathering: number;
}

/**
 * Frames gathered into one buffer until it is taken. Every octet of a body is copied once, from the caller's chunk into
 * the buffer; a taken buffer is never written again.
 */
export class FrameWriter {
  readonly #encoder: HpackEncoder;
  /** Frames lie from `#start` to `#end`; the piece of memory ends at `#limit`. */
  #bytes: Buffer = noBytes;
  #start = 0;
  #end = 0;
  #limit = 0;
  /** The frame of DATA at the end, and whose it is; -1: another frame is there. */
  #dataAt = -1;
  #dataStream = 0;
  #gathering = 1;

  constructor(encoder: HpackEncoder) {
    this.#encoder = encoder;
  }

  /** Octets gathered. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The octets that were taken last are of no more use to anybody. */
  giveBack(taken: Buffer): void {
    arena.reuse(taken);
  }

  /** What was gathered; the caller's from now on. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#end);
    arena.trim(this.#bytes, this.#end, this.#limit);
    this.#bytes = noBytes;
    this.#start = 0;
    this.#end = 0;
    this.#limit = 0;
    this.#dataAt = -1;
    this.#gathering += 1;
    return taken;
  }

  /** HEADERS, and CONTINUATION where the block is long. @throws TypeError as HpackEncoder.encode; nothing is written then. */
  headers(streamId: number, fields: readonly string[], endStream: boolean, place: FramePlace): void {
    block.length = 0;
    this.#encoder.encode(fields, block);
    const { length } = block;
    const first = length > maxFrameBytes ? maxFrameBytes : length;
    const flags = (endStream ? flag.endStream : 0) | (first === length ? flag.endHeaders : 0);
    const at = this.#begin(first, frameType.headers, flags, streamId);
    block.bytes.copy(this.#bytes, at, 0, first);
    place.frameAt = at - frameHeadBytes - this.#start;
    place.gathering = this.#gathering;
    for (let from = first; from < length; from += maxFrameBytes) {
      const end = Math.min(length, from + maxFrameBytes);
      const to = this.#begin(end - from, frameType.continuation, end === length ? flag.endHeaders : 0, streamId);
      block.bytes.copy(this.#bytes, to, from, end);
    }
    // A head like a book is rare; its room is not kept.
    if (block.bytes.length > keptBlockBytes) block = new ByteWriter(usualBlockBytes);
  }

  /** One frame of DATA, or the last one made longer; `end - start` is at most `maxFrameBytes`. */
  data(streamId: number, chunk: Buffer, start: number, end: number, endStream: boolean, place: FramePlace): void {
    const bytes = end - start;
    const flags = endStream ? flag.endStream : 0;
    let at = this.#dataAt;
    let before = at >= 0 && this.#dataStream === streamId ? this.#end - at - frameHeadBytes : 0;
    if (before === 0 || before + bytes > maxFrameBytes) {
      before = 0;
      at = this.#begin(bytes, frameType.data, flags, streamId) - frameHeadBytes;
    } else {
      this.#reserve(bytes);
      at = this.#dataAt;
      this.#end += bytes;
      this.#putHead(at, before + bytes, frameType.data, flags, streamId);
    }
    if (bytes > 0) chunk.copy(this.#bytes, at + frameHeadBytes + before, start, end);
    this.#dataAt = at;
    this.#dataStream = streamId;
    place.frameAt = at - this.#start;
    place.gathering = this.#gathering;
  }

  /** Sets END_STREAM on the frame at `place`. @returns false where it has been taken. */
  endAt(place: FramePlace): boolean {
    if (place.gathering !== this.#gathering) return false;
    const at = this.#start + place.frameAt + flagsAt;
    this.#bytes[at] = (this.#bytes[at] ?? 0) | flag.endStream;
    // Nothing may be added to it.
    this.#dataAt = -1;
    return true;
  }

  rstStream(streamId: number, code: number): void {
    this.#put32(this.#begin(4, frameType.rstStream, 0, streamId), code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#put32(this.#begin(4, frameType.windowUpdate, 0, streamId), increment);
  }

  /** Flat: identifier, value. */
  settings(values: readonly number[]): void {
    let at = this.#begin(values.length * 3, frameType.settings, 0, 0);
    const bytes = this.#bytes;
    for (let i = 0; i < values.length; i += 2) {
      const id = values[i] ?? 0;
      bytes[at] = id >>> 8;
      bytes[at + 1] = id & 0xff;
      this.#put32(at + 2, values[i + 1] ?? 0);
      at += 6;
    }
  }

  settingsAck(): void {
    this.#begin(0, frameType.settings, flag.ack, 0);
  }

  /** The eight octets at `from`. */
  ping(ack: boolean, buffer: Buffer, from: number): void {
    const at = this.#begin(8, frameType.ping, ack ? flag.ack : 0, 0);
    buffer.copy(this.#bytes, at, from, from + 8);
  }

  /** `reason` is ASCII text for whoever looks for the client's mistake. */
  goaway(lastStreamId: number, code: number, reason: string): void {
    const at = this.#begin(8 + reason.length, frameType.goaway, 0, 0);
    this.#put32(at, lastStreamId);
    this.#put32(at + 4, code);
    this.#bytes.write(reason, at + 8, 'latin1');
  }

  /** The head of a frame and room for its payload. @returns where the payload begins. */
  #begin(bytes: number, type: number, flags: number, streamId: number): number {
    this.#reserve(frameHeadBytes + bytes);
    const at = this.#end;
    this.#putHead(at, bytes, type, flags, streamId);
    this.#end = at + frameHeadBytes + bytes;
    this.#dataAt = -1;
    return at + frameHeadBytes;
  }

  #putHead(at: number, length: number, type: number, flags: number, streamId: number): void {
    const bytes = this.#bytes;
    bytes[at] = length >>> 16;
    bytes[at + 1] = (length >>> 8) & 0xff;
    bytes[at + 2] = length & 0xff;
    bytes[at + 3] = type;
    bytes[at + flagsAt] = flags;
    this.#put32(at + 5, streamId);
  }

  #put32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = (value >>> 16) & 0xff;
    bytes[at + 2] = (value >>> 8) & 0xff;
    bytes[at + 3] = value & 0xff;
  }

  #reserve(more: number): void {
    if (this.#end + more > this.#limit) this.#renew(more);
  }

  /** More memory: where it lies, or elsewhere with what is gathered. */
  #renew(more: number): void {
    const { length } = this;
    // At least doubled, so that all copying together is linear.
    const spare = Math.max(more, length < largestSpare ? length : largestSpare, smallestPiece);
    if (arena.extend(this.#bytes, this.#limit, spare)) {
      this.#limit += spare;
      return;
    }
    const start = arena.cut(length + spare);
    if (length > 0) this.#bytes.copy(arena.bytes, start, this.#start, this.#end);
    if (this.#dataAt >= 0) this.#dataAt += start - this.#start;
    this.#bytes = arena.bytes;
    this.#start = start;
    this.#end = start + length;
    this.#limit = start + length + spare;
  }
}

const flagsAt = 4;
const smallestPiece = 512;
const largestSpare = 262_144;
const usualBlockBytes = 1024;
const keptBlockBytes = 65_536;
const noBytes: Buffer = Buffer.alloc(0);
/** All sessions write through these, one after the other. */
const arena = new Arena();
let block = new ByteWriter(usualBlockBytes);
