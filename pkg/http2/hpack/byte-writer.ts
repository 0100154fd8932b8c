/**
 * A buffer that grows, to be used again and again: who writes appends at `length`, who sends copies or sends what is there
 * and sets `length` back. Growing keeps what was written and makes `bytes` another buffer.
 */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  /** `initialBytes` of room from the start. */
  constructor(initialBytes = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Room for `more` octets behind `length`. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
