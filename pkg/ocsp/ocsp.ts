import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { RevocationStatus } from './status.ts';

/** The door of this package: is this certificate revoked? Never throws, never rejects. */
export interface OcspChecker {
  /**
   * From the cache at once where an answer is fresh, else a promise of one question (one in flight per certificate
   * and settings). `issuer` must be proven: the leaf's signature verified under its key.
   */
  check(
    certificate: Certificate,
    issuer: Certificate,
    settings: OcspSettings,
  ): RevocationStatus | Promise<RevocationStatus>;
}
