import { createHash } from 'node:crypto';
import { type Certificate, hasWeakSignature, isSelfSigned } from '../x509/certificate.ts';
import { keyFault } from '../x509/key.ts';
import { type IssuerPool, indexIssuers, maxPathLength } from '../x509/path.ts';
import { numberedCertificatesFromPem, PemMalformed } from '../x509/pem.ts';

/** The trusted CAs of one profile. Without bundles nothing is trusted: everybody is refused as TrustWithdrawn. */
export interface Trust {
  /** Self-signed roots, of all bundles, each once. */
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  /** By bundle: the one CA that may have issued client certificates where the issuer DN is verified (Azure's rule). */
  readonly immediateIssuers: readonly Certificate[];
  readonly pool: IssuerPool;
  /** sha256 of everything above. */
  readonly fingerprints: ReadonlySet<string>;
  /** Lower-case hexadecimal SHA-256 over the bundles' certificates in their order: equal exactly when the trust is the same. */
  readonly digest: string;
}

/** A bundle that cannot be trusted as it is. `bundle` counts from 0, `block` from 1; 0 is the bundle as a whole. */
export class TrustMalformed extends Error {
  readonly code = 'TRUST_MALFORMED';
  readonly bundle: number;
  readonly block: number;
  constructor(bundle: number, block: number, rule: string, cause?: unknown) {
    super(`trusted CA bundle ${bundle}${block === 0 ? '' : `, PEM block ${block}`}: ${rule}`, { cause });
    this.name = 'TrustMalformed';
    this.bundle = bundle;
    this.block = block;
  }
}

/**
 * Reads CA bundles, one PEM text each. Every bundle has a self-signed root; every certificate is a CA that could stand
 * on a path (findPath's rules but for dates), so that a mistake is told now and not by each client's refusal.
 * @throws TrustMalformed.
 */
export function compileTrust(bundles: readonly string[]): Trust {
  const read = bundles.map(readBundle);
  const anchors = distinct(read.flatMap(({ roots }) => roots));
  const intermediates = distinct(read.flatMap(({ others }) => others));
  const order = JSON.stringify(read.map(({ all }) => all.map(({ sha256 }) => sha256)));
  return {
    anchors,
    intermediates,
    immediateIssuers: read.map(({ immediate }) => immediate),
    pool: { anchors: indexIssuers(anchors), intermediates: indexIssuers(intermediates) },
    fingerprints: new Set([...anchors, ...intermediates].map(({ sha256 }) => sha256)),
    digest: createHash('sha256').update(order).digest('hex'),
  };
}

interface Bundle {
  readonly all: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly others: readonly Certificate[];
  readonly immediate: Certificate;
}

function readBundle(pem: string, index: number): Bundle {
  const all = numbered(pem, index).map(({ block, certificate }) => {
    const fault = authorityFault(certificate);
    if (fault !== undefined) throw new TrustMalformed(index, block, `${certificate.subject.text} ${fault}`);
    return certificate;
  });
  const roots = all.filter(isSelfSigned);
  const others = all.filter((certificate) => !roots.includes(certificate));
  const [first] = roots;
  if (first === undefined) {
    throw new TrustMalformed(index, 0, 'no self-signed root CA; add the root that its intermediates lead to');
  }
  return { all, roots, others, immediate: immediateIssuer(first, roots, others) };
}

function numbered(pem: string, bundle: number) {
  try {
    return numberedCertificatesFromPem(pem);
  } catch (error) {
    if (!(error instanceof PemMalformed)) throw error;
    throw new TrustMalformed(bundle, error.block, error.rule, error);
  }
}

function authorityFault(certificate: Certificate): string | undefined {
  if (!certificate.isCa) return 'is not a CA (basicConstraints without cA)';
  if (certificate.keyUsage !== undefined && !certificate.keyUsage.has('keyCertSign')) {
    return 'may not sign certificates (keyUsage without keyCertSign)';
  }
  const [critical] = certificate.unknownCritical;
  if (critical !== undefined) return `has the critical extension ${critical}, which is not supported`;
  const weak = keyFault(certificate);
  if (weak !== undefined) return `has an unacceptable key: ${weak}`;
  return hasWeakSignature(certificate) && !isSelfSigned(certificate) ? 'is signed over MD5 or SHA-1' : undefined;
}

/**
 * The last CA of the longest chain from a root; of equally long ones, of that whose last CA comes first in the file.
 * Azure: mutual-authentication-overview, "Verify client certificate DN".
 */
function immediateIssuer(
  first: Certificate,
  roots: readonly Certificate[],
  others: readonly Certificate[],
): Certificate {
  let above = roots;
  let immediate = first;
  // Level by level below the roots, as deep as a path with a leaf at its end may be.
  for (let level = 2; level < maxPathLength && above.length > 0; level += 1) {
    const issuers = above;
    above = others.filter((certificate) => issuers.some((issuer) => certificate.isIssuedBy(issuer)));
    immediate = above[0] ?? immediate;
  }
  return immediate;
}

function distinct(certificates: readonly Certificate[]): Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.sha256, certificate])).values()];
}
