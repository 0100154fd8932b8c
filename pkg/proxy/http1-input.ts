import { bodyReader } from '../http1/body.ts';
import type { BodyReader } from '../http1/body-reader.ts';
import type { Framing, HeadLimits, RequestHead } from '../http1/head.ts';
import { RequestHeadReader } from '../http1/head-reader.ts';

/** What a client has sent and nobody has used yet: read as a head, as a body, or taken as it is. */
export class Http1Input {
  readonly #reader: RequestHeadReader;
  #bytes: Buffer | undefined;
  #at = 0;
  #body: BodyReader | undefined;

  constructor(limits: HeadLimits) {
    this.#reader = new RequestHeadReader(limits);
  }

  /** Bytes that wait to be used. */
  get waiting(): number {
    return this.#bytes === undefined ? 0 : this.#bytes.length - this.#at;
  }

  push(chunk: Buffer): void {
    if (this.#bytes !== undefined && this.waiting > 0) {
      this.#bytes = Buffer.concat([this.#at === 0 ? this.#bytes : this.#bytes.subarray(this.#at), chunk]);
    } else {
      this.#bytes = chunk;
    }
    this.#at = 0;
  }

  /** The next head; undefined where it is not whole yet. @throws HttpMalformed. */
  readHead(): RequestHead | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    const head = this.#reader.push(bytes, this.#at, bytes.length);
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
    const bytes = this.#bytes;
    if (body === undefined || bytes === undefined) return { done: body === undefined };
    this.#used(
      body.push(bytes, this.#at, bytes.length, (buffer, from, to) =>
        onData(to - from === buffer.length ? buffer : buffer.subarray(from, to)),
      ),
    );
    return body;
  }

  /** Everything that waits, as it is. */
  takeRest(): Buffer | undefined {
    const rest = this.waiting > 0 ? this.#bytes?.subarray(this.#at) : undefined;
    this.clear();
    return rest;
  }

  clear(): void {
    this.#bytes = undefined;
    this.#at = 0;
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
