import type { ResponseHead } from '../http1/head.ts';
import { fieldLines, joinLines, receivedFieldLine, requestLine } from '../http1/write.ts';
import type { IncomingResponse, OutgoingRequest } from './exchange.ts';
import { HeadOctets } from './head-octets.ts';

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
 * A request head up to the line of its id: behind it come what is one request's own and what a connection's requests
 * share. Requests that differ in their target only take all but its first line from the one before.
 */
export class HeadStart {
  readonly #fields: readonly string[];
  readonly #lines: HeadOctets;
  #target: string;
  #line: string;

  /** @throws HttpUnwritable for the method or the target. */
  constructor(request: OutgoingRequest) {
    this.#fields = request.fields;
    this.#lines = new HeadOctets(linesOf(request));
    this.#target = request.target;
    this.#line = requestLine(request.method, request.target);
  }

  /** Becomes this request's; false where it cannot: see OutgoingRequest.fields. @throws HttpUnwritable for the target. */
  becomes(request: OutgoingRequest): boolean {
    if (request.fields !== this.#fields) return false;
    if (request.target !== this.#target) {
      this.#line = requestLine(request.method, request.target);
      this.#target = request.target;
    }
    return true;
  }

  /** Octets. */
  get length(): number {
    return this.#line.length + this.#lines.length;
  }

  /** Puts it at the start of `target`, which has room for it. */
  writeTo(target: Buffer): void {
    target.write(this.#line, 0, 'latin1');
    this.#lines.writeTo(target, this.#line.length);
  }
}

/** The line of a request's id; empty where it has none of ours. */
export function idLine({ requestId }: OutgoingRequest): string {
  return requestId === undefined ? '' : `X-Request-Id: ${requestId}\r\n`;
}

function linesOf(request: OutgoingRequest): string {
  let lines = receivedFieldLine('Host', request.authority);
  const { fields } = request;
  for (let i = 0; i < fields.length; i += 2)
    lines = joinLines(lines, receivedFieldLine(fields[i] ?? '', fields[i + 1] ?? ''));
  if (request.webSocket) lines = joinLines(lines, upgradeLines);
  if (request.body.kind === 'length')
    lines = joinLines(lines, receivedFieldLine('Content-Length', String(request.body.length)));
  else if (request.body.kind === 'stream') lines = joinLines(lines, chunkedLines);
  return lines;
}

const upgradeLines = fieldLines(['Connection', 'Upgrade', 'Upgrade', 'websocket']);
const chunkedLines = fieldLines(['Transfer-Encoding', 'chunked']);
