import type { DecodedBlock, FieldLimits } from './decoded-block.ts';

/**
 * The field block that came last, kept so that one which repeats it octet for octet need not be decoded again: it means
 * the same as long as the table and the limits are what they were. Whoever changes the table says so by `forget`.
 *
 * Only a block as long as the one before it is kept: who sends blocks that differ pays for no copy.
 */
export class RepeatedBlock {
  #octets: Buffer | undefined;
  #decoded: DecodedBlock | undefined;
  #limits: FieldLimits | undefined;
  #lengthBefore = 0;

  /** What was decoded before, the same object each time, where the octets from `start` to `end` are those kept. */
  find(block: Buffer, start: number, end: number, limits: FieldLimits): DecodedBlock | undefined {
    const octets = this.#octets;
    if (octets === undefined || octets.length !== end - start || this.#limits !== limits) return undefined;
    return block.compare(octets, 0, octets.length, start, end) === 0 ? this.#decoded : undefined;
  }

  /** Takes note of a block that left the table as it was. */
  note(block: Buffer, start: number, end: number, limits: FieldLimits, decoded: DecodedBlock): void {
    const length = end - start;
    const comesAgain = length === this.#lengthBefore && length <= ceiling;
    this.#lengthBefore = length;
    if (!comesAgain) return;
    if (this.#octets?.length !== length) this.#octets = Buffer.allocUnsafeSlow(length);
    block.copy(this.#octets, 0, start, end);
    this.#decoded = decoded;
    this.#limits = limits;
  }

  /** Keeps nothing any more: the same octets may mean something else now. */
  forget(): void {
    this.#octets = undefined;
    this.#decoded = undefined;
  }
}

/** Octets of a block that is kept at most. */
const ceiling = 4096;
