import { forever } from '../../pkg/clientauth/checks.ts';
import type { Presented } from '../../pkg/clientauth/pre-verdict.ts';
import type { RevocationChecker } from '../../pkg/crl/revocation.ts';
import type { AnswerFacts, RevocationStatus } from '../../pkg/ocsp/status.ts';
import type { OcspSettings, VerifyingClientAuth } from '../../pkg/policy/policy.ts';
import type { Identity } from './pki.ts';

/** The moment at which the verdicts of tests are found. */
export const nowMs = Date.UTC(2026, 10, 24);
export const dayMs = 86_400_000;

/** The strict defaults, without revocation. */
export const settings: VerifyingClientAuth = {
  mode: 'Strict',
  trustedCas: [],
  verifyIssuerDn: true,
  revocation: { kind: 'none' },
  allow: [],
  publicPaths: [],
  advertiseTrustedCas: true,
  refusal: { status: 400, detail: 'Reason' },
  enforcement: 'Enforce',
};
/** The strict defaults of OCSP. */
export const ocspSettings: OcspSettings = {
  timeoutMs: 2000,
  maxAgeMs: 60_000,
  clockSkewMs: 300_000,
  nonce: 'Off',
  certIdHash: 'SHA256',
  onMissingResponder: 'Deny',
  onUnavailable: 'Deny',
  responderAllowList: [],
  allowInternalAddresses: [],
  maxAgeWithoutNextUpdateMs: 0,
  sha1Signatures: 'Deny',
  scope: 'Leaf',
  trustedResponders: [],
  responderCas: [],
};
/** The strict defaults, with OCSP. */
export const withOcsp: VerifyingClientAuth = { ...settings, revocation: { kind: 'ocsp', ocsp: ocspSettings } };
/** What stands in every answer here. */
export const answer: AnswerFacts = {
  responderUrl: 'http://ocsp.test/',
  source: 'ocsp',
  signer: 'CN=Responder',
  signedBy: 'issuer',
  producedAtMs: nowMs,
  thisUpdateMs: nowMs,
  nextUpdateMs: undefined,
};
/** Good for a minute. */
export const isGood: Extract<RevocationStatus, { kind: 'good' }> = {
  kind: 'good',
  answer,
  freshUntilMs: nowMs + 60_000,
};

/** A checker that says what it is told and keeps what it was asked. */
export function checker(
  status: RevocationStatus | Promise<RevocationStatus>,
): RevocationChecker & { readonly asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    check(certificate, issuer) {
      asked.push([certificate.subject.text, issuer.subject.text]);
      return status;
    },
  };
}
/** A checker that nobody may ask. */
export const silent: RevocationChecker = {
  check: () => {
    throw new Error('not to be asked');
  },
};
/** What the TLS layer has of an identity. */
export const present = ({ chain }: Pick<Identity, 'chain'>, authorizationError: string | null = null): Presented => ({
  leaf: chain[0].der,
  sent: chain.slice(1).map((certificate) => certificate.der),
  authorizationError,
});
/** A client without a certificate, as Node reports it. */
export const nothing: Presented = { leaf: undefined, sent: [], authorizationError: 'UNABLE_TO_GET_ISSUER_CERT' };
/** A verdict that refuses. */
export const refusal = (reason: string, detail: string, holdsUntilMs = forever) => ({
  kind: 'refuse',
  reason,
  detail,
  holdsUntilMs,
});
