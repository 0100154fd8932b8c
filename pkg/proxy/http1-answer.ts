import type { TLSSocket } from 'node:tls';
import {
  chunkEnd,
  chunkHeader,
  fieldLines,
  joinLines,
  lastChunk,
  receivedFieldLine,
  responseHead,
} from '../http1/write.ts';
import type { IncomingResponse } from './exchange.ts';
import { HeadOctets } from './head-octets.ts';

/** The head of an answer, put together: what it says, and what that means for the body and the connection. */
export interface AnswerHead {
  readonly octets: HeadOctets;
  /** Whether the body goes out in chunks. */
  readonly chunked: boolean;
  /** Whether the connection ends after the answer: it was to, or only that ends the body. */
  readonly last: boolean;
}

/** Puts together the head of an answer to `method`. `close`: whether the connection ends after it anyway. */
export function answerHead(
  head: IncomingResponse,
  fields: readonly string[],
  method: string,
  minorVersion: 0 | 1,
  close: boolean,
): AnswerHead {
  let lines = receivedLines(fields);
  let chunked = false;
  let last = close;
  switch (head.body.kind) {
    case 'none':
      if (head.declaredLength !== undefined && head.status !== 204) {
        lines = joinLines(lines, receivedFieldLine('Content-Length', head.declaredLength));
      } else if (method !== 'HEAD' && head.status !== 204 && head.status !== 304) {
        // Ended with its head over H2C: here nothing but a length says so, and the next answer would be its body.
        lines = joinLines(lines, noBodyLines);
      }
      break;
    case 'length':
      lines = joinLines(lines, receivedFieldLine('Content-Length', String(head.body.length)));
      break;
    case 'stream':
      chunked = minorVersion === 1;
      if (chunked) lines = joinLines(lines, chunkedLines);
      else last = true;
      break;
    case 'close':
      last = true;
      break;
  }
  if (last) lines = joinLines(lines, closeLines);
  else if (minorVersion === 0) lines = joinLines(lines, keepAliveLines);
  return { octets: new HeadOctets(responseHead(head.status, head.reason, lines)), chunked, last };
}

/**
 * Writes answers to an HTTP/1.1 client, one after the other, in as few writes as possible: a head waits for the first
 * bytes of its body, so that both travel in one TLS record.
 */
export class Http1AnswerWriter {
  readonly #socket: TLSSocket;
  #pendingHead: HeadOctets | undefined;
  #chunked = false;
  #started = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  /** Whether a final head has been taken: from then on another answer cannot be given. */
  get started(): boolean {
    return this.#started;
  }

  /** Another request has come. */
  reset(): void {
    this.#pendingHead = undefined;
    this.#chunked = false;
    this.#started = false;
  }

  informational(head: IncomingResponse, fields: readonly string[]): void {
    this.#socket.write(responseHead(head.status, head.reason, receivedLines(fields)), 'latin1');
  }

  switched(head: IncomingResponse, fields: readonly string[]): void {
    this.#started = true;
    this.#socket.write(responseHead(101, head.reason, joinLines(receivedLines(fields), upgradeLines)), 'latin1');
  }

  /** Takes a head; it is written with the first bytes of its body, or by `flush`. */
  head(head: AnswerHead): void {
    this.#pendingHead = head.octets;
    this.#chunked = head.chunked;
    this.#started = true;
  }

  /** Body bytes; `shared` ones are only valid during the call. @returns false where the client is to catch up first. */
  data(chunk: Buffer, shared: boolean): boolean {
    const before = this.#pendingHead;
    if (before === undefined && !this.#chunked) {
      // Shared bytes are used up within the call only where nothing waits before them.
      return this.#socket.write(shared && this.#socket.writableLength > 0 ? Buffer.from(chunk) : chunk);
    }
    this.#pendingHead = undefined;
    const prefix = this.#chunked ? chunkHeader(chunk.length) : '';
    const suffix = this.#chunked ? chunkEnd : '';
    const headLength = before?.length ?? 0;
    const bodyStart = headLength + prefix.length;
    const length = bodyStart + chunk.length + suffix.length;
    // As above: where nothing waits the bytes are used up within the call, and a long body leaves nothing to collect.
    const reused = length <= sharedWrite.length && this.#socket.writableLength === 0;
    const whole = reused ? sharedWrite.subarray(0, length) : Buffer.allocUnsafe(length);
    before?.writeTo(whole);
    if (prefix !== '') whole.write(prefix, headLength, 'latin1');
    chunk.copy(whole, bodyStart);
    if (suffix !== '') whole.write(suffix, bodyStart + chunk.length, 'latin1');
    return this.#socket.write(whole);
  }

  /** Writes a head that no body byte has come for. */
  flush(): void {
    if (this.#pendingHead === undefined) return;
    const { text } = this.#pendingHead;
    this.#pendingHead = undefined;
    this.#socket.write(text, 'latin1');
  }

  /** The answer is whole. */
  end(): void {
    const rest = (this.#pendingHead?.text ?? '') + (this.#chunked ? lastChunk : '');
    if (rest !== '') this.#socket.write(rest, 'latin1');
    this.reset();
  }
}

/** Fields that have been checked octet by octet: received ones, and those of rules, which are checked when they are made. */
function receivedLines(fields: readonly string[]) {
  let lines = noLines;
  for (let i = 0; i < fields.length; i += 2) {
    lines = joinLines(lines, receivedFieldLine(fields[i] ?? '', fields[i + 1] ?? ''));
  }
  return lines;
}

/** For every connection: a whole read of the application, a head and the framing of a chunk. */
const sharedWrite = Buffer.allocUnsafeSlow(131_072);
const noLines = fieldLines();
const upgradeLines = fieldLines(['Connection', 'Upgrade', 'Upgrade', 'websocket']);
const chunkedLines = fieldLines(['Transfer-Encoding', 'chunked']);
const noBodyLines = fieldLines(['Content-Length', '0']);
const closeLines = fieldLines(['Connection', 'close']);
const keepAliveLines = fieldLines(['Connection', 'keep-alive']);
