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
  readonly #out = new ByteWriter(smallestBuffer);
  readonly #encoder: HpackEncoder;
  /** The first octet that is not taken. */
  #start = 0;
  /** The frame of DATA at the end, and whose it is; -1: another frame is there. */
  #dataAt = -1;
  #dataStream = 0;
  #gathering = 1;

  constructor(encoder: HpackEncoder) {
    this.#encoder = encoder;
  }

  /** Octets gathered. */
  get length(): number {
    return this.#out.length - this.#start;
  }

  /** What was gathered; the caller's from now on. */
  take(): Buffer {
    const out = this.#out;
    const taken = out.bytes.subarray(this.#start, out.length);
    this.#start = out.length;
    this.#dataAt = -1;
    this.#gathering += 1;
    // An idle session keeps no large buffer alive.
    if (out.bytes.length > keptBytes) this.#renew(smallestBuffer);
    return taken;
  }

  /** HEADERS, and CONTINUATION where the block is long. @throws TypeError as HpackEncoder.encode; nothing is written then. */
  headers(streamId: number, fields: readonly string[], endStream: boolean, place: FramePlace): void {
    this.#reserve(usualHead);
    const out = this.#out;
    const at = out.length;
    out.length += frameHeadBytes;
    try {
      this.#encoder.encode(fields, out);
    } catch (error) {
      out.length = at;
      throw error;
    }
    this.#dataAt = -1;
    const blockBytes = out.length - at - frameHeadBytes;
    const bytes = blockBytes > maxFrameBytes ? maxFrameBytes : blockBytes;
    const flags = (endStream ? flag.endStream : 0) | (bytes === blockBytes ? flag.endHeaders : 0);
    this.#putHead(at, bytes, frameType.headers, flags, streamId);
    place.frameAt = at - this.#start;
    place.gathering = this.#gathering;
    if (bytes < blockBytes) this.#continue(streamId, at + frameHeadBytes + bytes);
  }

  /** One frame of DATA, or the last one made longer; `end - start` is at most `maxFrameBytes`. */
  data(streamId: number, chunk: Buffer, start: number, end: number, endStream: boolean, place: FramePlace): void {
    const bytes = end - start;
    this.#reserve(frameHeadBytes + bytes);
    const out = this.#out;
    const flags = endStream ? flag.endStream : 0;
    let at = this.#dataAt;
    let before = 0;
    if (at >= 0 && this.#dataStream === streamId) before = out.length - at - frameHeadBytes;
    if (before === 0 || before + bytes > maxFrameBytes) {
      at = out.length;
      before = 0;
      out.length += frameHeadBytes;
    }
    if (bytes > 0) chunk.copy(out.bytes, out.length, start, end);
    out.length += bytes;
    this.#putHead(at, before + bytes, frameType.data, flags, streamId);
    this.#dataAt = at;
    this.#dataStream = streamId;
    place.frameAt = at - this.#start;
    place.gathering = this.#gathering;
  }

  /** Sets END_STREAM on the frame at `place`. @returns false where it has been taken. */
  endAt(place: FramePlace): boolean {
    if (place.gathering !== this.#gathering) return false;
    const at = this.#start + place.frameAt + flagsAt;
    this.#out.bytes[at] = (this.#out.bytes[at] ?? 0) | flag.endStream;
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
    const { bytes } = this.#out;
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
    buffer.copy(this.#out.bytes, at, from, from + 8);
  }

  /** `reason` is ASCII text for whoever looks for the client's mistake. */
  goaway(lastStreamId: number, code: number, reason: string): void {
    const at = this.#begin(8 + reason.length, frameType.goaway, 0, 0);
    this.#put32(at, lastStreamId);
    this.#put32(at + 4, code);
    this.#out.bytes.write(reason, at + 8, 'latin1');
  }

  /** The head of a frame and room for its payload. @returns where the payload begins. */
  #begin(bytes: number, type: number, flags: number, streamId: number): number {
    this.#reserve(frameHeadBytes + bytes);
    const at = this.#out.length;
    this.#putHead(at, bytes, type, flags, streamId);
    this.#out.length = at + frameHeadBytes + bytes;
    this.#dataAt = -1;
    return at + frameHeadBytes;
  }

  #putHead(at: number, length: number, type: number, flags: number, streamId: number): void {
    const { bytes } = this.#out;
    bytes[at] = length >>> 16;
    bytes[at + 1] = (length >>> 8) & 0xff;
    bytes[at + 2] = length & 0xff;
    bytes[at + 3] = type;
    bytes[at + flagsAt] = flags;
    this.#put32(at + 5, streamId);
  }

  #put32(at: number, value: number): void {
    const { bytes } = this.#out;
    bytes[at] = value >>> 24;
    bytes[at + 1] = (value >>> 16) & 0xff;
    bytes[at + 2] = (value >>> 8) & 0xff;
    bytes[at + 3] = value & 0xff;
  }

  /** The block goes on at `from`, behind one full frame: room is made for the heads of CONTINUATION. */
  #continue(streamId: number, from: number): void {
    const out = this.#out;
    const rest = Buffer.from(out.bytes.subarray(from, out.length));
    out.length = from;
    for (let at = 0; at < rest.length; at += maxFrameBytes) {
      const end = Math.min(rest.length, at + maxFrameBytes);
      const flags = end === rest.length ? flag.endHeaders : 0;
      const to = this.#begin(end - at, frameType.continuation, flags, streamId);
      rest.copy(out.bytes, to, at, end);
    }
  }

  #reserve(more: number): void {
    if (this.#out.length + more > this.#out.bytes.length) this.#renew(more);
  }

  /** Another buffer, with what is gathered and `more` octets of room. */
  #renew(more: number): void {
    const out = this.#out;
    const { length } = this;
    const size = Math.max(smallestBuffer, length + more, Math.min(2 * length, largestSpare));
    const bytes = Buffer.allocUnsafeSlow(size);
    if (length > 0) out.bytes.copy(bytes, 0, this.#start, out.length);
    if (this.#dataAt >= 0) this.#dataAt -= this.#start;
    out.bytes = bytes;
    out.length = length;
    this.#start = 0;
  }
}

const flagsAt = 4;
const smallestBuffer = 4096;
/** What a session may keep between two turns. */
const keptBytes = 16_384;
const largestSpare = 262_144;
/** Most heads; a longer one makes the encoder's own room. */
const usualHead = 512;
