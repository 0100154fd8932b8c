import { type DerNode, readDer } from '../../pkg/x509/der.ts';
import type { Seeded } from './seeded.ts';
import type { SeedAnswer } from './seeds.ts';

/** A changed answer. */
export interface Mutation {
  readonly response: Buffer;
  /** What was done, in order. */
  readonly steps: readonly string[];
  /** Whether the signer signed the change. */
  readonly resigned: boolean;
}

/** An element that can be changed and written in wrong ways. */
interface Element {
  tag: number;
  content: Buffer;
  /** Undefined for a primitive one. */
  children: Element[] | undefined;
  form: 'honest' | 'indefinite' | 'long' | 'longer' | 'shorter';
}

/**
 * Changes a valid answer in one to three places: elements duplicated, removed, exchanged, spliced in from another
 * answer, written with other tags and lengths, bits turned. Half of the time the answer's own signer then signs what
 * came out, so that the readers and not only the signature decide.
 */
export function mutate(seed: SeedAnswer, others: readonly [SeedAnswer, ...SeedAnswer[]], random: Seeded): Mutation {
  const other = random.pick(others);
  const basic = basicOf(seed.response);
  const foreign = basicOf(other.response);
  const steps: string[] = [];
  const rounds = 1 + random.below(3);
  const resigned = random.below(2) === 0;
  for (let round = 0; round < rounds; round += 1) {
    const inside = resigned ? (basic.children?.[0] ?? basic) : basic;
    steps.push(change(inside, resigned ? (foreign.children?.[0] ?? foreign) : foreign, random));
  }
  const [tbs, , signature] = basic.children ?? [];
  if (resigned && tbs !== undefined && signature !== undefined) {
    signature.content = Buffer.concat([Buffer.of(0), seed.resign(encode(tbs))]);
  }
  const outer = elementOf(readDer(seed.response));
  const wrapped = outer.children?.[1]?.children?.[0]?.children?.[1];
  if (wrapped !== undefined) wrapped.content = encode(basic);
  if (random.below(10) === 0) steps.push(`outside: ${change(outer, basic, random)}`);
  let response = encode(outer);
  if (!resigned && random.below(4) === 0) {
    response = Buffer.from(response);
    const at = random.below(response.length);
    response[at] = (response[at] ?? 0) ^ (1 << random.below(8));
    steps.push(`turns a bit of byte ${at}`);
  }
  if (random.below(40) === 0) {
    response = Buffer.concat([response, Buffer.of(0)]);
    steps.push('appends a byte');
  }
  return { response, steps: [`${seed.name}${resigned ? ', signed anew' : ''}`, ...steps], resigned };
}

function change(root: Element, foreign: Element, random: Seeded): string {
  const parents = flat(root).filter((element) => (element.children?.length ?? 0) > 0);
  const parent = parents[random.below(parents.length)];
  const list = parent?.children;
  if (parent === undefined || list === undefined) return 'nothing is left to change';
  const at = random.below(list.length);
  const element = list[at];
  if (element === undefined) return 'nothing is there';
  const where = `${hex(element.tag)} in ${hex(parent.tag)}`;
  switch (random.below(11)) {
    case 0:
      list.splice(at, 0, copy(element));
      return `duplicates ${where}`;
    case 1:
      list.splice(at, 1);
      return `removes ${where}`;
    case 2: {
      const to = random.below(list.length);
      list[at] = list[to] ?? element;
      list[to] = element;
      return `exchanges ${where} with the element at ${to}`;
    }
    case 3: {
      const donors = flat(foreign);
      list[at] = copy(donors[random.below(donors.length)] ?? element);
      return `puts ${hex(list[at]?.tag ?? 0)} of another answer in place of ${where}`;
    }
    case 4: {
      const donors = flat(foreign).filter(({ tag }) => tag === element.tag);
      list[at] = copy(donors[random.below(Math.max(1, donors.length))] ?? element);
      return `puts its like of another answer in place of ${where}`;
    }
    case 5: {
      const donors = flat(foreign).filter(({ tag }) => tag === element.tag);
      list.splice(at, 0, copy(donors[random.below(Math.max(1, donors.length))] ?? element));
      return `adds its like of another answer before ${where}`;
    }
    case 6:
      element.tag = random.below(3) === 0 ? element.tag ^ (1 << random.below(8)) : random.pick(usualTags);
      return `gives ${where} the tag ${hex(element.tag)}`;
    case 7:
      element.form = random.pick(['indefinite', 'long', 'longer', 'shorter'] as const);
      return `writes ${where} with a length that is ${element.form}`;
    case 8:
      return element.children === undefined ? edit(element, random, where) : spoil(element, random, where);
    default: {
      const leaves = flat(root).filter((one) => one.children === undefined);
      const leaf = leaves[random.below(leaves.length)] ?? element;
      return edit(leaf, random, hex(leaf.tag));
    }
  }
}

/** Of a primitive element the content: bits, length, or a value that makes sense. */
function edit(leaf: Element, random: Seeded, where: string): string {
  const content = Buffer.from(leaf.content);
  if (leaf.tag === 0x18 && random.below(2) === 0) {
    leaf.content = Buffer.from(random.pick(times), 'latin1');
    return `sets a time to ${leaf.content.toString('latin1')}`;
  }
  switch (random.below(4)) {
    case 0:
      leaf.content = content.subarray(0, random.below(content.length + 1));
      return `cuts ${where} to ${leaf.content.length} bytes`;
    case 1:
      leaf.content = Buffer.concat([Buffer.of(random.pick([0, 0xff, 0x80, 1])), content]);
      return `puts a byte before the content of ${where}`;
    case 2:
      leaf.content = Buffer.concat([content, Buffer.of(0)]);
      return `puts a byte behind the content of ${where}`;
    default:
      return spoil(leaf, random, where);
  }
}

function spoil(element: Element, random: Seeded, where: string): string {
  const leaf = element.children === undefined ? element : flat(element).find((one) => one.children === undefined);
  if (leaf === undefined || leaf.content.length === 0) return `leaves ${where}`;
  const content = Buffer.from(leaf.content);
  const at = random.below(content.length);
  content[at] = (content[at] ?? 0) ^ (1 << random.below(8));
  leaf.content = content;
  return `turns a bit in ${where}`;
}

function basicOf(response: Buffer): Element {
  const content = readDer(response).children[1]?.children[0]?.children[1]?.content ?? Buffer.alloc(0);
  return elementOf(readDer(content));
}

function elementOf(node: DerNode): Element {
  const children = (node.tag & 0x20) === 0 ? undefined : node.children.map(elementOf);
  return { tag: node.tag, content: node.content, children, form: 'honest' };
}

function copy(element: Element): Element {
  return { ...element, children: element.children?.map(copy) };
}

function flat(element: Element): Element[] {
  return [element, ...(element.children ?? []).flatMap(flat)];
}

function encode({ tag, children, content, form }: Element): Buffer {
  const body = children === undefined ? content : Buffer.concat(children.map(encode));
  switch (form) {
    case 'honest':
      return Buffer.concat([Buffer.of(tag), lengthOf(body.length), body]);
    case 'indefinite':
      return Buffer.concat([Buffer.of(tag, 0x80), body, Buffer.of(0, 0)]);
    case 'long':
      return Buffer.concat([
        Buffer.of(tag, 0x83, body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff),
        body,
      ]);
    case 'longer':
      return Buffer.concat([Buffer.of(tag), lengthOf(body.length + 1), body]);
    case 'shorter':
      return Buffer.concat([Buffer.of(tag), lengthOf(Math.max(0, body.length - 1)), body]);
  }
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  return length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff);
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}

const usualTags = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x18, 0x30, 0x31, 0x80, 0x82, 0xa0, 0xa1, 0xa2] as const;
const times = [
  '20261120095900Z',
  '20261120110000Z',
  '20261120101000Z',
  '20261120085000Z',
  '20261120095900.5Z',
  '202611200959Z',
  '20261120095900',
  '20261120105900+0100',
  '20261320095900Z',
  '20260230095900Z',
  '20261120245900Z',
  '19700101000000Z',
  '99991231235959Z',
] as const;
