import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Certificate, CertificateMalformed, parseCertificate } from '../x509/certificate.ts';
import { type CertificatePath, findPath, issuersInDate, maxSentCertificates, type PathResult } from '../x509/path.ts';
import { type Failure, type Finding, fail, wellFormed } from './checks.ts';
import type { Trust } from './trust.ts';
import type { CheckName } from './verdict.ts';

/** What the TLS layer has of a peer. */
export interface Presented {
  /** DER of the client's own certificate; undefined where it sent none. */
  readonly leaf: Buffer | undefined;
  /** DER of whatever else came with it: candidates, believed in nothing. Read where the configured CAs do not suffice. */
  readonly sent: readonly Buffer[];
  /** Node's code of OpenSSL's verdict on the handshake; null where it found nothing wrong. */
  readonly authorizationError: string | null;
}

/**
 * What a certificate is worth apart from time, revocation and settings: found once for all connections that present it,
 * as long as it is remembered.
 */
export type PreVerdict =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'refused';
      readonly leaf: Certificate | undefined;
      readonly check: CheckName;
      readonly failure: Failure;
    }
  | {
      readonly kind: 'trusted';
      readonly leaf: Certificate;
      readonly path: CertificatePath;
      readonly authorizationError: string | null;
      /** Fingerprints of the configured CAs on the path: while one is gone, so is the trust. */
      readonly relied: readonly string[];
    };

export type Trusted = Extract<PreVerdict, { readonly kind: 'trusted' }>;

/** One of the checks that need no network. */
export type LocalFinding = readonly [CheckName, Finding];

/** A path as it was looked for. `sent` is the fingerprint of what came with the leaf; undefined where that does not count. */
interface Search {
  readonly result: PathResult;
  readonly sent: string | undefined;
}

interface Known {
  readonly found: Trusted;
  readonly sent: string | undefined;
}

/**
 * Makes what reads certificates and builds their paths: the same object for whoever presents the same certificate, and the
 * same others where those count, and is trusted by OpenSSL too. Keeps nothing of what is presented. Never throws.
 */
export function createPreVerdict(trust: Trust): (presented: Presented, nowMs: number) => PreVerdict {
  const known = new LRUCache<string, Known>({ max: maxRemembered });

  function preVerdict(presented: Presented, nowMs: number): PreVerdict {
    const { leaf: der, authorizationError } = presented;
    if (der === undefined) return { kind: 'absent' };
    const key = signatureEnd(der);
    const before = known.get(key);
    if (before?.found.leaf.der.equals(der) && issuersInDate(before.found.path, nowMs) && isOf(before, presented)) {
      return asOpensslSays(before.found, authorizationError);
    }
    let leaf: Certificate;
    try {
      leaf = parseCertificate(der);
    } catch (error) {
      return {
        kind: 'refused',
        leaf: undefined,
        check: 'wellFormed',
        failure: fail('InvalidCertificate', messageOf(error)),
      };
    }
    const form = wellFormed(leaf);
    if (form.kind === 'fail') return { kind: 'refused', leaf, check: 'wellFormed', failure: form };
    const { result, sent } = search(leaf, presented, nowMs);
    if (result.kind === 'untrusted') {
      return { kind: 'refused', leaf, check: 'pathTrusted', failure: fail('UntrustedIssuer', result.detail) };
    }
    const found = trusted(result.path);
    known.set(key, { found, sent });
    return asOpensslSays(found, authorizationError);
  }

  /** Over the configured CAs alone where they suffice: then nothing else that a client sends is read or counts. */
  function search(leaf: Certificate, presented: Presented, nowMs: number): Search {
    const result = findPath(leaf, [], trust.pool, nowMs);
    if (result.kind === 'trusted' && issuersInDate(result.path, nowMs)) return { result, sent: undefined };
    const { sent } = presented;
    if (sent.length > maxSentCertificates) {
      const detail = `${sent.length} certificates sent, limit ${maxSentCertificates}`;
      return { result: { kind: 'untrusted', detail }, sent: undefined };
    }
    return { result: findPath(leaf, sent.flatMap(readCandidate), trust.pool, nowMs), sent: fingerprint(sent) };
  }

  function trusted(path: CertificatePath): Trusted {
    const relied = path.map(({ sha256 }) => sha256).filter((sha256) => trust.fingerprints.has(sha256));
    return { kind: 'trusted', leaf: path[0], path, authorizationError: null, relied };
  }

  return preVerdict;
}

/** A candidate that is no certificate helps no path; it does not harm one either. */
function readCandidate(der: Buffer): Certificate[] {
  try {
    return [parseCertificate(der)];
  } catch {
    return [];
  }
}

function messageOf(error: unknown): string {
  return error instanceof CertificateMalformed ? error.message : 'unreadable';
}

/** The handshake's own word belongs to one connection; where it says nothing, connections share what was found. */
function asOpensslSays(before: Trusted, authorizationError: string | null): Trusted {
  return authorizationError === null ? before : { ...before, authorizationError };
}

/** Tells certificates apart as a hash would; two of one key are compared, and the later one is remembered. */
function signatureEnd(der: Buffer): string {
  return der.toString('latin1', der.length - 16);
}

/** Whether it was looked for among the same certificates. */
function isOf({ sent }: Known, presented: Presented): boolean {
  return sent === undefined || sent === fingerprint(presented.sent);
}

/** Length-prefixed, so that no two lists of certificates run together to the same bytes. */
function fingerprint(sent: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const der of sent) hash.update(`${der.length}:`).update(der);
  return hash.digest('base64');
}

const maxRemembered = 500;
