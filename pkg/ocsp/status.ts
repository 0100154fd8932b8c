/** What is known of a certificate's revocation. Ordinary outcomes, all of them: nothing here is thrown. */
export type RevocationStatus =
  | {
      readonly kind: 'good';
      readonly answer: AnswerFacts;
      /** Wall clock, Unix milliseconds: min(nextUpdate, thisUpdate + maxResponseAge, now + maxAge). */
      readonly freshUntilMs: number;
    }
  | {
      readonly kind: 'revoked';
      readonly answer: AnswerFacts;
      readonly revokedAtMs: number;
      /** RFC 5280 5.3.1 name such as keyCompromise; undefined where the responder gave none. */
      readonly reason: string | undefined;
      readonly freshUntilMs: number;
    }
  | { readonly kind: 'unknown'; readonly answer: AnswerFacts; readonly freshUntilMs: number }
  | { readonly kind: 'responder-missing'; readonly detail: string }
  | {
      readonly kind: 'unavailable';
      readonly cause: UnavailableCause;
      /** Whether `onUnavailable: Allow` may let it pass: transport and responder trouble, never a bad answer. */
      readonly softenable: boolean;
      readonly detail: string;
      /** Who was asked, where somebody was. */
      readonly responderUrl?: string;
      /** Wall clock: not asked again before. */
      readonly freshUntilMs: number;
      /** thisUpdate of the newest signed answer where that was `unknown`: nothing older may lift it. */
      readonly unknownSinceMs?: number;
    };

/** Stands for an answer that should have come and cannot be had; nothing softens it. */
export const unasked: RevocationStatus = {
  kind: 'unavailable',
  cause: 'responder-error',
  softenable: false,
  detail: 'the question could not be asked',
  freshUntilMs: 0,
};

/** Of a verified answer: who said it, and when. */
export interface AnswerFacts {
  readonly source: 'crl' | 'ocsp';
  /** Of a CRL its URL, or `crl.refs` where the profile brought it. */
  readonly responderUrl: string;
  /** RFC 2253 subject of the certificate whose key signed. */
  readonly signer: string;
  /** Whether the CA itself, a certificate that it authorised for OCSP, or a responder that the profile trusts signed. */
  readonly signedBy: 'delegate' | 'issuer' | 'pinned';
  readonly producedAtMs: number;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
}

export type UnavailableCause =
  | 'address-refused'
  | 'connect'
  | 'crl-missing'
  | 'dns'
  | 'http-status'
  | 'malformed'
  | 'overloaded'
  | 'responder-error'
  | 'stale'
  | 'timeout'
  | 'tls'
  | 'too-large'
  | 'unauthorized'
  | 'untrusted-signer'
  | 'wrong-certificate'
  | 'wrong-nonce';
