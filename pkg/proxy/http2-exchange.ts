import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Admission, Forward, OwnAnswer } from './admission.ts';
import {
  backFailureAnswer,
  badRequestAnswer,
  overflowAnswer,
  renderAnswer,
  timeoutAnswer,
  unreadAnswer,
} from './answer.ts';
import { composeRequest, composeResponseFields } from './compose.ts';
import type { Connection } from './connection.ts';
import { type BackFailure, bodylessHead, type Exchange, type IncomingResponse, type ResponseSink } from './exchange.ts';
import { addHeaders } from './http2-headers.ts';
import { type Http2Request, headOverLimit, readHttp2Request } from './http2-request.ts';
import { RequestRecord } from './record.ts';

/** One HTTP/2 stream: its request to a back, the answer to the stream. */
export class Http2Exchange implements ResponseSink {
  readonly #connection: Connection;
  readonly #stream: ServerHttp2Stream;
  readonly #raw: readonly string[];
  readonly #closeSession: () => void;
  readonly #record: RequestRecord;
  readonly #beganMs: number;
  #request: Http2Request | undefined;
  #forward: Forward | undefined;
  #exchange: Exchange | undefined;
  #received = 0;
  #requestWhole = false;
  #answered = false;
  #withTrailers = false;
  #over = false;
  #overSinceMs = 0;
  #tunnel = false;
  #activeMs: number;
  #blockedSinceMs = 0;
  #trailers: readonly string[] = [];

  constructor(connection: Connection, stream: ServerHttp2Stream, raw: readonly string[], closeSession: () => void) {
    this.#connection = connection;
    this.#stream = stream;
    this.#raw = raw;
    this.#closeSession = closeSession;
    this.#beganMs = connection.now();
    this.#activeMs = this.#beganMs;
    const at = (name: string) => {
      for (let i = 0; i < raw.length; i += 2) if (raw[i] === name) return raw[i + 1] ?? '';
      return '';
    };
    this.#record = new RequestRecord(connection, at(':method'), at(':path').split('?', 1)[0] ?? '', 'HTTP/2.0');
  }

  start(): void {
    const stream = this.#stream;
    stream.on('close', () => this.#onClose());
    stream.on('drain', () => {
      this.#blockedSinceMs = 0;
      this.#exchange?.resume();
    });
    const tooLarge = headOverLimit(this.#raw, this.#connection.profile.policy.backend.limits);
    if (tooLarge !== undefined) {
      this.#connection.countMalformed(431);
      this.#answer({ status: 431, message: tooLarge, close: false });
      return;
    }
    const read = readHttp2Request(this.#raw, stream.endAfterHeaders);
    if (typeof read === 'string') {
      this.#connection.countMalformed(400);
      this.#answer(badRequestAnswer(read));
      return;
    }
    this.#request = read;
    const admission = this.#connection.admit({
      method: read.method,
      path: read.path,
      query: read.query,
      authority: read.authority,
      httpVersion: 'HTTP/2.0',
      fields: read.fields,
      connectionTokens: [],
    });
    if (!(admission instanceof Promise)) {
      this.#onAdmission(read, admission);
      return;
    }
    admission
      .then((late) => {
        if (!this.#over && !stream.destroyed) this.#onAdmission(read, late);
      })
      .catch((error: unknown) => this.#connection.fault(error));
  }

  sweep(nowMs: number): void {
    const { timeouts } = this.#connection.profile.policy.backend;
    if (this.#over) {
      // Its last bytes wait for a window that the client does not open: without end it would keep the connection.
      if (timeouts.idleMs > 0 && nowMs - this.#overSinceMs > timeouts.idleMs) {
        this.#connection.countClosed('client-not-reading');
        this.#reset();
      }
      return;
    }
    if (this.#blockedSinceMs > 0 && timeouts.idleMs > 0 && nowMs - this.#blockedSinceMs > timeouts.idleMs) {
      this.#connection.countClosed('client-not-reading');
      this.#reset();
    } else if (!this.#requestWhole && timeouts.idleMs > 0 && nowMs - this.#activeMs > timeouts.idleMs) {
      this.#giveUp(this.#stream.isPaused() ? unreadAnswer : timeoutAnswer('request body'));
    } else if (!this.#tunnel && timeouts.requestMs > 0 && nowMs - this.#beganMs > timeouts.requestMs) {
      this.#giveUp(timeoutAnswer('whole request'));
    }
  }

  #onAdmission(request: Http2Request, admission: Admission): void {
    this.#record.judged(admission);
    if (admission.kind === 'answer') {
      this.#answer(admission.answer);
      if (admission.refused !== undefined) this.#closeSession();
      return;
    }
    const limit = this.#connection.profile.policy.backend.limits.requestBodyBytes;
    if (limit > 0 && request.framing.kind === 'length' && request.framing.length > limit) {
      this.#answer(overflowAnswer(`request body of ${request.framing.length} bytes, limit ${limit}`));
      return;
    }
    this.#forward = admission;
    this.#requestWhole = request.framing.kind === 'none' && !request.webSocket;
    this.#record.handedOver();
    this.#exchange = this.#connection
      .back()
      .begin(composeRequest(this.#connection, request, admission, this.#record.requestId), this);
    if (this.#requestWhole) return;
    if (request.expectContinue) this.#stream.additionalHeaders({ ':status': 100 });
    // A tunnel's bytes wait for the application's 101.
    if (!request.webSocket) this.#readBody(request, limit);
  }

  #readBody(request: Http2Request, limit: number): void {
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => {
      // Answered already: the rest goes nowhere.
      if (this.#over) return;
      this.#activeMs = this.#connection.now();
      this.#received += chunk.length;
      if (limit > 0 && this.#received > limit) {
        this.#giveUp(overflowAnswer(`request body above its limit of ${limit} bytes`));
        return;
      }
      if (this.#exchange?.write(chunk) === false) stream.pause();
    });
    // A turn later: only then does the stream's state say whether END_STREAM or a reset ended it.
    stream.on('end', () => setImmediate(() => this.#onEnd(request)));
    stream.on('aborted', () => this.#abort());
  }

  /** 'end' also comes when a stream is reset or its connection dies: only END_STREAM makes a request whole. */
  #onEnd(request: Http2Request): void {
    const stream = this.#stream;
    if (this.#requestWhole || this.#over) return;
    const ended =
      !stream.aborted &&
      !stream.destroyed &&
      stream.rstCode === constants.NGHTTP2_NO_ERROR &&
      stream.state.state === halfClosedRemote;
    if (!ended || (request.framing.kind === 'length' && request.framing.length !== this.#received)) {
      this.#abort();
      return;
    }
    this.#requestWhole = true;
    this.#exchange?.end();
  }

  #abort(): void {
    this.#exchange?.abort();
    this.#exchange = undefined;
  }

  #giveUp(answer: OwnAnswer): void {
    this.#abort();
    if (this.#answered) this.#reset();
    else this.#answer(answer);
  }

  #onClose(): void {
    this.#abort();
    if (this.#over) return;
    this.#over = true;
    this.#record.aborted();
  }

  // --- the application's answer

  informational(head: IncomingResponse): void {
    if (this.#stream.destroyed || this.#answered) return;
    const headers = toHeaders(head.status, composeResponseFields(this.#connection, head, undefined));
    try {
      this.#stream.additionalHeaders(headers);
    } catch (error) {
      // A hint that cannot be passed on is left out; the answer still comes.
      this.#doesNotFit('hint', error);
    }
  }

  head(head: IncomingResponse): void {
    const forward = this.#forward;
    if (forward === undefined || this.#stream.destroyed) return;
    this.#record.answered(head.status);
    const headers = toHeaders(head.status, composeResponseFields(this.#connection, head, forward));
    if (head.body.kind === 'length') headers['content-length'] = String(head.body.length);
    else if (head.declaredLength !== undefined) headers['content-length'] = head.declaredLength;
    const endStream = head.body.kind === 'none';
    this.#answered = true;
    try {
      this.#stream.respond(headers, { endStream, waitForTrailers: head.body.kind === 'stream' });
    } catch (error) {
      this.#doesNotFit('answer', error);
      this.#reset();
      return;
    }
    if (head.body.kind === 'stream') {
      this.#withTrailers = true;
      this.#stream.once('wantTrailers', () => {
        try {
          // Without any, END_STREAM goes out on an empty DATA frame; a close would be a reset.
          this.#stream.sendTrailers(toHeaders(undefined, this.#trailers));
        } catch (error) {
          this.#doesNotFit('trailers', error);
          this.#reset();
          return;
        }
        this.#leaveRest();
      });
    }
  }

  data(chunk: Buffer, shared: boolean): boolean {
    if (this.#stream.destroyed) return true;
    // Bytes either way keep a tunnel, or a stream that both sides hold open, from being idle.
    if (!this.#requestWhole) this.#activeMs = this.#connection.now();
    this.#record.sent(chunk.length);
    const more = this.#stream.write(shared ? Buffer.from(chunk) : chunk);
    if (!more && this.#blockedSinceMs === 0) this.#blockedSinceMs = this.#connection.now();
    return more;
  }

  end(trailers: readonly string[]): void {
    if (this.#tunnel) {
      this.#stream.end();
      return;
    }
    this.#exchange = undefined;
    // A trailer is a field like any other: no proof of a client certificate gets through.
    this.#trailers = composeResponseFields(this.#connection, bodylessHead(200, trailers), undefined);
    this.#finish();
    if (!this.#stream.destroyed && !this.#stream.writableEnded) this.#stream.end();
    if (!this.#withTrailers) this.#stream.once('finish', () => this.#leaveRest());
  }

  fail(failure: BackFailure): void {
    this.#exchange = undefined;
    this.#record.failed(failure);
    if (this.#answered) this.#reset();
    else this.#answer(backFailureAnswer(failure));
  }

  writable(): void {
    this.#activeMs = this.#connection.now();
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  flush(): void {}

  /** RFC 8441: the 101 of the application is this stream's 200. */
  switched(head: IncomingResponse): void {
    const forward = this.#forward;
    if (forward === undefined || this.#stream.destroyed) return;
    this.#record.answered(200);
    this.#answered = true;
    this.#tunnel = true;
    this.#connection.becameTunnel();
    const fields = composeResponseFields(this.#connection, head, forward).filter(
      (_, i, all) => all[i - (i % 2)]?.toLowerCase() !== 'sec-websocket-accept',
    );
    this.#stream.respond(toHeaders(200, fields));
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => {
      this.#activeMs = this.#connection.now();
      if (this.#exchange?.write(chunk) === false) stream.pause();
    });
    stream.on('end', () => this.#exchange?.end());
  }

  // --- answers of our own

  #answer(answer: OwnAnswer): void {
    if (this.#stream.destroyed || this.#answered) return;
    this.#answered = true;
    const { contentType, body } = renderAnswer(answer, this.#record.requestId, this.#request?.fields ?? this.#raw);
    this.#record.answered(answer.status);
    this.#stream.respond({
      ':status': answer.status,
      'content-type': contentType,
      'content-length': String(body.length),
      'x-request-id': this.#record.requestId,
      'cache-control': 'no-store',
    });
    this.#finish();
    this.#stream.end(this.#request?.method === 'HEAD' ? undefined : body);
    this.#stream.once('finish', () => this.#leaveRest());
  }

  /** Node refuses, among others, two lines of a field that may stand once. */
  #doesNotFit(part: 'answer' | 'hint' | 'trailers', error: unknown): void {
    this.#connection.gate.log.warn(`the application's ${part} does not fit HTTP/2`, {
      profile: this.#connection.profile.id,
      error: String(error),
    });
  }

  /** A close would end the writable side first: END_STREAM, and half an answer would look whole. */
  #reset(): void {
    this.#stream.destroy(new Error('reset'));
  }

  /** Answered before the whole request: the rest is not wanted (RFC 9113 8.1). A turn later, behind END_STREAM. */
  #leaveRest(): void {
    if (!this.#requestWhole) setImmediate(() => this.#stream.close(constants.NGHTTP2_NO_ERROR));
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#overSinceMs = this.#connection.now();
    this.#record.finished();
  }
}

function toHeaders(status: number | undefined, fields: readonly string[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = Object.create(null);
  if (status !== undefined) headers[':status'] = status;
  addHeaders(headers, fields);
  return headers;
}

/** NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE: END_STREAM has come. */
const halfClosedRemote = constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE;
