import { valueOctet } from './chars.ts';

/**
 * Octets of a head or trailer section that comes in pieces, kept until its empty line. Every octet is looked at once
 * and copied a constant number of times, so that a sender who drips single octets costs no more than any other.
 */
export class HeldSection {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  /** How much of CR LF CR LF the last octets are. */
  #matched = 0;
  #settled = false;
  readonly #ceiling: number;

  /** At most `ceiling` octets are kept; `prefix` is put in front, as the line end before a trailer section. */
  constructor(ceiling: number, prefix = '') {
    this.#ceiling = ceiling + prefix.length;
    if (prefix !== '') this.take(Buffer.from(prefix, 'latin1'), 0, prefix.length);
  }

  /** Whether reading makes sense now: the empty line is there, or an octet that no head may have, or the ceiling is reached. */
  get settled(): boolean {
    return this.#settled;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes octets up to the empty line. @returns how many were taken. */
  take(buffer: Buffer, start: number, end: number): number {
    const room = this.#ceiling - this.#length;
    const stop = end - start > room ? start + room : end;
    let at = start;
    let matched = this.#matched;
    while (at < stop && !this.#settled) {
      const octet = buffer[at++] ?? 0;
      if (octet === (matched & 1 ? LF : CR)) {
        if (++matched === 4) this.#settled = true;
      } else if (matched & 1 || valueOctet[octet] !== 1) {
        this.#settled = true;
      } else {
        matched = 0;
      }
    }
    this.#matched = matched;
    this.#reserve(at - start);
    buffer.copy(this.#bytes, this.#length, start, at);
    this.#length += at - start;
    if (this.#length === this.#ceiling) this.#settled = true;
    return at - start;
  }

  /** Doubles, so that all copying together is linear. */
  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const size = Math.min(this.#ceiling, Math.max(needed, 2 * this.#bytes.length, smallestBuffer));
    const grown = Buffer.alloc(size);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

const smallestBuffer = 512;
const LF = 0x0a;
const CR = 0x0d;
