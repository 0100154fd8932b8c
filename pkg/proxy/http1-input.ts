import { bodyReader } from '../http1/body.ts';
import type { BodyReader } from '../http1/body-reader.ts';
import type { Framing, HeadLimits, RequestHead } from '../http1/head.ts';
import { RequestHeadReader } from '../http1/head-reader.ts';

/** What a client has sent and nobody has used yet: read as a head, as a body, or taken as it is. */
export class Http1Input {
  readonly #reader: RequestHeadReader;
  /** What waits lies from `#at` to `#end`. */
  #bytes: Buffer = noBytes;
  #at = 0;
  #end = 0;
  #isOwn = false;
  #body: BodyReader | undefined;

  constructor(limits: HeadLimits) {
    this.#reader = new RequestHeadReader(limits);
  }

  /** Bytes that wait to be used. */
  get waiting(): number {
    return this.#end - this.#at;
  }

  /** Takes a chunk, which must stay as it is until all of it is used, or `keep` is called. */
  push(chunk: Buffer): void {
    if (this.waiting === 0) {
      this.#bytes = chunk;
      this.#at = 0;
      this.#end = chunk.length;
      this.#isOwn = false;
      return;
    }
    this.#own(chunk.length);
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  /** Copies what waits: the chunk that was pushed will change. */
  keep(): void {
    if (this.waiting > 0 && !this.#isOwn) this.#own(0);
  }

  /** Puts what waits into memory of its own with so much room behind it; doubled, so that all copying together is linear. */
  #own(room: number): void {
    const needed = this.waiting + room;
    if (this.#isOwn && this.#end + room <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(room === 0 ? needed : 2 * needed);
    this.#bytes.copy(grown, 0, this.#at, this.#end);
    this.#end = this.waiting;
    this.#at = 0;
    this.#bytes = grown;
    this.#isOwn = true;
  }

  /** The next head; undefined where it is not whole yet. @throws HttpMalformed. */
  readHead(): RequestHead | undefined {
    if (this.waiting === 0) return undefined;
    const head = this.#reader.push(this.#bytes, this.#at, this.#end);
    this.#used(this.#reader.consumed);
    return head;
  }

  /** What follows is a body of this framing. @returns whether it is whole already, since it has no bytes. */
  beginBody(framing: Framing): boolean {
    if (framing.kind === 'none') {
      this.#body = undefined;
      return true;
    }
    const body = bodyReader(framing);
    this.#body = body.done ? undefined : body;
    return body.done;
  }

  /** Hands over what there is of the body. @returns whether it is whole. @throws HttpMalformed, and what `onData` throws. */
  readBody(onData: (chunk: Buffer) => void): boolean {
    const { done } = this.#readBody(onData);
    if (done) this.#body = undefined;
    return done;
  }

  #readBody(onData: (chunk: Buffer) => void): { readonly done: boolean } {
    const body = this.#body;
    if (body === undefined || this.waiting === 0) return { done: body === undefined };
    this.#used(
      body.push(this.#bytes, this.#at, this.#end, (buffer, from, to) =>
        onData(to - from === buffer.length ? buffer : buffer.subarray(from, to)),
      ),
    );
    return body;
  }

  /** Everything that waits, as it is; as long as the chunk that was pushed. */
  takeRest(): Buffer | undefined {
    const rest = this.waiting > 0 ? this.#bytes.subarray(this.#at, this.#end) : undefined;
    this.clear();
    return rest;
  }

  clear(): void {
    this.#bytes = noBytes;
    this.#at = 0;
    this.#end = 0;
  }

  /** Lets go of what is only kept to be quick. */
  forget(): void {
    this.#reader.forget();
  }

  #used(count: number): void {
    this.#at += count;
    if (this.waiting === 0) this.clear();
  }
}

const noBytes: Buffer = Buffer.alloc(0);
