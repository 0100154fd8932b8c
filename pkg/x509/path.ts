import { type Certificate, hasWeakSignature } from './certificate.ts';
import { keyFault } from './key.ts';
import { nameKey, sameName } from './name.ts';
import { nameConstraintFault } from './name-constraints.ts';

/** Certificates by the key of their subject's name. */
export type IssuerIndex = ReadonlyMap<string, readonly Certificate[]>;

/** What paths may be made of, besides what a client sent. */
export interface IssuerPool {
  /** Configured self-signed roots: where every path ends. */
  readonly anchors: IssuerIndex;
  readonly intermediates: IssuerIndex;
}

/** A leaf, its issuers, and last the trust anchor. */
export type CertificatePath = readonly [Certificate, Certificate, ...Certificate[]];

export type PathResult =
  | { readonly kind: 'trusted'; readonly path: CertificatePath }
  | { readonly kind: 'untrusted'; readonly detail: string };

/** Leaf and anchor included. */
export const maxPathLength = 5;
/** Most certificates that a client may send beside its own. */
export const maxSentCertificates = 16;

/** Sorts certificates by subject for findPath. */
export function indexIssuers(certificates: readonly Certificate[]): IssuerIndex {
  const index = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const key = nameKey(certificate.subject);
    index.set(key, [...(index.get(key) ?? []), certificate]);
  }
  return index;
}

/**
 * A path from `leaf` over `sent` and configured certificates to a configured anchor. Every link's names agree and its
 * signature verifies under that very issuer's key; every issuer is a CA that may sign certificates, within its path
 * length and name constraints, with an acceptable key and no critical extension that is not understood. All issuers of
 * one name are tried, configured ones first, so that a same-name twin misleads nothing; the number of signature checks
 * is bounded. Dates are the caller's, but where several paths exist one whose issuers are valid at `nowMs` is preferred.
 * RFC 5280 6.1.
 */
export function findPath(leaf: Certificate, sent: readonly Certificate[], pool: IssuerPool, nowMs: number): PathResult {
  if (sent.length > maxSentCertificates) {
    return { kind: 'untrusted', detail: `${sent.length} certificates sent, limit ${maxSentCertificates}` };
  }
  const search: Search = { pool, sent: indexIssuers(sent), nowMs, checksLeft: maxSignatureChecks };
  extend(search, [leaf]);
  const path = search.valid ?? search.outdated;
  return path === undefined
    ? { kind: 'untrusted', detail: search.fault?.detail ?? `no path for ${leaf.subject.text}` }
    : { kind: 'trusted', path };
}

interface Search {
  readonly pool: IssuerPool;
  readonly sent: IssuerIndex;
  readonly nowMs: number;
  checksLeft: number;
  valid?: CertificatePath;
  /** A path that would do but for the dates of an issuer. */
  outdated?: CertificatePath;
  /** What went wrong furthest from the leaf; at equal depth the first. */
  fault?: { readonly depth: number; readonly detail: string };
}

function extend(search: Search, path: readonly [Certificate, ...Certificate[]]): void {
  const last = path[path.length - 1] ?? path[0];
  const key = nameKey(last.issuer);
  const anchors = search.pool.anchors.get(key) ?? [];
  const others = [...(search.pool.intermediates.get(key) ?? []), ...(search.sent.get(key) ?? [])];
  if (anchors.length + others.length === 0) note(search, path, `no trusted issuer named ${last.issuer.text}`);
  const tried = new Set(path.map(({ sha256 }) => sha256));
  for (const issuer of [...anchors, ...others]) {
    // A certificate that is already on the path, or was both configured and sent.
    if (tried.has(issuer.sha256)) continue;
    tried.add(issuer.sha256);
    search.checksLeft -= 1;
    if (search.checksLeft < 0) return note(search, path, 'too many candidate issuers');
    const fault = linkFault(path, last, issuer);
    if (fault !== undefined) {
      note(search, path, fault);
      continue;
    }
    if (anchors.includes(issuer)) finish(search, [...path, issuer]);
    else extend(search, [...path, issuer]);
    if (search.valid !== undefined) return;
  }
  // Nothing but itself, or what is on the path already, has that name.
  if (others.length > 0 && tried.size === path.length) {
    const selfIssued = sameName(last.subject, last.issuer);
    const why = selfIssued ? 'is self-signed and not among the trusted CAs' : 'leads to no trusted CA';
    note(search, path, `${last.subject.text} ${why}`);
  }
}

/** An anchor is reached: only now are name constraints worth the work, since every signature has been verified. */
function finish(search: Search, certificates: readonly [Certificate, ...Certificate[]]): void {
  const [leaf, issuer, ...rest] = certificates;
  if (issuer === undefined) return;
  const fault = constraintFault(certificates);
  if (fault !== undefined) return note(search, certificates, fault);
  const path: CertificatePath = [leaf, issuer, ...rest];
  if (issuersInDate(path, search.nowMs)) search.valid = path;
  else search.outdated ??= path;
}

/** Whether all above the leaf are within their dates, both ends included. */
export function issuersInDate(path: CertificatePath, nowMs: number): boolean {
  return path.slice(1).every(({ notBeforeMs, notAfterMs }) => notBeforeMs <= nowMs && nowMs <= notAfterMs);
}

function constraintFault(path: readonly Certificate[]): string | undefined {
  for (const [height, issuer] of path.entries()) {
    for (const [index, certificate] of path.slice(0, height).entries()) {
      // A CA's certificate for itself carries on its own name, which the constraints were not meant for.
      if (index > 0 && sameName(certificate.subject, certificate.issuer)) continue;
      const fault = nameConstraintFault(certificate, issuer);
      if (fault !== undefined)
        return `${issuer.subject.text} constrains names: ${certificate.subject.text} has ${fault}`;
    }
  }
  return undefined;
}

/** Why `issuer` cannot be the next after `last` on `path`, or undefined. */
function linkFault(path: readonly Certificate[], last: Certificate, issuer: Certificate): string | undefined {
  const name = issuer.subject.text;
  if (path.length >= maxPathLength) return `path longer than ${maxPathLength} certificates`;
  if (!issuer.isCa) return `${name} is not a CA`;
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.has('keyCertSign')) {
    return `${name} may not sign certificates (keyUsage without keyCertSign)`;
  }
  const below = path.slice(1).filter((certificate) => !sameName(certificate.subject, certificate.issuer)).length;
  if (issuer.pathLength !== undefined && below > issuer.pathLength) {
    return `${name} allows ${issuer.pathLength} CAs below it, found ${below}`;
  }
  const [critical] = issuer.unknownCritical;
  if (critical !== undefined) return `${name} has the critical extension ${critical}, which is not supported`;
  const weak = keyFault(issuer);
  if (weak !== undefined) return `${name}: ${weak}`;
  if (hasWeakSignature(last)) return `${last.subject.text} is signed over MD5 or SHA-1`;
  if (!last.isIssuedBy(issuer)) return `the signature of ${last.subject.text} does not verify under ${name}`;
  return undefined;
}

function note(search: Search, path: readonly Certificate[], detail: string): void {
  if (search.fault === undefined || path.length > search.fault.depth) search.fault = { depth: path.length, detail };
}

/** Of honest paths each link takes one or two. */
const maxSignatureChecks = 32;
