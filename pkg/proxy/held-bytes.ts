/**
 * Bytes that wait, copied together: whoever sends them one by one must not cost an object for each. Memory is at most twice
 * the bytes, and a few hundred.
 */
export class HeldBytes {
  #whole: Buffer[] = [];
  /** The piece that is being filled, up to `#filled`. */
  #piece: Buffer = noBytes;
  #filled = 0;
  /** All that is held. */
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Copies `chunk`, which is needed during the call only. */
  push(chunk: Buffer): void {
    const copied = chunk.copy(this.#piece, this.#filled);
    this.#filled += copied;
    this.#length += chunk.length;
    if (copied === chunk.length) return;
    if (this.#filled > 0) this.#whole.push(this.#piece);
    this.#piece = Buffer.allocUnsafe(Math.max(chunk.length - copied, this.#length, smallestPiece));
    this.#filled = chunk.copy(this.#piece, 0, copied);
  }

  /** What was held, in order and in few pieces; the caller's from now on. */
  take(): readonly Buffer[] {
    const taken = this.#whole;
    if (this.#filled > 0) taken.push(this.#piece.subarray(0, this.#filled));
    this.clear();
    return taken;
  }

  clear(): void {
    this.#whole = [];
    this.#piece = noBytes;
    this.#filled = 0;
    this.#length = 0;
  }
}

const smallestPiece = 256;
const noBytes: Buffer = Buffer.alloc(0);
