import type { ServingCertificate, ServingCertificates } from '../push/certificates.ts';

/** Where the serving certificate and the bundle that verifies it come from: a CA of the operator's own, or files. */
export interface CertificateSource {
  readonly certificates: ServingCertificates;
  /** What verifies the operator's certificates; undefined until it is known. */
  bundlePem(): string | undefined;
  /** Why there is no valid certificate to serve with; none when there is one. */
  faults(): readonly string[];
  /** What does not work without doing harm yet. */
  warnings(): readonly string[];
  state(): CertificateState | undefined;
  /** Looks at everything once. Never rejects. */
  look(): Promise<void>;
  close(): void;
}

/** For metrics. Unix milliseconds. */
export interface CertificateState {
  /** End of the CA that signs; undefined when it is not the operator's own. */
  readonly caNotAfterMs: number | undefined;
  readonly servingNotAfterMs: number;
  /** Announced: a next CA is in the bundle and does not sign yet. */
  readonly rotation: 'Announced' | 'Idle';
}

/** There is no serving certificate yet. */
export class CertificateMissing extends Error {
  readonly code = 'CERTIFICATE_MISSING';
  override readonly name = 'CertificateMissing';
}

/** The one certificate that is served with, and those who want to know when it changes. */
export interface CertificateHolder extends ServingCertificates {
  /** Tells everybody, if it differs from the one before. */
  set(certificate: ServingCertificate): void;
}

/** `current` of it @throws CertificateMissing before the first `set`. */
export function holdCertificate(): CertificateHolder {
  let held: ServingCertificate | undefined;
  const listeners = new Set<() => void>();
  return {
    current() {
      if (held === undefined) throw new CertificateMissing('no serving certificate yet: /readyz says why');
      return held;
    },
    onChange(listener) {
      // One of its own, so that the same function may listen twice and stop once.
      const own = () => listener();
      listeners.add(own);
      return () => listeners.delete(own);
    },
    set(certificate) {
      const { certPem, keyPem, caPem } = certificate;
      if (held?.certPem === certPem && held.keyPem === keyPem && held.caPem === caPem) return;
      held = { certPem, keyPem, caPem };
      for (const listener of listeners) listener();
    },
  };
}
