import { targetOctet, tokenOctet } from './chars.ts';
import {
  type FieldFacts,
  isPersistent,
  parseConnection,
  parseContentLength,
  quoted,
  readFields,
  trimmed,
} from './fields.ts';
import { chunkedFraming, type Framing, type HeadLimits, HttpMalformed, noFraming, type RequestHead } from './head.ts';
import { badOctet, fieldCeiling, scanFields } from './scan.ts';
import { parseAuthority, parseTarget } from './target.ts';

/** Octets of a head at most, whatever the limits say. */
export const headCeiling: number = 1024 * 1024;

/** Octets of a target where HeadLimits names no other number; RFC 9112 3 asks for at least 8000. */
export const defaultTargetBytes = 8192;

/** Octets that a head may have. */
export function headBytesOf({ headBytes }: HeadLimits): number {
  return headBytes > 0 && headBytes < headCeiling ? headBytes : headCeiling;
}

/** Octets that a target may have. */
export function targetBytesOf({ targetBytes }: HeadLimits): number {
  return targetBytes ?? defaultTargetBytes;
}

/** Characters of a method at most: the longest registered one has 18. */
export const methodCeiling = 32;

/**
 * Reads the request head at `start` of `buffer`, of which the octets before `end` have arrived (RFC 9112 2 to 6).
 * One CRLF before the request line is passed over (RFC 9112 2.2). Every call begins anew at `start`: where heads come
 * in pieces, RequestHeadReader keeps the work linear.
 *
 * Answers beside 400: 414 target too long; 417 an Expect other than 100-continue; 431 too large or too many fields;
 * 501 CONNECT, TRACE, PRI (the gate does not implement them; a 405 would have to list what the application allows),
 * an overlong method, a transfer coding other than chunked; 505 a version other than 1.0 and 1.1.
 * @returns undefined where the head is not whole yet. @throws HttpMalformed.
 */
export function parseRequestHead(
  buffer: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
): RequestHead | undefined {
  const headBytes = headBytesOf(limits);
  const maxFields = limits.headerCount > 0 && limits.headerCount < fieldCeiling ? limits.headerCount : fieldCeiling;
  const stop = end - start > headBytes ? start + headBytes : end;

  const methodStart = skipEmptyLine(buffer, start, stop);
  if (methodStart === -1) return undefined;
  let methodEnd = methodStart;
  while (methodEnd < stop && tokenOctet[buffer[methodEnd] ?? 0] === 1) methodEnd++;
  if (methodEnd - methodStart > methodCeiling) throw new HttpMalformed(501, 'method of more than 32 characters');
  if (methodEnd === stop) return incomplete(stop, end, 414);
  if (methodEnd === methodStart || buffer[methodEnd] !== SP) throw badOctet('method', buffer[methodEnd] ?? 0, 400);

  const targetStart = methodEnd + 1;
  const targetStop = targetStart + targetBytesOf(limits);
  let targetEnd = targetStart;
  while (targetEnd < stop && targetOctet[buffer[targetEnd] ?? 0] === 1) targetEnd++;
  if (targetEnd > targetStop) {
    throw new HttpMalformed(414, `target of more than ${targetStop - targetStart} octets`);
  }
  if (targetEnd === stop) return incomplete(stop, end, 414);
  if (targetEnd === targetStart || buffer[targetEnd] !== SP) throw badOctet('target', buffer[targetEnd] ?? 0, 400);

  const minorVersion = readVersion(buffer, targetEnd + 1, stop);
  if (minorVersion === undefined) return incomplete(stop, end, 414);
  const headEnd = scanFields(buffer, targetEnd + 11, stop, maxFields, 400);
  if (headEnd === -1) return incomplete(stop, end, 431);

  const text = buffer.toString('latin1', methodStart, headEnd);
  const method = text.substring(0, methodEnd - methodStart);
  const target = text.substring(targetStart - methodStart, targetEnd - methodStart);
  refuseMethod(method);
  return assemble(method, target, minorVersion, readFields(text, methodStart, 400), headEnd - start);
}

function assemble(method: string, target: string, minorVersion: 0 | 1, facts: FieldFacts, size: number): RequestHead {
  const parts = parseTarget(method, target);
  const options = parseConnection(facts.connection, 400);
  const framing = requestFraming(minorVersion, facts);
  return {
    method,
    target,
    path: parts.path,
    query: parts.query,
    authority: requestAuthority(minorVersion, facts.host, parts.authority),
    minorVersion,
    fields: facts.fields,
    framing,
    keepAlive: isPersistent(minorVersion, options),
    expectContinue: facts.expect !== undefined && expectsContinue(minorVersion, facts.expect, framing),
    connectionTokens: options.tokens,
    webSocket:
      facts.upgrade !== undefined &&
      options.upgrade &&
      minorVersion === 1 &&
      method === 'GET' &&
      !hasBody(framing) &&
      facts.upgrade.toLowerCase() === 'websocket',
    size,
  };
}

/** The position of the request line, behind one empty line at most; -1 where that cannot be told yet. */
function skipEmptyLine(buffer: Buffer, start: number, stop: number): number {
  if (start >= stop) return -1;
  if (buffer[start] !== CR) return start;
  if (start + 1 === stop) return -1;
  if (buffer[start + 1] !== LF) throw new HttpMalformed(400, 'CR without LF before the request line');
  return start + 2 === stop ? -1 : start + 2;
}

/** HTTP-version and the end of its line at `at`: the minor version, or undefined where it is not whole. */
function readVersion(buffer: Buffer, at: number, stop: number): 0 | 1 | undefined {
  for (let i = 0; i < versionLine.length; i++) {
    if (at + i === stop) return undefined;
    const octet = buffer[at + i] ?? 0;
    const want = versionLine[i];
    if (want === ANY_DIGIT ? octet < DIGIT_0 || octet > DIGIT_0 + 9 : octet !== want) {
      throw badOctet('HTTP version', octet, 400);
    }
  }
  const major = buffer[at + 5];
  const minor = buffer[at + 7];
  if (major !== DIGIT_0 + 1 || (minor !== DIGIT_0 && minor !== DIGIT_0 + 1)) {
    throw new HttpMalformed(505, 'HTTP version: only HTTP/1.0 and HTTP/1.1 are spoken here');
  }
  return minor === DIGIT_0 ? 0 : 1;
}

function incomplete(stop: number, end: number, status: number): undefined {
  if (stop < end) {
    throw new HttpMalformed(status, status === 414 ? 'request line over the head limit' : 'head over the size limit');
  }
  return undefined;
}

function refuseMethod(method: string): void {
  // GET is nearly all there is; none of the refused names is shorter.
  if (method === 'GET' || method === 'POST') return;
  const upper = method.toUpperCase();
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'PRI') {
    throw new HttpMalformed(501, `method ${method} is not implemented here`);
  }
  // Whoever folds the case would leave out the body that we would wait for.
  if (upper === 'HEAD' && method !== upper) throw new HttpMalformed(400, `method ${method}: must be spelled HEAD`);
}

function requestAuthority(minorVersion: 0 | 1, host: string | undefined, absolute: string | undefined): string {
  if (host === undefined) {
    if (minorVersion === 1) throw new HttpMalformed(400, 'HTTP/1.1 without Host');
    return absolute ?? '';
  }
  const authority = parseAuthority(host);
  if (absolute !== undefined && absolute !== authority) {
    throw new HttpMalformed(400, `Host ${quoted(host)} differs from the target's authority ${quoted(absolute)}`);
  }
  return authority;
}

function requestFraming(minorVersion: 0 | 1, facts: FieldFacts): Framing {
  const { contentLength, transferEncoding } = facts;
  if (transferEncoding !== undefined) {
    if (contentLength !== undefined) throw new HttpMalformed(400, 'Content-Length beside Transfer-Encoding');
    if (minorVersion === 0) throw new HttpMalformed(400, 'Transfer-Encoding in HTTP/1.0');
    if (transferEncoding.toLowerCase() !== 'chunked') throw badCoding(transferEncoding);
    return chunkedFraming;
  }
  if (contentLength === undefined) return noFraming;
  const length = parseContentLength(contentLength, 400);
  if (contentLength.length > 1 && contentLength.charCodeAt(0) === DIGIT_0) {
    // Decimal by RFC 9110, octal to some.
    throw new HttpMalformed(400, `Content-Length ${quoted(contentLength)}: has a leading zero`);
  }
  return { kind: 'length', length };
}

/** 501 for codings in front of one final chunked (RFC 9112 6.1); 400 where the body's end is unclear (6.3 rule 4). */
function badCoding(value: string): HttpMalformed {
  const codings = value.split(',').map((coding) => trimmed(coding).toLowerCase());
  const isFramed = codings.length > 1 && codings.indexOf('chunked') === codings.length - 1;
  const isKnown = codings.slice(0, -1).every((coding) => compressions.has(coding));
  return new HttpMalformed(
    isFramed && isKnown ? 501 : 400,
    `Transfer-Encoding ${quoted(value)}: only chunked is accepted, once`,
  );
}

function expectsContinue(minorVersion: 0 | 1, expect: string, framing: Framing): boolean {
  if (expect.toLowerCase() !== '100-continue') {
    throw new HttpMalformed(417, `Expect ${quoted(expect)}: only 100-continue is known, once`);
  }
  // Without content there is nothing to continue with, and HTTP/1.0 has no interim answers (RFC 9110 10.1.1).
  return minorVersion === 1 && hasBody(framing);
}

function hasBody(framing: Framing): boolean {
  return framing.kind === 'length' ? framing.length > 0 : framing.kind !== 'none';
}

const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const DIGIT_0 = 0x30;
const ANY_DIGIT = -1;
const versionLine: readonly number[] = [0x48, 0x54, 0x54, 0x50, 0x2f, ANY_DIGIT, 0x2e, ANY_DIGIT, CR, LF];
const compressions: ReadonlySet<string> = new Set(['compress', 'deflate', 'gzip', 'x-compress', 'x-gzip']);
