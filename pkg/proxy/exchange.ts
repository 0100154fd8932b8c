import type { RequestId } from './request-id.ts';

/**
 * One request and its answer between a front (HTTP/1.1 or HTTP/2 to the client) and a back (HTTP/1.1 or H2C to the
 * application). The front owns the request, the back the answer; neither knows the other's protocol.
 */

/** What a front hands to a back: everything checked, stripped and rewritten. */
export interface OutgoingRequest {
  readonly method: string;
  /** Origin form, after rewriting. */
  readonly target: string;
  readonly authority: string;
  /**
   * Flat name, value list without hop-by-hop fields, framing, Host and anything that a client could forge.
   * Names as received or as a rule writes them. Two requests with the same list object are alike in all but id and target.
   */
  readonly fields: readonly string[];
  /** X-Request-Id, beside `fields`; undefined where a trusted proxy or a rule says it, or takes it away. */
  readonly requestId: RequestId | undefined;
  /** The end of an HTTP/1.1 head, made once per connection: the lines of `constantFields` and the empty line. */
  readonly constantRest: Buffer;
  readonly constantFields: readonly string[];
  readonly body:
    | { readonly kind: 'none' }
    | { readonly kind: 'length'; readonly length: number }
    | { readonly kind: 'stream' };
  /** A WebSocket upgrade that the client asked for. */
  readonly webSocket: boolean;
  /** Lower-case names of fields that HTTP/2 may put into no table (RFC 7541 6.2.3), some of them perhaps gone; undefined for HTTP/1.1. */
  readonly neverIndexed: readonly string[] | undefined;
}

/** Where a back puts the answer. Calls come as `informational* head data* end`, or `fail` at any time; nothing after `end` or `fail`. */
export interface ResponseSink {
  /** 103 and the like; never 100 or 101. */
  informational(head: IncomingResponse): void;
  head(head: IncomingResponse): void;
  /**
   * `shared` bytes are only valid during the call. Returns false to ask the back to stop until `Exchange.resume`.
   */
  data(chunk: Buffer, shared: boolean): boolean;
  end(trailers: readonly string[]): void;
  fail(failure: BackFailure): void;
  /** The application has taken what was written: go on sending the request body. */
  writable(): void;
  /** All bytes of this turn have been handed over: write what is held back. */
  flush(): void;
  /** The application switched to WebSocket: bytes flow both ways from here. */
  switched(head: IncomingResponse): void;
}

export interface IncomingResponse {
  readonly status: number;
  readonly reason: string;
  /** Flat name, value list as it came; what does not go through is left out by composeResponseFields. */
  readonly fields: readonly string[];
  /** Lower-case names that its Connection field nominates. */
  readonly connectionTokens: readonly string[];
  /** `close`: it ends when the application closes; passed on the same way, since a cut cannot be told from an end. */
  readonly body:
    | { readonly kind: 'none' }
    | { readonly kind: 'length'; readonly length: number }
    | { readonly kind: 'stream' }
    | { readonly kind: 'close' };
  /** To HEAD and 304: the length the body would have had; shown, never framed by. */
  readonly declaredLength: string | undefined;
}

/** Fields without a body: an informational answer, or trailers looked at as fields are. */
export function bodylessHead(status: number, fields: readonly string[]): IncomingResponse {
  return { status, reason: '', fields, connectionTokens: [], body: { kind: 'none' }, declaredLength: undefined };
}

export type BackFailure = {
  /** 502 bad answer, 503 not reachable, 504 too slow. */
  readonly status: 502 | 503 | 504;
  readonly cause: 'answer' | 'connect' | 'reset' | 'timeout';
  readonly detail: string;
};

/** The front's handle on a request that a back has begun. */
export interface Exchange {
  /**
   * Sends request body bytes (after `switched`: WebSocket bytes), which are valid during the call only; false asks to wait
   * for `ResponseSink.writable`.
   */
  write(chunk: Buffer): boolean;
  /** The request body is whole (after `switched`: the client will send no more). */
  end(): void;
  /** The client has gone or broke its framing: the application must not see a whole request. Nothing is called afterwards. */
  abort(): void;
  /** Goes on with the answer after `data` returned false. */
  resume(): void;
}

/** The application as one client connection sees it; its sockets belong to this client connection only. */
export interface Back {
  begin(request: OutgoingRequest, sink: ResponseSink): Exchange;
  /** Called about once a second: closes what idled too long, fails what waits too long. */
  sweep(nowMs: number): void;
  /** No new exchange will come: closes when the running ones are over. */
  retire(): void;
  close(): void;
}
