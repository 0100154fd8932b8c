import { createHash } from 'node:crypto';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { readDer } from '../x509/der.ts';
import { readWholeBitString } from '../x509/der-values.ts';
import { oids as certificateOids } from '../x509/extensions.ts';
import { sameName } from '../x509/name.ts';
import type { BasicResponse } from './response.ts';
import { keyFault, type SignatureAlgorithm, signatureAlgorithm, signatureVerifies } from './signature.ts';
import type { AnswerFacts } from './status.ts';

/** The certificate whose key signed, and by which right. */
export interface Signer {
  readonly certificate: Certificate;
  readonly kind: AnswerFacts['signedBy'];
}

/** What a signer is judged against. */
export interface SignerContext {
  readonly basic: BasicResponse;
  readonly algorithm: SignatureAlgorithm;
  /** The certificate that is checked, and the CA that issued it. */
  readonly issuer: Certificate;
  readonly target: { readonly issuerName: Buffer; readonly serial: Buffer };
  readonly certificate: Certificate | undefined;
  readonly nowMs: number;
  readonly clockSkewMs: number;
  readonly allowSha1: boolean;
  /** Responders that the profile trusts by themselves. */
  readonly pinned: readonly Certificate[];
}

/** One condition on a signer. `run` returns what is wrong, or undefined. */
export interface SignerCheck {
  readonly name: string;
  readonly source: string;
  /**
   * Whom it binds. The issuer's right to sign comes from being the issuer, that of a pinned responder from the profile:
   * it need not be issued by the CA nor be authorised by it, but it must still be valid.
   */
  readonly appliesTo: 'all' | 'delegate' | 'delegateOrPinned';
  readonly run: (candidate: Certificate, context: SignerContext) => string | undefined;
}

/**
 * The conditions, cheap ones that bind the signer first: a candidate must pass every one. A certificate of the same CA
 * without the OCSPSigning purpose must never count, or any client could answer for itself.
 */
export const signerChecks: readonly SignerCheck[] = [
  {
    name: 'responderId',
    source: 'RFC 6960 4.2.2.3',
    appliesTo: 'all',
    run: (candidate, { basic }) =>
      isNamed(candidate, basic.responderId) ? undefined : 'it is not the responder that the answer names',
  },
  {
    name: 'keyFits',
    source: 'RFC 6960 4.3, RFC 8301',
    appliesTo: 'all',
    run: (candidate, { algorithm }) => keyFault(candidate.publicKey, algorithm),
  },
  {
    name: 'signature',
    source: 'RFC 6960 3.2 point 2',
    appliesTo: 'all',
    run: (candidate, { algorithm, basic }) =>
      signatureVerifies(algorithm, basic.tbs, candidate.publicKey, basic.signature)
        ? undefined
        : 'the signature does not verify under its key',
  },
  {
    name: 'issuedDirectly',
    source: 'RFC 6960 4.2.2.2: issued directly by the CA that issued the certificate',
    appliesTo: 'delegate',
    run: (candidate, { issuer, allowSha1 }) => {
      const fault = linkFault(candidate, issuer, allowSha1);
      return fault === undefined ? undefined : `it was not issued by '${issuer.subject.text}' itself: ${fault}`;
    },
  },
  {
    name: 'ocspSigning',
    source: 'RFC 6960 4.2.2.2: id-kp-OCSPSigning, explicitly',
    appliesTo: 'delegate',
    run: (candidate) =>
      candidate.extendedKeyUsage?.includes(certificateOids.ocspSigning) === true
        ? undefined
        : 'its extendedKeyUsage does not name OCSPSigning, so the CA has not authorised it',
  },
  {
    name: 'signerValidity',
    source: 'RFC 6960 3.2 point 4, RFC 5280 4.1.2.5',
    appliesTo: 'delegateOrPinned',
    run: (candidate, { nowMs, clockSkewMs }) => {
      if (nowMs + clockSkewMs < candidate.notBeforeMs) {
        return `it is valid only from ${new Date(candidate.notBeforeMs).toISOString()}`;
      }
      if (nowMs - clockSkewMs > candidate.notAfterMs) {
        return `it expired at ${new Date(candidate.notAfterMs).toISOString()}`;
      }
      return undefined;
    },
  },
  {
    name: 'signerKeyUsage',
    source: 'RFC 5280 4.2.1.3',
    appliesTo: 'delegateOrPinned',
    run: ({ keyUsage }) =>
      keyUsage === undefined || keyUsage.has('digitalSignature') || keyUsage.has('contentCommitment')
        ? undefined
        : 'its keyUsage has neither digitalSignature nor contentCommitment',
  },
  {
    name: 'noCheck',
    source: 'RFC 6960 4.2.2.2.1',
    appliesTo: 'delegate',
    run: (candidate, { nowMs }) =>
      candidate.hasOcspNoCheck || candidate.notAfterMs - nowMs <= withoutNoCheckMs
        ? undefined
        : `it has no id-pkix-ocsp-nocheck and lives until ${new Date(candidate.notAfterMs).toISOString()}, longer than ${withoutNoCheckMs / dayMs} days`,
  },
  {
    name: 'notTheChecked',
    source: 'RFC 6960 2.6: nobody answers for itself',
    appliesTo: 'delegateOrPinned',
    run: (candidate, { target, certificate }) =>
      (candidate.serial.equals(target.serial) && candidate.issuer.der.equals(target.issuerName)) ||
      candidate.spkiSha256 === certificate?.spkiSha256
        ? 'it is the very certificate that is checked, or has its key'
        : undefined,
  },
  {
    name: 'signerCriticalExtensions',
    source: 'RFC 5280 4.2',
    appliesTo: 'delegateOrPinned',
    run: ({ unknownCritical }) =>
      unknownCritical.length === 0 ? undefined : `it has the unknown critical extension ${unknownCritical.join(', ')}`,
  },
];

/**
 * Tries the issuer, the responders that the profile trusts and every certificate of the response; the first that passes all checks is the signer. Otherwise
 * the text says why the candidate that came furthest may not sign. RFC 6960 4.2.2.2.
 */
export function findSigner(context: SignerContext, checks: readonly SignerCheck[] = signerChecks): Signer | string {
  let best = { reached: -1, detail: 'no certificate fits' };
  const candidates: Signer[] = [
    { kind: 'issuer', certificate: context.issuer },
    ...context.pinned.map((certificate): Signer => ({ kind: 'pinned', certificate })),
  ];
  let unreadable = '';
  for (const bytes of context.basic.certificates) {
    const read = delegate(bytes);
    if (typeof read === 'string') unreadable = ` (one cannot be read: ${read})`;
    // The issuer is a candidate already; its own certificate in the answer adds nothing.
    else if (!bytes.equals(context.issuer.der)) candidates.push({ kind: 'delegate', certificate: read });
  }
  for (const candidate of candidates) {
    const own = checks.filter((check) => binds(check, candidate.kind));
    const failed = own.findIndex((check) => check.run(candidate.certificate, context) !== undefined);
    const check = own[failed];
    if (check === undefined) return candidate;
    if (failed <= best.reached) continue;
    const why = check.run(candidate.certificate, context);
    best = { reached: failed, detail: `'${candidate.certificate.subject.text}' may not sign this answer: ${why}` };
  }
  if (best.reached > 0) return best.detail;
  return `neither the issuer nor a certificate in the answer is its named responder${unreadable}`;
}

function binds({ appliesTo }: SignerCheck, kind: Signer['kind']): boolean {
  switch (kind) {
    case 'issuer':
      return appliesTo === 'all';
    case 'pinned':
      return appliesTo !== 'delegate';
    case 'delegate':
      return true;
  }
}

/**
 * Why a certificate was not issued by `issuer`, or undefined. Name and key must agree: two CAs may share a name.
 * Other than Certificate.isIssuedBy it can take SHA-1 where that is allowed. RFC 5280 6.1.3.
 */
export function linkFault(certificate: Certificate, issuer: Certificate, allowSha1: boolean): string | undefined {
  if (!sameName(certificate.issuer, issuer.subject)) return `its issuer is '${certificate.issuer.text}'`;
  const [tbs, algorithmNode, signatureNode] = readDer(certificate.der).children;
  if (tbs === undefined || algorithmNode === undefined) return 'it is malformed';
  const algorithm = signatureAlgorithm(algorithmNode);
  if (typeof algorithm === 'string') return algorithm;
  if (!allowSha1 && usesSha1(algorithm)) return 'it is signed with SHA-1';
  const fault = keyFault(issuer.publicKey, algorithm);
  if (fault !== undefined) return fault;
  const signature = readWholeBitString(signatureNode, 'signatureValue');
  return signatureVerifies(algorithm, tbs.bytes, issuer.publicKey, signature)
    ? undefined
    : "its signature does not verify under that CA's key";
}

/** Whether the algorithm hashes with SHA-1. */
export function usesSha1(algorithm: SignatureAlgorithm): boolean {
  return algorithm.kind !== 'ed25519' && algorithm.digest === 'sha1';
}

/** A certificate of the answer, or why it cannot be read: it cannot have signed then, others may. */
function delegate(bytes: Buffer): Certificate | string {
  try {
    return parseCertificate(bytes);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isNamed(candidate: Certificate, id: BasicResponse['responderId']): boolean {
  if (id.kind === 'key') return createHash('sha1').update(candidate.subjectPublicKey).digest().equals(id.hash);
  try {
    return sameName(candidate.subject, { der: id.name, text: '' });
  } catch {
    return false;
  }
}

const dayMs = 86_400_000;

/**
 * How much life a responder certificate without id-pkix-ocsp-nocheck may have left. Its own revocation cannot be asked
 * (by OCSP that would be asking itself), so a stolen key counts for as long: no longer than TLS certificates may live.
 */
export const withoutNoCheckMs = 398 * dayMs;
