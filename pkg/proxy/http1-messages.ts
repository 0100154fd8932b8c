import type { ResponseHead } from '../http1/head.ts';
import { assertTarget, fieldLines, joinLines, receivedFieldLine, requestLine } from '../http1/write.ts';
import type { IncomingResponse, OutgoingRequest } from './exchange.ts';
import { idBase, type RequestId } from './request-id.ts';

/** An answer of the application, as fronts take it. */
export function incoming(head: ResponseHead): IncomingResponse {
  const declared = head.framing.kind === 'none' ? declaredLength(head.fields) : undefined;
  return {
    status: head.status,
    reason: head.reason,
    fields: head.fields,
    connectionTokens: head.connectionTokens,
    body:
      head.framing.kind === 'length'
        ? { kind: 'length', length: head.framing.length }
        : { kind: head.framing.kind === 'chunked' ? 'stream' : head.framing.kind },
    declaredLength: declared,
  };
}

function declaredLength(fields: readonly string[]): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() === 'content-length') return fields[i + 1];
  }
  return undefined;
}

/** Whether sending a request twice means no more than once. RFC 9110 9.2.2. */
export function isIdempotent(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'PUT' || method === 'DELETE';
}

/**
 * Request heads as octets, one after the other in the same memory. Behind first line, Host and id comes what requests have in common that differ
 * in target and id only: it stays where it is, and what is one request's own is put before it, or into the place of the one
 * before where it is as long.
 */
export class RequestOctets {
  #octets = noBytes;
  #fields: readonly string[] | undefined;
  /** The end of the head and of `#octets`. */
  #rest: Buffer | undefined;
  /** Where what requests have in common begins. */
  #commonStart = 0;
  #target = '';
  #id: RequestId | undefined;
  #idDigits = 0;
  #head = noBytes;

  /** The whole head, in memory that the next call changes. @throws HttpUnwritable for the method or the target. */
  headOf(request: OutgoingRequest): Buffer {
    if (request.fields !== this.#fields || !this.#replace(request)) this.#put(request);
    return this.#head;
  }

  #put(request: OutgoingRequest): void {
    const { target, fields, requestId, constantRest: rest } = request;
    const own = ownLines(request);
    if (fields !== this.#fields || own.length > this.#commonStart) {
      const common = commonLines(request);
      const length = own.length + common.length + rest.length;
      if (rest !== this.#rest || length > this.#octets.length) {
        this.#octets = Buffer.allocUnsafeSlow(roomToGrow + length);
        rest.copy(this.#octets, this.#octets.length - rest.length);
        this.#rest = rest;
      }
      this.#commonStart = this.#octets.length - rest.length - common.length;
      this.#octets.write(common, this.#commonStart, 'latin1');
      this.#fields = fields;
    }
    const start = this.#commonStart - own.length;
    this.#octets.write(own, start, 'latin1');
    this.#head = this.#octets.subarray(start);
    this.#target = target;
    this.#id = requestId;
    this.#idDigits = requestId === undefined ? 0 : digitsOf(requestId.number);
  }

  /** Only what differs, where it is as long as what stands there. */
  #replace({ method, target, requestId }: OutgoingRequest): boolean {
    if (target.length !== this.#target.length || requestId?.connection !== this.#id?.connection) return false;
    if (requestId !== undefined) {
      if (digitsOf(requestId.number) !== this.#idDigits) return false;
      const idEnd = this.#commonStart - lineEnd.length;
      putDigits(this.#octets, idEnd - this.#idDigits, idEnd, requestId.number);
    }
    if (target !== this.#target) {
      assertTarget(target);
      putText(this.#head, method.length + 1, target);
      this.#target = target;
    }
    return true;
  }
}

/** Host stands first (RFC 9110 7.2), the id last. @throws HttpUnwritable for the method or the target. */
function ownLines({ method, target, authority, requestId }: OutgoingRequest): string {
  const lines = requestLine(method, target) + receivedFieldLine('Host', authority);
  return requestId === undefined ? lines : `${lines}X-Request-Id: ${requestId.text}${lineEnd}`;
}

function putText(octets: Buffer, start: number, text: string): void {
  for (let i = 0; i < text.length; i++) octets[start + i] = text.charCodeAt(i);
}

function digitsOf(number: number): number {
  let digits = 1;
  for (let limit = idBase; number >= limit; limit *= idBase) digits++;
  return digits;
}

/** Writes a number that has so many digits in RequestId's base: no text is made of it. */
function putDigits(octets: Buffer, start: number, end: number, number: number): void {
  let left = number;
  for (let at = end - 1; at >= start; at--) {
    const digit = left % idBase;
    octets[at] = digit < 10 ? DIGIT_0 + digit : LOWER_A - 10 + digit;
    left = (left - digit) / idBase;
  }
}

/** What is no request's own: see RequestOctets. */
function commonLines(request: OutgoingRequest): string {
  let lines = noLines;
  const { fields } = request;
  for (let i = 0; i < fields.length; i += 2)
    lines = joinLines(lines, receivedFieldLine(fields[i] ?? '', fields[i + 1] ?? ''));
  if (request.webSocket) lines = joinLines(lines, upgradeLines);
  if (request.body.kind === 'length')
    lines = joinLines(lines, receivedFieldLine('Content-Length', String(request.body.length)));
  else if (request.body.kind === 'stream') lines = joinLines(lines, chunkedLines);
  return lines;
}

/** So much longer the next request's own lines and fields may be. */
const roomToGrow = 128;

const noBytes = Buffer.alloc(0);

const DIGIT_0 = 0x30;
const LOWER_A = 0x61;
const lineEnd = '\r\n';
const noLines = fieldLines();
const upgradeLines = fieldLines(['Connection', 'Upgrade', 'Upgrade', 'websocket']);
const chunkedLines = fieldLines(['Transfer-Encoding', 'chunked']);
