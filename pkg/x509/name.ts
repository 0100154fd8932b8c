import { attributeNames, attributeOid } from './attribute-names.ts';
import { DerCursor, DerMalformed, type DerNode, der, readDer, tags } from './der.ts';
import { isStringTag, readOid, readString } from './der-values.ts';

/** An X.501 name: RDN sequence as received. Compared as RDNs, never as text. */
export interface DistinguishedName {
  /** The whole Name, tag and length included. */
  readonly der: Buffer;
  /** RFC 2253 text as OpenSSL's `-nameopt RFC2253` prints it: reversed, comma without a space, non-ASCII as `\C3\A9`. */
  readonly text: string;
}

/** One attribute of a name; `text` is undefined where the value is not a character string. */
export interface NameAttribute {
  readonly oid: string;
  readonly text: string | undefined;
  /** The whole value element. */
  readonly der: Buffer;
}

/** A text that is not a distinguished name by RFC 4514. */
export class DnMalformed extends Error {
  readonly code = 'DN_MALFORMED';
  constructor(text: string, rule: string) {
    super(`not a distinguished name: ${JSON.stringify(text)}: ${rule}`);
    this.name = 'DnMalformed';
  }
}

/** Reads a Name. RFC 5280 4.1.2.4. @throws DerMalformed. */
export function parseName(node: DerNode): DistinguishedName {
  const rdns = readRdns(node);
  return { der: node.bytes, text: rdns.toReversed().map(rdnText).join(',') };
}

/** The attributes of a name, RDN by RDN in the order received. @throws DerMalformed. */
export function nameRdns(name: DistinguishedName): readonly (readonly NameAttribute[])[] {
  return readRdns(readDer(name.der));
}

/**
 * Whether two names are the same: equal DER, else RDN by RDN in order, each an unordered set of attributes of the same
 * type whose strings are equal without regard to string type, ASCII case and repeated, leading or trailing white space
 * (RFC 5280 7.1, folded no further than OpenSSL does). Values that are no strings must be equal octets.
 */
export function sameName(a: DistinguishedName, b: DistinguishedName): boolean {
  return a.der.equals(b.der) || nameKey(a) === nameKey(b);
}

/** A string that is equal for two names exactly when sameName says so; for maps. */
export function nameKey(name: DistinguishedName): string {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = JSON.stringify(rdnKeys(name));
  keys.set(name, key);
  return key;
}

/** One such string for each RDN, in the order received. */
export function rdnKeys(name: DistinguishedName): readonly string[] {
  return nameRdns(name).map((rdn) => JSON.stringify(rdn.map(attributeKey).sort()));
}

/** Reads RFC 4514 text (most specific RDN first, as `text` above) into a comparable name. @throws DnMalformed. */
export function parseDnText(text: string): DistinguishedName {
  if (text.trim() === '') throw new DnMalformed(text, 'it is empty');
  const rdns = splitUnescaped(text, ',').map((rdn) =>
    der.set(...splitUnescaped(rdn, '+').map((attribute) => writeAttribute(text, attribute))),
  );
  try {
    return parseName(readDer(der.sequence(...rdns.toReversed())));
  } catch (error) {
    if (error instanceof DerMalformed) throw new DnMalformed(text, error.message);
    throw error;
  }
}

function readRdns(node: DerNode): NameAttribute[][] {
  const sequence = new DerCursor(node, 'a name');
  const rdns: NameAttribute[][] = [];
  for (const _ of node.children) {
    const set = sequence.take('a relative distinguished name', tags.set);
    const attributes = set.children.map(readAttribute);
    if (attributes.length === 0) new DerCursor(set, 'a relative distinguished name', tags.set).take('an attribute');
    rdns.push(attributes);
  }
  return rdns;
}

function readAttribute(node: DerNode): NameAttribute {
  const cursor = new DerCursor(node, 'a name attribute');
  const oid = readOid(cursor.take('an attribute type'), 'an attribute type');
  const value = cursor.take('an attribute value');
  cursor.end();
  return { oid, text: valueText(value), der: value.bytes };
}

function valueText(value: DerNode): string | undefined {
  if (value.tag === tags.utcTime || value.tag === tags.generalizedTime) return value.content.toString('latin1');
  return isStringTag(value.tag) ? readString(value, 'an attribute value') : undefined;
}

function rdnText(rdn: readonly NameAttribute[]): string {
  // OpenSSL reverses the whole list of attributes, those inside a multi-valued RDN included.
  return rdn
    .toReversed()
    .map(({ oid, text, der: value }) => {
      const name = attributeNames.get(oid);
      const plain = name !== undefined && text !== undefined;
      return `${name ?? oid}=${plain ? escapeValue(text) : `#${value.toString('hex').toUpperCase()}`}`;
    })
    .join('+');
}

/** Escapes one value as ASN1_STRFLGS_RFC2253 does. */
function escapeValue(text: string): string {
  const characters = [...text];
  const last = characters.length - 1;
  return characters
    .map((character, index) => {
      if (',+"\\<>;'.includes(character)) return `\\${character}`;
      if (character === ' ') return index === 0 || index === last ? '\\ ' : ' ';
      // OpenSSL looks at a lone character as the last one, where # needs no escape.
      if (character === '#') return index === 0 && last > 0 ? '\\#' : '#';
      if (character >= ' ' && character <= '~') return character;
      return [...Buffer.from(character, 'utf8')].map((octet) => `\\${hexByte(octet)}`).join('');
    })
    .join('');
}

function attributeKey(attribute: NameAttribute): string {
  const { oid, text } = attribute;
  return `${oid}=${text === undefined ? `#${attribute.der.toString('hex')}` : `'${foldText(text)}`}`;
}

/** ASCII case and white space only: a wider folding would make names equal that a CA kept apart (the Kelvin sign and k). */
function foldText(text: string): string {
  return text
    .replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
    .replaceAll(/[\t\n\v\f\r ]+/g, ' ')
    .replaceAll(/^ | $/g, '');
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts = [''];
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === separator) {
      parts.push('');
      continue;
    }
    const escaped = character === '\\' ? text.charAt((at += 1)) : '';
    parts[parts.length - 1] += character + escaped;
  }
  return parts;
}

function writeAttribute(whole: string, attribute: string): Buffer {
  const equals = attribute.indexOf('=');
  if (equals < 0) throw new DnMalformed(whole, `expected TYPE=VALUE, found ${JSON.stringify(attribute)}`);
  const type = attribute.slice(0, equals).trim();
  const oid = /^\d+(\.\d+)+$/.test(type) ? type : attributeOid(type);
  if (oid === undefined) throw new DnMalformed(whole, `unknown attribute type ${JSON.stringify(type)}; write its OID`);
  const value = attribute.slice(equals + 1).replace(/^ +/, '');
  try {
    return der.sequence(der.oid(oid), value.startsWith('#') ? hexValue(whole, value) : stringValue(whole, oid, value));
  } catch (error) {
    if (error instanceof RangeError) throw new DnMalformed(whole, error.message);
    throw error;
  }
}

function hexValue(whole: string, value: string): Buffer {
  const digits = value.slice(1).trimEnd();
  const bytes = Buffer.from(digits, 'hex');
  if (digits.length === 0 || bytes.length * 2 !== digits.length) {
    throw new DnMalformed(whole, `${JSON.stringify(value)} is not # and hexadecimal digits`);
  }
  try {
    return readDer(bytes).bytes;
  } catch (error) {
    throw new DnMalformed(whole, `${JSON.stringify(value)} is not DER: ${String(error)}`);
  }
}

function stringValue(whole: string, oid: string, value: string): Buffer {
  const octets: Buffer[] = [];
  // An escaped space at the end is part of the value, a bare one is not.
  let trailing = 0;
  for (let at = 0; at < value.length; at += 1) {
    const point = String.fromCodePoint(value.codePointAt(at) ?? 0);
    trailing = point === ' ' ? trailing + 1 : 0;
    if (point === '\\') {
      const pair = value.slice(at + 1, at + 3);
      const next = value.charAt(at + 1);
      if (/^[0-9A-Fa-f]{2}$/.test(pair)) {
        octets.push(Buffer.from(pair, 'hex'));
        at += 2;
      } else if (next !== '' && ' "#+,;<=>\\'.includes(next)) {
        octets.push(Buffer.from(next));
        at += 1;
      } else {
        throw new DnMalformed(whole, `${JSON.stringify(`\\${pair}`)} escapes nothing`);
      }
    } else if ('"+,;<>\0'.includes(point)) {
      throw new DnMalformed(whole, `${JSON.stringify(point)} needs a backslash before it`);
    } else {
      octets.push(Buffer.from(point, 'utf8'));
      at += point.length - 1;
    }
  }
  const bytes = Buffer.concat(octets.slice(0, octets.length - trailing));
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw new DnMalformed(whole, 'a value is not UTF-8');
  if (text === '') throw new DnMalformed(whole, 'a value is empty');
  if (printableTypes.has(oid) && /^[A-Za-z0-9 '()+,./:=?-]*$/.test(text)) return der.printable(text);
  return ia5Types.has(oid) && bytes.every((octet) => octet < 0x80) ? der.ia5(text) : der.utf8(text);
}

function hexByte(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

const keys = new WeakMap<DistinguishedName, string>();
/** country, serialNumber, dnQualifier: PrintableString in RFC 5280 appendix A. */
const printableTypes: ReadonlySet<string> = new Set(['2.5.4.5', '2.5.4.6', '2.5.4.46']);
/** emailAddress, domainComponent: IA5String there. */
const ia5Types: ReadonlySet<string> = new Set(['1.2.840.113549.1.9.1', '0.9.2342.19200300.100.1.25']);
