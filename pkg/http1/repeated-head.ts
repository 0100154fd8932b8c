/**
 * The head that a peer sent last, kept so that one which repeats it octet for octet need not be read again. A head ends
 * by what it holds, so octets that begin with a whole head have no other head in front: what reading them would give is
 * what reading gave before, as long as limits and request method are the same.
 *
 * Only a head as long as the one before it is kept: who sends one request, or heads that differ, pays for no copy.
 */
export class RepeatedHead<Head extends { readonly size: number }> {
  #octets: Buffer | undefined;
  #head: Head | undefined;
  #sizeBefore = 0;

  /** The head kept, the same object each time, where `buffer` has exactly its octets from `start` on and before `end`. */
  find(buffer: Buffer, start: number, end: number): Head | undefined {
    const octets = this.#octets;
    if (octets === undefined) return undefined;
    const stop = start + octets.length;
    if (stop > end || buffer.compare(octets, 0, octets.length, start, stop) !== 0) return undefined;
    return this.#head;
  }

  /** Takes note of a head that was read from `start` of `buffer`. */
  note(buffer: Buffer, start: number, head: Head): void {
    const { size } = head;
    const comesAgain = size === this.#sizeBefore && size <= repeatedHeadCeiling;
    this.#sizeBefore = size;
    if (!comesAgain) return;
    if (this.#octets?.length !== size) this.#octets = Buffer.allocUnsafeSlow(size);
    buffer.copy(this.#octets, 0, start, start + size);
    this.#head = head;
  }

  /** Keeps nothing any more: for connections that idle. */
  forget(): void {
    this.#octets = undefined;
    this.#head = undefined;
    this.#sizeBefore = 0;
  }
}

/** Octets of a head that is kept at most. */
export const repeatedHeadCeiling = 4096;
