import { valueOctet } from './chars.ts';
import { type FieldFacts, isPersistent, parseConnection, parseContentLength, quoted, readFields } from './fields.ts';
import {
  chunkedFraming,
  closeFraming,
  type Framing,
  type HeadLimits,
  HttpMalformed,
  noFraming,
  type ResponseHead,
} from './head.ts';
import { headCeiling } from './request.ts';
import { badOctet, fieldCeiling, scanFields } from './scan.ts';

/**
 * Reads the response head at `start` of `buffer`, of which the octets before `end` have arrived (RFC 9112 4 to 6), as
 * the answer to a request of method `requestMethod`. No line before the status line, no HTTP/0.9, no bare LF; the
 * reason may be empty, its space too.
 *
 * 1xx, 204, 304, answers to HEAD and 2xx to CONNECT have no body. Where a 1xx or 204 announces one nonetheless,
 * `keepAlive` is false: octets that follow belong to nothing. Every error has status 502.
 * @returns undefined where the head is not whole yet. @throws HttpMalformed.
 */
export function parseResponseHead(
  buffer: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
  requestMethod: string,
): ResponseHead | undefined {
  const headBytes = limits.headBytes > 0 && limits.headBytes < headCeiling ? limits.headBytes : headCeiling;
  const maxFields = limits.headerCount > 0 && limits.headerCount < fieldCeiling ? limits.headerCount : fieldCeiling;
  const stop = end - start > headBytes ? start + headBytes : end;

  for (let i = 0; i < statusLine.length; i++) {
    if (start + i >= stop) return incomplete(stop, end);
    const octet = buffer[start + i] ?? 0;
    const want = statusLine[i] ?? ANY_DIGIT;
    if (want === ANY_DIGIT ? octet < DIGIT_0 || octet > DIGIT_0 + 9 : octet !== want) {
      throw badOctet('status line', octet, 502);
    }
  }
  const minor = (buffer[start + 7] ?? 0) - DIGIT_0;
  if (minor > 1) throw new HttpMalformed(502, `response of version HTTP/1.${minor}: only 1.0 and 1.1 are spoken here`);
  const status =
    (buffer[start + 9] ?? 0) * 100 + (buffer[start + 10] ?? 0) * 10 + (buffer[start + 11] ?? 0) - 111 * DIGIT_0;
  if (status < 100 || status > 599) throw new HttpMalformed(502, `response status ${status}: must be 100 to 599`);

  const reasonStart = start + statusLine.length;
  let lineEnd = reasonStart;
  while (lineEnd < stop && valueOctet[buffer[lineEnd] ?? 0] === 1) lineEnd++;
  if (lineEnd > reasonStart && buffer[reasonStart] !== SP) {
    throw badOctet('status line', buffer[reasonStart] ?? 0, 502);
  }
  if (lineEnd + 1 >= stop) return incomplete(stop, end);
  if (buffer[lineEnd] !== CR || buffer[lineEnd + 1] !== LF) {
    throw badOctet('status line', buffer[lineEnd] ?? 0, 502);
  }
  const headEnd = scanFields(buffer, lineEnd + 2, stop, maxFields, 502);
  if (headEnd === -1) return incomplete(stop, end);

  const text = buffer.toString('latin1', start, headEnd);
  const reason = lineEnd === reasonStart ? '' : text.substring(reasonStart + 1 - start, lineEnd - start);
  const facts = readFields(text, start, 502);
  return assemble(status, reason, minor === 0 ? 0 : 1, facts, requestMethod, headEnd - start);
}

function assemble(
  status: number,
  reason: string,
  minorVersion: 0 | 1,
  facts: FieldFacts,
  requestMethod: string,
  size: number,
): ResponseHead {
  const options = parseConnection(facts.connection, 502);
  const announced = announcedFraming(minorVersion, facts);
  const isBodyless = status < 200 || status === 204;
  if (status === 101 && minorVersion === 0) throw new HttpMalformed(502, '101 in HTTP/1.0');
  const framing =
    isBodyless || status === 304 || requestMethod === 'HEAD' || (requestMethod === 'CONNECT' && status < 300)
      ? noFraming
      : announced;
  const contradicts =
    isBodyless && (announced.kind === 'chunked' || (announced.kind === 'length' && announced.length > 0));
  return {
    status,
    reason,
    minorVersion,
    fields: facts.fields,
    framing,
    keepAlive: isPersistent(minorVersion, options) && framing.kind !== 'close' && !contradicts,
    connectionTokens: options.tokens,
    webSocket:
      status === 101 &&
      options.upgrade &&
      !contradicts &&
      facts.upgrade !== undefined &&
      facts.upgrade.toLowerCase() === 'websocket',
    size,
  };
}

/** What the fields say of the body, whether or not there is one (RFC 9112 6.3 rules 3 to 8). */
function announcedFraming(minorVersion: 0 | 1, facts: FieldFacts): Framing {
  const { contentLength, transferEncoding } = facts;
  if (transferEncoding !== undefined) {
    if (contentLength !== undefined) throw new HttpMalformed(502, 'Content-Length beside Transfer-Encoding');
    if (minorVersion === 0) throw new HttpMalformed(502, 'Transfer-Encoding in HTTP/1.0');
    if (transferEncoding.toLowerCase() !== 'chunked') {
      throw new HttpMalformed(502, `Transfer-Encoding ${quoted(transferEncoding)}: only chunked is accepted, once`);
    }
    return chunkedFraming;
  }
  if (contentLength === undefined) return closeFraming;
  return { kind: 'length', length: parseContentLength(contentLength, 502) };
}

function incomplete(stop: number, end: number): undefined {
  if (stop < end) throw new HttpMalformed(502, 'response head over the size limit');
  return undefined;
}

const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const DIGIT_0 = 0x30;
const ANY_DIGIT = -1;
/** `HTTP/1.` and a digit, a space, three digits. */
const statusLine: readonly number[] = [
  0x48,
  0x54,
  0x54,
  0x50,
  0x2f,
  0x31,
  0x2e,
  ANY_DIGIT,
  SP,
  ANY_DIGIT,
  ANY_DIGIT,
  ANY_DIGIT,
];
