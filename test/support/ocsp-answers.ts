import { generateKeyPairSync } from 'node:crypto';
import { targetOf } from '../../pkg/ocsp/request.ts';
import { type AnswerRequest, type AnswerSingle, buildOcspResponse } from '../../pkg/ocsp/respond.ts';
import { type Chosen, type VerifyInput, verifyResponse } from '../../pkg/ocsp/verify.ts';
import { der } from '../../pkg/x509/der.ts';
import { oids as certificateOids } from '../../pkg/x509/extensions.ts';
import { type CertificateRequest, issueCertificate } from '../../pkg/x509/issue.ts';
import { makePki, testKey } from './pki.ts';

/** Makers of OCSP answers about one client certificate, proper ones unless what is given spoils them. */

/** The clock of these answers. */
export const nowMs = Date.UTC(2026, 10, 20, 10);
/** Milliseconds. */
export const dayMs = 86_400_000;
/** Whose certificates these answers are about. */
export const pki = makePki({ nowMs });
/** The CA that issued the client, and its key. */
export const ca = { certificate: pki.intermediate.certificate, key: pki.intermediate.key };
/** The CA's parent. */
export const root = { certificate: pki.root.certificate, key: pki.root.key };
/** Another CA with the CA's name. */
export const twin = { certificate: pki.twin.certificate, key: pki.twin.key };
/** The certificate that is asked about. */
export const client = pki.client('good');
/** Another certificate of the CA. */
export const other = pki.intermediate.issue({ serial: Buffer.of(0x22, 0x22) }).certificate;
/** What a delegate must have. */
export const ocspSigning = [certificateOids.ocspSigning];
/** anyExtendedKeyUsage, which authorises nobody. */
export const anyEku = '2.5.29.37.0';

/** A responder certificate that the CA has authorised, unless what is given spoils it. */
export function delegate(changes: Partial<CertificateRequest> = {}, issuer = ca) {
  const key = changes.key ?? testKey('responder');
  const certificate = issueCertificate({
    ...{ subject: 'CN=responder', key, issuer, notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + 30 * dayMs },
    ...{ extendedKeyUsage: ocspSigning, ocspNoCheck: true },
    ...changes,
  });
  return { certificate, key };
}

/** A good part about the client. */
export function single(changes: Partial<AnswerSingle> = {}): AnswerSingle {
  return {
    ...{
      target: client.certificate,
      issuer: ca.certificate,
      status: { kind: 'good' } as const,
      hash: 'sha256' as const,
    },
    ...{ thisUpdateMs: nowMs - 60_000, nextUpdateMs: nowMs + 3_600_000 },
    ...changes,
  };
}

/** A proper answer, unless what is given spoils it; a delegate's certificate is sent along. */
export function answer(changes: Partial<AnswerRequest> = {}): Buffer {
  const signer = changes.signer ?? ca;
  const certificates = signer.certificate === ca.certificate ? [] : [signer.certificate];
  return buildOcspResponse({ singles: [single()], signer, producedAtMs: nowMs - 60_000, certificates, ...changes });
}

/** The verdict, or `cause at step`. */
export function judge(response: Buffer, changes: Partial<VerifyInput> = {}, chosen?: Chosen): string {
  const outcome = verifyResponse(
    {
      ...{ response, target: targetOf(client.certificate), certificate: client.certificate, issuer: ca.certificate },
      ...{ nowMs, sentNonce: undefined },
      options: {
        clockSkewMs: 300_000,
        maxAgeWithoutNextUpdateMs: 0,
        nonce: 'Off',
        sha1Signatures: 'Deny',
        trustedResponders: [],
      },
      ...changes,
    },
    chosen,
  );
  return outcome.kind === 'error' ? `${outcome.cause} at ${outcome.step}` : outcome.kind;
}

/** The strict settings. */
export const options = {
  clockSkewMs: 300_000,
  maxAgeWithoutNextUpdateMs: 0,
  nonce: 'Off',
  sha1Signatures: 'Deny',
  trustedResponders: [],
} satisfies VerifyInput['options'];
/** A CA with an RSA key. */
export const rsa = {
  certificate: issueCertificate({
    subject: 'CN=RSA CA',
    key: testKey('rsa', 2048),
    isCa: true,
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + dayMs,
  }),
  key: testKey('rsa', 2048),
};
const rsaLeaf = issueCertificate({
  subject: 'CN=client',
  key: testKey('leaf'),
  issuer: rsa,
  notBeforeMs: nowMs - dayMs,
  notAfterMs: nowMs + dayMs,
});
/** To ask about a certificate of that CA. */
export const underRsa = { target: targetOf(rsaLeaf), certificate: rsaLeaf, issuer: rsa.certificate };
/** A good part about it. */
export const rsaSingles = [single({ target: rsaLeaf, issuer: rsa.certificate })];
/** A key. */
export const ed25519 = generateKeyPairSync('ed25519').privateKey;
/** What was sent. */
export const nonce = Buffer.alloc(32, 7);
/** An extension that nobody knows and that must be understood. */
export const critical = { oid: '1.2.3.4', critical: true, value: der.nullValue() };
/** One that nobody knows and that may be ignored. */
export const harmless = { oid: '1.2.3.5', critical: false, value: der.nullValue() };
/** Without a reason. */
export const revoked = { kind: 'revoked', atMs: nowMs - dayMs } as const;

/** One answer and what must come of it. */
export interface Row {
  readonly name: string;
  readonly response: () => Buffer;
  readonly input?: Partial<VerifyInput>;
  readonly want: string;
}
