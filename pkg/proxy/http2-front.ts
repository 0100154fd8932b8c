import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Connection, Front } from './connection.ts';
import { Http2Exchange } from './http2-exchange.ts';

/**
 * HTTP/2 to one client over Node's own sessions; every stream is an exchange of its own. Floods are bounded here and by
 * nghttp2: concurrent streams, header size, resets by either side.
 */
export function serveHttp2(connection: Connection): void {
  connection.attach(new Http2Front(connection));
}

class Http2Front implements Front {
  readonly #connection: Connection;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<Http2Exchange>();
  #idleSinceMs: number;
  #closingSinceMs = 0;
  /** Streams and reset streams of the window that began at `#windowMs`. */
  #streams = 0;
  #resets = 0;
  #windowMs: number;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#idleSinceMs = connection.now();
    this.#windowMs = connection.now();
    const { limits } = connection.profile.policy.backend;
    this.#session = performServerHandshake(connection.socket, {
      maxSessionInvalidFrames: 100,
      maxSessionRejectedStreams: 100,
      maxOutstandingPings: 10,
      maxSettings: 32,
      maxHeaderListPairs: limits.headerCount > 0 ? limits.headerCount + 8 : 1008,
      maxSendHeaderBlockLength: 131_072,
      settings: {
        maxConcurrentStreams,
        maxHeaderListSize: limits.headBytes > 0 ? limits.headBytes : 1_048_576,
        initialWindowSize: streamWindow,
        enablePush: false,
        enableConnectProtocol: true,
      },
    });
    this.#session.setLocalWindowSize(sessionWindow);
    this.#session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, _flags: number, raw: string[]) =>
        this.#onStream(stream, raw),
    );
    this.#session.on('error', () => this.cut());
    this.#session.on('frameError', () => this.cut());
    this.#session.on('close', () => connection.socket.destroy());
    // Whoever closes his side has left: half-closed connections mean something in HTTP/1.1 only.
    connection.socket.once('end', () => this.cut());
  }

  /**
   * Nothing yet: after any GOAWAY Node takes no new stream (it cannot send the notice of RFC 9113 6.8), and one that is on
   * its way would be lost. `drain` names the last stream, and a client asks again elsewhere what came after it.
   */
  retire(): void {
    return;
  }

  drain(): void {
    if (this.#closingSinceMs > 0) return;
    this.#closingSinceMs = this.#connection.now();
    // GOAWAY; what runs is finished, then the session closes.
    if (!this.#session.destroyed) this.#session.close();
  }

  cut(): void {
    if (!this.#session.destroyed) this.#session.destroy(undefined, constants.NGHTTP2_CANCEL);
    this.#connection.socket.destroy();
  }

  sweep(nowMs: number): void {
    for (const exchange of this.#exchanges) exchange.sweep(nowMs);
    const { idleMs } = this.#connection.profile.policy.backend.timeouts;
    if (this.#exchanges.size > 0) return;
    if (this.#closingSinceMs > 0) {
      // Counted from the last answer, and not while it is still being sent.
      const sinceMs = Math.max(this.#closingSinceMs, this.#idleSinceMs);
      const isSent = this.#connection.socket.writableLength === 0;
      if (nowMs - sinceMs > (isSent ? lingerMs : Math.max(idleMs, lingerMs))) this.cut();
    } else if (idleMs > 0 && nowMs - this.#idleSinceMs > idleMs) {
      this.#connection.countClosed('idle');
      this.drain();
    }
  }

  #onStream(stream: ServerHttp2Stream, raw: string[]): void {
    // A stream's error is that stream's; unheard it would end the process.
    stream.on('error', () => undefined);
    this.#streams += 1;
    stream.once('close', () => this.#onStreamClosed(stream));
    // A turn later: a stream that was reset at once (rapid reset) never reaches the application.
    setImmediate(() => {
      if (stream.destroyed || stream.aborted || stream.closed) return;
      const exchange = new Http2Exchange(this.#connection, stream, raw, () => this.drain());
      this.#exchanges.add(exchange);
      stream.once('close', () => {
        this.#exchanges.delete(exchange);
        if (this.#exchanges.size === 0) this.#idleSinceMs = this.#connection.now();
      });
      try {
        exchange.start();
      } catch (error) {
        this.#connection.fault(error);
      }
    });
  }

  /** Resets by either side count: a client can make us reset too (CVE-2023-44487, CVE-2025-8671). */
  #onStreamClosed(stream: ServerHttp2Stream): void {
    const nowMs = this.#connection.now();
    if (nowMs - this.#windowMs > resetWindowMs) {
      this.#windowMs = nowMs;
      this.#streams = 0;
      this.#resets = 0;
    }
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.#resets += 1;
    if (this.#resets > maxResets && this.#resets * 2 > this.#streams && !this.#session.destroyed) {
      this.#connection.countClosed('resets');
      this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
  }
}

const maxConcurrentStreams = 100;
const streamWindow = 262_144;
const sessionWindow = 1_048_576;
const lingerMs = 2000;
const resetWindowMs = 10_000;
const maxResets = 100;
