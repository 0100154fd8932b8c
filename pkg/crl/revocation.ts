import type { OcspChecker } from '../ocsp/ocsp.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { AskedRevocation } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';

/** Is this certificate revoked, by whatever the profile asks? Never throws, never rejects. */
export interface RevocationChecker {
  /**
   * From what is remembered at once where that is fresh, else a promise. `issuer` must be proven: the certificate's
   * signature verified under its key.
   */
  check(
    certificate: Certificate,
    issuer: Certificate,
    revocation: AskedRevocation,
  ): RevocationStatus | Promise<RevocationStatus>;
}

/** Makes the door to both. */
export function createRevocationChecker(ocsp: OcspChecker): RevocationChecker {
  return { check: (certificate, issuer, revocation) => ocsp.check(certificate, issuer, revocation.ocsp) };
}
