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

  /** Puts it into `target` from `at` on, where there is room for it. */
  writeTo(target: Buffer, at = 0): void {
    if (this.#octets !== undefined) {
      this.#octets.copy(target, at);
      return;
    }
    target.write(this.text, at, 'latin1');
    if (this.#wasWritten) {
      this.#octets = Buffer.allocUnsafeSlow(this.text.length);
      target.copy(this.#octets, 0, at, at + this.text.length);
    }
    this.#wasWritten = true;
  }
}
