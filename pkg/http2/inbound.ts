import { ConnectionError, refuseFlood } from './connection-error.ts';
import { type FloodGuard, floodKind } from './flood.ts';
import { errorCode, flag, frameType, max31, readUint31, readUint32 } from './frame.ts';
import type { FrameSink } from './frame-reader.ts';
import type { HpackEncoder } from './hpack/encoder.ts';
import type { InboundHeaders } from './inbound-headers.ts';
import type { OpenStream } from './open-stream.ts';
import { readSettings } from './settings.ts';
import type { StreamControl } from './stream-control.ts';

/** Every frame of a client by the rules of RFC 9113 6; field blocks are InboundHeaders'. */
export class Inbound implements FrameSink {
  readonly #streams: StreamControl;
  readonly #headers: InboundHeaders;
  readonly #guard: FloodGuard;
  readonly #encoder: HpackEncoder;
  /** Whether the first frame has come: it must be SETTINGS (RFC 9113 3.4). */
  #begun = false;
  /** The frame of DATA that is being read; without a stream its octets go nowhere. */
  #dataStream: OpenStream | undefined;
  #dataBytes = 0;
  #dataFilled = false;
  #dataEndsStream = false;

  constructor(streams: StreamControl, headers: InboundHeaders, guard: FloodGuard, encoder: HpackEncoder) {
    this.#streams = streams;
    this.#headers = headers;
    this.#guard = guard;
    this.#encoder = encoder;
  }

  get over(): boolean {
    return this.#streams.over;
  }

  frame(type: number, flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (this.#headers.unfinished && type !== frameType.continuation) this.#interleaved();
    if (!this.#begun) this.#first(type, flags);
    switch (type) {
      case frameType.headers:
        this.#headers.headers(flags, id, buffer, start, end);
        break;
      case frameType.continuation:
        this.#headers.continuation(flags, id, buffer, start, end);
        break;
      case frameType.windowUpdate:
        this.#windowUpdate(id, buffer, start, end);
        break;
      case frameType.rstStream:
        this.#rstStream(id, buffer, start, end);
        break;
      case frameType.ping:
        this.#ping(flags, id, buffer, start, end);
        break;
      case frameType.settings:
        this.#settings(flags, id, buffer, start, end);
        break;
      case frameType.priority:
        this.#priority(id, buffer, start, end);
        break;
      case frameType.goaway:
        assertOnConnection(id, 'GOAWAY');
        if (end - start < 8) throw new ConnectionError(errorCode.frameSizeError, 'GOAWAY of less than 8 octets');
        this.#streams.drain();
        break;
      case frameType.pushPromise:
        throw new ConnectionError(errorCode.protocolError, 'PUSH_PROMISE of a client');
      default:
        // Extensions are ignored (RFC 9113 5.5).
        refuseFlood(this.#guard.spend(floodKind.ignoredFrames));
    }
  }

  // --- DATA (6.1)

  dataBegins(id: number, bytes: number, endStream: boolean): void {
    if (this.#headers.unfinished) this.#interleaved();
    if (!this.#begun) this.#first(frameType.data, 0);
    const streams = this.#streams;
    this.#dataBytes = bytes;
    this.#dataFilled = false;
    this.#dataEndsStream = endStream;
    if (!streams.windows.take(bytes)) {
      throw new ConnectionError(errorCode.flowControlError, 'DATA beyond the window of the connection');
    }
    let stream = streams.table.find(id);
    if (stream === undefined) {
      this.#dataOnClosed(id);
    } else if (stream.remoteEnded) {
      streams.fail(id, errorCode.streamClosed);
      stream = undefined;
    } else if (bytes > stream.receiveWindow) {
      streams.fail(id, errorCode.flowControlError);
      stream = undefined;
    } else {
      stream.receiveWindow -= bytes;
    }
    this.#dataStream = stream;
  }

  data(chunk: Buffer): void {
    this.#dataFilled = true;
    const stream = this.#dataStream;
    // It may have been reset by its handler on the way.
    if (stream === undefined || !stream.open) return;
    stream.received += chunk.length;
    if (stream.contentLength >= 0 && stream.received > stream.contentLength) {
      this.#streams.fail(stream.id, errorCode.protocolError);
    } else {
      this.#streams.requestData(stream, chunk);
    }
  }

  dataEnds(): void {
    const streams = this.#streams;
    let stream = this.#dataStream;
    const isIgnored = stream === undefined;
    this.#dataStream = undefined;
    if (stream !== undefined && !stream.open) stream = undefined;
    if (this.#dataFilled) this.#guard.data();
    else if (!this.#dataEndsStream) refuseFlood(this.#guard.spend(floodKind.emptyFrames));
    // It ends what is over, and can do so again and again.
    else if (isIgnored) refuseFlood(this.#guard.spend(floodKind.ignoredFrames));
    if (stream !== undefined && this.#dataEndsStream) {
      if (stream.lengthAgrees) streams.requestEnds(stream, noFields);
      else streams.fail(stream.id, errorCode.protocolError);
      if (!stream.open) stream = undefined;
    }
    if (this.#dataBytes > 0) streams.windows.returned(this.#dataBytes, stream);
  }

  #dataOnClosed(id: number): void {
    const { table } = this.#streams;
    table.assertBegun(id, 'DATA');
    switch (table.endingOf(id)) {
      case 'forgotten':
      case 'reset-by-us':
        // On its way when it was reset.
        return;
      case 'ended':
        throw new ConnectionError(errorCode.streamClosed, 'DATA on a stream that has ended');
      default:
        this.#streams.fail(id, errorCode.streamClosed);
    }
  }

  // --- the others

  #windowUpdate(id: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(errorCode.frameSizeError, 'WINDOW_UPDATE not of 4 octets');
    refuseFlood(this.#guard.spend(floodKind.windowUpdates));
    const { sender, table } = this.#streams;
    const increment = readUint31(buffer, start);
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(errorCode.protocolError, 'WINDOW_UPDATE of 0');
      sender.window += increment;
      if (sender.window > max31) {
        throw new ConnectionError(errorCode.flowControlError, `the window of the connection grew beyond ${max31}`);
      }
      return;
    }
    const stream = table.find(id);
    if (stream === undefined) {
      // Behind the end of a stream it may still come.
      table.assertBegun(id, 'WINDOW_UPDATE');
    } else if (increment === 0) {
      this.#streams.fail(id, errorCode.protocolError);
    } else if (stream.window + increment > max31) {
      this.#streams.fail(id, errorCode.flowControlError);
    } else {
      stream.window += increment;
      sender.wake(stream);
    }
  }

  #rstStream(id: number, buffer: Buffer, start: number, end: number): void {
    if (end - start !== 4) throw new ConnectionError(errorCode.frameSizeError, 'RST_STREAM not of 4 octets');
    const { table } = this.#streams;
    const stream = table.find(id);
    if (stream === undefined) {
      table.assertBegun(id, 'RST_STREAM');
      table.resetByPeer(id);
      refuseFlood(this.#guard.spend(floodKind.ignoredFrames));
      return;
    }
    this.#streams.resetByPeer(stream, readUint32(buffer, start));
    refuseFlood(this.#guard.spend(floodKind.resets));
  }

  #ping(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    assertOnConnection(id, 'PING');
    if (end - start !== 8) throw new ConnectionError(errorCode.frameSizeError, 'PING not of 8 octets');
    refuseFlood(this.#guard.spend(floodKind.pings));
    if (flags & flag.ack) {
      this.#streams.pongCame(buffer, start);
      return;
    }
    const { sender } = this.#streams;
    sender.frames.ping(true, buffer, start);
    sender.touch();
  }

  #settings(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    assertOnConnection(id, 'SETTINGS');
    refuseFlood(this.#guard.spend(floodKind.settings));
    if (flags & flag.ack) {
      if (end > start)
        throw new ConnectionError(errorCode.frameSizeError, 'an acknowledgement of SETTINGS with values');
      this.#headers.limitsKnown = true;
      return;
    }
    const { headerTableBytes, lowestTableBytes, initialWindow } = readSettings(buffer, start, end);
    if (headerTableBytes !== undefined) {
      this.#encoder.setMaxTableBytes(lowestTableBytes);
      this.#encoder.setMaxTableBytes(headerTableBytes);
    }
    if (initialWindow !== undefined) this.#moveWindows(initialWindow);
    const { sender } = this.#streams;
    sender.frames.settingsAck();
    sender.touch();
  }

  /** All windows move by the difference, below 0 too (RFC 9113 6.9.2). */
  #moveWindows(initialWindow: number): void {
    const { table, sender, clientWindow } = this.#streams;
    const difference = initialWindow - clientWindow;
    this.#streams.clientWindow = initialWindow;
    for (const stream of table.all()) {
      stream.window += difference;
      if (stream.window > max31) {
        throw new ConnectionError(errorCode.flowControlError, `the window of a stream grew beyond ${max31}`);
      }
      sender.wake(stream);
    }
  }

  /** Nothing is made of it (RFC 9113 5.3.2), but it must be right. */
  #priority(id: number, buffer: Buffer, start: number, end: number): void {
    if (id === 0) throw new ConnectionError(errorCode.protocolError, 'PRIORITY on the connection itself');
    refuseFlood(this.#guard.spend(floodKind.ignoredFrames));
    if (end - start !== 5) this.#failPriority(id, errorCode.frameSizeError, 'PRIORITY not of 5 octets');
    else if (readUint31(buffer, start) === id) {
      this.#failPriority(id, errorCode.protocolError, 'a stream that depends on itself');
    }
  }

  /** An idle stream cannot be reset (RFC 9113 6.4), and one that has ended has no error any more. */
  #failPriority(id: number, code: number, reason: string): void {
    if (this.#streams.table.find(id) === undefined) throw new ConnectionError(code, reason);
    this.#streams.fail(id, code);
  }

  #first(type: number, flags: number): void {
    if (type !== frameType.settings || (flags & flag.ack) !== 0) {
      throw new ConnectionError(errorCode.protocolError, 'the first frame is not SETTINGS');
    }
    this.#begun = true;
  }

  #interleaved(): void {
    throw new ConnectionError(errorCode.protocolError, 'another frame within a field block');
  }
}

function assertOnConnection(id: number, frame: string): void {
  if (id !== 0) throw new ConnectionError(errorCode.protocolError, `${frame} on a stream`);
}

const noFields: readonly string[] = [];
