import { fieldOverhead, type TableField } from './static-table.ts';

/**
 * The dynamic table (RFC 7541 2.3.2): a ring bounded by octets. It holds strings of its own, so that a field of many
 * references costs what its references cost.
 */
export class DynamicTable {
  #ring: (TableField | undefined)[] = new Array<TableField | undefined>(smallestRing).fill(undefined);
  /** Fields ever inserted; the newest is in slot `inserted - 1`. */
  #inserted = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes: number;
  /** Insertions and new sizes: as long as it stays the same, every index means the same field. */
  changes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The size that the peer chose, in octets. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Octets in use (RFC 7541 4.1). */
  get bytes(): number {
    return this.#bytes;
  }

  /** The field of `position`, 1 being the newest; undefined where there is none. */
  at(position: number): TableField | undefined {
    if (position > this.#count) return undefined;
    return this.#ring[(this.#inserted - position) & (this.#ring.length - 1)];
  }

  /** Inserts; the oldest make room. A field that has no room at all empties the table (RFC 7541 4.4). */
  insert(field: TableField): void {
    this.changes++;
    this.#evictTo(this.#maxBytes - field.size);
    if (field.size > this.#maxBytes) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[this.#inserted++ & (this.#ring.length - 1)] = field;
    this.#count++;
    this.#bytes += field.size;
  }

  /** Another size; what has no room is evicted (RFC 7541 4.3). */
  resize(maxBytes: number): void {
    this.changes++;
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const slot = (this.#inserted - this.#count) & (this.#ring.length - 1);
      this.#bytes -= this.#ring[slot]?.size ?? fieldOverhead;
      this.#ring[slot] = undefined;
      this.#count--;
    }
  }

  /** Twice as large, the oldest first. */
  #grow(): void {
    const larger = new Array<TableField | undefined>(2 * this.#ring.length).fill(undefined);
    for (let i = 0; i < this.#count; i++) larger[i] = this.at(this.#count - i);
    this.#ring = larger;
    this.#inserted = this.#count;
  }
}

const smallestRing = 16;
