import type { DecodedBlock, FieldLimits } from './decoded-block.ts';
import { DynamicTable } from './dynamic-table.ts';
import { HpackError } from './error.ts';
import { huffmanDecode } from './huffman.ts';
import { RepeatedBlock } from './repeated-block.ts';
import { staticCount, staticFields, type TableField, tableField } from './static-table.ts';

export interface DecoderOptions {
  /** The size of the table, in octets, that the peer may use from the start: 4096 on a connection (RFC 9113 6.5.2). */
  readonly maxTableBytes: number;
  /** Whether the characters of a field are allowed. Asked once for a field that comes as text; the table remembers. */
  readonly accepts?: (name: string, value: string) => boolean;
}

/**
 * Reads the field blocks of one direction of one connection, in order (RFC 7541). Octets are decoded, nothing more: what a
 * name or a value may be is for `accepts`, what a request may be for the caller.
 *
 * Memory: the table's octets, and the limits of the list that is read. A field that is refused a place in the list is
 * decoded for its errors, not kept.
 */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #repeated = new RepeatedBlock();
  readonly #accepts: (name: string, value: string) => boolean;
  #maxTableBytes: number;
  /** A size that the next block must go down to first, where ours was lowered (RFC 7541 4.2). */
  #sizeDue = noSizeDue;
  #at = 0;

  constructor({ maxTableBytes, accepts = acceptAll }: DecoderOptions) {
    this.#table = new DynamicTable(maxTableBytes);
    this.#maxTableBytes = maxTableBytes;
    this.#accepts = accepts;
  }

  /** Octets in the dynamic table, by the count of RFC 7541 4.1. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** Another maximum, in octets, from the moment at which the peer has acknowledged our SETTINGS_HEADER_TABLE_SIZE. */
  setMaxTableBytes(maxTableBytes: number): void {
    this.#maxTableBytes = maxTableBytes;
    this.#repeated.forget();
    if (maxTableBytes < this.#table.maxBytes) this.#sizeDue = Math.min(this.#sizeDue, maxTableBytes);
  }

  /**
   * Reads the whole block that lies in `block` from `start` to `end`: the same object for one that repeats the one before.
   * @throws HpackError; the decoder must not be used again.
   */
  decode(block: Buffer, limits: FieldLimits, start = 0, end = block.length): DecodedBlock {
    const repeated = this.#repeated.find(block, start, end, limits);
    if (repeated !== undefined) return repeated;
    const { maxListBytes, maxFields } = limits;
    const tableBefore = this.#table.changes;
    this.#at = start;
    this.#readSizes(block, end);
    const fields: string[] = [];
    let bytes = 0;
    let overLimit = false;
    let accepted = true;
    let neverIndexed: string[] | undefined;
    while (this.#at < end) {
      const first = block[this.#at++] ?? 0;
      let field: TableField | undefined;
      if (first >= 0x80) {
        field = this.#field(this.#integer(block, end, first, 0x7f));
      } else if (first >= 0x40) {
        field = this.#literal(block, end, this.#integer(block, end, first, 0x3f));
        this.#table.insert(field);
      } else if (first >= 0x20) {
        throw new HpackError('table size update behind a field');
      } else {
        field = this.#literal(block, end, this.#integer(block, end, first, 0x0f));
      }
      bytes += field.size;
      if (bytes > maxListBytes || fields.length >= 2 * maxFields) overLimit = true;
      if (overLimit) continue;
      if (!field.accepted) accepted = false;
      if (first >= 0x10 && first < 0x20) (neverIndexed ??= []).push(field.name);
      fields.push(field.name, field.value);
    }
    const decoded = { fields, overLimit, accepted, neverIndexed: neverIndexed ?? noNames };
    if (this.#table.changes !== tableBefore) this.#repeated.forget();
    else if (!overLimit) this.#repeated.note(block, start, end, limits, decoded);
    return decoded;
  }

  /** Keeps nothing that is only kept to be quick: for connections that idle. */
  forget(): void {
    this.#repeated.forget();
  }

  /** Table size updates (RFC 7541 4.2, 6.3): two at most, since between two blocks only the lowest and the last count. */
  #readSizes(block: Buffer, end: number): void {
    let updates = 0;
    for (; this.#at < end; updates++) {
      const first = block[this.#at] ?? 0;
      if ((first & 0xe0) !== 0x20) break;
      if (updates === 2) throw new HpackError('more than two table size updates');
      this.#at++;
      const size = this.#integer(block, end, first, 0x1f);
      const max = Math.min(this.#maxTableBytes, this.#sizeDue);
      if (size > max) throw new HpackError(`table size update to ${size} octets, maximum ${max}`);
      this.#sizeDue = noSizeDue;
      this.#table.resize(size);
    }
    if (this.#sizeDue !== noSizeDue) {
      throw new HpackError(`no table size update to ${this.#sizeDue} octets at the start of the block`);
    }
  }

  #field(index: number): TableField {
    const field = index <= staticCount ? staticFields[index] : this.#table.at(index - staticCount);
    if (field === undefined || index === 0) throw new HpackError(`index ${index}, and no such field in the tables`);
    return field;
  }

  /** A field of a name by index (0: by text) and a value by text. */
  #literal(block: Buffer, end: number, nameIndex: number): TableField {
    const name = nameIndex === 0 ? this.#text(block, end) : this.#field(nameIndex).name;
    const value = this.#text(block, end);
    return tableField(name, value, this.#accepts(name, value));
  }

  #text(block: Buffer, end: number): string {
    if (this.#at >= end) throw new HpackError('the block ends where a string should begin');
    const first = block[this.#at++] ?? 0;
    const length = this.#integer(block, end, first, 0x7f);
    const start = this.#at;
    const stop = start + length;
    if (stop > end) throw new HpackError(`string of ${length} octets, and ${end - start} are there`);
    this.#at = stop;
    if (first < 0x80) return block.toString('latin1', start, stop);
    const into = length > scratch.length / 2 ? Buffer.allocUnsafe(2 * length) : scratch;
    return into.toString('latin1', 0, huffmanDecode(block, start, stop, into));
  }

  /** An integer whose first octet has been read (RFC 7541 5.1); at most four octets more, which is below 2^28 + 2^8. */
  #integer(block: Buffer, end: number, first: number, mask: number): number {
    let value = first & mask;
    if (value !== mask) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.#at >= end) throw new HpackError('the block ends within an integer');
      const octet = block[this.#at++] ?? 0;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    throw new HpackError('integer of more than five octets');
  }
}

function acceptAll(): boolean {
  return true;
}

const noNames: readonly string[] = Object.freeze([]);
const noSizeDue = Infinity;
/** Decoded octets on their way to text; one for all, since it is used within one step. */
const scratch = Buffer.allocUnsafeSlow(16_384);
