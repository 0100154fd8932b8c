import { randomBytes } from 'node:crypto';
import { isAllOf, targetOctet, tokenOctet, valueOctet } from '../http1/chars.ts';
import type { Framing, HeadLimits } from '../http1/head.ts';
import { parseAuthority } from '../http1/target.ts';
import type { FrontRequest } from './compose.ts';

export interface Http2Request extends FrontRequest {
  readonly path: string;
  readonly query: string | undefined;
  readonly expectContinue: boolean;
}

/**
 * What is over a limit of the head, or undefined; 0 is no limit. As a head of HTTP/1.1 would be counted: the crumbs of a
 * cookie are one field. Asked for every stream, since nghttp2 knows of a limit only once the client has acknowledged it.
 */
export function headOverLimit(raw: readonly string[], { headBytes, headerCount }: HeadLimits): string | undefined {
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
 * A stream's fields as a request, or one line that says what is wrong with them (RFC 9113 8.3). Everything is checked
 * that could mean something else once it is HTTP/1.1: a target with a space, a value with a line break, two hosts.
 */
export function readHttp2Request(raw: readonly string[], endStream: boolean): Http2Request | string {
  const pseudo = new Map<string, string>();
  const fields: string[] = [];
  const cookies: string[] = [];
  let host: string | undefined;
  let contentLength: string | undefined;
  let expectContinue = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    if (name.startsWith(':')) {
      if (fields.length > 0 || host !== undefined) return 'a pseudo-header field comes after a field';
      if (pseudo.has(name)) return `two ${name} fields`;
      pseudo.set(name, value);
      continue;
    }
    if (!isAllOf(tokenOctet, name) || name === '') return 'a field name has a character that is not allowed';
    if (value !== '' && !isAllOf(valueOctet, value)) return 'a field value has a character that is not allowed';
    switch (name) {
      case 'connection':
      case 'keep-alive':
      case 'proxy-connection':
      case 'transfer-encoding':
      case 'upgrade':
        return `${name} is not a field of HTTP/2`;
      case 'te':
        if (value.toLowerCase() !== 'trailers') return 'te may only be trailers in HTTP/2';
        break;
      case 'host':
        if (host !== undefined) return 'two host fields';
        host = value;
        break;
      case 'content-length':
        if (contentLength !== undefined) return 'two content-length fields';
        contentLength = value;
        break;
      case 'expect':
        if (value.toLowerCase() !== '100-continue') return 'expect may only be 100-continue';
        expectContinue = true;
        break;
      case 'cookie':
        cookies.push(value);
        continue;
      default:
    }
    fields.push(name, value);
  }
  // RFC 9113 8.2.3: one field for HTTP/1.1.
  if (cookies.length > 0) fields.push('cookie', cookies.join('; '));

  const webSocket = pseudo.get(':method') === 'CONNECT' && pseudo.get(':protocol') === 'websocket';
  const method = webSocket ? 'GET' : (pseudo.get(':method') ?? '');
  if (!isAllOf(tokenOctet, method) || method === '' || method.length > 32) return 'the method is not valid';
  const upper = method.toUpperCase();
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'PRI') return `${method} is not supported`;
  // Whoever folds the case would leave out the body that we would wait for.
  if (upper === 'HEAD' && method !== upper) return 'the method must be spelled HEAD';
  if (pseudo.has(':protocol') && !webSocket) return 'the only protocol to extend CONNECT with is websocket';
  if (pseudo.get(':scheme') !== 'https') return 'the scheme must be https';
  const target = pseudo.get(':path') ?? '';
  if (!isAllOf(targetOctet, target) || target.length > maxTargetBytes) return 'the path is not valid';
  if (!target.startsWith('/') && !(target === '*' && method === 'OPTIONS')) return 'the path must begin with /';
  const authority = readAuthority(pseudo.get(':authority'), host);
  if (authority === undefined) return 'authority and host must be one valid host';
  const framing = readFraming(contentLength, endStream);
  if (framing === undefined) return 'content-length is not valid';
  if (webSocket) {
    if (endStream) return 'an extended CONNECT stays open';
    if (fields.some((name, i) => i % 2 === 0 && name === 'sec-websocket-key')) return 'a sec-websocket-key over HTTP/2';
    // The HTTP/1.1 handshake to the application needs a key (RFC 6455 4.1); the client's side has none.
    fields.push('Sec-WebSocket-Key', randomBytes(16).toString('base64'));
  }
  const at = target.indexOf('?');
  return {
    method,
    path: at < 0 ? target : target.slice(0, at),
    query: at < 0 ? undefined : target.slice(at + 1),
    authority,
    fields,
    connectionTokens: [],
    framing: webSocket ? { kind: 'none' } : framing,
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

function readFraming(contentLength: string | undefined, endStream: boolean): Framing | undefined {
  if (contentLength === undefined) return endStream ? { kind: 'none' } : { kind: 'chunked' };
  if (!/^[0-9]{1,15}$/.test(contentLength)) return undefined;
  const length = Number(contentLength);
  if (endStream) return length === 0 ? { kind: 'none' } : undefined;
  return { kind: 'length', length };
}

const maxTargetBytes = 8192;
