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

/**
 * Writes answers to an HTTP/1.1 client, one after the other, in as few writes as possible: a head waits for the first
 * bytes of its body, so that both travel in one TLS record.
 */
export class Http1AnswerWriter {
  readonly #socket: TLSSocket;
  #pendingHead: string | undefined;
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

  /**
   * Takes the head of an answer to `method`. `close`: whether the connection ends after it anyway.
   * @returns whether it must end, since only that ends the body.
   */
  head(
    head: IncomingResponse,
    fields: readonly string[],
    method: string,
    minorVersion: 0 | 1,
    close: boolean,
  ): boolean {
    let lines = receivedLines(fields);
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
        this.#chunked = minorVersion === 1;
        if (this.#chunked) lines = joinLines(lines, chunkedLines);
        else last = true;
        break;
      case 'close':
        last = true;
        break;
    }
    if (last) lines = joinLines(lines, closeLines);
    else if (minorVersion === 0) lines = joinLines(lines, keepAliveLines);
    this.#pendingHead = responseHead(head.status, head.reason, lines);
    this.#started = true;
    return last;
  }

  /** Body bytes; `shared` ones are only valid during the call. @returns false where the client is to catch up first. */
  data(chunk: Buffer, shared: boolean): boolean {
    const before = this.#pendingHead;
    if (before === undefined && !this.#chunked) {
      // Shared bytes are used up within the call only where nothing waits before them.
      return this.#socket.write(shared && this.#socket.writableLength > 0 ? Buffer.from(chunk) : chunk);
    }
    this.#pendingHead = undefined;
    const prefix = this.#chunked ? (before ?? '') + chunkHeader(chunk.length) : (before ?? '');
    const suffix = this.#chunked ? chunkEnd : '';
    const length = prefix.length + chunk.length + suffix.length;
    // As above: where nothing waits the bytes are used up within the call, and a long body leaves nothing to collect.
    const reused = length <= sharedWrite.length && this.#socket.writableLength === 0;
    const whole = reused ? sharedWrite.subarray(0, length) : Buffer.allocUnsafe(length);
    whole.write(prefix, 0, 'latin1');
    chunk.copy(whole, prefix.length);
    if (suffix !== '') whole.write(suffix, prefix.length + chunk.length, 'latin1');
    return this.#socket.write(whole);
  }

  /** Writes a head that no body byte has come for. */
  flush(): void {
    if (this.#pendingHead === undefined) return;
    const text = this.#pendingHead;
    this.#pendingHead = undefined;
    this.#socket.write(text, 'latin1');
  }

  /** The answer is whole. */
  end(): void {
    const rest = (this.#pendingHead ?? '') + (this.#chunked ? lastChunk : '');
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
