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
 * A request head as octets. Behind its first line, Host and the id come what requests have in common that differ in
 * target and id only: it stays where it is, and what is one request's own is put before it, or into the place of the one
 * before where it is as long.
 */
export class RequestOctets {
  readonly #fields: readonly string[];
  readonly #octets: Buffer;
  /** Where what requests have in common begins. */
  readonly #commonStart: number;
  #target = '';
  #id: RequestId | undefined;
  #idDigits = 0;
  #head: Buffer;

  /** @throws HttpUnwritable for the method or the target. */
  constructor(request: OutgoingRequest) {
    const own = ownLines(request);
    const common = commonLines(request);
    const rest = request.constantRest;
    this.#fields = request.fields;
    this.#commonStart = own.length + roomToGrow;
    this.#octets = Buffer.allocUnsafeSlow(this.#commonStart + common.length + rest.length);
    this.#octets.write(common, this.#commonStart, 'latin1');
    rest.copy(this.#octets, this.#commonStart + common.length);
    this.#head = this.#octets;
    this.#put(own, request);
  }

  /** The whole head: the memory that `becomes` changes. */
  get head(): Buffer {
    return this.#head;
  }

  /** Becomes this request's; false where it cannot: see OutgoingRequest.fields. @throws HttpUnwritable for the target. */
  becomes(request: OutgoingRequest): boolean {
    if (request.fields !== this.#fields) return false;
    if (this.#replace(request)) return true;
    const own = ownLines(request);
    if (own.length > this.#commonStart) return false;
    this.#put(own, request);
    return true;
  }

  #put(own: string, { target, requestId }: OutgoingRequest): void {
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

/** So much longer the next request's own lines may be. */
const roomToGrow = 64;

const DIGIT_0 = 0x30;
const LOWER_A = 0x61;
const lineEnd = '\r\n';
const noLines = fieldLines();
const upgradeLines = fieldLines(['Connection', 'Upgrade', 'Upgrade', 'websocket']);
const chunkedLines = fieldLines(['Transfer-Encoding', 'chunked']);
