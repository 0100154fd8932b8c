import { tokenOctet, valueOctet } from './chars.ts';
import { HttpMalformed } from './head.ts';

/** Fields that one head can have at most, whatever the limits say. */
export const fieldCeiling = 1000;

/**
 * Where scanFields found its fields: nameStart, nameEnd, valueStart, valueEnd for each, as buffer positions.
 * One table for all, overwritten by every scan: a scan and the reading of its marks are one synchronous step, and an
 * allocation per head would cost more than the scan of a short one.
 */
export const fieldMarks: Int32Array = new Int32Array(4 * fieldCeiling);

/** How many fields the last complete scan left in fieldMarks. */
export function fieldMarkCount(): number {
  return markCount;
}

/**
 * Walks a field section (RFC 9112 5) that begins at `from`, up to the empty line, once. Refuses what RFC 9112 2.2, 5.1
 * and 5.2 forbid or leave to taste: folding, white space around the name, bare CR or LF, controls.
 * @returns the position behind the empty line, or -1 where `end` comes first.
 * @throws HttpMalformed with `status`; 431 above `maxFields`.
 */
export function scanFields(bytes: Uint8Array, from: number, end: number, maxFields: number, status: number): number {
  let at = from;
  let mark = 0;
  const lastMark = 4 * maxFields;
  const lastFour = end - 3;
  for (;;) {
    if (at >= end) return -1;
    if (bytes[at] === CR) {
      if (at + 1 >= end) return -1;
      if (bytes[at + 1] !== LF) throw new HttpMalformed(status, 'CR without LF at the start of a header line');
      markCount = mark >> 2;
      return at + 2;
    }
    let nameEnd = at;
    while (nameEnd < end && tokenOctet[bytes[nameEnd] ?? 0] === 1) nameEnd++;
    if (nameEnd === end) return -1;
    if (nameEnd === at || bytes[nameEnd] !== COLON) throw badName(bytes[nameEnd] ?? 0, nameEnd === at, status);
    let valueStart = nameEnd + 1;
    while (valueStart < end && (bytes[valueStart] === SP || bytes[valueStart] === HTAB)) valueStart++;
    let lineEnd = valueStart;
    // Four at a time while they last: one branch instead of four.
    while (
      lineEnd < lastFour &&
      ((valueOctet[bytes[lineEnd] ?? 0] ?? 0) &
        (valueOctet[bytes[lineEnd + 1] ?? 0] ?? 0) &
        (valueOctet[bytes[lineEnd + 2] ?? 0] ?? 0) &
        (valueOctet[bytes[lineEnd + 3] ?? 0] ?? 0)) !==
        0
    ) {
      lineEnd += 4;
    }
    while (lineEnd < end && valueOctet[bytes[lineEnd] ?? 0] === 1) lineEnd++;
    if (lineEnd === end) return -1;
    if (bytes[lineEnd] !== CR) throw badOctet('header value', bytes[lineEnd] ?? 0, status);
    if (lineEnd + 1 === end) return -1;
    if (bytes[lineEnd + 1] !== LF) throw new HttpMalformed(status, 'CR without LF in a header value');
    let valueEnd = lineEnd;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    if (mark === lastMark) throw new HttpMalformed(431, `more than ${maxFields} header fields`);
    fieldMarks[mark] = at;
    fieldMarks[mark + 1] = nameEnd;
    fieldMarks[mark + 2] = valueStart;
    fieldMarks[mark + 3] = valueEnd;
    mark += 4;
    at = lineEnd + 2;
  }
}

/** HttpMalformed that names an octet which has no place in `where`. */
export function badOctet(where: string, octet: number, status: number): HttpMalformed {
  return new HttpMalformed(status, `octet 0x${octet.toString(16).padStart(2, '0')} in ${where}`);
}

function badName(octet: number, atStart: boolean, status: number): HttpMalformed {
  if (octet === SP || octet === HTAB) {
    return new HttpMalformed(
      status,
      atStart ? 'folded header line: a line begins with white space' : 'white space before the colon of a header',
    );
  }
  if (octet === COLON) return new HttpMalformed(status, 'header line without a name');
  return badOctet('header name', octet, status);
}

let markCount = 0;

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;
