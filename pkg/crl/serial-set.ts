import { revocationReasons } from '../ocsp/response.ts';

/** What a CRL says about a certificate that is on it. */
export interface Listing {
  readonly revokedAtMs: number;
  /** RFC 5280 5.3.1 name; undefined where the entry has none. */
  readonly reason: string | undefined;
}

/** The serials of a CRL with their dates and reasons, in about 30 bytes each and without an object for any. */
export interface SerialSet {
  readonly size: number;
  /** Of memory. */
  readonly bytes: number;
  /** By the INTEGER's content octets; logarithmic. Of two entries of one serial the one that is for good counts. */
  find(serial: Buffer): Listing | undefined;
}

/** Takes the entries of one CRL, in any order. */
export interface SerialSetBuilder {
  /** The serial is at most 64 octets; `reason` is the CRLReason's number, -1 for none. */
  add(bytes: Buffer, start: number, end: number, atSeconds: number, reason: number): void;
  finish(): SerialSet;
}

/**
 * A builder for a list whose entries take `contentBytes` in DER. Records lie one after the other; an index sorted by a
 * hash of the serial finds them by halving. A hash that two serials share costs a comparison, nothing else.
 */
export function createSerialSetBuilder(contentBytes: number): SerialSetBuilder {
  // No entry of DER is shorter than 20 bytes, and no record longer than its entry.
  const index = new BigUint64Array(Math.ceil(contentBytes / 20));
  // The two halves of each number, written without making a BigInt of them.
  const halves = new Uint32Array(index.buffer);
  let records = Buffer.alloc(contentBytes);
  let used = 0;
  let size = 0;
  return {
    add: (bytes, start, end, atSeconds, reason) => {
      const length = end - start;
      halves[size * 2 + high] = hashOf(bytes, start, end);
      halves[size * 2 + 1 - high] = used;
      size += 1;
      records[used] = length;
      bytes.copy(records, used + 1, start, end);
      records.writeIntBE(atSeconds, used + 1 + length, 6);
      records[used + 7 + length] = reason + 1;
      used += length + 8;
    },
    finish: () => {
      // What was allocated for the worst case is given back.
      const sorted = index.slice(0, size).sort();
      records = Buffer.from(records.subarray(0, used));
      return setOf(size, new Uint32Array(sorted.buffer), records);
    },
  };
}

function setOf(size: number, halves: Uint32Array, records: Buffer): SerialSet {
  return {
    size,
    bytes: halves.byteLength + records.length,
    find: (serial) => {
      const wanted = hashOf(serial, 0, serial.length);
      let from = 0;
      let to = size;
      while (from < to) {
        const middle = (from + to) >>> 1;
        if ((halves[middle * 2 + high] ?? 0) < wanted) from = middle + 1;
        else to = middle;
      }
      let found: Listing | undefined;
      for (let at = from; at < size && halves[at * 2 + high] === wanted; at += 1) {
        const offset = halves[at * 2 + 1 - high] ?? 0;
        const length = records[offset] ?? 0;
        if (!records.subarray(offset + 1, offset + 1 + length).equals(serial)) continue;
        const number = (records[offset + 7 + length] ?? 0) - 1;
        const reason = number < 0 ? undefined : (revocationReasons[number] ?? `reason${number}`);
        if (found === undefined || found.reason === 'certificateHold') {
          found = { revokedAtMs: records.readIntBE(offset + 1 + length, 6) * 1000, reason };
        }
      }
      return found;
    },
  };
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash >>> 0;
}

/** Which half of a 64-bit number is the high one on this machine: 1 where the low one comes first. */
const high = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;
