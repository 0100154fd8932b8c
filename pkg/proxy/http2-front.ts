import type { Flood } from '../http2/flood.ts';
import { errorCode } from '../http2/frame.ts';
import type { Outlet } from '../http2/outlet.ts';
import { ServerSession } from '../http2/session.ts';
import type { Acceptor, RequestFields, ServerStream, StreamHandler } from '../http2/stream.ts';
import { readClient } from './client-reads.ts';
import type { Connection, Front } from './connection.ts';
import { Http2Exchange, type Http2Owner } from './http2-exchange.ts';
import { Http2Repeats } from './http2-repeats.ts';
import { repeatsKeptMs } from './repeats.ts';
import { Roster } from './roster.ts';

/**
 * HTTP/2 to one client; every stream is an exchange of its own. Frames, flow control and the limits against floods are
 * pkg/http2's; nothing reaches the application before `Connection.admit` says so.
 */
export function serveHttp2(connection: Connection): void {
  connection.attach(new Http2Front(connection));
}

class Http2Front implements Acceptor, Front, Http2Owner, Outlet {
  readonly repeats = new Http2Repeats();
  readonly #connection: Connection;
  readonly #session: ServerSession;
  readonly #exchanges = new Roster<Http2Exchange>();
  #idleSinceMs: number;
  #closingSinceMs = 0;
  #retiring = false;
  #asked = false;
  #ended = false;
  taken = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#idleSinceMs = connection.now();
    const { headBytes, headerCount } = connection.profile.policy.backend.limits;
    const maxFields = headerCount > 0 ? headerCount + pseudoFields : 1008;
    this.#session = new ServerSession(
      {
        maxConcurrentStreams: 100,
        streamWindow: 262_144,
        sessionWindow: 1_048_576,
        maxHeldBytes: 1_048_576,
        // Counted with 32 octets a field here, with the four of HTTP/1.1 by the limit, which Http2Exchange looks at.
        maxListBytes: headBytes > 0 ? headBytes + 28 * maxFields : 1_048_576,
        maxFields,
        now: () => connection.now(),
        // Behind everything that this turn of the loop reads, of the client and of the application: one write for all.
        schedule: (flush) => void setImmediate(this.#guard, flush),
      },
      this,
      this,
    );
    const { socket } = connection;
    readClient(socket, (chunk) => this.#receive(chunk));
    socket.on('drain', () => this.#guard(() => this.#session.drained()));
    // Whoever closes his side has left: half-closed connections mean something in HTTP/1.1 only.
    socket.once('end', () => this.cut());
    socket.once('close', () => this.#guard(() => this.#session.close()));
  }

  // --- what the listener and the sweep ask of every front

  /**
   * The notice of RFC 9113 6.8: what is on its way is served, until the client has said that it knows. Whoever has not
   * asked anything yet came to ask: told at once, clients give up the request that they opened the connection for.
   */
  retire(): void {
    this.#retiring = true;
    if (this.#asked) this.#session.retire();
  }

  drain(): void {
    if (this.#closingSinceMs > 0) return;
    this.#closingSinceMs = this.#connection.now();
    this.#session.drain();
  }

  cut(): void {
    this.#ended = true;
    this.#session.close();
    this.#connection.socket.destroy();
  }

  sweep(nowMs: number): void {
    this.#exchanges.forEach((exchange) => exchange.sweep(nowMs));
    const { idleMs } = this.#connection.profile.policy.backend.timeouts;
    if (this.#exchanges.size > 0) return;
    if (nowMs - this.#idleSinceMs > repeatsKeptMs) {
      this.repeats.forget();
      this.#session.forget();
      this.#connection.forget();
    }
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

  // --- what the session asks

  request(stream: ServerStream, head: RequestFields): StreamHandler {
    const read = this.repeats.read(head, this.#connection.profile.policy.backend.limits);
    const exchange = new Http2Exchange(this.#connection, stream, read, this);
    this.#exchanges.add(exchange);
    if (this.#retiring && !this.#asked) this.#session.retire();
    this.#asked = true;
    exchange.start();
    return exchange;
  }

  /** The stream of an exchange is over. */
  closed(exchange: Http2Exchange): void {
    this.#exchanges.delete(exchange);
    if (this.#exchanges.size === 0) this.#idleSinceMs = this.#connection.now();
  }

  flooded(kind: Flood): void {
    this.#connection.countClosed(kind);
  }

  failed(code: number, reason: string): void {
    if (code !== errorCode.enhanceYourCalm) this.#connection.countClosed('protocol');
    this.#connection.gate.log.debug('connection closed: the client broke the rules of HTTP/2', {
      profile: this.#connection.profile.id,
      code,
      reason,
    });
  }

  /** A TLS socket uses up what it is given within the call, unless something waits before it. */
  write(bytes: Buffer): boolean {
    const { socket } = this.#connection;
    this.taken = socket.writableLength === 0;
    return socket.write(bytes) || socket.writableLength === 0;
  }

  holdInput(hold: boolean): void {
    if (hold) this.#connection.socket.pause();
    else this.#connection.socket.resume();
  }

  /** What the client still sends is thrown away for a moment: a reset would take the last frames from it. */
  end(): void {
    this.#ended = true;
    if (this.#closingSinceMs === 0) this.#closingSinceMs = this.#connection.now();
    this.#connection.socket.resume();
    this.#connection.socket.end();
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#session.receive(chunk);
    } catch (error) {
      this.#connection.fault(error);
    }
  }

  readonly #guard = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      this.#connection.fault(error);
    }
  };
}

/** Beside the fields that a limit counts: `:method` and the like, and crumbs of a cookie, which count as one. */
const pseudoFields = 8;
const lingerMs = 2000;
