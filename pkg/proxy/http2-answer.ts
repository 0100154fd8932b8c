import { errorCode } from '../http2/frame.ts';
import type { ServerStream } from '../http2/stream.ts';
import type { Forward, OwnAnswer } from './admission.ts';
import { backFailureAnswer, renderAnswer } from './answer.ts';
import { composeResponseFields } from './compose.ts';
import type { Connection } from './connection.ts';
import { type BackFailure, bodylessHead, type IncomingResponse, type ResponseSink } from './exchange.ts';
import { answerFields, lowerCased } from './http2-headers.ts';
import type { Http2Repeats } from './http2-repeats.ts';
import type { RequestRecord } from './record.ts';

/** The request's side of the same stream. */
export interface Http2RequestSide {
  /** The application has switched. */
  readonly isTunnel: boolean;
  touch(): void;
  goOn(): void;
  switched(): void;
  backOver(): void;
  say(answer: OwnAnswer): void;
}

/** What goes back on one HTTP/2 stream: the application's answer, or one of the sidecar's own. */
export class Http2Answer implements ResponseSink {
  readonly #connection: Connection;
  readonly #stream: ServerStream;
  readonly #record: RequestRecord;
  readonly #requestSide: Http2RequestSide;
  readonly #repeats: Http2Repeats;
  #begun = false;
  #ended = false;
  /** Set when the request goes on; no head is taken without. */
  forward: Forward | undefined;
  /** All that will be said has been handed to the stream. */
  over = false;
  overSinceMs = 0;
  /** Since when the client takes no bytes; 0 where it does. */
  blockedSinceMs = 0;

  constructor(
    connection: Connection,
    stream: ServerStream,
    record: RequestRecord,
    requestSide: Http2RequestSide,
    repeats: Http2Repeats,
  ) {
    this.#repeats = repeats;
    this.#connection = connection;
    this.#stream = stream;
    this.#record = record;
    this.#requestSide = requestSide;
  }

  /** Whether a final head has been sent: from then on another answer cannot be given. */
  get begun(): boolean {
    return this.#begun;
  }

  informational(head: IncomingResponse): void {
    if (this.#begun) return;
    this.#stream.informational(answerFields(head.status, composeResponseFields(this.#connection, head, undefined)));
  }

  head(head: IncomingResponse): void {
    const { forward } = this;
    if (forward === undefined || !this.#stream.open) return;
    this.#record.answered(head.status);
    const fields = this.#repeats.answer(this.#connection, forward, head);
    this.#begun = true;
    this.#ended = head.body.kind === 'none';
    this.#stream.respond(fields, this.#ended);
  }

  data(chunk: Buffer, shared: boolean): boolean {
    this.#requestSide.touch();
    this.#record.sent(chunk.length);
    const more = this.#stream.write(chunk, shared);
    if (!more && this.blockedSinceMs === 0) this.blockedSinceMs = this.#connection.now();
    return more;
  }

  end(trailers: readonly string[]): void {
    if (this.#requestSide.isTunnel) {
      this.#stream.end();
      return;
    }
    this.#requestSide.backOver();
    if (this.over) return;
    this.#finish();
    if (!this.#ended) this.#stream.end(trailers.length > 0 ? this.#trailerFields(trailers) : trailers);
    // Answered before the whole request: the rest is not wanted (RFC 9113 8.1).
    this.#stream.refuseRest();
  }

  /** A trailer is a field like any other: no proof of a client certificate gets through. */
  #trailerFields(trailers: readonly string[]): readonly string[] {
    return lowerCased(composeResponseFields(this.#connection, bodylessHead(200, trailers), undefined));
  }

  fail(failure: BackFailure): void {
    this.#requestSide.backOver();
    if (this.over) return;
    this.#record.failed(failure);
    if (this.#begun) this.reset();
    else this.#requestSide.say(backFailureAnswer(failure));
  }

  writable(): void {
    this.#requestSide.goOn();
  }

  flush(): void {}

  /** RFC 8441: the 101 of the application is this stream's 200. */
  switched(head: IncomingResponse): void {
    const { forward } = this;
    if (forward === undefined || !this.#stream.open) return;
    this.#record.answered(200);
    const fields = composeResponseFields(this.#connection, head, forward).filter(
      (_, i, all) => all[i - (i % 2)]?.toLowerCase() !== 'sec-websocket-accept',
    );
    this.#begun = true;
    this.#stream.respond(answerFields(200, fields), false);
    this.#requestSide.switched();
  }

  /** An answer of the sidecar's own, in the form that the request's fields ask for. */
  own(answer: OwnAnswer, requestFields: readonly string[], headOnly: boolean): void {
    if (this.#begun || !this.#stream.open) return;
    this.#begun = true;
    const { contentType, body } = renderAnswer(answer, this.#record.requestId.text, requestFields);
    this.#record.answered(answer.status);
    const stream = this.#stream;
    stream.respond(
      [
        ...[':status', String(answer.status), 'content-type', contentType, 'content-length', String(body.length)],
        ...['x-request-id', this.#record.requestId.text, 'cache-control', 'no-store'],
      ],
      headOnly,
    );
    this.#finish();
    if (!headOnly) {
      stream.write(Buffer.from(body, 'latin1'), false);
      stream.end();
    }
    stream.refuseRest();
  }

  /** What was promised cannot be sent: an END_STREAM would make half an answer look whole. */
  reset(): void {
    this.#stream.reset(errorCode.internalError);
  }

  unblocked(): void {
    this.blockedSinceMs = 0;
  }

  /** The stream is over: in order, or cut off by either side. */
  closed(inOrder: boolean): void {
    if (this.over) return;
    if (inOrder) {
      this.#finish();
      return;
    }
    this.over = true;
    this.#record.aborted();
  }

  #finish(): void {
    this.over = true;
    this.overSinceMs = this.#connection.now();
    this.#record.finished(this.overSinceMs);
  }
}
