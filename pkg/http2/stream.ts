import type { Flood } from './flood.ts';

/** The head of a request as it came; the same object where it repeats the one before. */
export interface RequestFields {
  /** Flat: name, value; Latin-1, names in lower case, pseudo-header fields first. Well-formed as RFC 9113 8.2 and 8.3 demand. */
  readonly fields: readonly string[];
  /** Names of fields that no hop may put into a table (RFC 7541 6.2.3): to be encoded so again. */
  readonly neverIndexed: readonly string[];
  /** Neither body nor trailers follow; `StreamHandler.end` is not called. */
  readonly endStream: boolean;
  /** Longer than the limits: `fields` are the first of it and were not looked at. The answer is 431. */
  readonly overLimit: boolean;
}

/** What the session tells about one stream: `data* end?`, then `closed`; `writable` at any time in between. */
export interface StreamHandler {
  /** Body octets, valid during the call only. Also after `ServerStream.pause`: what the stream's window let through. */
  data(chunk: Buffer): void;
  /** END_STREAM: the request is whole, its length what content-length said. Trailers are flat, without pseudo-header fields. */
  end(trailers: readonly string[]): void;
  /** All that was written has been framed after `write` returned false. */
  writable(): void;
  /**
   * The last call, exactly once, perhaps from within `end` or `reset`. Undefined: both sides ended in order, and all
   * octets are framed. Otherwise the code of the RST_STREAM of either side, or of the connection's end.
   */
  closed(code: number | undefined): void;
}

/** Who takes the requests of a session. */
export interface Acceptor {
  /**
   * A new request; it may be answered at once. Not called for one that is malformed, refused, or reset in the same chunk
   * of input: a rapid reset costs the application nothing.
   */
  request(stream: ServerStream, head: RequestFields): StreamHandler;
  /** A limit against floods was passed; GOAWAY ENHANCE_YOUR_CALM follows. */
  flooded(flood: Flood): void;
  /** The client broke a rule of the connection; GOAWAY with this code follows. The reason is for logs. */
  failed(code: number, reason: string): void;
}

/**
 * The answering side of one stream. Once `closed` was called every method does nothing. Order: `informational*`,
 * `respond`, `write*`, `end`; anything else throws, since it is our own mistake.
 */
export interface ServerStream {
  readonly id: number;
  /** Whether `StreamHandler.closed` is still to come. */
  readonly open: boolean;
  /** A 1xx answer. Fields as for `respond`. */
  informational(fields: readonly string[]): void;
  /**
   * The head of the answer: flat, `:status` first, names in lower case.
   * @throws TypeError for a character above U+00FF; nothing was sent then.
   */
  respond(fields: readonly string[], endStream: boolean): void;
  /**
   * Body octets, framed as far as the windows allow. What must wait is kept (a copy where `shared`: the octets are valid
   * during the call only). False: something waits, so write no more before `StreamHandler.writable`.
   */
  write(chunk: Buffer, shared: boolean): boolean;
  /** END_STREAM behind what waits, on a frame of trailers where there are any; they are as `respond`'s fields, without `:status`. */
  end(trailers?: readonly string[]): void;
  /**
   * After `end`: the rest of the request is not wanted (RFC 9113 8.1). RST_STREAM NO_ERROR goes out behind END_STREAM
   * where the request is not whole by then.
   */
  refuseRest(): void;
  /** RST_STREAM at once; what waits is dropped. */
  reset(code: number): void;
  /** The handler has enough: the stream's window is not opened again until `resume`. */
  pause(): void;
  resume(): void;
}
