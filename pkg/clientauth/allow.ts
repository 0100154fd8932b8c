import type { AllowEntry } from '../policy/policy.ts';
import { DnMalformed, parseDnText, sameName } from '../x509/name.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { Trust } from './trust.ts';

/** Whether a verified path satisfies one allow entry: all of its fields. */
export type AllowTest = (path: CertificatePath) => boolean;

/** An allow list that would let in something else than it says; every fault of it. */
export class AllowMalformed extends Error {
  readonly code = 'ALLOW_MALFORMED';
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.name = 'AllowMalformed';
    this.faults = faults;
  }
}

/**
 * Compiles allow entries; a path is allowed when one of them matches, or when there is none.
 * @throws AllowMalformed with what allowFaults says.
 */
export function compileAllow(entries: readonly AllowEntry[], trust: Trust): readonly AllowTest[] {
  const faults = allowFaults(entries, trust);
  if (faults.length > 0) throw new AllowMalformed(faults);
  return entries.map((entry) => {
    const tests = fieldTests(entry).map(([, test]) => test);
    return (path) => tests.every((test) => typeof test !== 'string' && test(path));
  });
}

/**
 * What is wrong with an allow list under a trust, each with its entry's index and field: an empty entry, a value that
 * cannot match, and names without a key beside them where more than one root is trusted (any of their CAs could issue
 * such a name). Never throws.
 */
export function allowFaults(entries: readonly AllowEntry[], trust: Pick<Trust, 'anchors'>): readonly string[] {
  const severalRoots = new Set(trust.anchors.map(({ spkiSha256 }) => spkiSha256)).size > 1;
  return entries.flatMap((entry, index) => {
    const tests = fieldTests(entry);
    if (tests.length === 0)
      return [`allow[${index}]: empty, would allow every certificate; remove it or give it a field`];
    const faults = tests.flatMap(([field, test]) =>
      typeof test === 'string' ? [`allow[${index}].${field}: ${test}`] : [],
    );
    const named = tests.find(([field]) => nameFields.has(field));
    const pinned = tests.some(([field]) => !nameFields.has(field));
    if (severalRoots && named !== undefined && !pinned) {
      faults.push(
        `allow[${index}].${named[0]}: more than one root CA is trusted and any of them could issue this name; add issuerSpkiSha256`,
      );
    }
    return faults;
  });
}

/** The given fields of an entry, each with its test or with what is wrong with it. */
function fieldTests(entry: AllowEntry): (readonly [field: string, test: AllowTest | string])[] {
  return Object.entries(entry).flatMap(([field, value]) => {
    if (value === undefined) return [];
    const compile = fields.get(field);
    // A field that this version does not know must not make an entry match more.
    return [[field, compile === undefined ? 'not supported' : compile(value)] as const];
  });
}

function subjectDn(value: string): AllowTest | string {
  try {
    const want = parseDnText(value);
    return ([leaf]) => sameName(leaf.subject, want);
  } catch (error) {
    if (error instanceof DnMalformed) return error.message;
    throw error;
  }
}

/** Exact, or `*.` for exactly one label; ASCII case does not count. */
function dnsName(value: string): AllowTest | string {
  const want = value.toLowerCase();
  const base = want.startsWith('*.') ? want.slice(2) : want;
  if (!hostName.test(base)) return `${JSON.stringify(value)} is not a DNS name, exact or *. and one`;
  if (base === want) return ([leaf]) => leaf.san.dns.some((name) => name.toLowerCase() === want);
  return ([leaf]) =>
    leaf.san.dns.some((name) => {
      const dot = name.indexOf('.');
      return hostName.test(name.slice(0, dot).toLowerCase()) && name.slice(dot + 1).toLowerCase() === base;
    });
}

/** Exact, or a prefix that ends in `/` after an authority; nothing is folded, so `..` and its encodings never match a prefix. */
function uri(value: string): AllowTest | string {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:./.test(value)) return `${JSON.stringify(value)} is not an absolute URI`;
  if (!value.endsWith('/')) return ([leaf]) => leaf.san.uri.includes(value);
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]+\//.test(value)) {
    return `prefix ${JSON.stringify(value)} needs an authority before its last slash`;
  }
  return ([leaf]) =>
    leaf.san.uri.some(
      (name) => name === value || (name.startsWith(value) && !dotSegment.test(name.slice(value.length))),
    );
}

/** The local part as it is, the domain without regard to ASCII case. RFC 5280 4.2.1.6. */
function email(value: string): AllowTest | string {
  const want = mailbox(value);
  if (want === undefined) return `${JSON.stringify(value)} is not an e-mail address`;
  return ([leaf]) => leaf.san.email.some((name) => mailbox(name) === want);
}

function mailbox(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  if (at < 1 || at === address.length - 1) return undefined;
  return address.slice(0, at + 1) + address.slice(at + 1).toLowerCase();
}

function hash(read: (path: CertificatePath) => string): (value: string) => AllowTest | string {
  return (value) => {
    const want = value.replaceAll(':', '').toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(want)) return `${JSON.stringify(value)} is not a SHA-256 in 64 hexadecimal digits`;
    return (path) => read(path) === want;
  };
}

const fields: ReadonlyMap<string, (value: string) => AllowTest | string> = new Map([
  ['subjectDn', subjectDn],
  ['dnsName', dnsName],
  ['uri', uri],
  ['email', email],
  ['sha256Fingerprint', hash(([leaf]) => leaf.sha256)],
  ['spkiSha256', hash(([leaf]) => leaf.spkiSha256)],
  ['issuerSpkiSha256', hash(([, issuer]) => issuer.spkiSha256)],
]);
const nameFields: ReadonlySet<string> = new Set(['subjectDn', 'dnsName', 'uri', 'email']);
const hostName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;
const dotSegment = /(^|[/\\])(\.|%2e){1,2}([/\\?#]|$)|%2f|%5c/i;
