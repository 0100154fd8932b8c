import type { ServerStream, StreamHandler } from '../http2/stream.ts';
import type { Admission, OwnAnswer } from './admission.ts';
import { badRequestAnswer, overflowAnswer, timeoutAnswer, unreadAnswer } from './answer.ts';
import type { Connection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import { HeldBytes } from './held-bytes.ts';
import { Http2Answer, type Http2RequestSide } from './http2-answer.ts';
import type { Http2Read, Http2Repeats } from './http2-repeats.ts';
import type { Http2Request } from './http2-request.ts';
import { RequestRecord } from './record.ts';
import type { RosterMember } from './roster.ts';

/** What an exchange asks of its session. */
export interface Http2Owner {
  readonly repeats: Http2Repeats;
  /** No new request is taken of this client. */
  drain(): void;
  closed(exchange: Http2Exchange): void;
}

/** One HTTP/2 stream: its request to a back; its answer is Http2Answer's. */
export class Http2Exchange implements Http2RequestSide, RosterMember, StreamHandler {
  readonly #connection: Connection;
  readonly #stream: ServerStream;
  readonly #read: Http2Read;
  readonly #owner: Http2Owner;
  readonly #record: RequestRecord;
  readonly #answer: Http2Answer;
  readonly #beganMs: number;
  #exchange: Exchange | undefined;
  /** Body bytes that came while nobody knew yet where to, or the application had enough; at most a stream's window. */
  #held: HeldBytes | undefined;
  #endHeld = false;
  #received = 0;
  #requestWhole = false;
  #paused = false;
  #tunnel = false;
  #closed = false;
  #activeMs: number;
  rosterPlace = -1;

  constructor(connection: Connection, stream: ServerStream, read: Http2Read, owner: Http2Owner) {
    this.#connection = connection;
    this.#stream = stream;
    this.#read = read;
    this.#owner = owner;
    this.#beganMs = connection.now();
    this.#activeMs = this.#beganMs;
    this.#record = new RequestRecord(connection, read.method, read.path, 'HTTP/2.0', this.#beganMs);
    this.#answer = new Http2Answer(connection, stream, this.#record, this, owner.repeats);
  }

  get #request(): Http2Request | undefined {
    return this.#read.kind === 'request' ? this.#read.request : undefined;
  }

  get isTunnel(): boolean {
    return this.#tunnel;
  }

  start(): void {
    const read = this.#read;
    switch (read.kind) {
      case 'over-limit':
        this.#connection.countMalformed(431);
        this.say({ status: 431, message: read.message, close: false });
        return;
      case 'malformed':
        this.#connection.countMalformed(400);
        this.say(badRequestAnswer(read.message));
        return;
      case 'request':
        this.#ask(read.request);
    }
  }

  #ask(request: Http2Request): void {
    const admission = this.#connection.admit(request);
    if (!(admission instanceof Promise)) {
      this.#onAdmission(request, admission, this.#beganMs);
      return;
    }
    // What a body is for is not known yet.
    if (!this.#read.head.endStream) this.#pause();
    admission
      .then((late) => {
        if (!this.#answer.over && !this.#closed) this.#onAdmission(request, late, this.#connection.now());
      })
      .catch((error: unknown) => this.#connection.fault(error));
  }

  sweep(nowMs: number): void {
    const { timeouts } = this.#connection.profile.policy.backend;
    const { blockedSinceMs, over, overSinceMs } = this.#answer;
    const passed = (sinceMs: number) => timeouts.idleMs > 0 && nowMs - sinceMs > timeouts.idleMs;
    if (over ? passed(overSinceMs) : blockedSinceMs > 0 && passed(blockedSinceMs)) {
      // Over: its last bytes wait for a window that the client does not open, and would keep the connection without end.
      this.#connection.countClosed('client-not-reading');
      this.#answer.reset();
    } else if (over) {
      return;
    } else if (!this.#requestWhole && passed(this.#activeMs)) {
      this.#giveUp(this.#paused ? unreadAnswer : timeoutAnswer('request body'));
    } else if (!this.#tunnel && timeouts.requestMs > 0 && nowMs - this.#beganMs > timeouts.requestMs) {
      this.#giveUp(timeoutAnswer('whole request'));
    }
  }

  // --- what the client sends

  data(chunk: Buffer): void {
    // Answered already: the rest goes nowhere.
    if (this.#answer.over) return;
    const exchange = this.#exchange;
    if (exchange === undefined || this.#paused || this.#beforeTunnel()) {
      this.#held ??= new HeldBytes();
      this.#held.push(chunk);
      return;
    }
    this.#activeMs = this.#connection.now();
    // Where the write gave up, what still comes is thrown away.
    if (!this.#write(exchange, chunk) && this.#exchange !== undefined) this.#pause();
  }

  /** END_STREAM, and nothing else, makes a request whole. Its trailers are left out. */
  end(): void {
    if (this.#answer.over) return;
    if (this.#exchange === undefined || this.#paused || this.#beforeTunnel()) this.#endHeld = true;
    else this.#end(this.#exchange);
  }

  /** The client takes bytes again. */
  writable(): void {
    this.#answer.unblocked();
    this.#exchange?.resume();
  }

  closed(code: number | undefined): void {
    this.#closed = true;
    this.#held = undefined;
    this.#owner.closed(this);
    // Both sides ended in order: the back is done, or has its last word in hand.
    if (code !== undefined) this.#abort();
    this.#answer.closed(code === undefined);
  }

  // --- what the answer's side asks

  /** Bytes either way keep a tunnel, or a stream that both sides hold open, from being idle. */
  touch(): void {
    if (!this.#requestWhole) this.#activeMs = this.#connection.now();
  }

  /** The application takes more of the request. */
  goOn(): void {
    this.#activeMs = this.#connection.now();
    if (this.#paused && !this.#beforeTunnel()) this.#release();
  }

  /** The application has switched: what the client sent so far, and sends from here on, is for it. */
  switched(): void {
    this.#tunnel = true;
    this.#connection.becameTunnel();
    this.#release();
  }

  /** The back has nothing more to say. */
  backOver(): void {
    this.#exchange = undefined;
    this.#held = undefined;
    this.#resume();
  }

  /** An answer of the sidecar's own. */
  say(answer: OwnAnswer): void {
    // Also where the request was none: who asked by HEAD reads no body (RFC 9110 9.3.2).
    const { head, method } = this.#read;
    this.#answer.own(answer, this.#request?.fields ?? head.fields, method === 'HEAD');
    // What is not wanted any more must not stay unread: it would hold the connection's window.
    this.#held = undefined;
    this.#resume();
  }

  // --- the way to the back

  #onAdmission(request: Http2Request, admission: Admission, nowMs: number): void {
    this.#record.judged(admission);
    if (admission.kind === 'answer') {
      this.say(admission.answer);
      if (admission.refused !== undefined) this.#owner.drain();
      return;
    }
    const limit = this.#bodyLimit();
    if (limit > 0 && request.framing.kind === 'length' && request.framing.length > limit) {
      this.say(overflowAnswer(`request body of ${request.framing.length} bytes, limit ${limit}`));
      return;
    }
    this.#answer.forward = admission;
    this.#requestWhole = request.framing.kind === 'none' && !request.webSocket;
    this.#record.handedOver(nowMs);
    this.#exchange = this.#connection
      .back()
      .begin(this.#owner.repeats.request(this.#connection, request, admission, this.#record.requestId), this.#answer);
    if (this.#requestWhole) return;
    if (request.expectContinue) this.#stream.informational(continueFields);
    if (request.webSocket) this.#pause();
    else this.#release();
  }

  /** Hands on what was held. */
  #release(): void {
    const held = this.#held?.take() ?? [];
    this.#held = undefined;
    this.#activeMs = this.#connection.now();
    let more = true;
    for (const chunk of held) if (this.#exchange !== undefined) more = this.#write(this.#exchange, chunk);
    if (this.#exchange === undefined) return;
    if (this.#endHeld) this.#end(this.#exchange);
    if (more || this.#endHeld) this.#resume();
    else this.#pause();
  }

  #write(exchange: Exchange, chunk: Buffer): boolean {
    this.#received += chunk.length;
    const limit = this.#bodyLimit();
    if (limit > 0 && this.#received > limit && !this.#tunnel) {
      this.#giveUp(overflowAnswer(`request body above its limit of ${limit} bytes`));
      return false;
    }
    return exchange.write(chunk);
  }

  #end(exchange: Exchange): void {
    // A tunnel is open until both sides, or its time, are over.
    if (!this.#tunnel) this.#requestWhole = true;
    exchange.end();
  }

  /** A tunnel's bytes wait for the application's 101. */
  #beforeTunnel(): boolean {
    return this.#request?.webSocket === true && !this.#tunnel;
  }

  #bodyLimit(): number {
    return this.#connection.profile.policy.backend.limits.requestBodyBytes;
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#stream.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#stream.resume();
  }

  #abort(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.abort();
  }

  /** The request cannot be finished: the application sees a broken one, the client an answer where none has begun. */
  #giveUp(answer: OwnAnswer): void {
    this.#abort();
    if (this.#answer.begun) this.#answer.reset();
    else this.say(answer);
  }
}

const continueFields: readonly string[] = [':status', '100'];
