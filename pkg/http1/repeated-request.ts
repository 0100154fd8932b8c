import { targetOctet } from './chars.ts';
import type { HeadLimits, RequestHead } from './head.ts';
import { repeatedHeadCeiling } from './repeated-head.ts';
import { headBytesOf, targetBytesOf } from './request.ts';
import { splitQuery } from './target.ts';

/**
 * The request head that a client sent last, kept so that one which repeats it octet for octet, or all of it but the
 * target, need not be read again. In origin form a target decides nothing but path and query (RFC 9112 3.2.1): method,
 * version and fields say all the rest, and they are the same where their octets are. Other forms are always read.
 *
 * Only a head whose octets beside the target are as many as those of the one before is kept: who sends one request, or
 * heads that differ, pays for no copy.
 */
export class RepeatedRequest {
  readonly #headBytes: number;
  readonly #targetBytes: number;
  /** What follows the target: version and fields, the empty line included. */
  #rest: Buffer | undefined;
  #head: RequestHead | undefined;
  #sizeBefore = 0;

  constructor(limits: HeadLimits) {
    this.#headBytes = headBytesOf(limits);
    this.#targetBytes = targetBytesOf(limits);
  }

  /**
   * What reading a head at `start` of `buffer`, before `end`, would give: the same object where the head is the same, one
   * with the same list of fields where the target alone is another. Undefined: it must be read.
   */
  find(buffer: Buffer, start: number, end: number): RequestHead | undefined {
    const rest = this.#rest;
    const head = this.#head;
    if (rest === undefined || head === undefined) return undefined;
    const { method, target: targetBefore } = head;
    const targetStart = start + method.length + 1;
    if (targetStart >= end || buffer[targetStart] !== SLASH || buffer[targetStart - 1] !== SP) return undefined;
    for (let i = 0; i < method.length; i++) {
      if (buffer[start + i] !== method.charCodeAt(i)) return undefined;
    }
    let targetEnd = targetStart;
    let isSame = true;
    while (targetEnd < end && targetOctet[buffer[targetEnd] ?? 0] === 1) {
      if (buffer[targetEnd] !== targetBefore.charCodeAt(targetEnd - targetStart)) isSame = false;
      targetEnd++;
    }
    const stop = targetEnd + rest.length;
    if (stop > end || buffer.compare(rest, 0, rest.length, targetEnd, stop) !== 0) return undefined;
    if (isSame && targetEnd - targetStart === targetBefore.length) return head;
    const size = stop - start;
    if (size > this.#headBytes || targetEnd - targetStart > this.#targetBytes) return undefined;
    const target = buffer.toString('latin1', targetStart, targetEnd);
    const { path, query } = splitQuery(target, undefined);
    this.#head = { ...head, target, path, query, size };
    return this.#head;
  }

  /** Takes note of a head that was read from `start` of `buffer`. */
  note(buffer: Buffer, start: number, head: RequestHead): void {
    const size = head.size - head.target.length;
    const comesAgain = size === this.#sizeBefore && size <= repeatedHeadCeiling;
    this.#sizeBefore = size;
    // An empty line before the request, which may stand there once, is none of the head's octets.
    if (!comesAgain || head.target.charCodeAt(0) !== SLASH || buffer[start] === CR) return;
    const restStart = start + head.method.length + 1 + head.target.length;
    const restSize = start + head.size - restStart;
    if (this.#rest?.length !== restSize) this.#rest = Buffer.allocUnsafeSlow(restSize);
    buffer.copy(this.#rest, 0, restStart, restStart + restSize);
    this.#head = head;
  }

  /** Keeps nothing any more: for connections that idle. */
  forget(): void {
    this.#rest = undefined;
    this.#head = undefined;
    this.#sizeBefore = 0;
  }
}

const CR = 0x0d;
const SP = 0x20;
const SLASH = 0x2f;
