import { createHash, timingSafeEqual } from 'node:crypto';
import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { DerMalformed, readDer } from '../x509/der.ts';
import { readOctetString } from '../x509/der-values.ts';
import { OcspMalformed } from './errors.ts';
import { digestByOid, oids } from './oids.ts';
import { pinnedResponders } from './pinned.ts';
import type { CertTarget } from './request.ts';
import { type BasicResponse, type OcspResponse, parseOcspResponse, type SingleResponse } from './response.ts';
import { type SignatureAlgorithm, signatureAlgorithm } from './signature.ts';
import { findSigner, linkFault, type Signer, type SignerCheck, signerChecks, usesSha1 } from './signer.ts';
import type { AnswerFacts, UnavailableCause } from './status.ts';
import { type TimeCheck, timeChecks } from './times.ts';

/** Which answers count. The members are those of OcspSettings. */
export type VerifyOptions = Pick<
  OcspSettings,
  'clockSkewMs' | 'maxAgeWithoutNextUpdateMs' | 'maxResponseAgeMs' | 'nonce' | 'sha1Signatures' | 'trustedResponders'
>;

export interface VerifyInput {
  /** The body of the answer. */
  readonly response: Buffer;
  readonly target: CertTarget;
  /** The certificate that is checked; undefined where only its serial is known. */
  readonly certificate: Certificate | undefined;
  readonly issuer: Certificate;
  /** Wall clock, Unix milliseconds. */
  readonly nowMs: number;
  /** What the request carried; undefined where it carried none. */
  readonly sentNonce: Buffer | undefined;
  readonly options: VerifyOptions;
}

/** What a verified answer says, or why it does not count. */
export type Verified =
  | {
      readonly kind: 'good' | 'revoked' | 'unknown';
      readonly facts: Omit<AnswerFacts, 'responderUrl'>;
      readonly signer: Certificate;
      /** Until when this very answer may be used, wall clock: min(nextUpdate, thisUpdate + the age limits). */
      readonly usableUntilMs: number;
      /** Only where revoked. */
      readonly revokedAtMs: number | undefined;
      readonly reason: string | undefined;
    }
  | ({ readonly kind: 'error' } & Fault);

/** Why an answer does not count. */
export interface Fault {
  /** The step that failed; `parse` where the bytes are no OCSP response. */
  readonly step: string;
  readonly cause: UnavailableCause;
  /** Only where the responder itself says that it cannot answer now. */
  readonly softenable: boolean;
  readonly detail: string;
}

/** What the steps fill in, one after the other. */
export interface Verification {
  readonly input: VerifyInput;
  readonly response: OcspResponse;
  readonly basic: BasicResponse;
  readonly signerChecks: readonly SignerCheck[];
  readonly timeChecks: readonly TimeCheck[];
  algorithm: SignatureAlgorithm | undefined;
  signer: Signer | undefined;
  /** Those about this certificate; then those of them that are in time. */
  singles: readonly SingleResponse[];
}

/** One check of an answer. `run` returns what is wrong, or undefined. */
export interface Step {
  readonly name: string;
  readonly source: string;
  readonly cause: UnavailableCause;
  readonly run: (verification: Verification) => string | undefined;
}

/**
 * Every check between a parsed answer and a verdict, in order; each can be taken out alone to see that a test needs it.
 * RFC 6960 3.2 and 4.2.2, RFC 9919.
 */
export const verifySteps: readonly Step[] = [
  {
    name: 'link',
    source: 'RFC 9919 4.2; RFC 6960 4.2.2.2: the CA that issued the certificate in question',
    cause: 'wrong-certificate',
    run: ({ input }) => {
      if (input.certificate === undefined) return undefined;
      const fault = linkFault(input.certificate, input.issuer, input.options.sha1Signatures === 'Allow');
      return fault === undefined
        ? undefined
        : `the certificate was not issued by '${input.issuer.subject.text}': ${fault}`;
    },
  },
  {
    name: 'responseType',
    source: 'RFC 6960 4.2.1',
    cause: 'malformed',
    run: ({ response }) => {
      if (response.type === undefined) return 'a successful answer has no responseBytes';
      return response.type === oids.basicResponse
        ? undefined
        : `the answer has the type ${response.type}, expected id-pkix-ocsp-basic`;
    },
  },
  {
    name: 'version',
    source: 'RFC 6960 4.2.2.3',
    cause: 'malformed',
    run: ({ basic }) => (basic.version === 0 ? undefined : `the answer has version ${basic.version + 1}, expected 1`),
  },
  {
    name: 'signatureAlgorithm',
    source: 'RFC 6960 4.3, RFC 9919 3.2.1: no algorithm outside the list, MD5 never',
    cause: 'untrusted-signer',
    run: (verification) => {
      const algorithm = signatureAlgorithm(verification.basic.signatureAlgorithm);
      if (typeof algorithm === 'string') return algorithm;
      verification.algorithm = algorithm;
      return undefined;
    },
  },
  {
    name: 'sha1',
    source: 'RFC 9155, RFC 8301',
    cause: 'untrusted-signer',
    run: ({ algorithm, input }) =>
      algorithm !== undefined && usesSha1(algorithm) && input.options.sha1Signatures !== 'Allow'
        ? 'the answer is signed with SHA-1: set sha1Signatures to Allow to accept that'
        : undefined,
  },
  {
    name: 'signer',
    source: 'RFC 6960 4.2.2.2',
    cause: 'untrusted-signer',
    run: (verification) => {
      const { input, basic, algorithm } = verification;
      if (algorithm === undefined) return 'the answer has no usable signature algorithm';
      const signer = findSigner(
        {
          basic,
          algorithm,
          issuer: input.issuer,
          target: input.target,
          certificate: input.certificate,
          nowMs: input.nowMs,
          clockSkewMs: input.options.clockSkewMs,
          allowSha1: input.options.sha1Signatures === 'Allow',
          pinned: pinnedResponders(input.options),
        },
        verification.signerChecks,
      );
      if (typeof signer === 'string') return signer;
      verification.signer = signer;
      return undefined;
    },
  },
  {
    name: 'responseExtensions',
    source: 'RFC 6960 4.4, RFC 5280 4.2',
    cause: 'malformed',
    run: ({ basic }) => unknownCritical(basic.extensions, 'the answer'),
  },
  {
    name: 'producedAt',
    source: 'RFC 6960 2.4',
    cause: 'stale',
    run: ({ basic, input }) =>
      basic.producedAtMs > input.nowMs + input.options.clockSkewMs
        ? `the answer was produced in the future, at ${new Date(basic.producedAtMs).toISOString()}`
        : undefined,
  },
  { name: 'nonce', source: 'RFC 9654 2.1', cause: 'wrong-nonce', run: nonceFault },
  {
    name: 'match',
    source: 'RFC 6960 3.2 point 1: hash, issuer name, issuer key and serial',
    cause: 'wrong-certificate',
    run: (verification) => {
      const { input, basic } = verification;
      verification.singles = basic.responses.filter((single) => isAbout(single, input.target, input.issuer));
      return verification.singles.length > 0 ? undefined : 'the answer is about other certificates';
    },
  },
  {
    name: 'singleExtensions',
    source: 'RFC 6960 4.4, RFC 5280 4.2',
    cause: 'malformed',
    run: ({ singles }) => {
      for (const single of singles) {
        const fault = unknownCritical(single.extensions, 'its part about this certificate');
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  },
  {
    name: 'times',
    source: 'RFC 6960 3.2 points 5 and 6, 4.2.2.1; RFC 9919 4.1',
    cause: 'stale',
    run: (verification) => {
      const { nowMs, options } = verification.input;
      let fault: string | undefined;
      const current = verification.singles.filter((single) => {
        const found = verification.timeChecks.map((check) => check.run(single, nowMs, options)).find(Boolean);
        fault ??= found;
        return found === undefined;
      });
      verification.singles = current;
      return current.length > 0 ? undefined : (fault ?? 'no part of the answer is in time');
    },
  },
];

/** Which steps run; for tests that take one out. */
export interface Chosen {
  readonly steps?: readonly Step[];
  readonly signerChecks?: readonly SignerCheck[];
  readonly timeChecks?: readonly TimeCheck[];
}

/**
 * Judges an answer: never throws, and whatever is not proven is an error, never good. Of several parts about the same
 * certificate the strictest counts: revoked, unknown, good. RFC 6960 3.2.
 */
export function verifyResponse(input: VerifyInput, chosen: Chosen = {}): Verified {
  try {
    return judge(input, parseOcspResponse(input.response), chosen);
  } catch (error) {
    if (error instanceof OcspMalformed || error instanceof DerMalformed) {
      const cause = input.response.length > 65_536 ? 'too-large' : 'malformed';
      return { kind: 'error', step: 'parse', cause, softenable: false, detail: error.message };
    }
    throw error;
  }
}

function judge(input: VerifyInput, response: OcspResponse, chosen: Chosen): Verified {
  if (response.status !== 'successful') return statusFault(response.status);
  const verification: Verification = {
    input,
    response,
    basic: response.basic ?? nothing,
    signerChecks: chosen.signerChecks ?? signerChecks,
    timeChecks: chosen.timeChecks ?? timeChecks,
    algorithm: undefined,
    signer: undefined,
    singles: [],
  };
  for (const step of chosen.steps ?? verifySteps) {
    const detail = step.run(verification);
    if (detail !== undefined)
      return { kind: 'error', step: step.name, cause: step.cause, softenable: false, detail: printable(detail) };
  }
  const { signer, singles, basic } = verification;
  const single =
    singles.find(({ status }) => status.kind === 'revoked') ??
    singles.find(({ status }) => status.kind === 'unknown') ??
    singles[0];
  // Only reached with a step taken out: an unsigned answer or an answer about nothing is no verdict.
  if (signer === undefined || single === undefined) {
    return {
      kind: 'error',
      step: 'signer',
      cause: 'untrusted-signer',
      softenable: false,
      detail: 'nobody proven signed it',
    };
  }
  return {
    kind: single.status.kind,
    signer: signer.certificate,
    facts: {
      source: 'ocsp',
      signer: signer.certificate.subject.text,
      signedBy: signer.kind,
      producedAtMs: basic.producedAtMs,
      thisUpdateMs: single.thisUpdateMs,
      nextUpdateMs: single.nextUpdateMs,
    },
    usableUntilMs: usableUntil(single, input.options),
    revokedAtMs: single.status.kind === 'revoked' ? single.status.atMs : undefined,
    reason: single.status.kind === 'revoked' ? single.status.reason : undefined,
  };
}

/** Error answers are not signed: anybody on the wire can send them, so they are never a verdict. RFC 6960 4.2.1. */
function statusFault(status: Exclude<OcspResponse['status'], 'successful'>): Verified {
  return {
    kind: 'error',
    step: 'responseStatus',
    cause: status === 'unauthorized' ? 'unauthorized' : 'responder-error',
    softenable: status === 'tryLater' || status === 'internalError',
    detail: `the responder answered ${status}`,
  };
}

function usableUntil(single: SingleResponse, options: VerifyOptions): number {
  const { thisUpdateMs, nextUpdateMs } = single;
  return Math.min(
    nextUpdateMs ?? thisUpdateMs + options.maxAgeWithoutNextUpdateMs,
    options.maxResponseAgeMs === undefined ? Number.MAX_SAFE_INTEGER : thisUpdateMs + options.maxResponseAgeMs,
  );
}

function isAbout(single: SingleResponse, target: CertTarget, issuer: Certificate): boolean {
  const { hashOid, issuerNameHash, issuerKeyHash, serial } = single.certId;
  const digest = digestByOid.get(hashOid);
  if (digest === undefined) return false;
  return (
    createHash(digest).update(target.issuerName).digest().equals(issuerNameHash) &&
    createHash(digest).update(issuer.subjectPublicKey).digest().equals(issuerKeyHash) &&
    serial.equals(target.serial)
  );
}

function nonceFault({ basic, input }: Verification): string | undefined {
  const { sentNonce, options } = input;
  // A nonce that nobody asked for proves nothing and harms nothing.
  if (sentNonce === undefined) {
    return options.nonce === 'Required' ? 'a nonce is required, but the request carried none' : undefined;
  }
  const extension = basic.extensions.find(({ oid }) => oid === oids.nonce);
  if (extension === undefined) {
    return options.nonce === 'Required' ? 'a nonce is required, but the answer has none' : undefined;
  }
  const echoed = unwrap(extension.value);
  return echoed !== undefined && echoed.length === sentNonce.length && timingSafeEqual(echoed, sentNonce)
    ? undefined
    : 'the answer has another nonce than the request';
}

function unwrap(value: Buffer): Buffer | undefined {
  try {
    return readOctetString(readDer(value), 'nonce');
  } catch {
    return undefined;
  }
}

function unknownCritical(extensions: BasicResponse['extensions'], where: string): string | undefined {
  const found = extensions.find(({ critical, oid }) => critical && oid !== oids.nonce);
  return found === undefined ? undefined : `${where} has the unknown critical extension ${found.oid}`;
}

/** One line of printable ASCII: names in certificates are other people's text. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 1000);
}

/** Stands for a missing body, so that the step that refuses it has a place; signed by nobody, about nothing. */
const nothing: BasicResponse = {
  tbs: Buffer.alloc(0),
  version: 0,
  responderId: { kind: 'key', hash: Buffer.alloc(0) },
  producedAtMs: 0,
  responses: [],
  extensions: [],
  signatureAlgorithm: readDer(Buffer.of(0x30, 0)),
  signature: Buffer.alloc(0),
  certificates: [],
};
