export { der } from './der-writer.ts';

/**
 * A strict walk over DER (X.690): definite minimal lengths, primitive strings only, the whole input, bounded depth and
 * node count. It keeps the received bytes of every element, since hashes and signatures run over those and never over
 * a re-encoding. (node-forge's reader takes BER and keeps no offsets, so nothing here is built on it.)
 */

/** One element. `children` is empty for a primitive one. */
export interface DerNode {
  /** The first identifier octet: class, constructed bit and low tag number. */
  readonly tag: number;
  /** The whole element, identifier and length included. */
  readonly bytes: Buffer;
  readonly content: Buffer;
  readonly children: readonly DerNode[];
  /** Where the element begins in what was given to readDer; for messages. */
  readonly offset: number;
}

export interface DerLimits {
  readonly maxDepth: number;
  readonly maxNodes: number;
}

/** Not DER, or not the element that was expected; the message says what was expected at which byte. */
export class DerMalformed extends Error {
  readonly code = 'DER_MALFORMED';
  /** The message without the place. */
  readonly expected: string;
  readonly offset: number;
  constructor(expected: string, offset: number) {
    super(`${expected}, at byte ${offset}`);
    this.name = 'DerMalformed';
    this.expected = expected;
    this.offset = offset;
  }
}

/** Identifier octets of the universal types in use. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  nullValue: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Reads exactly one element that is the whole of `bytes`, and everything inside it. @throws DerMalformed. X.690 8 and 10. */
export function readDer(bytes: Buffer, limits: DerLimits = defaultLimits): DerNode {
  const walk: Walk = { bytes, limits, nodes: 0 };
  const node = readElement(walk, 0, bytes.length, 1);
  if (node.bytes.length !== bytes.length) {
    throw new DerMalformed(
      `expected the end of the input, found ${bytes.length - node.bytes.length} more bytes`,
      node.bytes.length,
    );
  }
  return node;
}

interface Walk {
  readonly bytes: Buffer;
  readonly limits: DerLimits;
  nodes: number;
}

function readElement(walk: Walk, start: number, end: number, depth: number): DerNode {
  const { bytes, limits } = walk;
  if (depth > limits.maxDepth) throw new DerMalformed(`expected at most ${limits.maxDepth} levels`, start);
  walk.nodes += 1;
  if (walk.nodes > limits.maxNodes) throw new DerMalformed(`expected at most ${limits.maxNodes} elements`, start);
  const tag = octet(bytes, start, end, 'a tag');
  const lengthStart = (tag & 0x1f) === 0x1f ? afterHighTag(bytes, start + 1, end) : start + 1;
  if (tag === 0) throw new DerMalformed('expected a tag, found end-of-contents', start);
  const { length, contentStart } = readLength(bytes, lengthStart, end);
  const contentEnd = contentStart + length;
  if (contentEnd > end) {
    throw new DerMalformed(`expected ${length} bytes of content, found ${end - contentStart}`, contentStart);
  }
  const constructed = (tag & 0x20) !== 0;
  // Universal class: only SEQUENCE, SET, EXTERNAL and EMBEDDED PDV are constructed in DER (X.690 10.2).
  if (tag < 0x40 && constructedUniversals.has(tag & 0x1f) !== constructed) {
    throw new DerMalformed(
      `expected tag 0x${hex(tag)} to be ${constructed ? 'primitive' : 'constructed'} as DER has it`,
      start,
    );
  }
  const children: DerNode[] = [];
  if (constructed) {
    for (let at = contentStart; at < contentEnd; ) {
      const child = readElement(walk, at, contentEnd, depth + 1);
      children.push(child);
      at += child.bytes.length;
    }
  }
  return {
    tag,
    bytes: bytes.subarray(start, contentEnd),
    content: bytes.subarray(contentStart, contentEnd),
    children,
    offset: start,
  };
}

/** High-tag form: base 128, minimal, numbers from 31 up, at most four octets. X.690 8.1.2.4. */
function afterHighTag(bytes: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < start + 4; at += 1) {
    const value = octet(bytes, at, end, 'a tag number');
    if (at === start && value === 0x80) throw new DerMalformed('expected a minimal tag number', at);
    number = number * 128 + (value & 0x7f);
    if (value < 0x80) {
      if (number < 31) throw new DerMalformed(`expected the low-tag form for tag number ${number}`, start);
      return at + 1;
    }
  }
  throw new DerMalformed('expected a tag number of at most four octets', start);
}

function readLength(bytes: Buffer, start: number, end: number): { length: number; contentStart: number } {
  const first = octet(bytes, start, end, 'a length');
  if (first < 0x80) return { length: first, contentStart: start + 1 };
  const count = first & 0x7f;
  if (count === 0) throw new DerMalformed('expected a definite length, found the indefinite form', start);
  if (count > 4) throw new DerMalformed(`expected a length of at most four octets, found ${count}`, start);
  let length = 0;
  for (let at = start + 1; at <= start + count; at += 1)
    length = length * 256 + octet(bytes, at, end, 'a length octet');
  // Two lengths for one content would give one certificate two fingerprints.
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerMalformed('expected a minimal length', start);
  return { length, contentStart: start + 1 + count };
}

function octet(bytes: Buffer, at: number, end: number, what: string): number {
  const value = at < end ? bytes[at] : undefined;
  if (value === undefined) throw new DerMalformed(`expected ${what}, found the end`, at);
  return value;
}

/** Two hexadecimal digits. */
function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** Demands a tag; returns the node. `what` names it in the message. @throws DerMalformed. */
export function expectTag(node: DerNode | undefined, tag: number, what: string): DerNode {
  if (node === undefined) throw new DerMalformed(`expected ${what}, found nothing`, 0);
  if (node.tag !== tag) {
    throw new DerMalformed(`expected ${what} with tag 0x${hex(tag)}, found 0x${hex(node.tag)}`, node.offset);
  }
  return node;
}

/** Walks the children of a constructed element in order, optional ones included. */
export class DerCursor {
  readonly #parent: DerNode;
  readonly #what: string;
  #next = 0;

  /** @throws DerMalformed when `parent` has another tag (SEQUENCE unless given). */
  constructor(parent: DerNode | undefined, what: string, tag: number = tags.sequence) {
    this.#parent = expectTag(parent, tag, what);
    this.#what = what;
  }

  /** The next element, of any tag unless one is given. @throws DerMalformed. */
  take(what: string, tag?: number): DerNode {
    const node = this.#parent.children[this.#next];
    if (node === undefined) {
      const end = this.#parent.offset + this.#parent.bytes.length;
      throw new DerMalformed(`expected ${what} in ${this.#what}, found its end`, end);
    }
    this.#next += 1;
    return tag === undefined ? node : expectTag(node, tag, what);
  }

  /** The next element when it has this tag. */
  optional(tag: number): DerNode | undefined {
    const node = this.#parent.children[this.#next];
    if (node?.tag !== tag) return undefined;
    this.#next += 1;
    return node;
  }

  /** @throws DerMalformed when elements are left. */
  end(): void {
    const node = this.#parent.children[this.#next];
    if (node !== undefined) {
      throw new DerMalformed(`expected the end of ${this.#what}, found tag 0x${hex(node.tag)}`, node.offset);
    }
  }
}

const constructedUniversals: ReadonlySet<number> = new Set([8, 11, 16, 17]);
const defaultLimits: DerLimits = { maxDepth: 32, maxNodes: 20_000 };
