import { BasicOCSPResponse, OCSPResponse, Certificate as PkijsCertificate } from 'pkijs';
import type { Certificate } from '../../pkg/x509/certificate.ts';

/** What pkijs makes of an answer: a verdict, or `error` with why. It looks at no times but those of certificates. */
export interface OracleVerdict {
  readonly kind: 'error' | 'good' | 'revoked' | 'unknown';
  readonly detail: string;
}

/**
 * Asks pkijs as its users do: the status must be successful, the signature and the responder's right must verify with the
 * issuer as the one trusted certificate (put beside the answer's own, since pkijs looks for the signer only there), and
 * then the answer must be for this certificate. Never rejects.
 */
export async function askPkijs(
  response: Buffer,
  certificate: Certificate,
  issuer: Certificate,
): Promise<OracleVerdict> {
  try {
    const outer = OCSPResponse.fromBER(response);
    if (outer.responseStatus.valueBlock.valueDec !== 0) return { kind: 'error', detail: 'an error status' };
    if (outer.responseBytes === undefined) return { kind: 'error', detail: 'no responseBytes' };
    if (outer.responseBytes.responseType !== '1.3.6.1.5.5.7.48.1.1') return { kind: 'error', detail: 'another type' };
    const basic = BasicOCSPResponse.fromBER(outer.responseBytes.response.valueBlock.valueHexView);
    const trusted = read(issuer);
    basic.certs = [...(basic.certs ?? []), trusted];
    if (!(await basic.verify({ trustedCerts: [trusted], issuerCerts: [trusted] }))) {
      return { kind: 'error', detail: 'the signature does not verify' };
    }
    const { isForCertificate, status } = await basic.getCertificateStatus(read(certificate), trusted);
    if (!isForCertificate) return { kind: 'error', detail: 'about other certificates' };
    return { kind: kinds[status] ?? 'error', detail: '' };
  } catch (error) {
    return { kind: 'error', detail: error instanceof Error ? error.message : String(error) };
  }
}

function read(certificate: Certificate): PkijsCertificate {
  return PkijsCertificate.fromBER(certificate.der);
}

const kinds: Readonly<Record<number, OracleVerdict['kind']>> = { 0: 'good', 1: 'revoked', 2: 'unknown' };
