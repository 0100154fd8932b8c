import type { KeyObject } from 'node:crypto';
import type { DistinguishedName } from './name.ts';

/** keyUsage bits by their RFC 5280 4.2.1.3 names. */
export type KeyUsage =
  | 'cRLSign'
  | 'contentCommitment'
  | 'dataEncipherment'
  | 'decipherOnly'
  | 'digitalSignature'
  | 'encipherOnly'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'keyEncipherment';

/**
 * An X.509 certificate, read once from strict DER. Slices are the received bytes, never a re-encoding.
 * RFC 5280 4.1.
 */
export interface Certificate {
  readonly der: Buffer;
  /** 64 columns, one trailing newline. */
  readonly pem: string;
  readonly version: 1 | 2 | 3;
  /** The INTEGER's content octets as received, a leading zero included. */
  readonly serial: Buffer;
  /** Upper-case hexadecimal of even length without the sign octet, as OpenSSL prints it. */
  readonly serialHex: string;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** Unix milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: KeyObject;
  /** The whole SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  /** The subjectPublicKey BIT STRING's content: what OCSP's issuerKeyHash hashes (RFC 6960 4.1.1). */
  readonly subjectPublicKey: Buffer;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly sha1: string;
  readonly spkiSha256: string;
  /** basicConstraints cA. */
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** OIDs in dotted form; undefined where the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly san: {
    readonly dns: readonly string[];
    readonly uri: readonly string[];
    readonly email: readonly string[];
    readonly ip: readonly string[];
  };
  /** URIs of id-ad-ocsp entries of the AIA extension, in order. */
  readonly ocspUrls: readonly string[];
  readonly hasOcspNoCheck: boolean;
  readonly authorityKeyId: Buffer | undefined;
  readonly subjectKeyId: Buffer | undefined;
  /** Critical extensions that this reader does not understand. */
  readonly unknownCritical: readonly string[];
  /** Whether this certificate's signature verifies under `issuer`'s key and the names agree. Never throws. */
  isIssuedBy(issuer: Certificate): boolean;
}
