import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { bodyReader } from '../http1/body.ts';
import type { BodyReader, OnData } from '../http1/body-reader.ts';
import type { ResponseHead } from '../http1/head.ts';
import { ResponseHeadReader } from '../http1/head-reader.ts';
import { lastChunk } from '../http1/write.ts';
import type { BackAddress, BackTarget } from './back-target.ts';
import type { BackFailure, Exchange, IncomingResponse, OutgoingRequest, ResponseSink } from './exchange.ts';
import { GatheredWrites } from './gathered-writes.ts';
import { HeldBytes } from './held-bytes.ts';
import { incoming, isIdempotent, RequestOctets } from './http1-messages.ts';
import type { RosterMember } from './roster.ts';

/** Who owns the sockets: what a socket needs of it. */
export interface SocketPool {
  readonly target: BackTarget;
  readonly now: () => number;
  /** The socket's exchange is over and left it usable. */
  release(socket: BackSocket): void;
  /** The socket is gone. */
  forget(socket: BackSocket): void;
}

/**
 * Read buffer of every socket to an application: its bytes are used up or copied before the callback returns. Seven TLS
 * records, since what is read is written to the client and waited for: 64 KiB cost a fifth more a MiB, 128 and 256 no less.
 */
const sharedRead = Buffer.allocUnsafeSlow(7 * 16_384);

/** Where the answer stands; `close` is a body that ends with the connection. */
type ResponseState = 'body' | 'close' | 'done' | 'head' | 'idle' | 'tunnel';

/** A connection to the application, over one exchange after the other. */
export class BackSocket implements Exchange, RosterMember {
  readonly #back: SocketPool;
  #socket: Socket | undefined;
  #connected = false;
  /** What is left to try; a list of its own, since the target's is put in another order by whoever connects first. */
  #candidates: BackAddress[] = [];
  /** The head of the request that waits for the connection, so that it can be given to the next address; then its body. */
  #early: Buffer | undefined;
  readonly #earlyBody = new HeldBytes();
  #peerEnded = false;
  #request: OutgoingRequest | undefined;
  #sink: ResponseSink | undefined;
  #response: ResponseState = 'idle';
  readonly #heads: ResponseHeadReader;
  /** The head of the last request, and that of the last answer as the front got it: both may come again. */
  #octets: RequestOctets | undefined;
  #answered: { readonly head: ResponseHead; readonly incoming: IncomingResponse } | undefined;
  #body: BodyReader | undefined;
  readonly #onBody: OnData = (bytes, from, to) => this.#deliver(bytes, from, to);
  #requestDone = false;
  /** Bodies, and the heads before them, on their way to `#socket`. */
  #writes: GatheredWrites | undefined;
  #sentBody = false;
  #reused = false;
  #gotBytes = false;
  #keep = true;
  #waitingSinceMs = 0;
  #connectStartedMs = 0;
  #paused = false;
  idleSinceMs = 0;
  rosterPlace = -1;

  constructor(back: SocketPool) {
    this.#back = back;
    this.#heads = new ResponseHeadReader(back.target.limits);
  }

  begin(request: OutgoingRequest, sink: ResponseSink): void {
    this.#request = request;
    this.#sink = sink;
    this.#response = 'head';
    this.#requestDone = request.body.kind === 'none';
    this.#sentBody = false;
    this.#gotBytes = false;
    this.#keep = true;
    this.#waitingSinceMs = this.#back.now();
    this.#reused = this.#socket !== undefined;
    if (this.#socket === undefined) this.#connectAnew();
    this.#sendHead(request);
  }

  write(chunk: Buffer): boolean {
    const socket = this.#socket;
    if (socket === undefined) return true;
    this.#sentBody = true;
    this.#waitingSinceMs = this.#back.now();
    if (this.#connected) return this.#gather(socket).push(chunk);
    this.#earlyBody.push(chunk);
    return false;
  }

  end(): void {
    const socket = this.#socket;
    if (this.#response === 'tunnel') {
      this.#writes?.flush();
      socket?.end();
      return;
    }
    this.#requestDone = true;
    this.#waitingSinceMs = this.#back.now();
    if (this.#connected && socket !== undefined) this.#endBody(socket);
  }

  #endBody(socket: Socket): void {
    socket.cork();
    this.#writes?.flush();
    if (this.#request?.body.kind === 'stream') socket.write(lastChunk, 'latin1');
    socket.uncork();
  }

  abort(): void {
    this.#sink = undefined;
    this.destroy();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#waitingSinceMs = this.#back.now();
    this.#socket?.resume();
  }

  sweep(nowMs: number): void {
    const target = this.#back.target;
    if (!this.#connected && target.connectMs > 0 && nowMs - this.#connectStartedMs > target.connectMs) {
      this.#fail({
        status: 503,
        cause: 'timeout',
        detail: `no connection to the application within ${target.connectMs} ms`,
      });
      return;
    }
    if (this.#paused || target.responseMs === 0 || this.#response === 'tunnel') return;
    const waiting = this.#requestDone || this.#response === 'body';
    if (waiting && nowMs - this.#waitingSinceMs > target.responseMs) {
      this.#fail({
        status: 504,
        cause: 'timeout',
        detail: `no byte from the application within ${target.responseMs} ms`,
      });
    }
  }

  /** Lets go of what is only kept to be quick. */
  forget(): void {
    this.#heads.forget();
    this.#octets = undefined;
    this.#answered = undefined;
  }

  destroy(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#back.forget(this);
    socket?.destroy();
  }

  #sendHead(request: OutgoingRequest): void {
    this.#octets ??= new RequestOctets();
    const head = this.#octets.headOf(request);
    const socket = this.#connected ? this.#socket : undefined;
    if (socket === undefined) {
      this.#early = head;
      this.#octets = undefined;
      return;
    }
    this.#writeHead(socket, head);
    // Octets that wait must stay as they are: here for the system or the first chunk, above for the connection.
    if (socket.writableLength > 0 || request.body.kind === 'stream') this.#octets = undefined;
  }

  /** Where there is a body, all there is of it yet is often here too. */
  #writeHead(socket: Socket, head: Buffer): void {
    if (this.#request?.body.kind === 'none') socket.write(head);
    else this.#gather(socket).head(head);
  }

  #gather(socket: Socket): GatheredWrites {
    this.#writes ??= new GatheredWrites(socket);
    this.#writes.chunked = this.#request?.body.kind === 'stream';
    return this.#writes;
  }

  #connectAnew(): void {
    this.#candidates = [...this.#back.target.addresses];
    this.#early = undefined;
    this.#earlyBody.clear();
    this.#connect();
  }

  #connect(): void {
    const { addresses } = this.#back.target;
    const address = this.#candidates.shift();
    if (address === undefined) throw new Error('a backend target needs an address');
    this.#connected = false;
    this.#writes = undefined;
    this.#connectStartedMs = this.#back.now();
    const socket: Socket = connect({
      ...address,
      noDelay: true,
      allowHalfOpen: true,
      onread: { buffer: sharedRead, callback: (size) => (socket === this.#socket ? this.#onBytes(size) : false) },
    });
    this.#socket = socket;
    socket.on('connect', () => {
      if (socket !== this.#socket) return;
      this.#connected = true;
      if (addresses[0] !== address) {
        addresses.splice(addresses.indexOf(address), 1);
        addresses.unshift(address);
      }
      this.#sendEarly(socket);
    });
    socket.on('drain', () => this.#sink?.writable());
    socket.on('end', () => this.#onEnd(socket));
    socket.on('error', (error) => this.#onError(socket, error));
    socket.on('close', () => this.#onClosed(socket));
  }

  #sendEarly(socket: Socket): void {
    const head = this.#early;
    this.#early = undefined;
    if (head === undefined) return;
    this.#writeHead(socket, head);
    let more = true;
    for (const part of this.#earlyBody.take()) more = this.#gather(socket).push(part);
    if (this.#requestDone) this.#endBody(socket);
    else if (more) this.#sink?.writable();
  }

  #onError(socket: Socket, error: Error): void {
    if (socket !== this.#socket) return;
    if (!this.#connected) {
      if (this.#candidates.length > 0) {
        this.#connect();
        return;
      }
      this.#fail({ status: 503, cause: 'connect', detail: error.message });
      return;
    }
    this.#lost(error.message);
  }

  #onEnd(socket: Socket): void {
    if (socket !== this.#socket) return;
    const sink = this.#sink;
    switch (this.#response) {
      case 'tunnel':
        this.#peerEnded = true;
        sink?.end([]);
        break;
      case 'close':
        this.#sink = undefined;
        this.destroy();
        sink?.end([]);
        break;
      default:
        this.#lost('the application closed the connection');
    }
  }

  #onClosed(socket: Socket): void {
    if (socket !== this.#socket) return;
    if (this.#response === 'tunnel' && this.#peerEnded) this.destroy();
    else if (this.#response === 'tunnel')
      this.#fail({ status: 502, cause: 'reset', detail: 'the application closed the connection' });
    else this.#lost('the application closed the connection');
  }

  /** The socket is gone before the answer was whole: asked again once where the application cannot have begun, else failed. */
  #lost(detail: string): void {
    const request = this.#request;
    if (this.#response === 'idle' || request === undefined) {
      this.destroy();
      return;
    }
    const repeatable =
      this.#reused &&
      !this.#gotBytes &&
      !this.#sentBody &&
      request.body.kind === 'none' &&
      isIdempotent(request.method) &&
      !request.webSocket;
    if (!repeatable) {
      this.#fail({ status: 502, cause: 'reset', detail });
      return;
    }
    this.#reused = false;
    this.#socket?.destroy();
    this.#connectAnew();
    this.#sendHead(request);
  }

  #fail(failure: BackFailure): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#response = 'done';
    this.destroy();
    sink?.fail(failure);
  }

  #onBytes(size: number): boolean {
    this.#gotBytes = true;
    this.#waitingSinceMs = this.#back.now();
    this.#read(size);
    this.#sink?.flush();
    return !this.#paused;
  }

  #read(end: number): void {
    let at = 0;
    try {
      while (at < end) {
        if (this.#sink === undefined) {
          // Bytes that nobody asked for: the next exchange must not read them as its answer.
          this.destroy();
          return;
        }
        switch (this.#response) {
          case 'head': {
            const head = this.#heads.push(sharedRead, at, end, this.#request?.method ?? 'GET');
            at += this.#heads.consumed;
            if (head !== undefined) this.#onHead(head);
            break;
          }
          case 'body':
          case 'close': {
            const body = this.#body;
            if (body === undefined) throw new Error('a body needs its reader');
            at += body.push(sharedRead, at, end, this.#onBody);
            if (body.done) this.#response = 'done';
            break;
          }
          case 'tunnel':
            this.#deliver(sharedRead, at, end);
            at = end;
            break;
          case 'done':
          case 'idle':
            break;
        }
        if (this.#response === 'done' || this.#response === 'idle') {
          if (at < end) this.#keep = false;
          this.#complete();
          return;
        }
      }
    } catch (error) {
      this.#fail({ status: 502, cause: 'answer', detail: error instanceof Error ? error.message : String(error) });
    }
  }

  #deliver(bytes: Buffer, from: number, to: number): void {
    if (this.#sink === undefined) return;
    if (!this.#sink.data(bytes.subarray(from, to), true) && !this.#paused) {
      this.#paused = true;
      this.#socket?.pause();
    }
  }

  #onHead(head: ResponseHead): void {
    const sink = this.#sink;
    const request = this.#request;
    if (sink === undefined || request === undefined) return;
    if (head.status === 101) {
      if (!request.webSocket) throw new Error('the application switched protocols (101) although nobody asked');
      if (!head.webSocket) throw new Error('the application switched to another protocol than websocket (101)');
      this.#response = 'tunnel';
      this.#keep = false;
      sink.switched(incoming(head));
      return;
    }
    if (head.status < 200) {
      // 100 is answered by the front itself, before the body is read.
      if (head.status !== 100) sink.informational(incoming(head));
      return;
    }
    if (!head.keepAlive) this.#keep = false;
    // A final answer to an upgrade: no client byte after the head has been or will be sent.
    if (request.webSocket) this.#keep = false;
    if (this.#answered?.head !== head) this.#answered = { head, incoming: incoming(head) };
    sink.head(this.#answered.incoming);
    const body = bodyReader(head.framing, 502);
    this.#body = body;
    if (body.done) {
      this.#response = 'done';
    } else if (head.framing.kind === 'close') {
      this.#response = 'close';
      this.#keep = false;
    } else {
      this.#response = 'body';
    }
  }

  /** The answer is whole. An answer before the whole request ends this socket: the rest of the body goes nowhere. */
  #complete(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (!this.#requestDone || !this.#keep || this.#socket === undefined) {
      this.destroy();
    } else {
      this.#response = 'idle';
      this.#request = undefined;
      this.idleSinceMs = this.#waitingSinceMs;
      if (this.#paused) this.resume();
      this.#back.release(this);
    }
    sink?.end([]);
  }
}
