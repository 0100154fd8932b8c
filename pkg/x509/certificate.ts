import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { DerCursor, DerMalformed, type DerNode, readDer, tags } from './der.ts';
import { readInteger, readOid, readSmallInteger, readTime, readWholeBitString } from './der-values.ts';
import { type Extension, type KeyUsage, readExtensions, readKnownExtensions } from './extensions.ts';
import { type DistinguishedName, parseName, sameName } from './name.ts';

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
  /** Every extension by its OID, as received. */
  readonly extensions: ReadonlyMap<string, Extension>;
  /** The signature algorithm's OID. */
  readonly signatureOid: string;
  /** Critical extensions that this reader does not understand. */
  readonly unknownCritical: readonly string[];
  /**
   * Whether this certificate's signature verifies under `issuer`'s key and the names agree. A signature over MD5 or
   * SHA-1 never does. Never throws.
   */
  isIssuedBy(issuer: Certificate): boolean;
}

/** Not a certificate that this gate reads: not strict DER, not RFC 5280, or refused by OpenSSL. */
export class CertificateMalformed extends Error {
  readonly code = 'CERTIFICATE_MALFORMED';
  constructor(message: string, cause?: unknown) {
    super(`certificate malformed: ${message}`, { cause });
    this.name = 'CertificateMalformed';
  }
}

/** Largest certificate that is read, in bytes. */
export const maxCertificateBytes = 65_536;

/**
 * Reads one certificate from DER; trusts nothing in it. Stricter than OpenSSL where RFC 5280 allows no doubt: strict
 * DER, no negative or over-long serial, no extension twice, printable SAN names. An explicit `critical: FALSE`, which
 * DER forbids and old CAs write, is read.
 * @throws CertificateMalformed. RFC 5280 4.1.
 */
export function parseCertificate(bytes: Buffer): Certificate {
  if (bytes.length > maxCertificateBytes) {
    throw new CertificateMalformed(`${bytes.length} bytes, limit ${maxCertificateBytes}`);
  }
  // A copy: what is given may be a slice of a buffer that its owner uses again.
  const copy = Buffer.from(bytes);
  try {
    return readCertificate(copy);
  } catch (error) {
    if (error instanceof DerMalformed) throw new CertificateMalformed(error.message, error);
    throw error;
  }
}

/** Whether the certificate is signed with its own key under its own name; any hash counts, since nothing rests on it. */
export function isSelfSigned(certificate: Certificate): boolean {
  return sameName(certificate.subject, certificate.issuer) && verifies(certificate, certificate);
}

/** Whether it is signed over MD5 or SHA-1 (or older): no such signature counts, but a root's own. */
export function hasWeakSignature(certificate: Certificate): boolean {
  return weakSignatures.has(certificate.signatureOid);
}

/** PEM of any DER: 64 columns, one trailing newline. RFC 7468. */
export function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function readCertificate(bytes: Buffer): Certificate {
  const outer = new DerCursor(readDer(bytes), 'a certificate');
  const tbs = new DerCursor(outer.take('tbsCertificate'), 'tbsCertificate');
  const algorithm = outer.take('signatureAlgorithm', tags.sequence);
  readWholeBitString(outer.take('signatureValue'), 'signatureValue');
  outer.end();

  const version = readVersion(tbs.optional(0xa0));
  const serial = readInteger(tbs.take('serialNumber'), 'serialNumber');
  if ((serial[0] ?? 0) >= 0x80) throw new CertificateMalformed('serial number is negative');
  if (serial.length > 21) throw new CertificateMalformed(`serial number of ${serial.length} bytes, limit 20`);
  const inner = tbs.take('signature', tags.sequence);
  if (!inner.bytes.equals(algorithm.bytes)) {
    throw new CertificateMalformed('the signature algorithms inside and outside tbsCertificate differ');
  }
  const issuer = parseName(tbs.take('issuer'));
  const validity = new DerCursor(tbs.take('validity'), 'validity');
  const notBeforeMs = readTime(validity.take('notBefore'), 'notBefore');
  const notAfterMs = readTime(validity.take('notAfter'), 'notAfter');
  validity.end();
  const subject = parseName(tbs.take('subject'));
  const spki = tbs.take('subjectPublicKeyInfo', tags.sequence);
  const subjectPublicKey = readPublicKeyBits(spki);
  const uniqueIds = [tbs.optional(0x81), tbs.optional(0x82)].filter((id) => id !== undefined);
  if (uniqueIds.length > 0 && version === 1) throw new CertificateMalformed('unique identifiers in version 1');
  const wrapped = tbs.optional(0xa3);
  tbs.end();
  if (wrapped !== undefined && version !== 3) throw new CertificateMalformed(`extensions in version ${version}`);
  const extensions = readExtensions(wrapped);
  const x509 = openssl(() => new X509Certificate(bytes));

  const certificate: Certificate = {
    der: bytes,
    pem: toPem('CERTIFICATE', bytes),
    version,
    serial,
    serialHex: (serial.length > 1 && serial[0] === 0 ? serial.subarray(1) : serial).toString('hex').toUpperCase(),
    subject,
    issuer,
    notBeforeMs,
    notAfterMs,
    publicKey: openssl(() => x509.publicKey),
    spki: spki.bytes,
    subjectPublicKey,
    sha256: digest('sha256', bytes),
    sha1: digest('sha1', bytes),
    spkiSha256: digest('sha256', spki.bytes),
    ...readKnownExtensions(extensions),
    extensions,
    signatureOid: readOid(algorithm.children[0], 'signature algorithm'),
    isIssuedBy: (other) =>
      !hasWeakSignature(certificate) && sameName(certificate.issuer, other.subject) && verifies(certificate, other),
  };
  parsed.set(certificate, x509);
  return certificate;
}

function readVersion(wrapped: DerNode | undefined): 1 | 2 | 3 {
  if (wrapped === undefined) return 1;
  const cursor = new DerCursor(wrapped, 'version', 0xa0);
  const version = readSmallInteger(cursor.take('version'), 'version') + 1;
  cursor.end();
  if (version !== 2 && version !== 3) throw new CertificateMalformed(`version ${version}, expected 1 (absent), 2 or 3`);
  return version;
}

function readPublicKeyBits(spki: DerNode): Buffer {
  const cursor = new DerCursor(spki, 'subjectPublicKeyInfo');
  cursor.take('algorithm', tags.sequence);
  const bits = readWholeBitString(cursor.take('subjectPublicKey'), 'subjectPublicKey');
  cursor.end();
  return bits;
}

function verifies(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return parsed.get(certificate)?.verify(issuer.publicKey) ?? false;
  } catch {
    // A key whose type does not fit the signature.
    return false;
  }
}

function openssl<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CertificateMalformed(`OpenSSL: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function digest(algorithm: 'sha1' | 'sha256', bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

/** OpenSSL's own reading of a certificate, for its signature check. */
const parsed = new WeakMap<Certificate, X509Certificate>();

/** MD2, MD4, MD5 and SHA-1 with RSA; SHA-1 with DSA and ECDSA; the old OIW names of the same. */
const weakSignatures: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.3',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10040.4.3',
  '1.2.840.10045.4.1',
  '1.3.14.3.2.3',
  '1.3.14.3.2.27',
  '1.3.14.3.2.29',
]);
