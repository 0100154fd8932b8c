import type { RejectReason } from '../policy/reason.ts';
import type { Certificate } from '../x509/certificate.ts';

/**
 * How an accepted certificate stands: `good` by OCSP, `good-crl` by a CRL; `unavailable` and `missing` only where the
 * profile allows them to pass; `off` where nobody is asked. With `scope: Chain` the weakest of the path.
 */
export type RevocationWord = 'good' | 'good-crl' | 'missing' | 'off' | 'unavailable';

/** What the sidecar has decided about one connection's client certificate. */
export type Verdict =
  | {
      readonly kind: 'accept';
      /** Leaf first, trust anchor last; every link's signature verified by us. */
      readonly path: readonly [Certificate, ...Certificate[]];
      readonly revocation: RevocationWord;
      /** Wall clock, Unix milliseconds: min(revocation's freshUntil, the earliest notAfter on the path). */
      readonly holdsUntilMs: number;
      /**
       * Who said how the certificate stands: `host:port` (the port where it is not the scheme's) of the OCSP responder or of
       * the CRL's URL, `crl.refs` for a list of the profile. Absent where nobody has answered.
       */
      readonly responder?: string;
    }
  | {
      readonly kind: 'refuse';
      readonly reason: RejectReason;
      /** For the body and the log, after the reason: `since 2026-11-20T10:00:00Z, keyCompromise`. One line, printable ASCII. */
      readonly detail: string;
      readonly holdsUntilMs: number;
      /** The same. */
      readonly responder?: string;
    }
  /** Optional and public paths without a certificate, Passthrough, Off. */
  | { readonly kind: 'none' };

/** One named check and how it went, in the order of the chain; what `lychgate check` prints. */
export interface CheckResult {
  readonly check: CheckName;
  readonly outcome: 'fail' | 'pass' | 'skip';
  readonly detail: string;
}

export type CheckName =
  | 'presented'
  | 'wellFormed'
  | 'pathTrusted'
  | 'withinValidity'
  | 'purposeIsClientAuth'
  | 'issuerMatches'
  | 'allowed'
  | 'notRevoked';
