import type { Mutant } from './mutant.ts';

const decoder = 'pkg/http2/hpack/decoder.ts';
const huffman = 'pkg/http2/hpack/huffman.ts';
const encoder = 'pkg/http2/hpack/encoder.ts';
const decoderTests = ['pkg/http2/hpack/decoder.test.ts'] as const;
const encoderTests = ['pkg/http2/hpack/encoder.test.ts'] as const;

/** Field compression: a block is read in one way or not at all, within its limits, and secrets stay out of the tables. */
export const hpackMutants: readonly Mutant[] = [
  {
    name: 'a field block that comes again means what it meant before the table changed',
    file: decoder,
    find: 'if (this.#table.changes !== tableBefore) this.#repeated.forget();\n    else if',
    replace: 'if',
    tests: decoderTests,
  },
  {
    name: 'a field block that comes again need not confirm a smaller table',
    file: decoder,
    find: '    this.#repeated.forget();\n    if (maxTableBytes <',
    replace: '    if (maxTableBytes <',
    tests: decoderTests,
  },
  {
    name: 'a field block is what another of its length was',
    file: 'pkg/http2/hpack/repeated-block.ts',
    find: 'block.compare(octets, 0, octets.length, start, end) === 0',
    replace: 'octets.length > 0',
    tests: decoderTests,
  },
  {
    name: 'a field block that comes again is held against the limits of before',
    file: 'pkg/http2/hpack/repeated-block.ts',
    find: ' || this.#limits !== limits',
    replace: '',
    tests: decoderTests,
  },
  {
    name: 'a field list grows beyond its octets',
    file: decoder,
    find: 'if (bytes > maxListBytes || fields.length >= 2 * maxFields) overLimit = true;',
    replace: 'if (fields.length >= 2 * maxFields) overLimit = true;',
    tests: decoderTests,
  },
  {
    name: 'a field list has any number of fields',
    file: decoder,
    find: 'if (bytes > maxListBytes || fields.length >= 2 * maxFields) overLimit = true;',
    replace: 'if (bytes > maxListBytes) overLimit = true;',
    tests: decoderTests,
  },
  {
    name: 'a field that the check refused is taken where it comes from the table',
    file: decoder,
    find: 'if (!field.accepted) accepted = false;',
    replace: 'if (!field.accepted && first < 0x80) accepted = false;',
    tests: decoderTests,
  },
  {
    name: 'the peer may make the table larger than we allow',
    file: decoder,
    find: 'if (size > max) throw',
    replace: 'if (size < 0) throw',
    tests: decoderTests,
  },
  {
    name: 'a lowered table size need not be confirmed',
    file: decoder,
    find: 'if (this.#sizeDue !== noSizeDue) {',
    replace: 'if (this.#sizeDue < 0) {',
    tests: decoderTests,
  },
  {
    name: 'the size of the table changes behind a field',
    file: decoder,
    find: "throw new HpackError('table size update behind a field');",
    replace: 'field = this.#field(2);',
    tests: decoderTests,
  },
  {
    name: 'an integer has no end',
    file: decoder,
    find: 'for (let shift = 0; shift < 28; shift += 7) {',
    replace: 'for (let shift = 0; ; shift += 7) {',
    tests: decoderTests,
  },
  {
    name: 'index 0 is a field',
    file: decoder,
    find: 'if (field === undefined || index === 0) throw',
    replace: 'if (field === undefined) throw',
    tests: decoderTests,
  },
  {
    name: 'a string reaches beyond its block',
    file: decoder,
    find: 'if (stop > end) throw',
    replace: 'if (stop < start) throw',
    tests: decoderTests,
  },
  {
    name: 'padding of Huffman code is anything',
    file: huffman,
    find: 'if (paddings[state] !== 1) throw',
    replace: 'if (paddings[state] === 2) throw',
    tests: ['pkg/http2/hpack/huffman.test.ts'],
  },
  {
    name: 'the end-of-string symbol is read over',
    file: huffman,
    find: 'if ((high | low) & fails) throw',
    replace: 'if ((high | low) & 0) throw',
    tests: ['pkg/http2/hpack/huffman.test.ts'],
  },
  {
    name: 'what the client keeps out of tables is put into ours',
    file: encoder,
    find: 'const mayIndex = neverIndexed.length === 0 || !neverIndexed.includes(name);',
    replace: 'const mayIndex = true;',
    tests: encoderTests,
  },
  {
    name: 'a name that nothing is known of goes into the table',
    file: 'pkg/http2/hpack/encoding-table.ts',
    find: "this.indexing = known?.indexing ?? 'plain';",
    replace: "this.indexing = known?.indexing ?? 'table';",
    tests: encoderTests,
  },
  {
    name: 'cookies and credentials may be indexed by the next hop',
    file: encoder,
    find: "} else if (!mayIndex || state.indexing === 'never') {",
    replace: '} else if (!mayIndex) {',
    tests: encoderTests,
  },
  {
    name: 'a character above U+00FF becomes another octet',
    file: encoder,
    find: 'if (all > 0xff) throw',
    replace: 'if (all < 0) throw',
    tests: encoderTests,
  },
  {
    name: 'a block that was refused leaves its fields in our table alone',
    file: encoder,
    find: 'this.#forget(saidSize);',
    replace: '',
    tests: encoderTests,
  },
];
