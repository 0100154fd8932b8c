/** Heads of HTTP/1.1 messages as the strict codec reads them (RFC 9112). Text is Latin-1: one character an octet. */

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Responses only: until the connection closes (RFC 9112 6.3 rule 8). */
  | { readonly kind: 'close' };

export interface RequestHead {
  readonly method: string;
  /** As sent: origin form, absolute form, or `*`. */
  readonly target: string;
  /** Origin-form path (starts with `/`, or `*` for OPTIONS) and query without `?`. */
  readonly path: string;
  readonly query: string | undefined;
  /** From the absolute form, else the one Host; lower case, port kept. Empty only in HTTP/1.0 without Host. */
  readonly authority: string;
  readonly minorVersion: 0 | 1;
  /**
   * Flat: name, value, name, value; names as received, values without surrounding white space. Heads with the same list
   * object are alike in all but target, path, query and size.
   */
  readonly fields: readonly string[];
  readonly framing: Framing;
  /** Whether the connection may be used again after this request. */
  readonly keepAlive: boolean;
  readonly expectContinue: boolean;
  /** Lower-case names in Connection (besides close, keep-alive, upgrade): hop-by-hop, to be removed. */
  readonly connectionTokens: readonly string[];
  /** A WebSocket upgrade: GET, HTTP/1.1, no body, `Connection: upgrade`, `Upgrade: websocket` alone. */
  readonly webSocket: boolean;
  /** Octets of the head, the empty line included. */
  readonly size: number;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly string[];
  readonly framing: Framing;
  readonly keepAlive: boolean;
  readonly connectionTokens: readonly string[];
  /** A 101 in HTTP/1.1 that says `Connection: upgrade` and `Upgrade: websocket` alone. */
  readonly webSocket: boolean;
  readonly size: number;
}

/** Limits of one head. 0 means the codec's own ceilings: 1 MiB and 1000 fields, which no setting lifts. */
export interface HeadLimits {
  /** Octets of request or status line and fields, the empty line included; 431 above it (414 within the request line). */
  readonly headBytes: number;
  /** Fields; 431 above it. */
  readonly headerCount: number;
  /** Octets of a request target; 414 above it. 8192 where absent. */
  readonly targetBytes?: number;
}

/** No body at all. */
export const noFraming: Framing = Object.freeze({ kind: 'none' });

export const chunkedFraming: Framing = Object.freeze({ kind: 'chunked' });

export const closeFraming: Framing = Object.freeze({ kind: 'close' });

/**
 * A message that is not unambiguous HTTP/1.1. `status` is what to answer before closing: 400, 413, 414, 417, 431, 501
 * or 505 for a request, 502 for what the application sent.
 */
export class HttpMalformed extends Error {
  readonly code = 'HTTP_MALFORMED';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
