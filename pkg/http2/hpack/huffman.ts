import { HpackError } from './error.ts';
import { codeLengths, codes, endOfString } from './huffman-code.ts';

/**
 * Decodes octets `start` to `end` of a Huffman-coded string into `into`, which must have room for 8/5 of them.
 * @returns how many octets were written.
 * @throws HpackError where the end-of-string symbol comes, or the padding is not the shortest of ones (RFC 7541 5.2).
 */
export function huffmanDecode(from: Uint8Array, start: number, end: number, into: Uint8Array): number {
  decoder ??= automaton();
  const { steps, paddings } = decoder;
  let state = 0;
  let at = 0;
  for (let i = start; i < end; i++) {
    const octet = from[i] ?? 0;
    const high = steps[(state << 4) | (octet >> 4)] ?? 0;
    if (high & emits) into[at++] = high & 0xff;
    const low = steps[((high >> stateShift) << 4) | (octet & 0x0f)] ?? 0;
    if (low & emits) into[at++] = low & 0xff;
    if ((high | low) & fails) throw new HpackError('Huffman code: the end-of-string symbol');
    state = low >> stateShift;
  }
  if (paddings[state] !== 1) throw new HpackError('Huffman code: padding that is not one to seven bits of 1');
  return at;
}

/**
 * Octets that `text` takes in Huffman code.
 * @throws TypeError for a character above U+00FF, which has no octet.
 */
export function huffmanLength(text: string): number {
  let bits = 0;
  let all = 0;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    all |= octet;
    bits += codeLengths[octet & 0xff] ?? 0;
  }
  if (all > 0xff) throw new TypeError('a field with a character above U+00FF');
  return (bits + 7) >> 3;
}

/** Writes the Huffman code of Latin-1 text into `into` at `at`, which must have room for huffmanLength(text). @returns its end. */
export function huffmanEncode(text: string, into: Uint8Array, at: number): number {
  let bits = 0;
  let count = 0;
  let position = at;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    let code = codes[octet] ?? 0;
    let length = codeLengths[octet] ?? 0;
    // Seven bits may be waiting, and 32 are all there is: a long code goes in two parts.
    if (length > 16) {
      bits = (bits << (length - 16)) | (code >>> 16);
      count += length - 16;
      for (; count >= 8; count -= 8) into[position++] = bits >>> (count - 8);
      code &= 0xffff;
      length = 16;
    }
    bits = (bits << length) | code;
    count += length;
    for (; count >= 8; count -= 8) into[position++] = bits >>> (count - 8);
  }
  // The padding: the first bits of the end-of-string symbol, all ones.
  if (count > 0) into[position++] = (bits << (8 - count)) | (0xff >>> count);
  return position;
}

/*
 * The decoder is an automaton that takes four bits a step. A state is an inner node of the code's tree, of which there are
 * 256; no code is shorter than five bits, so a step completes one symbol at most. A step holds the symbol in its low octet,
 * the next state above stateShift, and what happens.
 */
const emits = 0x100;
const fails = 0x200;
const stateShift = 16;
/** Made when the first string comes: at the start it would run V8's optimising compiler, 5 MiB of code, for every pod. */
let decoder: Automaton | undefined;

interface Automaton {
  readonly steps: Uint32Array;
  readonly paddings: Uint8Array;
}

function automaton(): Automaton {
  const nodes: (readonly [number, number])[] = tree();
  const made = new Uint32Array(nodes.length * 16);
  for (let state = 0; state < nodes.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) made[state * 16 + nibble] = step(nodes, state, nibble);
  }
  const ends = new Uint8Array(nodes.length);
  for (let state = 0, depth = 0; depth < 8; depth++) {
    ends[state] = 1;
    state = nodes[state]?.[1] ?? 0;
  }
  return { steps: made, paddings: ends };
}

function step(nodes: readonly (readonly [number, number])[], from: number, nibble: number): number {
  let state = from;
  let result = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = nodes[state]?.[(nibble >> bit) & 1] ?? 0;
    if (next >= 0) state = next;
    else {
      state = 0;
      result |= ~next === endOfString ? fails : emits | ~next;
    }
  }
  return ((state << stateShift) | result) >>> 0;
}

/** Inner nodes, the root first: for bit 0 and for bit 1 the next node, or the complement of a symbol. */
function tree(): [number, number][] {
  const nodes: [number, number][] = [[0, 0]];
  for (let symbol = 0; symbol <= endOfString; symbol++) {
    const code = codes[symbol] ?? 0;
    let node = nodes[0];
    for (let bit = (codeLengths[symbol] ?? 0) - 1; bit >= 0 && node !== undefined; bit--) {
      const side = (code >>> bit) & 1;
      if (bit === 0) node[side] = ~symbol;
      else if (node[side] === 0) node[side] = nodes.push([0, 0]) - 1;
      node = nodes[node[side] ?? 0];
    }
  }
  return nodes;
}
