import { createHash } from 'node:crypto';
import { boundedCache } from '../ocsp/bounded-cache.ts';
import { isFinal } from '../ocsp/cache.ts';
import type { OcspChecker } from '../ocsp/ocsp.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import type { AskedRevocation } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CrlChecker } from './checker.ts';

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

type Revoked = Extract<RevocationStatus, { kind: 'revoked' }>;

interface Keyed {
  readonly issuer: Certificate;
  readonly revocation: AskedRevocation;
  readonly key: string;
}

/**
 * Makes the door to both. It remembers who is revoked apart from the settings that only say how and how often is asked,
 * so that a change of policy, another source or a silent responder lifts nothing: revoked is for good, a hold ends with a
 * newer good answer. What is good is remembered by the checkers, each under the settings that it counted under, so that
 * nothing has to be forgotten when a policy changes. `onRevoked` is called with every certificate that is newly found to
 * be revoked or on hold.
 */
export function createRevocationChecker(
  ocsp: OcspChecker,
  crl: CrlChecker,
  { onRevoked }: { readonly onRevoked?: (certificate: Certificate) => void } = {},
): RevocationChecker {
  const revoked = boundedCache<Revoked>(maxRevoked);
  const keys = new WeakMap<Certificate, Keyed>();

  function keyed(certificate: Certificate, issuer: Certificate, revocation: AskedRevocation): string {
    const known = keys.get(certificate);
    if (known !== undefined && known.issuer === issuer && known.revocation === revocation) return known.key;
    const key = revocationKey(certificate, issuer, revocation);
    keys.set(certificate, { issuer, revocation, key });
    return key;
  }

  function ask(
    certificate: Certificate,
    issuer: Certificate,
    revocation: AskedRevocation,
  ): RevocationStatus | Promise<RevocationStatus> {
    if (revocation.kind === 'crl') return crl.check(certificate, issuer, revocation);
    const status = ocsp.check(certificate, issuer, revocation.ocsp);
    if (revocation.kind === 'ocsp') return status;
    const next = (answered: RevocationStatus) =>
      mayFallBack(answered)
        ? then(crl.check(certificate, issuer, revocation), (listed) => weighed(answered, listed))
        : answered;
    return then(status, next);
  }

  function settle(key: string, certificate: Certificate, status: RevocationStatus): RevocationStatus {
    const before = revoked.get(key);
    if (before !== undefined && isFinal(before)) return before;
    if (status.kind === 'revoked') {
      // Nothing is left to ask about a certificate that is revoked for good.
      const freshUntilMs = isFinal(status)
        ? Math.max(status.freshUntilMs, certificate.notAfterMs)
        : status.freshUntilMs;
      const kept = { ...status, freshUntilMs };
      revoked.set(key, kept);
      if (before === undefined) onRevoked?.(certificate);
      return kept;
    }
    if (before === undefined) return status;
    if (status.kind === 'good' && status.answer.thisUpdateMs > before.answer.thisUpdateMs) {
      revoked.delete(key);
      return status;
    }
    return { ...before, freshUntilMs: status.kind === 'responder-missing' ? 0 : status.freshUntilMs };
  }

  return {
    check: (certificate, issuer, revocation) => {
      const key = keyed(certificate, issuer, revocation);
      const before = revoked.get(key);
      if (before !== undefined && isFinal(before)) return before;
      return then(ask(certificate, issuer, revocation), (status) => settle(key, certificate, status));
    },
  };
}

/** Only silence: the causes that `onUnavailable` may soften, and a certificate that names no responder. */
function mayFallBack(status: RevocationStatus): boolean {
  return status.kind === 'responder-missing' || (status.kind === 'unavailable' && status.softenable);
}

/** What a CRL adds to a silent responder: it never lifts what a newer OCSP answer said. */
function weighed(silent: RevocationStatus, listed: RevocationStatus): RevocationStatus {
  if (listed.kind === 'good') {
    const unknownSinceMs = silent.kind === 'unavailable' ? silent.unknownSinceMs : undefined;
    return unknownSinceMs !== undefined && listed.answer.thisUpdateMs <= unknownSinceMs ? silent : listed;
  }
  if (listed.kind === 'revoked') return listed;
  // No CRL either: the responder's silence is told, but not where it would be let pass over a CRL that is wrong.
  return listed.kind === 'unavailable' && !listed.softenable && listed.cause !== 'crl-missing' ? listed : silent;
}

/**
 * Under what a revocation is remembered: the CA by key and name, the serial, and what decides whose word counts: a revocation that only a responder said which
 * the profile no longer trusts is asked about again.
 */
export function revocationKey(certificate: Certificate, issuer: Certificate, { ocsp }: AskedRevocation): string {
  const name = createHash('sha256').update(certificate.issuer.der).digest('base64');
  const trust = createHash('sha256')
    .update(JSON.stringify([ocsp.sha1Signatures, ocsp.trustedResponders]))
    .digest('base64');
  return `${issuer.spkiSha256} ${name} ${certificate.serialHex} ${trust}`;
}

function then<In, Out>(value: In | Promise<In>, next: (value: In) => Out | Promise<Out>): Out | Promise<Out> {
  return value instanceof Promise ? value.then(next) : next(value);
}

const maxRevoked = 100_000;
