import type { TLSSocket } from 'node:tls';
import { HttpMalformed, type RequestHead } from '../http1/head.ts';
import type { Admission, Forward, OwnAnswer } from './admission.ts';
import {
  backFailureAnswer,
  malformedAnswer,
  overflowAnswer,
  ownAnswerText,
  timeoutAnswer,
  unreadAnswer,
} from './answer.ts';
import { readClient } from './client-reads.ts';
import { composeResponseFields } from './compose.ts';
import type { Connection, Front } from './connection.ts';
import type { BackFailure, Exchange, IncomingResponse, ResponseSink } from './exchange.ts';
import { Http1AnswerWriter } from './http1-answer.ts';
import { passedDeadline, type State, type Times } from './http1-deadlines.ts';
import { Http1Input } from './http1-input.ts';
import { Http1Repeats } from './http1-repeats.ts';
import { Linger } from './linger.ts';
import { RequestRecord } from './record.ts';
import { repeatsKeptMs } from './repeats.ts';

/**
 * HTTP/1.1 to one client: one request at a time, in order. Every byte comes by `readClient` and is parsed by
 * pkg/http1; nothing reaches the application before `Connection.admit` says so.
 */
export function serveHttp1(connection: Connection): void {
  connection.attach(new Http1Front(connection));
}

class Http1Front implements Front, ResponseSink {
  readonly #connection: Connection;
  readonly #socket: TLSSocket;
  readonly #input: Http1Input;
  readonly #writer: Http1AnswerWriter;
  readonly #repeats = new Http1Repeats();
  #state: State = 'head';
  #running = false;
  #inputPaused = false;
  #clientEnded = false;

  #head: RequestHead | undefined;
  #forward: Forward | undefined;
  #record: RequestRecord | undefined;
  #exchange: Exchange | undefined;
  #bodyBytes = 0;

  #closeAfter = false;

  readonly #times: Times;
  /** When the head of the answer came, as long as the bytes that came with it (often all) are being read; else 0. */
  #answeredMs = 0;
  #linger: Linger | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#socket = connection.socket;
    this.#input = new Http1Input(connection.profile.target.limits);
    this.#writer = new Http1AnswerWriter(connection.socket);
    this.#times = { headSinceMs: 0, requestSinceMs: 0, activeMs: connection.now(), blockedSinceMs: 0 };
    readClient(this.#socket, (chunk) => this.#onData(chunk));
    this.#socket.on('drain', () => this.#onDrain());
    this.#socket.on('end', () => this.#onEnd());
    this.#socket.on('close', () => this.#onClose());
  }

  // --- what the listener and the sweep ask of every front

  /** The next answer says `Connection: close`; a client that asks nothing stays. */
  retire(): void {
    this.#closeAfter = true;
  }

  /** Finish what runs, take no new request. */
  drain(): void {
    this.#closeAfter = true;
    if (this.#state === 'head' && this.#times.headSinceMs === 0) this.#finish();
  }

  /** The client may not go on: nothing more reaches it or the application. */
  cut(): void {
    // Its last answer is on its way, and says why.
    if (this.#state !== 'linger') this.#socket.destroy();
  }

  sweep(nowMs: number): void {
    this.#linger?.sweep(nowMs);
    if (this.#state === 'head' && nowMs - this.#times.activeMs > repeatsKeptMs) {
      this.#input.forget();
      this.#repeats.forget();
      this.#connection.forget();
    }
    const { timeouts } = this.#connection.profile.policy.backend;
    switch (passedDeadline(this.#state, this.#times, timeouts, nowMs)) {
      case undefined:
        break;
      case 'head':
        this.#answer(timeoutAnswer('request head'));
        break;
      case 'idle':
        this.#connection.countClosed('idle');
        if (this.#state === 'tunnel') this.#socket.destroy();
        else this.#finish();
        break;
      case 'body':
        this.#giveUp(this.#inputPaused ? unreadAnswer : timeoutAnswer('request body'));
        break;
      case 'not-reading':
        this.#connection.countClosed('client-not-reading');
        this.#socket.destroy();
        break;
      case 'request':
        this.#giveUp(timeoutAnswer('whole request'));
        break;
    }
  }

  // --- bytes from the client

  #onData(chunk: Buffer): void {
    this.#times.activeMs = this.#connection.now();
    if (this.#state === 'tunnel') {
      if (this.#exchange?.write(chunk) === false) this.#pauseInput();
      return;
    }
    if (this.#state === 'linger') {
      this.#linger?.onData(chunk);
      return;
    }
    this.#input.push(chunk);
    try {
      this.#run();
    } catch (error) {
      this.#connection.fault(error);
    }
    this.#input.keep();
  }

  /** Uses up the input as far as the state allows. Not re-entered: an answer that ends within it only changes the state. */
  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#input.waiting > 0 && this.#step());
    } finally {
      this.#running = false;
    }
    if (this.#clientEnded) this.#endOfInput();
    else if (this.#state !== 'head' && this.#input.waiting > maxPipelinedBytes) this.#pauseInput();
  }

  /** One step over the input; false: nothing more can be done with it now. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'body':
        return this.#readBody();
      case 'admit':
      case 'answer':
      case 'linger':
      case 'tunnel':
        return false;
    }
  }

  #readHead(): boolean {
    if (this.#times.headSinceMs === 0) this.#times.headSinceMs = this.#times.activeMs;
    let head: RequestHead | undefined;
    try {
      head = this.#input.readHead();
    } catch (error) {
      if (!(error instanceof HttpMalformed)) throw error;
      this.#connection.countMalformed(error.status);
      this.#answer(malformedAnswer(error));
      return false;
    }
    if (head === undefined) return false;
    this.#times.headSinceMs = 0;
    this.#times.requestSinceMs = this.#times.activeMs;
    this.#onRequest(head);
    return true;
  }

  #onRequest(head: RequestHead): void {
    const connection = this.#connection;
    this.#head = head;
    this.#writer.reset();
    const view = this.#repeats.view(head);
    this.#record = new RequestRecord(connection, head.method, head.path, view.httpVersion, this.#times.activeMs);
    if (!head.keepAlive) this.#closeAfter = true;
    this.#state = 'admit';
    const admission = connection.admit(view);
    if (!(admission instanceof Promise)) {
      this.#onAdmission(head, admission, this.#times.activeMs);
      return;
    }
    admission
      .then((late) => {
        if (this.#state !== 'admit' || this.#head !== head) return;
        this.#onAdmission(head, late, connection.now());
        this.#run();
      })
      .catch((error: unknown) => this.#connection.fault(error));
  }

  #onAdmission(head: RequestHead, admission: Admission, nowMs: number): void {
    this.#record?.judged(admission);
    if (admission.kind === 'answer') {
      this.#answer(admission.answer);
      return;
    }
    const limit = this.#connection.profile.policy.backend.limits.requestBodyBytes;
    if (limit > 0 && head.framing.kind === 'length' && head.framing.length > limit) {
      this.#answer(overflowAnswer(`request body of ${head.framing.length} bytes, limit ${limit}`));
      return;
    }
    this.#forward = admission;
    const bodyless = this.#input.beginBody(head.framing);
    this.#state = bodyless ? 'answer' : 'body';
    this.#bodyBytes = 0;
    this.#record?.handedOver(nowMs);
    const id = this.#record?.requestId ?? this.#connection.nextRequestId();
    const request = this.#repeats.request(this.#connection, head, admission, id);
    this.#exchange = this.#connection.back().begin(request, this);
    if (bodyless && head.framing.kind !== 'none') this.#exchange.end();
    if (head.expectContinue && this.#state === 'body') this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  #readBody(): boolean {
    const limit = this.#connection.profile.policy.backend.limits.requestBodyBytes;
    let more = true;
    try {
      const whole = this.#input.readBody((chunk) => {
        this.#bodyBytes += chunk.length;
        if (limit > 0 && this.#bodyBytes > limit) {
          throw new HttpMalformed(413, `request body above its limit of ${limit} bytes`);
        }
        more = this.#exchange?.write(chunk) ?? true;
      });
      if (whole) this.#requestWhole();
    } catch (error) {
      if (!(error instanceof HttpMalformed)) throw error;
      this.#connection.countMalformed(error.status);
      this.#giveUp(malformedAnswer(error));
      return false;
    }
    if (more) this.#resumeInput();
    else if (this.#state === 'body') this.#pauseInput();
    return true;
  }

  #requestWhole(): void {
    if (this.#state !== 'body') return;
    this.#state = 'answer';
    this.#exchange?.end();
  }

  /** The request cannot be finished: the application sees a broken one, the client an answer where none has begun. */
  #giveUp(answer: OwnAnswer): void {
    this.#exchange?.abort();
    this.#exchange = undefined;
    if (this.#writer.started) {
      this.#socket.destroy();
      return;
    }
    this.#answer(answer);
  }

  #pauseInput(): void {
    this.#inputPaused = true;
    this.#socket.pause();
  }

  #resumeInput(): void {
    if (!this.#inputPaused) return;
    this.#inputPaused = false;
    this.#times.activeMs = this.#connection.now();
    this.#socket.resume();
  }

  #onDrain(): void {
    this.#times.blockedSinceMs = 0;
    this.#exchange?.resume();
  }

  #onEnd(): void {
    this.#clientEnded = true;
    this.#endOfInput();
  }

  /** The client sends no more: what it sent whole is answered, what it cut short is nobody's request. */
  #endOfInput(): void {
    switch (this.#state) {
      case 'head':
        if (this.#times.headSinceMs > 0) this.#socket.destroy();
        else this.#finish();
        break;
      case 'body':
        this.#exchange?.abort();
        this.#socket.destroy();
        break;
      case 'admit':
      case 'answer':
        if (this.#input.waiting === 0) this.#closeAfter = true;
        break;
      case 'tunnel':
        this.#exchange?.end();
        break;
      case 'linger':
        // Closes once the answer is out.
        this.#socket.destroySoon();
        break;
    }
  }

  #onClose(): void {
    // A verdict that comes later finds nobody.
    this.#state = 'linger';
    this.#exchange?.abort();
    this.#exchange = undefined;
    this.#record?.aborted();
    this.#record = undefined;
    this.#input.clear();
  }

  // --- the application's answer

  informational(head: IncomingResponse): void {
    if (this.#head?.minorVersion !== 1 || this.#writer.started) return;
    this.#writer.informational(head, composeResponseFields(this.#connection, head, undefined));
  }

  head(head: IncomingResponse): void {
    const forward = this.#forward;
    if (forward === undefined) return;
    this.#answeredMs = this.#connection.now();
    this.#record?.answered(head.status, this.#answeredMs);
    // An answer before the whole request: what is left of the body is not read.
    const close = this.#closeAfter || this.#state === 'body' || this.#connection.draining;
    const told = this.#repeats.answer(this.#connection, this.#head, forward, head, close);
    this.#closeAfter = told.last;
    this.#writer.head(told);
  }

  data(chunk: Buffer, shared: boolean): boolean {
    // Bytes either way keep a tunnel, or an upload that is answered meanwhile, from being idle.
    if (this.#state !== 'answer') this.#times.activeMs = this.#connection.now();
    this.#record?.sent(chunk.length);
    const more = this.#writer.data(chunk, shared);
    if (!more) this.#times.blockedSinceMs ||= this.#connection.now();
    return more;
  }

  flush(): void {
    this.#answeredMs = 0;
    this.#writer.flush();
  }

  end(): void {
    if (this.#state === 'tunnel') {
      this.#record?.finished();
      this.#record = undefined;
      this.#socket.end();
      return;
    }
    this.#writer.end();
    this.#exchange = undefined;
    this.#requestOver(this.#answeredMs > 0 ? this.#answeredMs : this.#connection.now());
  }

  fail(failure: BackFailure): void {
    this.#exchange = undefined;
    this.#record?.failed(failure);
    if (this.#state === 'tunnel') {
      this.#socket.destroySoon();
      return;
    }
    if (this.#writer.started) {
      // What was promised cannot be sent: only a cut connection says so.
      this.#socket.destroy();
      return;
    }
    this.#answer(backFailureAnswer(failure));
  }

  writable(): void {
    this.#resumeInput();
  }

  switched(head: IncomingResponse): void {
    const forward = this.#forward;
    if (forward === undefined) return;
    this.#record?.answered(101);
    this.#writer.switched(head, composeResponseFields(this.#connection, head, forward));
    this.#state = 'tunnel';
    this.#connection.becameTunnel();
    const early = this.#input.takeRest();
    if (early !== undefined && this.#exchange?.write(early) === false) this.#pauseInput();
    else this.#resumeInput();
  }

  // --- the end of a request

  /** An answer of our own; what was read of the request stays unread where its body is not whole. */
  #answer(answer: OwnAnswer): void {
    const unread = this.#state === 'body' || (this.#state === 'admit' && this.#head?.framing.kind !== 'none');
    if (answer.close || unread) this.#closeAfter = true;
    this.#record ??= new RequestRecord(this.#connection, '', '', 'HTTP/1.1');
    this.#record.answered(answer.status);
    const close = this.#closeAfter || this.#connection.draining;
    this.#closeAfter = close;
    const { text: id } = this.#record.requestId;
    const text = ownAnswerText(answer, id, close, this.#head?.method === 'HEAD', this.#head?.fields ?? []);
    this.#socket.write(text, 'latin1');
    this.#requestOver(this.#connection.now());
  }

  #requestOver(nowMs: number): void {
    this.#record?.finished(nowMs);
    this.#record = undefined;
    this.#head = undefined;
    this.#forward = undefined;
    this.#times.activeMs = nowMs;
    if (this.#closeAfter || this.#state === 'body' || this.#connection.draining) {
      this.#finish();
      return;
    }
    this.#state = 'head';
    this.#resumeInput();
    this.#run();
  }

  #finish(): void {
    this.#state = 'linger';
    this.#input.clear();
    const unsent = this.#socket.writableLength > 0;
    if (unsent) this.#times.blockedSinceMs ||= this.#connection.now();
    const onSent = () => {
      this.#times.blockedSinceMs = 0;
    };
    if (unsent || !this.#clientEnded) this.#linger = new Linger(this.#socket, () => this.#connection.now(), onSent);
    if (this.#clientEnded) this.#socket.destroySoon();
    else this.#resumeInput();
  }
}

/** How much a client may send ahead of the answer it waits for. */
const maxPipelinedBytes = 65536;
