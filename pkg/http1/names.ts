import { isAllOf, plainNameOctet } from './chars.ts';

/** Lower case, every character outside [a-z0-9] as `-`: how CGI, WSGI and PHP applications confuse names. */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-');
}

/** Whether `name` has only letters, digits and `-`. Other names are legal, but applications fold them onto these. */
export function isForwardableName(name: string): boolean {
  return isAllOf(plainNameOctet, name);
}

/**
 * What a table's owner makes of field names, by the name as received, so that a request costs one look-up a field.
 * Common names are always there; of others at most `capacity` of at most 64 characters are kept, and all of them are
 * forgotten when it is full: whoever sends invented names slows down his own requests only.
 */
export class NameTable<T> {
  readonly #common = new Map<string, T>();
  readonly #seen = new Map<string, T>();
  readonly #describe: (name: string) => T;
  readonly #capacity: number;

  constructor(describe: (name: string) => T, capacity = 1024) {
    this.#describe = describe;
    this.#capacity = capacity;
    for (const name of commonNames) {
      this.#common.set(name, describe(name));
      this.#common.set(name.toLowerCase(), describe(name.toLowerCase()));
    }
  }

  of(name: string): T {
    return this.#common.get(name) ?? this.#seen.get(name) ?? this.#add(name);
  }

  /** How many names beside the common ones are kept. */
  get size(): number {
    return this.#seen.size;
  }

  #add(name: string): T {
    if (name.length > cachedNameCeiling) return this.#describe(name);
    // A name cut out of a head keeps the whole head alive (V8's sliced strings): keep a copy.
    const copy = Buffer.from(name, 'latin1').toString('latin1');
    const facts = this.#describe(copy);
    if (this.#seen.size >= this.#capacity) this.#seen.clear();
    this.#seen.set(copy, facts);
    return facts;
  }
}

const cachedNameCeiling = 64;

/**
 * Lower-case names that RFC 9110 7.6.1 and its forerunners bind to one connection, named in Connection or not. Trailer
 * is among them since no trailer is ever passed on, HTTP2-Settings since h2c never is, and a proxy's own challenge and
 * credentials since they end at the gate.
 */
export const hopByHopNames: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const commonNames: readonly string[] = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Accept-Ranges',
  'Access-Control-Allow-Origin',
  'Age',
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Encoding',
  'Content-Length',
  'Content-Security-Policy',
  'Content-Type',
  'Cookie',
  'Date',
  'ETag',
  'Expect',
  'Expires',
  'Forwarded',
  'Host',
  'HTTP2-Settings',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'Keep-Alive',
  'Last-Modified',
  'Location',
  'Origin',
  'Pragma',
  'Proxy-Connection',
  'Range',
  'Referer',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Site',
  'Sec-WebSocket-Accept',
  'Sec-WebSocket-Extensions',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Version',
  'Server',
  'Set-Cookie',
  'Strict-Transport-Security',
  'TE',
  'Traceparent',
  'Tracestate',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Upgrade-Insecure-Requests',
  'User-Agent',
  'Vary',
  'Via',
  'X-Client-Cert',
  'X-Content-Type-Options',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Port',
  'X-Forwarded-Proto',
  'X-Frame-Options',
  'X-Real-IP',
  'X-Request-Id',
];
