import { DerMalformed, type DerNode, expectTag, tags } from './der.ts';

/**
 * Typed readers over a walked DerNode. Each takes the tag to expect, its own universal one unless an implicit tag is
 * given, refuses whatever DER forbids, and throws DerMalformed.
 */

/** The content octets of an INTEGER as received, refused when not minimal. X.690 8.3.2. @throws DerMalformed. */
export function readInteger(node: DerNode | undefined, what: string, tag: number = tags.integer): Buffer {
  const { content, offset } = expectTag(node, tag, what);
  const [first, second] = content;
  if (first === undefined) throw new DerMalformed(`expected ${what} to have content`, offset);
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerMalformed(`expected ${what} to be a minimal integer`, offset);
  }
  return content;
}

/** A non-negative INTEGER (or ENUMERATED by its tag) up to 2^31-1. @throws DerMalformed. */
export function readSmallInteger(node: DerNode | undefined, what: string, tag: number = tags.integer): number {
  const content = readInteger(node, what, tag);
  if (content.length > 4 || content.readInt8(0) < 0) {
    throw new DerMalformed(`expected ${what} between 0 and 2147483647`, node?.offset ?? 0);
  }
  return content.readUIntBE(0, content.length);
}

/** 00 or ff only. X.690 11.1. @throws DerMalformed. */
export function readBoolean(node: DerNode | undefined, what: string, tag: number = tags.boolean): boolean {
  const { content, offset } = expectTag(node, tag, what);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
    throw new DerMalformed(`expected ${what} to be 00 or ff`, offset);
  }
  return content[0] === 0xff;
}

/** Dotted form; arcs of any size, refused when not minimal. X.690 8.19. @throws DerMalformed. */
export function readOid(node: DerNode | undefined, what: string, tag: number = tags.oid): string {
  const { content, offset } = expectTag(node, tag, what);
  const arcs: string[] = [];
  let arc = 0n;
  let begun = false;
  for (const value of content) {
    if (!begun && value === 0x80) throw new DerMalformed(`expected ${what} to have minimal arcs`, offset);
    arc = arc * 128n + BigInt(value & 0x7f);
    begun = value >= 0x80;
    if (begun) continue;
    if (arcs.length === 0) {
      const root = arc < 80n ? arc / 40n : 2n;
      arcs.push(String(root), String(arc - root * 40n));
    } else {
      arcs.push(String(arc));
    }
    arc = 0n;
  }
  if (begun || arcs.length === 0 || content.length > 64) {
    throw new DerMalformed(`expected ${what} to be a whole object identifier of at most 64 bytes`, offset);
  }
  return arcs.join('.');
}

/** The bits without the leading octet, and how many of the last are unused (those are zero). X.690 8.6, 11.2. @throws DerMalformed. */
export function readBitString(
  node: DerNode | undefined,
  what: string,
  tag: number = tags.bitString,
): { readonly bits: Buffer; readonly unusedBits: number } {
  const { content, offset } = expectTag(node, tag, what);
  const unusedBits = content[0];
  const bits = content.subarray(1);
  const last = bits[bits.length - 1] ?? 0;
  if (
    unusedBits === undefined ||
    unusedBits > 7 ||
    (bits.length === 0 && unusedBits !== 0) ||
    (last & ((1 << unusedBits) - 1)) !== 0
  ) {
    throw new DerMalformed(`expected ${what} to be a bit string with 0 to 7 unused bits, all zero`, offset);
  }
  return { bits, unusedBits };
}

/** A BIT STRING of whole octets, such as a key or a signature. @throws DerMalformed. */
export function readWholeBitString(node: DerNode | undefined, what: string): Buffer {
  const { bits, unusedBits } = readBitString(node, what);
  if (unusedBits !== 0) throw new DerMalformed(`expected ${what} to have no unused bits`, node?.offset ?? 0);
  return bits;
}

/** @throws DerMalformed. */
export function readOctetString(node: DerNode | undefined, what: string, tag: number = tags.octetString): Buffer {
  return expectTag(node, tag, what).content;
}

/** @throws DerMalformed. */
export function readNull(node: DerNode | undefined, what: string, tag: number = tags.nullValue): void {
  const { content, offset } = expectTag(node, tag, what);
  if (content.length !== 0) throw new DerMalformed(`expected ${what} to be empty`, offset);
}

/** Unix milliseconds of exactly YYYYMMDDHHMMSSZ. RFC 5280 4.1.2.5.2. @throws DerMalformed. */
export function readGeneralizedTime(
  node: DerNode | undefined,
  what: string,
  tag: number = tags.generalizedTime,
): number {
  const { content, offset } = expectTag(node, tag, what);
  return calendar(
    content.toString('latin1'),
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
    'YYYYMMDDHHMMSSZ',
    what,
    offset,
  );
}

/** Unix milliseconds of exactly YYMMDDHHMMSSZ; 50 to 99 are the 1900s. RFC 5280 4.1.2.5.1. @throws DerMalformed. */
export function readUtcTime(node: DerNode | undefined, what: string, tag: number = tags.utcTime): number {
  const { content, offset } = expectTag(node, tag, what);
  const text = content.toString('latin1');
  const century = text >= '50' ? '19' : '20';
  return calendar(century + text, /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, 'YYMMDDHHMMSSZ', what, offset);
}

/** Either form, by its tag. RFC 5280 4.1.2.5. @throws DerMalformed. */
export function readTime(node: DerNode | undefined, what: string): number {
  return node?.tag === tags.utcTime ? readUtcTime(node, what) : readGeneralizedTime(node, what);
}

function calendar(text: string, pattern: RegExp, form: string, what: string, offset: number): number {
  const [, ...fields] = pattern.exec(text) ?? [];
  const [year, month, day, hour, minute, second] = fields.map(Number);
  const iso = fields.length === 6 ? `${fields.slice(0, 3).join('-')}T${fields.slice(3).join(':')}.000Z` : '';
  const date = new Date(0);
  date.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day);
  date.setUTCHours(hour ?? 0, minute ?? 0, second ?? 0, 0);
  // Comparing with the text refuses 31 February and 24:00, which Date would carry over.
  if (iso === '' || date.toISOString() !== iso) {
    throw new DerMalformed(`expected ${what} as ${form} and a real date`, offset);
  }
  return date.getTime();
}

/** Whether the tag is one of the character string types that readString knows. */
export function isStringTag(tag: number): boolean {
  return stringReaders.has(tag);
}

/** A character string of any type that certificates use; refused when its octets do not fit the type. @throws DerMalformed. */
export function readString(node: DerNode | undefined, what: string): string {
  const reader = node === undefined ? undefined : stringReaders.get(node.tag);
  if (node === undefined || reader === undefined) {
    throw new DerMalformed(`expected ${what} to be a character string`, node?.offset ?? 0);
  }
  const text = reader(node.content);
  if (text === undefined) throw new DerMalformed(`expected ${what} to fit its string type`, node.offset);
  return text;
}

/** 7-bit text without control characters, by an implicit tag too: host names, addresses and URIs. @throws DerMalformed. */
export function readIa5(node: DerNode | undefined, what: string, tag: number = tags.ia5String): string {
  const { content, offset } = expectTag(node, tag, what);
  // A NUL or a newline in a name has fooled comparisons and logs before.
  if (content.some((value) => value < 0x20 || value > 0x7e)) {
    throw new DerMalformed(`expected ${what} to be printable ASCII`, offset);
  }
  return content.toString('latin1');
}

function utf8(content: Buffer): string | undefined {
  const text = content.toString('utf8');
  // Node replaces what is not UTF-8; encoding back shows it.
  return Buffer.from(text, 'utf8').equals(content) ? text : undefined;
}

function ascii(content: Buffer): string | undefined {
  return content.every((value) => value < 0x80) ? content.toString('latin1') : undefined;
}

function wide(content: Buffer, size: 2 | 4): string | undefined {
  if (content.length % size !== 0) return undefined;
  let text = '';
  for (let at = 0; at < content.length; at += size) {
    const point = content.readUIntBE(at, size);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}

const stringReaders: ReadonlyMap<number, (content: Buffer) => string | undefined> = new Map([
  [tags.utf8String, utf8],
  [tags.numericString, ascii],
  [tags.printableString, ascii],
  // Declared T.61, in practice Latin-1; OpenSSL reads it so as well.
  [tags.teletexString, (content: Buffer) => content.toString('latin1')],
  [tags.ia5String, ascii],
  [tags.visibleString, ascii],
  [tags.universalString, (content: Buffer) => wide(content, 4)],
  [tags.bmpString, (content: Buffer) => wide(content, 2)],
]);
