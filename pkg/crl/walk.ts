import { CrlMalformed } from './errors.ts';

/** Where one element lies in the bytes it was read from. */
export interface Span {
  readonly tag: number;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/**
 * Reads the head of one element of strict DER between two offsets, without looking inside: a list of a million entries
 * must not become a million objects at once. Low tags, definite minimal lengths. @throws CrlMalformed. X.690 8.1, 10.1.
 */
export function spanAt(bytes: Buffer, start: number, end: number, what: string, tag?: number): Span {
  const first = bytes[start];
  const lengthOctet = bytes[start + 1];
  if (first === undefined || lengthOctet === undefined || start + 2 > end) {
    throw new CrlMalformed(`CRL is malformed: expected ${what}, found the end, at byte ${start}`);
  }
  if (tag !== undefined && first !== tag) {
    throw new CrlMalformed(`CRL is malformed: expected ${what} with tag ${tag}, found ${first}, at byte ${start}`);
  }
  let length = lengthOctet;
  let contentStart = start + 2;
  if (lengthOctet >= 0x80) {
    const count = lengthOctet & 0x7f;
    if (count === 0 || count > 4 || contentStart + count > end) {
      throw new CrlMalformed(`CRL is malformed: expected a definite length of ${what}, at byte ${start}`);
    }
    length = bytes.readUIntBE(contentStart, count);
    contentStart += count;
    if (length < 0x80 || length < 256 ** (count - 1)) {
      throw new CrlMalformed(`CRL is malformed: expected a minimal length of ${what}, at byte ${start}`);
    }
  }
  if (contentStart + length > end) {
    throw new CrlMalformed(`CRL is malformed: expected ${length} bytes of ${what}, at byte ${contentStart}`);
  }
  return { tag: first, start, contentStart, end: contentStart + length };
}

/**
 * Unix seconds of a Time in RFC 5280's two forms, by hand: a million regular expressions are slow. A date that does not
 * exist is refused. @throws CrlMalformed. RFC 5280 4.1.2.5.
 */
export function timeAt(bytes: Buffer, { tag, contentStart, end }: Span): number {
  const isUtc = tag === 0x17;
  if ((!isUtc && tag !== 0x18) || end - contentStart !== (isUtc ? 13 : 15) || bytes[end - 1] !== 0x5a) {
    throw new CrlMalformed(`CRL is malformed: expected a time, at byte ${contentStart}`);
  }
  const pair = (index: number): number => {
    const at = end - 13 + index * 2;
    const high = (bytes[at] ?? 0) - 0x30;
    const low = (bytes[at + 1] ?? 0) - 0x30;
    if (high < 0 || high > 9 || low < 0 || low > 9) {
      throw new CrlMalformed(`CRL is malformed: expected digits, at byte ${at}`);
    }
    return high * 10 + low;
  };
  const short = pair(0);
  const year = isUtc ? short + (short >= 50 ? 1900 : 2000) : pair(-1) * 100 + short;
  const [month, day, hour, minute, second] = [pair(1), pair(2), pair(3), pair(4), pair(5)];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && leap ? 29 : (daysOfMonth[month - 1] ?? 0);
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 59 || year < 100) {
    throw new CrlMalformed(`CRL is malformed: expected a real date, at byte ${contentStart}`);
  }
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
}

const daysOfMonth: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
