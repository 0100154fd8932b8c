import type { RevocationStatus } from '../ocsp/status.ts';
import type { OcspSettings } from '../policy/policy.ts';
import { type Failure, fail, isoTime } from './checks.ts';

/** What a revocation status is worth under a profile's settings. */
export type RevocationFinding =
  | Failure
  | {
      readonly kind: 'pass';
      readonly revocation: 'good' | 'missing' | 'unavailable';
      readonly detail: string;
      /** Unix milliseconds; the path's dates may end it earlier. */
      readonly holdsUntilMs: number | undefined;
    };

/**
 * Maps a status to accept or refuse. Only a missing responder and the causes marked softenable can be let pass, each
 * by its own setting; revoked and unknown never.
 */
export function notRevoked(status: RevocationStatus, settings: OcspSettings): RevocationFinding {
  switch (status.kind) {
    case 'good':
      return {
        kind: 'pass',
        revocation: 'good',
        detail: `good, by ${status.answer.signer}`,
        holdsUntilMs: status.freshUntilMs,
      };
    case 'revoked': {
      const why = status.reason === undefined ? '' : `, ${status.reason}`;
      return fail('Revoked', `since ${isoTime(status.revokedAtMs)}${why}`, status.freshUntilMs);
    }
    case 'unknown':
      return fail(
        'RevocationUnknown',
        `${status.answer.responderUrl} does not know the certificate`,
        status.freshUntilMs,
      );
    case 'responder-missing':
      return settings.onMissingResponder === 'Allow'
        ? { kind: 'pass', revocation: 'missing', detail: `allowed: ${status.detail}`, holdsUntilMs: undefined }
        : fail('ResponderMissing', status.detail);
    case 'unavailable':
      return settings.onUnavailable === 'Allow' && status.softenable
        ? {
            kind: 'pass',
            revocation: 'unavailable',
            detail: `allowed: ${status.cause}, ${status.detail}`,
            holdsUntilMs: status.freshUntilMs,
          }
        : fail('RevocationUnavailable', `${status.cause}, ${status.detail}`, status.freshUntilMs);
  }
}
