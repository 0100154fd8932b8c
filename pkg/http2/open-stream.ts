import { defaultWindow } from './frame.ts';
import type { ReceiveWindows, ReceivingStream } from './receive-windows.ts';
import { noLength } from './request-rules.ts';
import { noChunks, type Sender, type SendingStream } from './sender.ts';
import type { RequestFields, ServerStream, StreamHandler } from './stream.ts';

/** What a stream needs of its session. */
export interface StreamOwner {
  readonly sender: Sender;
  readonly windows: ReceiveWindows;
  /** END_STREAM of both sides, or of ours with the rest refused. */
  settle(stream: OpenStream): void;
  resetByUs(stream: OpenStream, code: number): void;
}

/** A stream from its HEADERS to its end: one object for both directions, since thousands of them come and go a second. */
export class OpenStream implements ServerStream, SendingStream, ReceivingStream {
  readonly id: number;
  readonly head: RequestFields;
  readonly contentLength: number;
  handler: StreamHandler | undefined;
  /** Whether its request was handed to the acceptor. */
  accepted = false;
  open = true;
  /** How it closed, for a handler that did not exist yet. */
  closedCode: number | undefined;

  window = defaultWindow;
  waiting: Buffer[] = noChunks;
  waitingAt = 0;
  waitingBytes = 0;
  queued = false;
  ending = false;
  trailers: readonly string[] = noFields;
  frameAt = 0;
  gathering = 0;
  localEnded = false;
  restRefused = false;

  receiveWindow = 0;
  owed = 0;
  held = 0;
  paused = false;
  remoteEnded: boolean;
  received = 0;

  readonly #owner: StreamOwner;
  #responded = false;

  constructor(id: number, head: RequestFields, contentLength: number, window: number, owner: StreamOwner) {
    this.id = id;
    this.head = head;
    this.contentLength = contentLength;
    this.window = window;
    this.receiveWindow = owner.windows.streamWindow;
    this.remoteEnded = head.endStream;
    this.#owner = owner;
  }

  /** Whether the body has the length that was said. */
  get lengthAgrees(): boolean {
    return this.contentLength === noLength || this.contentLength === this.received;
  }

  informational(fields: readonly string[]): void {
    if (!this.open) return;
    if (this.#responded) throw new Error('an informational answer behind the answer');
    const { sender } = this.#owner;
    sender.frames.headers(this.id, fields, false, this);
    sender.touch();
  }

  respond(fields: readonly string[], endStream: boolean): void {
    if (!this.open) return;
    if (this.#responded) throw new Error('a second answer');
    const { sender } = this.#owner;
    sender.frames.headers(this.id, fields, endStream, this);
    sender.touch();
    this.#responded = true;
    if (!endStream) return;
    this.ending = true;
    this.sentEnd();
  }

  write(chunk: Buffer, shared: boolean): boolean {
    if (!this.open) return true;
    if (!this.#responded || this.ending) throw new Error('body octets before or behind the answer');
    return this.#owner.sender.write(this, chunk, shared);
  }

  end(trailers: readonly string[] = noFields): void {
    if (!this.open) return;
    if (!this.#responded || this.ending) throw new Error('the end before the answer, or twice');
    // Said now, not when what waits has been sent and nobody can hear it.
    for (const text of trailers)
      if (beyondLatin1.test(text)) throw new TypeError('a character above U+00FF in trailers');
    this.trailers = trailers;
    this.#owner.sender.finish(this);
  }

  refuseRest(): void {
    if (!this.open || this.remoteEnded) return;
    this.restRefused = true;
    if (this.localEnded) this.#owner.settle(this);
  }

  reset(code: number): void {
    if (this.open) this.#owner.resetByUs(this, code);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.open) this.#owner.windows.resumed(this);
  }

  emptied(): void {
    this.handler?.writable();
  }

  sentEnd(): void {
    this.localEnded = true;
    if (this.remoteEnded || this.restRefused) this.#owner.settle(this);
  }
}

const noFields: readonly string[] = [];
const beyondLatin1 = /[^\0-\xff]/;
