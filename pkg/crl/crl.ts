import { setImmediate } from 'node:timers/promises';
import { DerCursor, DerMalformed, type DerNode, readDer, tags } from '../x509/der.ts';
import {
  readBoolean,
  readOctetString,
  readOid,
  readSmallInteger,
  readTime,
  readWholeBitString,
} from '../x509/der-values.ts';
import type { Extension } from '../x509/extensions.ts';
import { type DistinguishedName, parseName } from '../x509/name.ts';
import { CrlMalformed } from './errors.ts';
import { type IssuingDistributionPoint, readIssuingDistributionPoint } from './general-names.ts';
import { createSerialSetBuilder, type SerialSet, type SerialSetBuilder } from './serial-set.ts';
import { type Span, spanAt, timeAt } from './walk.ts';

/** A CRL as read: nothing in it is trusted. RFC 5280 5.1. */
export interface Crl {
  /** What is signed, and by what, as received: slices of what was read. Dropped once the signature was looked at. */
  readonly signed: { readonly tbs: Buffer; readonly algorithm: DerNode; readonly signature: Buffer };
  readonly version: 1 | 2;
  readonly issuer: DistinguishedName;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  readonly revoked: SerialSet;
  /** Extensions of entries that decide who or what an entry is about: by OID, whether any is critical. */
  readonly entryExtensions: ReadonlyMap<string, boolean>;
}

/** Object identifiers of CRLs and their entries. RFC 5280 5.2, 5.3. */
export const crlOids = {
  authorityKeyId: '2.5.29.35',
  certificateIssuer: '2.5.29.29',
  crlDistributionPoints: '2.5.29.31',
  crlNumber: '2.5.29.20',
  deltaCrlIndicator: '2.5.29.27',
  invalidityDate: '2.5.29.24',
  issuingDistributionPoint: '2.5.29.28',
  reasonCode: '2.5.29.21',
} as const;

/** Reads a CRL in strict DER at once; for small ones. @throws CrlMalformed. RFC 5280 5.1. */
export function parseCrl(bytes: Buffer): Crl {
  const reading = read(bytes);
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
  }
}

/** The same in slices of a few milliseconds, so that a CRL of many megabytes holds nobody up. Rejects with CrlMalformed. */
export async function parseCrlInSlices(bytes: Buffer): Promise<Crl> {
  const reading = read(bytes);
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
    await setImmediate();
  }
}

function* read(bytes: Buffer): Generator<undefined, Crl, undefined> {
  try {
    return yield* readList(bytes);
  } catch (error) {
    if (error instanceof DerMalformed) throw new CrlMalformed(`CRL is malformed: ${error.message}`, { cause: error });
    throw error;
  }
}

function* readList(bytes: Buffer): Generator<undefined, Crl, undefined> {
  const outer = spanAt(bytes, 0, bytes.length, 'CertificateList', tags.sequence);
  const tbs = spanAt(bytes, outer.contentStart, outer.end, 'tbsCertList', tags.sequence);
  const algorithm = small(bytes, spanAt(bytes, tbs.end, outer.end, 'signatureAlgorithm', tags.sequence));
  const signature = spanAt(bytes, tbs.end + algorithm.bytes.length, outer.end, 'signatureValue');
  if (signature.end !== bytes.length) {
    throw new CrlMalformed(`CRL is malformed: expected its end, found ${bytes.length - signature.end} more bytes`);
  }

  let at = tbs.contentStart;
  const next = (what: string, tag?: number): Span => {
    const span = spanAt(bytes, at, tbs.end, what, tag);
    at = span.end;
    return span;
  };
  const version = bytes[at] === tags.integer ? readVersion(small(bytes, next('version'))) : 1;
  const inner = next('signature', tags.sequence);
  if (!bytes.subarray(inner.start, inner.end).equals(algorithm.bytes)) {
    throw new CrlMalformed('CRL is malformed: the signature algorithms inside and outside tbsCertList differ');
  }
  const issuer = parseName(small(bytes, next('issuer', tags.sequence)));
  const thisUpdateMs = readTime(small(bytes, next('thisUpdate')), 'thisUpdate');
  const hasNext = at < tbs.end && (bytes[at] === tags.utcTime || bytes[at] === tags.generalizedTime);
  const nextUpdateMs = hasNext ? readTime(small(bytes, next('nextUpdate')), 'nextUpdate') : undefined;
  const list = at < tbs.end && bytes[at] === tags.sequence ? next('revokedCertificates') : undefined;
  const builder = createSerialSetBuilder(list === undefined ? 0 : list.end - list.contentStart);
  const entries = new EntryReader(bytes, builder);
  if (list !== undefined) {
    for (let count = 0, from = list.contentStart; from < list.end; count += 1) {
      from = entries.read(from, list.end);
      if (count % entriesPerSlice === entriesPerSlice - 1) yield;
    }
  }
  const wrapper = at < tbs.end ? next('crlExtensions', 0xa0) : undefined;
  if (at !== tbs.end) throw new CrlMalformed(`CRL is malformed: expected the end of tbsCertList, at byte ${at}`);
  const extensions = wrapper === undefined ? new Map<string, Extension>() : readWrapped(small(bytes, wrapper));
  if (version === 1 && (extensions.size > 0 || entries.extensions.size > 0)) {
    throw new CrlMalformed('CRL is malformed: extensions in version 1');
  }
  const scope = extensions.get(crlOids.issuingDistributionPoint);
  return {
    signed: {
      tbs: bytes.subarray(tbs.start, tbs.end),
      algorithm,
      signature: readWholeBitString(small(bytes, signature), 'signatureValue'),
    },
    version,
    issuer,
    thisUpdateMs,
    nextUpdateMs,
    extensions,
    issuingDistributionPoint: scope === undefined ? undefined : readIssuingDistributionPoint(scope.value),
    revoked: builder.finish(),
    entryExtensions: entries.extensions,
  };
}

/** A copy: what is kept of a CRL must not keep all of it. */
function small(bytes: Buffer, { start, end }: Span): DerNode {
  if (end - start > maxFieldBytes) {
    throw new CrlMalformed(
      `CRL is malformed: a field of ${end - start} bytes, limit ${maxFieldBytes}, at byte ${start}`,
    );
  }
  return readDer(Buffer.from(bytes.subarray(start, end)));
}

function readVersion(node: DerNode): 2 {
  const number = readSmallInteger(node, 'version') + 1;
  if (number !== 2) throw new CrlMalformed(`CRL is malformed: version ${number}, expected 1 (absent) or 2`);
  return 2;
}

function readWrapped(wrapper: DerNode): ReadonlyMap<string, Extension> {
  const cursor = new DerCursor(wrapper, 'crlExtensions', 0xa0);
  const list = cursor.take('crlExtensions', tags.sequence);
  cursor.end();
  return readExtensionList(list);
}

function readExtensionList(list: DerNode): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  for (const node of list.children) {
    const cursor = new DerCursor(node, 'an extension');
    const oid = readOid(cursor.take('extnID'), 'extnID');
    const flag = cursor.optional(tags.boolean);
    const value = readOctetString(cursor.take('extnValue'), 'extnValue');
    cursor.end();
    if (extensions.has(oid)) throw new CrlMalformed(`CRL is malformed: extension ${oid} twice`);
    extensions.set(oid, { critical: flag !== undefined && readBoolean(flag, 'critical'), value });
  }
  return extensions;
}

/** Reads entry after entry. The extensions of most entries are the same few bytes, so that each form is read once. */
class EntryReader {
  readonly extensions = new Map<string, boolean>();
  readonly #bytes: Buffer;
  readonly #builder: SerialSetBuilder;
  readonly #reasons = new Map<string, number>();

  constructor(bytes: Buffer, builder: SerialSetBuilder) {
    this.#bytes = bytes;
    this.#builder = builder;
  }

  /** Where the entry ends. @throws CrlMalformed. */
  read(start: number, end: number): number {
    const bytes = this.#bytes;
    const entry = spanAt(bytes, start, end, 'an entry', tags.sequence);
    const serial = spanAt(bytes, entry.contentStart, entry.end, 'a serial number', tags.integer);
    const [first, second] = [bytes[serial.contentStart] ?? 0, bytes[serial.contentStart + 1] ?? 0];
    const length = serial.end - serial.contentStart;
    if (length === 0 || length > maxSerialBytes) {
      throw new CrlMalformed(`CRL is malformed: a serial number of ${length} bytes, at byte ${serial.start}`);
    }
    if (length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw new CrlMalformed(`CRL is malformed: expected a minimal serial number, at byte ${serial.start}`);
    }
    const date = spanAt(bytes, serial.end, entry.end, 'a revocation date');
    const atSeconds = timeAt(bytes, date);
    const reason = date.end === entry.end ? -1 : this.#reason(date.end, entry.end);
    this.#builder.add(bytes, serial.contentStart, serial.end, atSeconds, reason);
    return entry.end;
  }

  #reason(start: number, end: number): number {
    const key = this.#bytes.toString('latin1', start, end);
    const known = this.#reasons.get(key);
    if (known !== undefined) return known;
    const span = spanAt(this.#bytes, start, end, 'crlEntryExtensions', tags.sequence);
    if (span.end !== end) throw new CrlMalformed(`CRL is malformed: expected the end of an entry, at byte ${span.end}`);
    let reason = -1;
    for (const [oid, { critical, value }] of readExtensionList(small(this.#bytes, span))) {
      this.extensions.set(oid, critical || this.extensions.get(oid) === true);
      if (this.extensions.size > maxForms) throw new CrlMalformed('CRL is malformed: too many kinds of extensions');
      if (oid === crlOids.reasonCode) reason = readSmallInteger(readDer(value), 'reasonCode', tags.enumerated);
    }
    if (reason > 254) throw new CrlMalformed(`CRL is malformed: reasonCode ${reason}`);
    if (this.#reasons.size < maxForms) this.#reasons.set(key, reason);
    return reason;
  }
}

const entriesPerSlice = 8192;
const maxFieldBytes = 65_536;
const maxSerialBytes = 64;
const maxForms = 1024;
