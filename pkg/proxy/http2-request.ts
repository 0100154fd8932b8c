import { randomBytes } from 'node:crypto';
import { isAllOf, targetOctet, tokenOctet, valueOctet } from '../http1/chars.ts';
import type { Framing, HeadLimits } from '../http1/head.ts';
import { parseAuthority, splitQuery } from '../http1/target.ts';
import type { RequestFields } from '../http2/stream.ts';
import type { FrontRequest } from './compose.ts';

/** As `Connection.admit` takes it. */
export interface Http2Request extends FrontRequest {
  readonly httpVersion: 'HTTP/2.0';
  readonly path: string;
  readonly query: string | undefined;
  readonly expectContinue: boolean;
}

/**
 * What is over a limit of the head, or undefined; 0 is no limit. As a head of HTTP/1.1 would be counted: the crumbs of a
 * cookie are one field.
 */
export function headOverLimit(
  { fields: raw, overLimit }: RequestFields,
  { headBytes, headerCount }: HeadLimits,
): string | undefined {
  if (overLimit) return 'request head above its limits';
  let bytes = 0;
  let fields = 0;
  let cookie = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    bytes += name.length + (raw[i + 1] ?? '').length + 4;
    if (name === 'cookie') cookie = 1;
    else if (!name.startsWith(':')) fields += 1;
  }
  if (headBytes > 0 && bytes > headBytes) return `request head of ${bytes} bytes, limit ${headBytes}`;
  if (headerCount > 0 && fields + cookie > headerCount) return `more than ${headerCount} header fields`;
  return undefined;
}

/**
 * A stream's fields as a request, or one line that says why it is not served (RFC 9113 8.3). What the codec lets through is
 * well-formed HTTP/2; here everything is checked that could mean something else once it is HTTP/1.1: a target with a
 * space, a value with a control character, two hosts.
 */
export function readHttp2Request({ fields: raw, endStream, neverIndexed }: RequestFields): Http2Request | string {
  let verb = '';
  let scheme = '';
  let target = '';
  let authorityField: string | undefined;
  let protocol: string | undefined;
  let at = 0;
  for (; raw[at]?.charCodeAt(0) === colon; at += 2) {
    const value = raw[at + 1] ?? '';
    switch (raw[at]) {
      case ':method':
        verb = value;
        break;
      case ':scheme':
        scheme = value;
        break;
      case ':path':
        target = value;
        break;
      case ':authority':
        authorityField = value;
        break;
      case ':protocol':
        protocol = value;
        break;
      default:
    }
  }
  const fields: string[] = [];
  let cookies: string[] | undefined;
  let host: string | undefined;
  let contentLength: string | undefined;
  let expectContinue = false;
  for (; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    if (!isAllOf(tokenOctet, name)) return 'a field name has a character that is not allowed';
    if (value !== '' && !isAllOf(valueOctet, value)) return 'a field value has a character that is not allowed';
    switch (name) {
      case 'host':
        if (host !== undefined) return 'two host fields';
        host = value;
        break;
      case 'content-length':
        contentLength = value;
        break;
      case 'expect':
        if (value.toLowerCase() !== '100-continue') return 'expect may only be 100-continue';
        expectContinue = true;
        break;
      case 'cookie':
        cookies ??= [];
        cookies.push(value);
        continue;
      default:
    }
    fields.push(name, value);
  }
  // RFC 9113 8.2.3: one field for HTTP/1.1.
  if (cookies !== undefined) fields.push('cookie', cookies.join('; '));

  const webSocket = verb === 'CONNECT' && protocol === 'websocket';
  const method = webSocket ? 'GET' : verb;
  if (!isAllOf(tokenOctet, method) || method.length > 32) return 'the method is not valid';
  if (method !== 'GET' && method !== 'POST') {
    const upper = method.toUpperCase();
    if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'PRI') return `${method} is not supported`;
    // Whoever folds the case would leave out the body that we would wait for.
    if (upper === 'HEAD' && method !== upper) return 'the method must be spelled HEAD';
  }
  if (protocol !== undefined && !webSocket) return 'the only protocol to extend CONNECT with is websocket';
  if (scheme !== 'https') return 'the scheme must be https';
  if (!isAllOf(targetOctet, target) || target.length > maxTargetBytes) return 'the path is not valid';
  if (!target.startsWith('/') && !(target === '*' && method === 'OPTIONS')) return 'the path must begin with /';
  const authority = readAuthority(authorityField, host);
  if (authority === undefined) return 'authority and host must be one valid host';
  if (webSocket) {
    if (endStream) return 'an extended CONNECT stays open';
    if (fields.some((name, i) => i % 2 === 0 && name === 'sec-websocket-key')) return 'a sec-websocket-key over HTTP/2';
    // The HTTP/1.1 handshake to the application needs a key (RFC 6455 4.1); the client's side has none.
    fields.push('Sec-WebSocket-Key', randomBytes(16).toString('base64'));
  }
  const { path, query } = splitQuery(target, undefined);
  return {
    method,
    httpVersion: 'HTTP/2.0',
    path,
    query,
    authority,
    fields,
    connectionTokens: [],
    neverIndexed,
    framing: webSocket || endStream ? { kind: 'none' } : framingOf(contentLength),
    webSocket,
    expectContinue,
  };
}

function readAuthority(authority: string | undefined, host: string | undefined): string | undefined {
  try {
    const first = authority === undefined ? undefined : parseAuthority(authority);
    const second = host === undefined ? undefined : parseAuthority(host);
    if (first !== undefined && second !== undefined && first !== second) return undefined;
    return first ?? second;
  } catch {
    return undefined;
  }
}

/** Of a request with a body; the codec has seen that a length is one number, and sees that the body has it. */
function framingOf(contentLength: string | undefined): Framing {
  return contentLength === undefined ? { kind: 'chunked' } : { kind: 'length', length: Number(contentLength) };
}

const colon = 0x3a;
const maxTargetBytes = 8192;
