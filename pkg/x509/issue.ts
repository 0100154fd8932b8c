import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { type Certificate, parseCertificate } from './certificate.ts';
import { der, readDer } from './der.ts';
import { readBitString } from './der-values.ts';
import { type KeyUsage, keyUsageBits, oids } from './extensions.ts';
import { type DistinguishedName, parseDnText } from './name.ts';

/** An extension written as it is given. */
export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of the extension's own type. */
  readonly value: Buffer;
}

/** What a certificate shall say. Nothing is checked: wrong certificates are made here on purpose, for tests and the demo. */
export interface CertificateRequest {
  /** RFC 4514 text, or a name as it is. */
  readonly subject: string | DistinguishedName;
  /** The subject's private key; its public half goes into the certificate. */
  readonly key: KeyObject;
  /** Self-signed when absent. `key` signs, whether or not it fits the certificate. */
  readonly issuer?: { readonly certificate: Certificate; readonly key: KeyObject };
  /** Unix milliseconds; whole seconds are written. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Content octets of the INTEGER; 16 random octets unless given. */
  readonly serial?: Buffer;
  /** basicConstraints, critical; left out when undefined. */
  readonly isCa?: boolean;
  readonly pathLength?: number;
  /** Critical; for a CA keyCertSign and cRLSign, else digitalSignature, unless given. An empty list leaves it out. */
  readonly keyUsage?: readonly KeyUsage[];
  /** OIDs; left out when undefined or empty. */
  readonly extendedKeyUsage?: readonly string[];
  readonly san?: {
    readonly dns?: readonly string[];
    readonly uri?: readonly string[];
    readonly email?: readonly string[];
    readonly ip?: readonly string[];
  };
  readonly ocspUrls?: readonly string[];
  readonly caIssuersUrls?: readonly string[];
  readonly ocspNoCheck?: boolean;
  /** Written after the others; one with the OID of another takes its place. */
  readonly extensions?: readonly RawExtension[];
  /** sha256 unless given; Ed25519 takes none. */
  readonly signatureHash?: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** 3 unless given; versions 1 and 2 get no extensions at all. */
  readonly version?: 1 | 2 | 3;
}

/** Makes and signs a certificate with an RSA (PKCS #1 v1.5), EC or Ed25519 key. @throws CertificateMalformed when the result is one that no reader takes. RFC 5280 4.1. */
export function issueCertificate(request: CertificateRequest): Certificate {
  return parseCertificate(issueCertificateDer(request));
}

/** The same as bytes, without reading them: for certificates that are malformed on purpose. */
export function issueCertificateDer(request: CertificateRequest): Buffer {
  const subject = typeof request.subject === 'string' ? parseDnText(request.subject) : request.subject;
  const spki = spkiOf(request.key);
  const signer = request.issuer?.key ?? request.key;
  const algorithm = signatureAlgorithm(signer, request.signatureHash ?? 'sha256');
  const version = request.version ?? 3;
  const tbs = der.sequence(
    ...(version === 1 ? [] : [der.explicit(0, der.integer(version - 1))]),
    der.integerBytes(request.serial ?? randomSerial()),
    algorithm.identifier,
    request.issuer?.certificate.subject.der ?? subject.der,
    der.sequence(der.time(request.notBeforeMs), der.time(request.notAfterMs)),
    subject.der,
    spki,
    ...(version === 3 ? wrapExtensions(extensionsOf(request, spki)) : []),
  );
  const signature = sign(algorithm.hash, tbs, signer);
  return der.sequence(tbs, algorithm.identifier, der.bitString(signature));
}

/** `[alg, params]` and the hash to sign with, for a key. RFC 4055, 5758, 8410. @throws RangeError for a key of another type. */
export function signatureAlgorithm(
  key: KeyObject,
  hash: NonNullable<CertificateRequest['signatureHash']>,
): { readonly identifier: Buffer; readonly hash: string | null } {
  const type = key.asymmetricKeyType;
  if (type === 'ed25519') return { identifier: der.sequence(der.oid('1.3.101.112')), hash: null };
  const oid = type === 'rsa' ? rsaSignatures[hash] : type === 'ec' ? ecdsaSignatures[hash] : undefined;
  if (oid === undefined) throw new RangeError(`no signature with ${hash} by a key of type ${type}`);
  return { identifier: der.sequence(der.oid(oid), ...(type === 'rsa' ? [der.nullValue()] : [])), hash };
}

function extensionsOf(request: CertificateRequest, spki: Buffer): RawExtension[] {
  const { isCa, pathLength, san, issuer } = request;
  const list: RawExtension[] = [];
  if (isCa !== undefined) {
    const parts = [
      ...(isCa ? [der.boolean(true)] : []),
      ...(pathLength === undefined ? [] : [der.integer(pathLength)]),
    ];
    list.push({ oid: oids.basicConstraints, critical: true, value: der.sequence(...parts) });
  }
  const keyUsage = request.keyUsage ?? (isCa === true ? ['keyCertSign', 'cRLSign'] : ['digitalSignature']);
  if (keyUsage.length > 0) list.push({ oid: oids.keyUsage, critical: true, value: keyUsageBitString(keyUsage) });
  const purposes = request.extendedKeyUsage ?? [];
  if (purposes.length > 0) {
    list.push({ oid: oids.extendedKeyUsage, critical: false, value: der.sequence(...purposes.map(der.oid)) });
  }
  const names = [
    ...(san?.email ?? []).map((text) => der.implicit(1, Buffer.from(text, 'latin1'))),
    ...(san?.dns ?? []).map((text) => der.implicit(2, Buffer.from(text, 'latin1'))),
    ...(san?.uri ?? []).map((text) => der.implicit(6, Buffer.from(text, 'latin1'))),
    ...(san?.ip ?? []).map((text) => der.implicit(7, addressOctets(text))),
  ];
  if (names.length > 0) list.push({ oid: oids.subjectAltName, critical: false, value: der.sequence(...names) });
  const access = [
    ...(request.ocspUrls ?? []).map((url) => accessDescription(oids.ocsp, url)),
    ...(request.caIssuersUrls ?? []).map((url) => accessDescription(oids.caIssuers, url)),
  ];
  if (access.length > 0) list.push({ oid: oids.authorityInfoAccess, critical: false, value: der.sequence(...access) });
  if (request.ocspNoCheck === true) list.push({ oid: oids.ocspNoCheck, critical: false, value: der.nullValue() });
  list.push({ oid: oids.subjectKeyId, critical: false, value: der.octetString(keyIdOf(spki)) });
  const authorityKeyId = issuer?.certificate.subjectKeyId;
  if (authorityKeyId !== undefined) {
    list.push({ oid: oids.authorityKeyId, critical: false, value: der.sequence(der.implicit(0, authorityKeyId)) });
  }
  const raw = request.extensions ?? [];
  return [...list.filter(({ oid }) => !raw.some((own) => own.oid === oid)), ...raw];
}

function wrapExtensions(list: readonly RawExtension[]): Buffer[] {
  const extensions = list.map(({ oid, critical, value }) =>
    der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value)),
  );
  return [der.explicit(3, der.sequence(...extensions))];
}

function keyUsageBitString(usages: readonly KeyUsage[]): Buffer {
  const highest = Math.max(...usages.map((usage) => keyUsageBits.indexOf(usage)));
  const bits = Buffer.alloc((highest >> 3) + 1);
  for (const usage of usages) {
    const bit = keyUsageBits.indexOf(usage);
    bits.writeUInt8(bits.readUInt8(bit >> 3) | (0x80 >> (bit & 7)), bit >> 3);
  }
  return der.bitString(bits, 7 - (highest & 7));
}

function accessDescription(method: string, url: string): Buffer {
  return der.sequence(der.oid(method), der.implicit(6, Buffer.from(url, 'latin1')));
}

function addressOctets(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text)) throw new RangeError(`not an IP address: ${text}`);
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : groups(tail);
  const missing = 8 - groups(head).length - after.length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function spkiOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function keyIdOf(spki: Buffer): Buffer {
  const { bits } = readBitString(readDer(spki).children[1], 'subjectPublicKey');
  return createHash('sha1').update(bits).digest();
}

function randomSerial(): Buffer {
  const serial = randomBytes(16);
  // Positive, and of one length: 0x40 to 0x7f leads.
  serial.writeUInt8((serial.readUInt8(0) & 0x3f) | 0x40, 0);
  return serial;
}

const rsaSignatures = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
} as const;
const ecdsaSignatures = {
  md5: undefined,
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
} as const;
