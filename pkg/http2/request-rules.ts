/**
 * What makes a request malformed on the wire (RFC 9113 8.1.1): a stream error, never an answer. What only this gate does
 * not serve is judged by whoever takes the request.
 */

/** Whether the characters of a field are allowed (RFC 9113 8.2.1). */
export function isFieldAllowed(name: string, value: string): boolean {
  for (let i = name.charCodeAt(0) === colon ? 1 : 0; i < name.length; i++) {
    if (nameOctet[name.charCodeAt(i)] !== 1) return false;
  }
  const { length } = value;
  for (let i = 0; i < length; i++) {
    const c = value.charCodeAt(i);
    if (c < 0x20 && (c === 0 || c === 0x0a || c === 0x0d)) return false;
  }
  return name.length > 0 && (length === 0 || !(isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))));
}

/** What a well-formed request says about its length: nothing. */
export const noLength = -1;

/**
 * Judges the fields of a request, whose characters are allowed (RFC 9113 8.2.2, 8.3.1, RFC 8441 4).
 * @returns the length that content-length says, `noLength` without one; a sentence where the request is malformed.
 */
export function judgeRequest(fields: readonly string[]): number | string {
  let seen = 0;
  let connect = false;
  let contentLength = noLength;
  let at = 0;
  for (; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    if (name.charCodeAt(0) !== colon) break;
    const bit = pseudoBits.get(name);
    if (bit === undefined) return 'a pseudo-header field that no request has';
    if ((seen & bit) !== 0) return `two ${name} fields`;
    seen |= bit;
    const value = fields[at + 1] ?? '';
    if (bit === methodBit) connect = value === 'CONNECT';
    else if (bit === pathBit && value === '') return 'an empty :path';
  }
  for (; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    const fault = judgeField(name, value);
    if (fault !== undefined) return fault;
    if (name !== 'content-length') continue;
    const length = /^[0-9]{1,15}$/.test(value) ? Number(value) : noLength;
    if (length === noLength || contentLength !== noLength) return 'content-length is not one number';
    contentLength = length;
  }
  if (connect && (seen & protocolBit) === 0) {
    return seen === (methodBit | authorityBit) ? contentLength : 'CONNECT has :authority alone';
  }
  if ((seen & protocolBit) !== 0 && !connect) return ':protocol without CONNECT';
  return (seen & neededBits) === neededBits ? contentLength : 'without :method, :scheme or :path';
}

/** Judges trailers, whose characters are allowed (RFC 9113 8.1). @returns a sentence where they are malformed. */
export function judgeTrailers(fields: readonly string[]): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    const fault = judgeField(fields[at] ?? '', fields[at + 1] ?? '');
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function judgeField(name: string, value: string): string | undefined {
  switch (name) {
    case 'connection':
    case 'keep-alive':
    case 'proxy-connection':
    case 'transfer-encoding':
    case 'upgrade':
      return `${name} is not a field of HTTP/2`;
    case 'te':
      return value.toLowerCase() === 'trailers' ? undefined : 'te says more than trailers';
    default:
      return name.charCodeAt(0) === colon ? 'a pseudo-header field behind a field, or in trailers' : undefined;
  }
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}

const colon = 0x3a;
const methodBit = 1;
const schemeBit = 2;
const pathBit = 4;
const authorityBit = 8;
const protocolBit = 16;
const neededBits = methodBit | schemeBit | pathBit;
const pseudoBits: ReadonlyMap<string, number> = new Map([
  [':method', methodBit],
  [':scheme', schemeBit],
  [':path', pathBit],
  [':authority', authorityBit],
  [':protocol', protocolBit],
]);

/** Visible ASCII, but no upper case and no colon. */
const nameOctet: Uint8Array = Uint8Array.from({ length: 256 }, (_, c) =>
  c > 0x20 && c < 0x7f && c !== colon && !(c >= 0x41 && c <= 0x5a) ? 1 : 0,
);
