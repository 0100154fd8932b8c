import { experimental, type ServerCredentials } from '@grpc/grpc-js';

/** The operator's serving certificate, as it is now and whenever it changes. */
export interface ServingCertificates {
  current(): ServingCertificate;
  /** Calls `listener` after every change; gives back how to stop that. */
  onChange(listener: () => void): () => void;
}

export interface ServingCertificate {
  /** Chain, leaf first. */
  readonly certPem: string;
  /** Never logged. */
  readonly keyPem: string;
  /** What callers verify it with. */
  readonly caPem: string;
}

/** gRPC credentials that follow the certificate: new handshakes get the new one, no stream is dropped. Callers prove themselves by token. */
export function rotatingCredentials(certificates: ServingCertificates): ServerCredentials {
  const stops = new Map<unknown, () => void>();
  return experimental.createCertificateProviderServerCredentials(
    {
      addIdentityCertificateListener(listener) {
        const deliver = () => {
          const { certPem, keyPem } = certificates.current();
          listener({ certificate: Buffer.from(certPem), privateKey: Buffer.from(keyPem) });
        };
        const stop = certificates.onChange(deliver);
        // grpc-js looks at its credentials after it has added itself: a certificate that came within this very call is lost.
        const first = setImmediate(deliver);
        stops.set(listener, () => {
          clearImmediate(first);
          stop();
        });
      },
      removeIdentityCertificateListener(listener) {
        stops.get(listener)?.();
        stops.delete(listener);
      },
      addCaCertificateListener: () => undefined,
      removeCaCertificateListener: () => undefined,
    },
    // No authority of clients: no certificate is asked of them.
    null,
    false,
  );
}
