import { type HeadLimits, HttpMalformed, type RequestHead, type ResponseHead } from './head.ts';
import { HeldSection } from './held.ts';
import { RepeatedHead } from './repeated-head.ts';
import { RepeatedRequest } from './repeated-request.ts';
import { headBytesOf, parseRequestHead } from './request.ts';
import { parseResponseHead } from './response.ts';

/**
 * Reads request heads that may come in pieces, in time linear in their octets. A head that arrives whole is read in
 * place; parts are kept here until the rest is there. Where a head repeats an earlier one octet for octet, the same
 * object may be returned again; where it differs in its target alone, one with the same list of fields.
 */
export class RequestHeadReader {
  /** Octets of the last pushed buffer that belong to the head; the rest is body or the next request. */
  consumed = 0;
  #held: HeldSection | undefined;
  readonly #repeated: RepeatedRequest;
  readonly #limits: HeadLimits;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    this.#repeated = new RepeatedRequest(limits);
  }

  /** Forgets the heads before, not what has come of the next one. */
  forget(): void {
    this.#repeated.forget();
  }

  /** Whether part of a head is kept: the peer has begun a request and not finished its head. */
  get pending(): boolean {
    return this.#held !== undefined;
  }

  /** @returns undefined where the head is not whole yet. @throws HttpMalformed; no push may follow one. */
  push(buffer: Buffer, start: number, end: number): RequestHead | undefined {
    if (this.#held === undefined) {
      const like = this.#repeated.find(buffer, start, end);
      if (like !== undefined) {
        this.consumed = like.size;
        return like;
      }
      const head = parseRequestHead(buffer, start, end, this.#limits);
      this.consumed = head === undefined ? end - start : head.size;
      if (head !== undefined) this.#repeated.note(buffer, start, head);
      if (head === undefined && end > start) this.#held = held(this.#limits, buffer, start, end);
      return head;
    }
    this.consumed = this.#held.take(buffer, start, end);
    if (!this.#held.settled) return undefined;
    const head = parseRequestHead(this.#held.bytes, 0, this.#held.length, this.#limits);
    if (head === undefined) throw new HttpMalformed(400, 'octet that no request head may have');
    this.#held = undefined;
    return head;
  }
}

/** The same for response heads. Errors have status 502. */
export class ResponseHeadReader {
  /** Octets of the last pushed buffer that belong to the head. */
  consumed = 0;
  #held: HeldSection | undefined;
  readonly #repeated = new RepeatedHead<ResponseHead>();
  #repeatedMethod = '';
  readonly #limits: HeadLimits;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** Forgets the heads before, not what has come of the next one. */
  forget(): void {
    this.#repeated.forget();
  }

  /** Whether part of a head is kept. */
  get pending(): boolean {
    return this.#held !== undefined;
  }

  /** As RequestHeadReader's; `requestMethod` is what the response answers. */
  push(buffer: Buffer, start: number, end: number, requestMethod: string): ResponseHead | undefined {
    if (this.#held === undefined) {
      // Whether there is a body hangs on the method, where it is one of these.
      const method = requestMethod === 'HEAD' || requestMethod === 'CONNECT' ? requestMethod : '';
      if (method !== this.#repeatedMethod) {
        this.#repeated.forget();
        this.#repeatedMethod = method;
      }
      const same = this.#repeated.find(buffer, start, end);
      if (same !== undefined) {
        this.consumed = same.size;
        return same;
      }
      const head = parseResponseHead(buffer, start, end, this.#limits, requestMethod);
      this.consumed = head === undefined ? end - start : head.size;
      if (head !== undefined) this.#repeated.note(buffer, start, head);
      if (head === undefined && end > start) this.#held = held(this.#limits, buffer, start, end);
      return head;
    }
    this.consumed = this.#held.take(buffer, start, end);
    if (!this.#held.settled) return undefined;
    const head = parseResponseHead(this.#held.bytes, 0, this.#held.length, this.#limits, requestMethod);
    if (head === undefined) throw new HttpMalformed(502, 'octet that no response head may have');
    this.#held = undefined;
    return head;
  }
}

/** One octet more than the limit is kept: the parser then sees that the limit is passed, and says where. */
function held(limits: HeadLimits, buffer: Buffer, start: number, end: number): HeldSection {
  const section = new HeldSection(headBytesOf(limits) + 1);
  section.take(buffer, start, end);
  return section;
}
