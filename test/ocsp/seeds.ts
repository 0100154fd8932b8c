import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type AnswerRequest, type AnswerSingle, buildOcspResponse } from '../../pkg/ocsp/respond.ts';
import type { Certificate } from '../../pkg/x509/certificate.ts';
import { der } from '../../pkg/x509/der.ts';
import { oids } from '../../pkg/x509/extensions.ts';
import { type CertificateRequest, issueCertificate } from '../../pkg/x509/issue.ts';
import { testKey } from '../support/pki.ts';

/** A valid answer to begin with, and how a changed one is signed anew. */
export interface SeedAnswer {
  readonly name: string;
  readonly response: Buffer;
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  /** The signature of this answer's signer over other bytes, by the same algorithm. */
  readonly resign: (tbs: Buffer) => Buffer;
}

/** The clock of our verdicts. The oracle takes the machine's, so these certificates are valid from 2000 to 2049. */
export const nowMs = Date.UTC(2026, 10, 20, 10);

/** Valid answers of every kind that there is, good, revoked and unknown. */
export function makeSeeds(): readonly [SeedAnswer, ...SeedAnswer[]] {
  const ec = authority('EC CA', testKey('differential-ec'));
  const rsa = authority('RSA CA', testKey('differential-rsa', 2048));
  const ecDelegate = responder('EC responder', ec, testKey('differential-ec-responder'));
  const rsaDelegate = responder('RSA responder', ec, testKey('differential-rsa-responder', 2048));
  const edDelegate = responder('Ed25519 responder', ec, generateKeyPairSync('ed25519').privateKey);
  const delegateOfRsa = responder('Responder of RSA', rsa, testKey('differential-ec-responder'));
  const good = { kind: 'good' } as const;
  const revoked = { kind: 'revoked', atMs: nowMs - hourMs, reason: 'keyCompromise' } as const;
  const unknown = { kind: 'unknown' } as const;
  const extension = { oid: '1.2.3.5', critical: false, value: der.nullValue() };
  return [
    seed('issuer EC, by key, good', ec, ec, [part(ec, good)]),
    seed('issuer EC, by name, revoked', ec, ec, [part(ec, revoked)], { responderId: 'name' }),
    seed('issuer EC, SHA-1 CertID, unknown', ec, ec, [part(ec, unknown, { hash: 'sha1' })]),
    seed('issuer RSA, good', rsa, rsa, [part(rsa, good)]),
    seed('issuer RSA-PSS, revoked', rsa, rsa, [part(rsa, revoked)], { pssSaltLength: 32 }),
    seed('EC delegate, by key, good', ec, ecDelegate, [part(ec, good)]),
    seed('EC delegate, by name, good, several certificates', ec, ecDelegate, [part(ec, good)], {
      responderId: 'name',
      certificates: [ec.leaf, ecDelegate.certificate],
    }),
    seed('RSA delegate, revoked, nonce', ec, rsaDelegate, [part(ec, revoked)], { nonce: Buffer.alloc(32, 7) }),
    seed('EC delegate of the RSA CA, SHA-384 CertID, good', rsa, delegateOfRsa, [part(rsa, good, { hash: 'sha384' })]),
    seed('issuer EC, good and another revoked', ec, ec, [part(ec, good), part(ec, revoked, { target: ec.other })]),
    seed('issuer EC, good then revoked', ec, ec, [part(ec, good), part(ec, revoked)]),
    seed('issuer EC, extensions', ec, ec, [part(ec, good, { extensions: [extension] })], { extensions: [extension] }),
    seed('issuer EC, no nextUpdate', ec, ec, [part(ec, good, { nextUpdateMs: undefined })]),
    seed('Ed25519 delegate, good', ec, edDelegate, [part(ec, good)]),
  ];
}

interface Signer {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

interface SeedCa extends Signer {
  readonly leaf: Certificate;
  readonly other: Certificate;
}

function seed(
  name: string,
  ca: SeedCa,
  signer: Signer,
  singles: readonly AnswerSingle[],
  changes: Partial<AnswerRequest> = {},
): SeedAnswer {
  const certificates = signer.certificate === ca.certificate ? [] : [signer.certificate];
  const { key } = signer;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return {
    name,
    response: buildOcspResponse({
      ...{ singles, signer: { certificate: signer.certificate, key }, producedAtMs: nowMs - minuteMs, certificates },
      ...changes,
    }),
    certificate: ca.leaf,
    issuer: ca.certificate,
    resign: (tbs) => {
      if (changes.pssSaltLength !== undefined) {
        return sign('sha256', tbs, { key, padding, saltLength: changes.pssSaltLength });
      }
      return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', tbs, key);
    },
  };
}

function part(ca: SeedCa, status: AnswerSingle['status'], changes: Partial<AnswerSingle> = {}): AnswerSingle {
  return {
    ...{ target: ca.leaf, issuer: ca.certificate, status, hash: 'sha256' },
    ...{ thisUpdateMs: nowMs - minuteMs, nextUpdateMs: nowMs + hourMs },
    ...changes,
  };
}

function authority(commonName: string, key: KeyObject): SeedCa {
  const certificate = issue({ subject: `CN=${commonName},O=Differential`, key, isCa: true });
  const issuer = { certificate, key };
  const leaf = (serial: number) =>
    issue({ subject: 'CN=client', key: testKey('differential-leaf'), issuer, serial: Buffer.of(0x10, serial) });
  return { certificate, key, leaf: leaf(1), other: leaf(2) };
}

function responder(commonName: string, ca: SeedCa, key: KeyObject): Signer {
  const issuer = { certificate: ca.certificate, key: ca.key };
  const serial = Buffer.of(0x20, 1);
  const extendedKeyUsage = [oids.ocspSigning];
  return {
    certificate: issue({ subject: `CN=${commonName}`, key, issuer, serial, extendedKeyUsage, ocspNoCheck: true }),
    key,
  };
}

function issue(request: Pick<CertificateRequest, 'key' | 'subject'> & Partial<CertificateRequest>): Certificate {
  return issueCertificate({
    ...{ serial: Buffer.of(0x01), notBeforeMs: Date.UTC(2000, 0), notAfterMs: Date.UTC(2049, 0) },
    ...request,
  });
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
