import type { Certificate } from '../x509/certificate.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { Failure, Finding } from './checks.ts';
import type { CheckName } from './verdict.ts';

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

/** One of the checks that need no network. */
export type LocalFinding = readonly [CheckName, Finding];
