import { type Indexing, knownName } from './indexing.ts';
import { defaultTableBytes, fieldOverhead, staticCount, staticFields } from './static-table.ts';

/** What an encoder knows of a name: how to write it, and which of its values a table holds. */
export class NameState {
  readonly name: string;
  readonly indexing: Indexing;
  /** Lowest index of the name in the static table, or 0. */
  readonly staticIndex: number;
  readonly staticValues: ReadonlyMap<string, number> | undefined;
  /** Places of its values in the dynamic table; those of evicted ones are taken out. None until the first. */
  places: Map<string, number> | undefined;
  /** The newest of its places, evicted or not; 0 where there never was one. */
  newest = 0;
  /** The last value that was found, and where: a place, or the complement of an index of the static table. */
  value = '';
  found = 0;

  constructor(name: string) {
    const known = knownName(name);
    this.name = known?.name ?? ownCopy(name);
    this.indexing = known?.indexing ?? 'plain';
    this.staticIndex = known?.index ?? 0;
    this.staticValues = known?.values;
  }
}

/** The dynamic table as the encoder needs it: from a field to its index. A place is the number of an insertion, from 1. */
export class EncodingTable {
  /** Oldest first; the first has place `#inserted - length + 1`. */
  #ring: (Entry | undefined)[] = new Array<Entry | undefined>(ringLength).fill(undefined);
  #inserted = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes = defaultTableBytes;

  /** The size in octets; at most 4096. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Index of the field in the static or the dynamic table, or 0. */
  indexOf(state: NameState, value: string): number {
    if (value === state.value && state.found !== 0) return this.#index(state.found);
    const found = state.staticValues === undefined ? undefined : state.staticValues.get(value);
    const place = found === undefined ? state.places?.get(value) : ~found;
    if (place === undefined) return 0;
    state.value = this.#valueAt(place) ?? '';
    state.found = place;
    return this.#index(place);
  }

  /** Index of some field of that name, or 0. */
  nameIndex(state: NameState): number {
    return state.staticIndex === 0 ? this.#index(state.newest) : state.staticIndex;
  }

  /** Whether a field of that size is worth its room: three quarters of the table would empty it for one field. */
  takes(size: number): boolean {
    return size <= 0.75 * this.#maxBytes;
  }

  /** Inserts a field that takes() takes and that is not there. */
  insert(state: NameState, text: string): void {
    const value = ownCopy(text);
    const size = fieldSize(state.name, value);
    this.#evictTo(this.#maxBytes - size);
    this.#inserted++;
    this.#count++;
    this.#bytes += size;
    this.#ring[this.#inserted & (ringLength - 1)] = { state, value, size };
    state.places ??= new Map();
    state.places.set(value, this.#inserted);
    state.newest = this.#inserted;
    state.value = value;
    state.found = this.#inserted;
  }

  /** Another size in octets, at most 4096. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #index(place: number): number {
    if (place < 0) return ~place;
    const age = this.#inserted - place;
    return age < this.#count ? staticCount + 1 + age : 0;
  }

  /** The table's own text. */
  #valueAt(place: number): string | undefined {
    return place < 0 ? staticFields[~place]?.value : this.#ring[place & (ringLength - 1)]?.value;
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes) {
      const slot = (this.#inserted - this.#count + 1) & (ringLength - 1);
      const entry = this.#ring[slot];
      this.#ring[slot] = undefined;
      this.#count--;
      this.#bytes -= entry?.size ?? 0;
      entry?.state.places?.delete(entry.value);
    }
  }
}

/** Octets that count against a table (RFC 7541 4.1). */
export function fieldSize(name: string, value: string): number {
  return name.length + value.length + fieldOverhead;
}

/** The same text that is no part of a longer one: a head would live as long as a field cut out of it. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

interface Entry {
  readonly state: NameState;
  readonly value: string;
  readonly size: number;
}

/** As many as the smallest fields that 4096 octets hold. */
const ringLength = defaultTableBytes / fieldOverhead;
