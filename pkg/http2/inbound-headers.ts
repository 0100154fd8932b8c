import { ConnectionError, refuseFlood } from './connection-error.ts';
import { type FloodGuard, floodKind, knowinglyRefused } from './flood.ts';
import { errorCode, flag } from './frame.ts';
import { type Fragment, HeaderBlock, readFragment } from './header-block.ts';
import type { DecodedBlock, FieldLimits } from './hpack/decoded-block.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { HpackError } from './hpack/error.ts';
import { OpenStream } from './open-stream.ts';
import { isFieldAllowed, judgeRequest, judgeTrailers, noLength } from './request-rules.ts';
import type { RequestFields } from './stream.ts';
import type { StreamControl } from './stream-control.ts';

/** HEADERS and CONTINUATION as they come: field blocks, and what they begin or end (RFC 9113 5.1, 6.2, 6.10, 8.1). */
export class InboundHeaders {
  readonly #streams: StreamControl;
  readonly #guard: FloodGuard;
  readonly #limits: FieldLimits;
  readonly #maxStreams: number;
  readonly #decoder = new HpackDecoder({ maxTableBytes, accepts: isFieldAllowed });
  readonly #fragment: Fragment = { start: 0, end: 0, dependency: -1 };
  #block: HeaderBlock | undefined;
  /** The last request, which comes again with its field block. */
  #asked: Asked | undefined;
  /** Whether the client knows our limits: what it did before is no fault. */
  limitsKnown = false;

  constructor(streams: StreamControl, guard: FloodGuard, limits: FieldLimits, maxStreams: number) {
    this.#streams = streams;
    this.#guard = guard;
    this.#limits = limits;
    this.#maxStreams = maxStreams;
  }

  /** Whether a field block is not whole: nothing but its CONTINUATION may come (RFC 9113 6.10). */
  get unfinished(): boolean {
    return this.#block !== undefined;
  }

  headers(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (id % 2 === 0) throw new ConnectionError(errorCode.protocolError, 'HEADERS on a stream that no client may open');
    const fragment = this.#fragment;
    readFragment(flags, buffer, start, end, fragment);
    const endStream = (flags & flag.endStream) !== 0;
    const dependsOnItself = fragment.dependency === id;
    if (flags & flag.endHeaders) {
      this.#whole(id, endStream, dependsOnItself, buffer, fragment.start, fragment.end);
      return;
    }
    this.#block = new HeaderBlock(id, endStream, dependsOnItself, this.#limits.maxListBytes + spareBlockBytes);
    this.#append(this.#block, buffer, fragment.start, fragment.end);
  }

  continuation(flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (block === undefined || block.streamId !== id) {
      throw new ConnectionError(errorCode.protocolError, 'CONTINUATION without HEADERS before it');
    }
    this.#append(block, buffer, start, end);
    if ((flags & flag.endHeaders) === 0) return;
    this.#block = undefined;
    this.#whole(id, block.endStream, block.dependsOnItself, block.bytes, 0, block.length);
  }

  #append(block: HeaderBlock, buffer: Buffer, start: number, end: number): void {
    if (!block.append(buffer, start, end)) refuseFlood('continuation');
  }

  #whole(id: number, endStream: boolean, dependsOnItself: boolean, buffer: Buffer, start: number, end: number): void {
    const { table } = this.#streams;
    const open = table.find(id);
    const isNew = id > table.lastId;
    if (open === undefined && !isNew) this.#assertMayFollow(id);
    if (isNew) table.lastId = id;
    // Also where nobody wants it: the table is the connection's.
    const block = this.#decode(buffer, start, end);
    if (dependsOnItself) this.#streams.fail(id, errorCode.protocolError);
    else if (open !== undefined) this.#trailers(open, endStream, block);
    else if (isNew) this.#begin(id, endStream, block);
    else if (table.endingOf(id) === 'reset-by-peer') this.#streams.fail(id, errorCode.streamClosed);
    else refuseFlood(this.#guard.spend(floodKind.ignoredFrames));
  }

  /** @throws ConnectionError where a closed stream may not see HEADERS any more. */
  #assertMayFollow(id: number): void {
    switch (this.#streams.table.endingOf(id)) {
      case 'ended':
        throw new ConnectionError(errorCode.streamClosed, 'HEADERS on a stream that has ended');
      case undefined:
        throw new ConnectionError(errorCode.protocolError, 'a new stream with a lower identifier than the last');
      default:
    }
  }

  #decode(buffer: Buffer, start: number, end: number): DecodedBlock {
    try {
      return this.#decoder.decode(buffer, this.#limits, start, end);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ConnectionError(errorCode.compressionError, error.message);
    }
  }

  #begin(id: number, endStream: boolean, block: DecodedBlock): void {
    const streams = this.#streams;
    if (!streams.taking) {
      // The final GOAWAY said that it is not taken; the client repeats it elsewhere.
      streams.table.refused(id);
      refuseFlood(this.#guard.spend(floodKind.refusedStreams));
      return;
    }
    if (streams.table.count >= this.#maxStreams) {
      refuseFlood(this.#guard.spend(floodKind.refusedStreams, this.limitsKnown ? knowinglyRefused : 1));
      streams.refuse(id);
      return;
    }
    this.#guard.request();
    const asked = this.#read(endStream, block);
    if (asked === undefined) streams.fail(id, errorCode.protocolError);
    else streams.begin(new OpenStream(id, asked.head, asked.contentLength, streams.clientWindow, streams));
  }

  /** @returns undefined where the request is malformed; the same object for the same block. */
  #read(endStream: boolean, block: DecodedBlock): Asked | undefined {
    if (this.#asked?.block === block && this.#asked.head.endStream === endStream) return this.#asked;
    let length: number | string = noLength;
    if (!block.overLimit) length = block.accepted ? judgeRequest(block.fields) : 'a character that may not be';
    if (typeof length === 'string' || (endStream && length > 0)) return undefined;
    const { fields, overLimit, neverIndexed } = block;
    const head = { fields, endStream, overLimit, neverIndexed };
    this.#asked = { block, head, contentLength: length };
    return this.#asked;
  }

  /** Keeps nothing that is only kept to be quick: for connections that idle. */
  forget(): void {
    this.#decoder.forget();
    this.#asked = undefined;
  }

  #trailers(stream: OpenStream, endStream: boolean, block: DecodedBlock): void {
    if (stream.remoteEnded) {
      this.#streams.fail(stream.id, errorCode.streamClosed);
    } else if (!endStream || !block.accepted || judgeTrailers(block.fields) !== undefined || !stream.lengthAgrees) {
      this.#streams.fail(stream.id, errorCode.protocolError);
    } else if (block.overLimit) {
      // The answer may be under way: 431 comes too late, and half of the trailers are not the trailers.
      this.#streams.fail(stream.id, errorCode.enhanceYourCalm);
    } else {
      this.#streams.requestEnds(stream, block.fields);
    }
  }
}

/** A well-formed request, and the field block that said it. */
interface Asked {
  readonly block: DecodedBlock;
  readonly head: RequestFields;
  readonly contentLength: number;
}

/** What clients assume (RFC 9113 6.5.2). */
const maxTableBytes = 4096;
/** A block over the limit of its list is still read, so that its answer can be 431; only a much longer one ends the connection. */
const spareBlockBytes = 65_536;
