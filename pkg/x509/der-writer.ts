/** Writes DER: every function returns one whole element, so that calls nest as the ASN.1 does. X.690. */
export const der = {
  /** Any element from its identifier octet and content. */
  element,
  sequence: (...parts: readonly Buffer[]): Buffer => element(0x30, ...parts),
  /** SET OF: the elements are put in DER's order (X.690 11.6). */
  set: (...parts: readonly Buffer[]): Buffer => element(0x31, ...[...parts].sort(Buffer.compare)),
  integer,
  /** An INTEGER from its two's complement content octets, written as they are. */
  integerBytes: (content: Buffer): Buffer => element(0x02, content),
  boolean: (value: boolean): Buffer => element(0x01, Buffer.of(value ? 0xff : 0)),
  nullValue: (): Buffer => element(0x05),
  enumerated: (value: number): Buffer => element(0x0a, integer(value).subarray(2)),
  oid,
  octetString: (content: Buffer): Buffer => element(0x04, content),
  bitString: (bits: Buffer, unusedBits = 0): Buffer => element(0x03, Buffer.of(unusedBits), bits),
  utf8: (text: string): Buffer => element(0x0c, Buffer.from(text, 'utf8')),
  printable: (text: string): Buffer => element(0x13, Buffer.from(text, 'latin1')),
  ia5: (text: string): Buffer => element(0x16, Buffer.from(text, 'latin1')),
  /** Whole seconds; what is below a second is cut off. */
  generalizedTime: (unixMs: number): Buffer => element(0x18, Buffer.from(digits(unixMs), 'latin1')),
  /** For the years 1950 to 2049. */
  utcTime: (unixMs: number): Buffer => element(0x17, Buffer.from(digits(unixMs).slice(2), 'latin1')),
  /** Time as RFC 5280 4.1.2.5 wants it in certificates: UTCTime through 2049, then GeneralizedTime. */
  time: (unixMs: number): Buffer =>
    unixMs >= utcTimeFromMs && unixMs < utcTimeUntilMs ? der.utcTime(unixMs) : der.generalizedTime(unixMs),
  /** [n] EXPLICIT around whole elements. */
  explicit: (number: number, ...parts: readonly Buffer[]): Buffer => element(0xa0 | lowTag(number), ...parts),
  /** [n] IMPLICIT from content octets (not a whole element). */
  implicit: (number: number, content: Buffer, constructed = false): Buffer =>
    element((constructed ? 0xa0 : 0x80) | lowTag(number), content),
} as const;

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), lengthOctets(content.length), content]);
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const octets = minimal(BigInt(length));
  return Buffer.concat([Buffer.of(0x80 | octets.length), octets]);
}

/** A non-negative INTEGER of any size. */
function integer(value: bigint | number): Buffer {
  const octets = minimal(BigInt(value));
  return element(0x02, (octets[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), octets]) : octets);
}

function minimal(value: bigint): Buffer {
  if (value < 0n) throw new RangeError(`DER writer takes no negative number: ${value}`);
  const text = value.toString(16);
  return Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex');
}

/** From the dotted form; arcs of any size. */
function oid(dotted: string): Buffer {
  if (!/^[0-2](\.(0|[1-9]\d*))+$/.test(dotted)) throw new RangeError(`not an object identifier: ${dotted}`);
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  if (root < 2n && second > 39n) throw new RangeError(`not an object identifier: ${dotted}`);
  return element(0x06, ...[root * 40n + second, ...rest].map(base128));
}

function base128(arc: bigint): Buffer {
  const octets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return Buffer.from(octets);
}

function lowTag(number: number): number {
  if (!Number.isInteger(number) || number < 0 || number > 30) throw new RangeError(`not a low tag number: ${number}`);
  return number;
}

function digits(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`;
}

const utcTimeFromMs = Date.UTC(1950, 0, 1);
const utcTimeUntilMs = Date.UTC(2050, 0, 1);
