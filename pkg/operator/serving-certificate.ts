import { generateKeyPairSync } from 'node:crypto';
import { oids } from '../x509/extensions.ts';
import { issueCertificate } from '../x509/issue.ts';
import { backdatedMs, renewalMs, type SigningCa, signingKey } from './ca.ts';

/** A replica's own certificate, which never leaves its memory. */
export interface IssuedCertificate {
  readonly certPem: string;
  /** PKCS #8. */
  readonly keyPem: string;
  /** Unix milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SHA-256 of the CA's certificate. */
  readonly caSha256: string;
}

/** The names under which sidecars and the API server reach the operator's Service. */
export function serviceNames(service: string, namespace: string): readonly string[] {
  return [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`, `${service}.${namespace}`];
}

/** Makes a key and signs a certificate for it: EC P-256, seven days, back-dated by five minutes, never beyond the CA's own end. */
export function issueServingCertificate(ca: SigningCa, names: readonly string[], nowMs: number): IssuedCertificate {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = issueCertificate({
    // Verifiers look at the SANs only, and a Service's whole name may be longer than a CN may be.
    subject: 'CN=Lychgate operator,O=lychgate.dev',
    key: privateKey,
    issuer: { certificate: ca.certificate, key: signingKey(ca) },
    notBeforeMs: nowMs - backdatedMs,
    notAfterMs: Math.min(nowMs - backdatedMs + servingLifeMs, ca.certificate.notAfterMs),
    isCa: false,
    extendedKeyUsage: [oids.serverAuth],
    san: { dns: names },
  });
  return {
    certPem: certificate.pem,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
    caSha256: ca.certificate.sha256,
  };
}

/** Whether another one is due: another CA signs now, two thirds of its life are over, or the clock was set back to before it. */
export function isServingDue(serving: IssuedCertificate, ca: SigningCa, nowMs: number): boolean {
  return serving.caSha256 !== ca.certificate.sha256 || nowMs >= renewalMs(serving) || nowMs < serving.notBeforeMs;
}

const servingLifeMs = 7 * 86_400_000;
