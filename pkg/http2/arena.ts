/**
 * Memory for frames of all sessions: pieces of a few large buffers, since a buffer of its own for every turn of every
 * connection costs more than all else that is done to a frame. A piece is used by one writer; what was given away is never
 * written again, and an idle session holds none.
 */
export class Arena {
  /** The buffer that pieces are cut from. */
  bytes: Buffer = Buffer.allocUnsafeSlow(slabBytes);
  /** The first octet that is no one's. */
  #free = 0;

  /** A piece of at least `bytes` octets. @returns where it begins in `this.bytes`. */
  cut(bytes: number): number {
    if (this.#free + bytes > this.bytes.length) this.#renew(bytes);
    const start = this.#free;
    this.#free = start + bytes;
    return start;
  }

  /** Makes the piece of `buffer` that ends at `end` longer where it lies. @returns false where that cannot be. */
  extend(buffer: Buffer, end: number, bytes: number): boolean {
    if (buffer !== this.bytes || this.#free !== end || end + bytes > buffer.length) return false;
    this.#free = end + bytes;
    return true;
  }

  /** Gives back what lies behind `from` of the piece of `buffer` that ends at `end`, where no other was cut since. */
  trim(buffer: Buffer, from: number, end: number): void {
    if (buffer === this.bytes && this.#free === end) this.#free = from;
  }

  /** Gives back `piece`, a view of a piece that was trimmed to its end: nobody reads it any more. */
  reuse(piece: Buffer): void {
    if (piece.buffer !== this.bytes.buffer) return;
    const from = piece.byteOffset - this.bytes.byteOffset;
    if (this.#free === from + piece.length) this.#free = from;
  }

  #renew(bytes: number): void {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    this.#free = 0;
  }
}

/** Two bursts: a large body's frames of one turn fit in. */
const slabBytes = 131_072;
