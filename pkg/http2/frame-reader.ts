import { ConnectionError } from './connection-error.ts';
import { clientPreface, errorCode, flag, frameHeadBytes, frameType, maxFrameBytes, readUint31 } from './frame.ts';

/** What a FrameReader finds. Anything may throw ConnectionError. */
export interface FrameSink {
  /** Whether nothing more is to be read. */
  readonly over: boolean;
  /** A whole frame of any type but DATA; the payload is `buffer` from `start` to `end`, during the call only. */
  frame(type: number, flags: number, streamId: number, buffer: Buffer, start: number, end: number): void;
  /** The head of a frame of DATA: `bytes` of payload follow, padding among them. Before any `data` of it. */
  dataBegins(streamId: number, bytes: number, endStream: boolean): void;
  /** A part of the payload without padding; a view, valid during the call only. */
  data(chunk: Buffer): void;
  /** The frame of DATA is whole. */
  dataEnds(): void;
}

/**
 * Finds the frames in a stream of octets (RFC 9113 3.4, 4.1). A frame that lies whole in a chunk is read in place; of
 * DATA every part is handed on as it comes; of any other frame the beginning is kept, `maxFrameBytes` at most.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The beginning of a frame: its head only, or all of it. */
  readonly #head: Buffer = Buffer.alloc(frameHeadBytes);
  #kept: Buffer = this.#head;
  #length = 0;
  #prefaceLeft = clientPreface.length;
  /** Payload of a frame of DATA that is still to come. */
  #dataLeft = 0;
  #padding = 0;
  #padLengthDue = false;
  #inData = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @throws ConnectionError; nothing may be pushed after one. */
  push(chunk: Buffer): void {
    const sink = this.#sink;
    const { length } = chunk;
    let at = this.#prefaceLeft > 0 ? this.#readPreface(chunk) : 0;
    while (at < length && !sink.over) {
      if (this.#inData) {
        at = this.#readData(chunk, at);
      } else if (this.#length > 0 || length - at < frameHeadBytes) {
        at = this.#keep(chunk, at);
      } else {
        const bytes = this.#payloadBytes(chunk, at);
        const type = chunk[at + 3] ?? 0;
        if (type === frameType.data) {
          this.#beginData(chunk, at, bytes);
          at += frameHeadBytes;
        } else if (length - at < frameHeadBytes + bytes) {
          at = this.#keep(chunk, at);
        } else {
          const start = at + frameHeadBytes;
          at = start + bytes;
          sink.frame(type, chunk[start - 5] ?? 0, readUint31(chunk, start - 4), chunk, start, at);
        }
      }
    }
  }

  #readPreface(chunk: Buffer): number {
    const from = clientPreface.length - this.#prefaceLeft;
    const end = Math.min(this.#prefaceLeft, chunk.length);
    if (clientPreface.compare(chunk, 0, end, from, from + end) !== 0) {
      throw new ConnectionError(errorCode.protocolError, 'not the preface of HTTP/2');
    }
    this.#prefaceLeft -= end;
    return end;
  }

  #payloadBytes(buffer: Buffer, at: number): number {
    const bytes = ((buffer[at] ?? 0) << 16) | ((buffer[at + 1] ?? 0) << 8) | (buffer[at + 2] ?? 0);
    if (bytes > maxFrameBytes) {
      throw new ConnectionError(errorCode.frameSizeError, `frame of ${bytes} octets, limit ${maxFrameBytes}`);
    }
    return bytes;
  }

  /** Keeps what belongs to a frame that is not whole; hands it on once it is. */
  #keep(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#length < frameHeadBytes) {
      at += this.#fill(chunk, at, frameHeadBytes);
      if (this.#length < frameHeadBytes) return at;
      const bytes = this.#payloadBytes(this.#kept, 0);
      if (this.#kept[3] === frameType.data) {
        this.#length = 0;
        this.#beginData(this.#kept, 0, bytes);
        return at;
      }
      if (bytes > 0) {
        const whole = Buffer.allocUnsafe(frameHeadBytes + bytes);
        this.#kept.copy(whole, 0, 0, frameHeadBytes);
        this.#kept = whole;
      }
    }
    const kept = this.#kept;
    const end = frameHeadBytes + this.#payloadBytes(kept, 0);
    at += this.#fill(chunk, at, end);
    if (this.#length < end) return at;
    this.#length = 0;
    this.#kept = this.#head;
    this.#sink.frame(kept[3] ?? 0, kept[4] ?? 0, readUint31(kept, 5), kept, frameHeadBytes, end);
    return at;
  }

  #fill(chunk: Buffer, at: number, upTo: number): number {
    const bytes = Math.min(upTo - this.#length, chunk.length - at);
    chunk.copy(this.#kept, this.#length, at, at + bytes);
    this.#length += bytes;
    return bytes;
  }

  #beginData(buffer: Buffer, at: number, bytes: number): void {
    const flags = buffer[at + 4] ?? 0;
    const streamId = readUint31(buffer, at + 5);
    this.#padLengthDue = (flags & flag.padded) !== 0;
    if (this.#padLengthDue && bytes === 0) {
      throw new ConnectionError(errorCode.frameSizeError, 'DATA without its pad length');
    }
    this.#dataLeft = bytes;
    this.#padding = 0;
    this.#inData = true;
    this.#sink.dataBegins(streamId, bytes, (flags & flag.endStream) !== 0);
    if (bytes === 0) this.#endData();
  }

  #readData(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#padLengthDue) {
      this.#padLengthDue = false;
      this.#padding = chunk[at] ?? 0;
      this.#dataLeft -= 1;
      at += 1;
      if (this.#padding > this.#dataLeft) {
        throw new ConnectionError(errorCode.protocolError, 'DATA padded beyond its payload');
      }
    }
    const bytes = Math.min(chunk.length - at, this.#dataLeft - this.#padding);
    if (bytes > 0) {
      this.#dataLeft -= bytes;
      this.#sink.data(at === 0 && bytes === chunk.length ? chunk : chunk.subarray(at, at + bytes));
      at += bytes;
    }
    if (this.#dataLeft === this.#padding) {
      const skipped = Math.min(chunk.length - at, this.#padding);
      at += skipped;
      this.#padding -= skipped;
      this.#dataLeft -= skipped;
    }
    if (this.#dataLeft === 0 && !this.#sink.over) this.#endData();
    return at;
  }

  #endData(): void {
    this.#inData = false;
    this.#sink.dataEnds();
  }
}
