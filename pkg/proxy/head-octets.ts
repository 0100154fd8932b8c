/** Latin-1 text of a head that may be written more than once: octets from the second time on, which are only copied. */
export class HeadOctets {
  readonly text: string;
  #octets: Buffer | undefined;
  #wasWritten = false;

  constructor(text: string) {
    this.text = text;
  }

  /** Octets. */
  get length(): number {
    return this.text.length;
  }

  /** Puts it at the start of `target`, which has room for it. */
  writeTo(target: Buffer): void {
    if (this.#octets !== undefined) {
      this.#octets.copy(target);
      return;
    }
    target.write(this.text, 0, 'latin1');
    if (this.#wasWritten) {
      this.#octets = Buffer.allocUnsafeSlow(this.text.length);
      target.copy(this.#octets, 0, 0, this.text.length);
    }
    this.#wasWritten = true;
  }
}
