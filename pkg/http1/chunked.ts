import type { BodyReader, OnData } from './body-reader.ts';
import { hexValue, tokenOctet, valueOctet } from './chars.ts';
import { readFields } from './fields.ts';
import { HttpMalformed } from './head.ts';
import { HeldSection } from './held.ts';
import { badOctet, scanFields } from './scan.ts';

/**
 * Reads one chunked body (RFC 9112 7.1), strictly: sizes of 1 to 14 hexadecimal digits, CRLF only, no white space in
 * the size line, extensions by their grammar. Extensions and trailers are checked, bounded and dropped: 256 octets a
 * size line, 8 KiB of extensions a body, 8 KiB and 64 fields of trailers; none of them may be one that frames or
 * routes (RFC 9110 6.5.1). Holds nothing but a trailer section that is not whole yet.
 */
export class ChunkedDecoder implements BodyReader {
  #state = SIZE_START;
  /** The size while it is read, then what is left of the chunk. */
  #left = 0;
  #digits = 0;
  #lineOctets = 0;
  #extensionOctets = 0;
  #trailers: HeldSection | undefined;
  readonly #status: number;

  /** `status` is what HttpMalformed carries: 400 for requests, 502 for responses. */
  constructor(status = 400) {
    this.#status = status;
  }

  /** Whether the last chunk and the trailer section are behind us. */
  get done(): boolean {
    return this.#state === DONE;
  }

  /**
   * Reads `buffer` from `start` up to `end` and hands the data on in slices as large as they come, never empty ones.
   * @returns octets consumed: all of them, unless the body ends before. @throws HttpMalformed; no push may follow one.
   */
  push(buffer: Buffer, start: number, end: number, onData: OnData): number {
    let at = start;
    while (at < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const stop = end - at > this.#left ? at + this.#left : end;
        this.#left -= stop - at;
        if (this.#left === 0) this.#state = DATA_CR;
        onData(buffer, at, stop);
        at = stop;
      } else if (this.#state === TRAILERS) {
        at += this.#takeTrailers(buffer, at, end);
      } else {
        this.#state = this.#next(this.#state, buffer[at] ?? 0);
        at++;
      }
    }
    return at - start;
  }

  /** The state behind one octet of a size line, or of the CRLF behind data. */
  #next(state: number, octet: number): number {
    switch (state) {
      case SIZE_START:
      case SIZE: {
        const digit = hexValue[octet] ?? 255;
        if (digit !== 255) return this.#addDigit(digit);
        if (state === SIZE_START) throw this.#bad(octet);
        if (octet === SEMICOLON) this.#countExtension();
        return this.#endOfExtension(octet);
      }
      case SIZE_LF:
        if (octet !== LF) throw this.#bad(octet);
        this.#digits = 0;
        this.#lineOctets = 0;
        return this.#left === 0 ? TRAILERS : DATA;
      case DATA_CR:
        if (octet !== CR) throw badOctet('chunk: CRLF must follow the data', octet, this.#status);
        return DATA_LF;
      case DATA_LF:
        if (octet !== LF) throw badOctet('chunk: CRLF must follow the data', octet, this.#status);
        return SIZE_START;
      default:
        if (octet !== CR) this.#countExtension();
        return this.#nextOfExtension(state, octet);
    }
  }

  #addDigit(digit: number): number {
    this.#left = this.#left * 16 + digit;
    this.#digits++;
    this.#lineOctets++;
    if (this.#digits > sizeDigitsCeiling || this.#left > Number.MAX_SAFE_INTEGER) {
      throw new HttpMalformed(this.#status, 'chunk size: more than 14 digits or above 2^53-1');
    }
    return SIZE;
  }

  /** `;` name, or `;` name `=` and a token or quoted string (RFC 9112 7.1.1); no white space around them. */
  #nextOfExtension(state: number, octet: number): number {
    const isToken = tokenOctet[octet] === 1;
    switch (state) {
      case EXT_NAME_START:
        if (isToken) return EXT_NAME;
        throw this.#bad(octet);
      case EXT_NAME:
        if (isToken) return EXT_NAME;
        return octet === EQUALS ? EXT_VALUE_START : this.#endOfExtension(octet);
      case EXT_VALUE_START:
        if (octet === QUOTE) return EXT_QUOTED;
        if (isToken) return EXT_VALUE;
        throw this.#bad(octet);
      case EXT_VALUE:
        return isToken ? EXT_VALUE : this.#endOfExtension(octet);
      case EXT_QUOTED:
        if (octet === QUOTE) return EXT_QUOTED_END;
        if (octet === BACKSLASH) return EXT_ESCAPE;
        if (valueOctet[octet] === 1) return EXT_QUOTED;
        throw this.#bad(octet);
      case EXT_ESCAPE:
        if (valueOctet[octet] === 1) return EXT_QUOTED;
        throw this.#bad(octet);
      default:
        return this.#endOfExtension(octet);
    }
  }

  #endOfExtension(octet: number): number {
    if (octet === CR) return SIZE_LF;
    if (octet !== SEMICOLON) throw this.#bad(octet);
    return EXT_NAME_START;
  }

  #countExtension(): void {
    this.#lineOctets++;
    this.#extensionOctets++;
    if (this.#lineOctets > sizeLineCeiling || this.#extensionOctets > extensionCeiling) {
      throw new HttpMalformed(this.#status, 'chunk extensions: more than 256 octets a line or 8192 a body');
    }
  }

  #takeTrailers(buffer: Buffer, start: number, end: number): number {
    if (this.#trailers === undefined && end - start >= 2 && buffer[start] === CR && buffer[start + 1] === LF) {
      this.#state = DONE;
      return 2;
    }
    // The CRLF of the last chunk's line stands in front, so that the section always ends with an empty line.
    this.#trailers ??= new HeldSection(trailerCeiling, '\r\n');
    const taken = this.#trailers.take(buffer, start, end);
    if (this.#trailers.settled) {
      this.#checkTrailers(this.#trailers.bytes, this.#trailers.length);
      this.#trailers = undefined;
      this.#state = DONE;
    }
    return taken;
  }

  #checkTrailers(bytes: Buffer, length: number): void {
    if (scanFields(bytes, 2, length, trailerFieldCeiling, this.#status) === -1) {
      throw new HttpMalformed(this.#status, `trailer section of more than ${trailerCeiling} octets`);
    }
    const facts = readFields(bytes.toString('latin1', 0, length), 0, this.#status);
    if (facts.contentLength !== undefined || facts.transferEncoding !== undefined || facts.host !== undefined) {
      throw new HttpMalformed(this.#status, 'trailer section with Content-Length, Transfer-Encoding or Host');
    }
  }

  #bad(octet: number): HttpMalformed {
    return badOctet('chunk size line', octet, this.#status);
  }
}

/** Hexadecimal digits of a chunk size at most: 14 hold 2^53-1. */
const sizeDigitsCeiling = 14;
const sizeLineCeiling = 256;
const extensionCeiling = 8192;
const trailerCeiling = 8192;
const trailerFieldCeiling = 64;

const SIZE_START = 0;
const SIZE = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const EXT_NAME_START = 6;
const EXT_NAME = 7;
const EXT_VALUE_START = 8;
const EXT_VALUE = 9;
const EXT_QUOTED = 10;
const EXT_ESCAPE = 11;
const EXT_QUOTED_END = 12;
const TRAILERS = 13;
const DONE = 14;

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
