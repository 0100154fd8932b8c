import type { ByteWriter } from './byte-writer.ts';
import { EncodingTable, fieldSize, NameState } from './encoding-table.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { defaultTableBytes } from './static-table.ts';

/**
 * Writes the field blocks of one direction of one connection, in order (RFC 7541). One for every connection: two clients
 * must not learn of each other's fields by a table they share.
 *
 * Made for messages that are alike: a block is first held against the one before, place by place, and only what differs
 * is looked up.
 */
export class HpackEncoder {
  /** What the last block had where. */
  readonly #places: NameState[] = [];
  /** The names that ever went into the table: of known ones, so they are few. */
  readonly #names: Map<string, NameState> = new Map();
  readonly #table = new EncodingTable();
  /** The size, in octets, that the peer has from us, and the last and the lowest that it allowed since. */
  #saidSize = defaultTableBytes;
  #size = defaultTableBytes;
  #lowestSize = defaultTableBytes;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, in octets; we use 4096 at most. The next block says so first (RFC 7541 4.2). */
  setMaxTableBytes(maxTableBytes: number): void {
    this.#size = Math.min(maxTableBytes, defaultTableBytes);
    this.#lowestSize = Math.min(this.#lowestSize, this.#size);
  }

  /**
   * Appends the block of `fields` (flat: name, value; Latin-1, names in lower case) to `out`. Fields whose names stand in
   * `neverIndexed` are marked so that no further hop puts them into a table (RFC 7541 6.2.3).
   * @throws TypeError for a character above U+00FF. Nothing is appended then, and the next block empties the table.
   */
  encode(fields: readonly string[], out: ByteWriter, neverIndexed: readonly string[] = noNames): void {
    const start = out.length;
    const saidSize = this.#saidSize;
    try {
      if (this.#lowestSize < saidSize || this.#size !== saidSize) this.#writeSizes(out);
      this.#writeFields(fields, out, neverIndexed);
    } catch (error) {
      out.length = start;
      this.#forget(saidSize);
      throw error;
    }
  }

  #writeFields(fields: readonly string[], out: ByteWriter, neverIndexed: readonly string[]): void {
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] ?? '';
      const value = fields[i + 1] ?? '';
      let state = this.#places[i >> 1];
      if (state === undefined || state.name !== name) {
        state = this.#stateOf(name);
        if (i < 2 * rememberedPlaces) this.#places[i >> 1] = state;
      }
      const mayIndex = neverIndexed.length === 0 || !neverIndexed.includes(name);
      const index = mayIndex ? this.#table.indexOf(state, value) : 0;
      if (index !== 0) {
        out.reserve(integerOctets);
        writeInteger(out, 0x80, 0x7f, index);
      } else if (!mayIndex || state.indexing === 'never') {
        this.#writeLiteral(out, 0x10, 0x0f, state, value);
      } else if (state.indexing === 'table' && this.#table.takes(fieldSize(name, value))) {
        this.#writeLiteral(out, 0x40, 0x3f, state, value);
        this.#table.insert(state, value);
      } else {
        this.#writeLiteral(out, 0x00, 0x0f, state, value);
      }
    }
  }

  #stateOf(name: string): NameState {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const state = new NameState(name);
    if (state.indexing === 'table') this.#names.set(name, state);
    return state;
  }

  #writeLiteral(out: ByteWriter, pattern: number, mask: number, state: NameState, value: string): void {
    const nameIndex = this.#table.nameIndex(state);
    out.reserve(3 * integerOctets + state.name.length + value.length);
    writeInteger(out, pattern, mask, nameIndex);
    const write = pattern === 0x40 ? writeHuffman : writePlain;
    if (nameIndex === 0) write(out, state.name);
    write(out, value);
  }

  /** At most two: down to the lowest, so that the peer knows what is gone, and up to the last (RFC 7541 4.2). */
  #writeSizes(out: ByteWriter): void {
    out.reserve(2 * integerOctets);
    if (this.#lowestSize < Math.min(this.#saidSize, this.#size)) writeInteger(out, 0x20, 0x1f, this.#lowestSize);
    writeInteger(out, 0x20, 0x1f, this.#size);
    this.#table.resize(this.#lowestSize);
    this.#table.resize(this.#size);
    this.#saidSize = this.#size;
    this.#lowestSize = this.#size;
  }

  /** The peer never saw the last block: its table and ours agree again once both are empty. */
  #forget(saidSize: number): void {
    this.#table.resize(0);
    this.#saidSize = saidSize;
    this.#lowestSize = 0;
  }
}

/** RFC 7541 5.1; below 2^28. */
function writeInteger(out: ByteWriter, pattern: number, mask: number, value: number): void {
  if (value < mask) {
    out.bytes[out.length++] = pattern | value;
    return;
  }
  out.bytes[out.length++] = pattern | mask;
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) out.bytes[out.length++] = (rest & 0x7f) | 0x80;
  out.bytes[out.length++] = rest;
}

/** RFC 7541 5.2: in Huffman code where that is shorter. For what goes into the table, since it is paid once. */
function writeHuffman(out: ByteWriter, text: string): void {
  const length = huffmanLength(text);
  if (length >= text.length) {
    writePlain(out, text);
    return;
  }
  writeInteger(out, 0x80, 0x7f, length);
  out.length = huffmanEncode(text, out.bytes, out.length);
}

/** RFC 7541 5.2, octet by octet: a third of the time, for a third more octets. */
function writePlain(out: ByteWriter, text: string): void {
  writeInteger(out, 0, 0x7f, text.length);
  const { bytes } = out;
  let at = out.length;
  let all = 0;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    all |= octet;
    bytes[at++] = octet;
  }
  if (all > 0xff) throw new TypeError('a field with a character above U+00FF');
  out.length = at;
}

const integerOctets = 5;
const rememberedPlaces = 64;
const noNames: readonly string[] = Object.freeze([]);
