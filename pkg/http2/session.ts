import { ConnectionError, refuseFlood } from './connection-error.ts';
import { FloodGuard, floodKind } from './flood.ts';
import { defaultWindow, errorCode, max31 } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import type { FieldLimits } from './hpack/decoded-block.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { Inbound } from './inbound.ts';
import { InboundHeaders } from './inbound-headers.ts';
import type { OpenStream } from './open-stream.ts';
import type { Outlet } from './outlet.ts';
import { ReceiveWindows } from './receive-windows.ts';
import { Sender } from './sender.ts';
import { setting } from './settings.ts';
import type { Acceptor } from './stream.ts';
import type { StreamControl } from './stream-control.ts';
import { StreamTable } from './stream-table.ts';

/** What a session allows, and what it is lent. */
export interface SessionOptions extends FieldLimits {
  readonly maxConcurrentStreams: number;
  /** Octets that may be on their way for one stream: 65535 at least. */
  readonly streamWindow: number;
  /** The same for all streams together. */
  readonly sessionWindow: number;
  /** Octets that paused streams may hold together before the session's window stays shut. */
  readonly maxHeldBytes: number;
  /** Monotonic, in milliseconds; for limits against floods. */
  readonly now: () => number;
  /** Calls back once, soon: when all frames of this turn are gathered. */
  readonly schedule: (flush: () => void) => void;
}

/**
 * The server's side of one HTTP/2 connection (RFC 9113), between octets and requests. It knows no sockets: octets come by
 * `receive`, frames leave by the outlet, all of a turn at once. Strict: whatever a client must not send ends the stream or
 * the connection as the RFC says; what floods is bounded (`Flood`).
 *
 * Memory: one frame that is not whole, one field block, what handlers wrote and windows hold back, and frames for a client
 * that does not read, for which reading from it stops too.
 */
export class ServerSession {
  readonly #life: Life;
  readonly #headers: InboundHeaders;
  readonly #reader: FrameReader;

  /** Our SETTINGS are gathered at once. @throws RangeError for windows below 65535. */
  constructor(options: SessionOptions, outlet: Outlet, acceptor: Acceptor) {
    const guard = new FloodGuard(options.now);
    const encoder = new HpackEncoder();
    const sender = new Sender(new FrameWriter(encoder), outlet, options.schedule, guard);
    this.#life = new Life(options, sender, guard, acceptor);
    this.#headers = new InboundHeaders(this.#life, guard, options, options.maxConcurrentStreams);
    this.#reader = new FrameReader(new Inbound(this.#life, this.#headers, guard, encoder));
  }

  /** Streams that are not over. */
  get streamCount(): number {
    return this.#life.table.count;
  }

  /** Octets that wait for a flush, or for the outlet. */
  get gathered(): number {
    return this.#life.sender.frames.length;
  }

  /**
   * Reads what the client sent; the chunk is needed during the call only. Never throws for anything that a client can
   * send; what a handler throws comes through, and the session must be closed then.
   */
  receive(chunk: Buffer): void {
    const life = this.#life;
    if (life.over) return;
    try {
      this.#reader.push(chunk);
      life.offer();
      life.sender.pump();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      life.failed(error);
    }
  }

  /** Writes what is gathered, without waiting for `schedule`. */
  flush(): void {
    this.#life.sender.flush();
  }

  /** Lets go of what is only kept to be quick: for connections that idle. */
  forget(): void {
    this.#headers.forget();
  }

  /** The outlet takes more again. Not to be called from within `Outlet.write`. */
  drained(): void {
    this.#life.sender.drained();
  }

  /**
   * The client is asked to open no more streams (RFC 9113 6.8): a notice and a PING. What it sent before it heard of it is
   * served; when the PING's answer is here, `drain` follows by itself.
   */
  retire(): void {
    this.#life.retire();
  }

  /** The final GOAWAY: no later stream is served. `Outlet.end` follows the last stream's end. */
  drain(): void {
    this.#life.drain();
  }

  /** GOAWAY with this code; all streams are over, and the session. */
  abort(code: number): void {
    this.#life.abort(code, '');
  }

  /** The connection is gone: all streams are over, nothing more is written. */
  close(): void {
    this.#life.close();
  }
}

/** The streams of a session from the first to the last. */
class Life implements StreamControl {
  readonly table = new StreamTable();
  readonly sender: Sender;
  readonly windows: ReceiveWindows;
  clientWindow = defaultWindow;
  over = false;
  taking = true;
  readonly #guard: FloodGuard;
  readonly #acceptor: Acceptor;
  /** Requests of the chunk that is being read: not offered before its end, for it may hold their reset. */
  #fresh: OpenStream[] = [];
  #retiring = false;
  /** The last stream that a GOAWAY named; no later one may name a higher (RFC 9113 6.8). */
  #lastNamed = max31;

  constructor(options: SessionOptions, sender: Sender, guard: FloodGuard, acceptor: Acceptor) {
    this.sender = sender;
    this.#guard = guard;
    this.#acceptor = acceptor;
    sender.frames.settings([
      ...[setting.maxConcurrentStreams, options.maxConcurrentStreams],
      ...[setting.initialWindow, options.streamWindow],
      ...[setting.maxListBytes, options.maxListBytes],
      ...[setting.enableConnectProtocol, 1],
    ]);
    this.windows = new ReceiveWindows(options.streamWindow, options.sessionWindow, options.maxHeldBytes, sender);
    sender.touch();
  }

  // --- a stream's way

  begin(stream: OpenStream): void {
    this.table.add(stream);
    this.#fresh.push(stream);
  }

  /** Hands on the requests of this chunk. */
  offer(): void {
    const fresh = this.#fresh;
    for (let i = 0; i < fresh.length; i++) {
      const stream = fresh[i];
      if (stream?.open === true) this.#accept(stream);
    }
    fresh.length = 0;
  }

  requestData(stream: OpenStream, chunk: Buffer): void {
    this.#accept(stream);
    if (stream.open) stream.handler?.data(chunk);
  }

  requestEnds(stream: OpenStream, trailers: readonly string[]): void {
    this.#accept(stream);
    if (!stream.open) return;
    stream.remoteEnded = true;
    stream.handler?.end(trailers);
    if (stream.open && stream.localEnded) this.settle(stream);
  }

  settle(stream: OpenStream): void {
    if (stream.remoteEnded) {
      this.#guard.finished();
      this.#close(stream, 'ended', undefined);
    } else {
      this.resetByUs(stream, errorCode.noError);
    }
  }

  resetByUs(stream: OpenStream, code: number): void {
    this.sender.frames.rstStream(stream.id, code);
    this.sender.touch();
    this.#close(stream, 'reset-by-us', code);
  }

  resetByPeer(stream: OpenStream, code: number): void {
    this.#close(stream, 'reset-by-peer', code);
  }

  fail(id: number, code: number): void {
    const stream = this.table.find(id);
    if (stream !== undefined) this.resetByUs(stream, code);
    else this.#refuse(id, code);
    refuseFlood(this.#guard.spend(floodKind.resets));
  }

  refuse(id: number): void {
    this.#refuse(id, errorCode.refusedStream);
  }

  #refuse(id: number, code: number): void {
    this.sender.frames.rstStream(id, code);
    this.sender.touch();
    this.table.refused(id);
  }

  #accept(stream: OpenStream): void {
    if (stream.accepted) return;
    stream.accepted = true;
    stream.handler = this.#acceptor.request(stream, stream.head);
    if (!stream.open) stream.handler.closed(stream.closedCode);
  }

  #close(stream: OpenStream, ending: 'ended' | 'reset-by-peer' | 'reset-by-us', code: number | undefined): void {
    this.table.remove(stream, ending);
    this.#end(stream, code);
    if (this.table.count === 0 && !this.taking) this.#finish();
  }

  #end(stream: OpenStream, code: number | undefined): void {
    stream.open = false;
    stream.closedCode = code;
    this.sender.discard(stream);
    // Nothing stands behind a GOAWAY that ends the connection.
    if (!this.over) this.windows.released(stream);
    stream.handler?.closed(code);
  }

  // --- the session's

  pongCame(buffer: Buffer, at: number): void {
    if (this.#retiring && retirePing.compare(buffer, at, at + retirePing.length) === 0) this.drain();
  }

  retire(): void {
    if (this.over || !this.taking || this.#retiring) return;
    this.#retiring = true;
    this.sender.frames.goaway(max31, errorCode.noError, '');
    this.sender.frames.ping(false, retirePing, 0);
    this.sender.touch();
  }

  drain(): void {
    if (this.over || !this.taking) return;
    this.taking = false;
    this.#lastNamed = this.table.lastId;
    this.sender.frames.goaway(this.#lastNamed, errorCode.noError, '');
    this.sender.touch();
    if (this.table.count === 0) this.#finish();
  }

  failed(error: ConnectionError): void {
    if (error.flood === undefined) this.#acceptor.failed(error.code, error.message);
    else this.#acceptor.flooded(error.flood);
    this.abort(error.code, error.message);
  }

  abort(code: number, reason: string): void {
    if (this.over) return;
    this.sender.frames.goaway(Math.min(this.#lastNamed, this.table.lastId), code, reason);
    this.#endAll(code);
    this.sender.end();
  }

  close(): void {
    if (this.over) return;
    this.sender.drop();
    this.#endAll(errorCode.cancel);
  }

  #finish(): void {
    this.over = true;
    this.sender.end();
  }

  #endAll(code: number): void {
    this.over = true;
    this.#fresh = [];
    for (const stream of this.table.all()) this.#end(stream, code);
    this.table.clear();
  }
}

/** Told apart from any other PING: none is sent but this. */
const retirePing: Buffer = Buffer.from('retiring', 'latin1');
