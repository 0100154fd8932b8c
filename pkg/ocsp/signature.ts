import { constants, type KeyObject, verify } from 'node:crypto';
import { DerCursor, DerMalformed, type DerNode, tags } from '../x509/der.ts';
import { readNull, readOid, readSmallInteger } from '../x509/der-values.ts';
import { type Digest, digestByOid, oids } from './oids.ts';

/** A signature algorithm of the allow-list, its parameters read and not assumed. */
export type SignatureAlgorithm =
  | { readonly kind: 'ecdsa'; readonly digest: Digest }
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'rsa'; readonly digest: Digest }
  | { readonly kind: 'rsa-pss'; readonly digest: Digest; readonly saltLength: number };

/**
 * Reads an AlgorithmIdentifier. SHA-1 is read and must be refused by the caller where it is not allowed; MD5 and
 * everything else is not known here. Returns why not as text. RFC 4055, RFC 5758, RFC 8410.
 */
export function signatureAlgorithm(node: DerNode): SignatureAlgorithm | string {
  try {
    return readAlgorithm(node);
  } catch (error) {
    if (error instanceof DerMalformed) return `signature algorithm is malformed: ${error.message}`;
    throw error;
  }
}

/** Why a key may not be used with an algorithm (type, size, curve), or undefined. RSA has 2048 to 8192 bits. */
export function keyFault(key: KeyObject, algorithm: SignatureAlgorithm): string | undefined {
  const type = key.asymmetricKeyType;
  const details = key.asymmetricKeyDetails;
  switch (algorithm.kind) {
    case 'ecdsa':
      if (type !== 'ec') return `an ECDSA signature does not fit a key of type ${type}`;
      return curves.has(details?.namedCurve ?? '')
        ? undefined
        : `the curve ${details?.namedCurve ?? 'without a name'} is none of P-256, P-384, P-521`;
    case 'ed25519':
      return type === 'ed25519' ? undefined : `an Ed25519 signature does not fit a key of type ${type}`;
    case 'rsa':
    case 'rsa-pss': {
      if (type !== 'rsa' && !(type === 'rsa-pss' && algorithm.kind === 'rsa-pss')) {
        return `an RSA signature does not fit a key of type ${type}`;
      }
      const bits = details?.modulusLength ?? 0;
      return bits >= 2048 && bits <= 8192 ? undefined : `an RSA key of ${bits} bits is not between 2048 and 8192`;
    }
  }
}

/** Whether `signature` over `data` verifies. Never throws: what the library refuses does not verify. */
export function signatureVerifies(
  algorithm: SignatureAlgorithm,
  data: Buffer,
  key: KeyObject,
  signature: Buffer,
): boolean {
  try {
    switch (algorithm.kind) {
      case 'ecdsa':
        return verify(algorithm.digest, data, { key, dsaEncoding: 'der' }, signature);
      case 'ed25519':
        return verify(null, data, key, signature);
      case 'rsa':
        return verify(algorithm.digest, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
      case 'rsa-pss':
        return verify(
          algorithm.digest,
          data,
          { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength },
          signature,
        );
    }
  } catch {
    return false;
  }
}

function readAlgorithm(node: DerNode): SignatureAlgorithm | string {
  const cursor = new DerCursor(node, 'AlgorithmIdentifier');
  const oid = readOid(cursor.take('algorithm'), 'algorithm');
  if (oid === rsaPss) {
    const parameters = cursor.take('RSASSA-PSS-params', tags.sequence);
    cursor.end();
    return readPss(parameters);
  }
  const algorithm = plain.get(oid);
  if (algorithm === undefined) {
    return `signature algorithm ${refusedNames.get(oid) ?? oid} is not one that we accept`;
  }
  // RFC 4055 5: NULL, and readers must take its absence too; RFC 5758 and RFC 8410: absent.
  if (algorithm.kind === 'rsa') {
    const parameters = cursor.optional(tags.nullValue);
    if (parameters !== undefined) readNull(parameters, 'parameters');
  }
  cursor.end();
  return algorithm;
}

/** RFC 4055 3.1. The mask's digest must be the message's: mixed ones have no use and node:crypto could not check them. */
function readPss(node: DerNode): SignatureAlgorithm | string {
  const cursor = new DerCursor(node, 'RSASSA-PSS-params');
  const hash = cursor.optional(0xa0);
  const mask = cursor.optional(0xa1);
  const salt = cursor.optional(0xa2);
  const trailer = cursor.optional(0xa3);
  cursor.end();
  const digest = hash === undefined ? 'sha1' : digestOf(hash.children[0]);
  const maskDigest = mask === undefined ? 'sha1' : maskDigestOf(mask.children[0]);
  const saltLength = salt === undefined ? 20 : readSmallInteger(salt.children[0], 'saltLength');
  const trailerField = trailer === undefined ? 1 : readSmallInteger(trailer.children[0], 'trailerField');
  if (digest === undefined || maskDigest !== digest) return 'RSASSA-PSS with digests that are not one accepted pair';
  if (saltLength > maxSaltLength || trailerField !== 1) {
    return `RSASSA-PSS with salt length ${saltLength} and trailer ${trailerField} is not one that we accept`;
  }
  return { kind: 'rsa-pss', digest, saltLength };
}

function digestOf(node: DerNode | undefined): Digest | undefined {
  const cursor = new DerCursor(node, 'hashAlgorithm');
  const digest = digestByOid.get(readOid(cursor.take('algorithm'), 'algorithm'));
  const parameters = cursor.optional(tags.nullValue);
  if (parameters !== undefined) readNull(parameters, 'parameters');
  cursor.end();
  return digest;
}

function maskDigestOf(node: DerNode | undefined): Digest | undefined {
  const cursor = new DerCursor(node, 'maskGenAlgorithm');
  const oid = readOid(cursor.take('algorithm'), 'algorithm');
  const digest = digestOf(cursor.take('parameters'));
  cursor.end();
  return oid === oids.mgf1 ? digest : undefined;
}

const rsaPss = '1.2.840.113549.1.1.10';

/** The longest that fits the largest key (8192 bits, SHA-256); some signers take the longest that fits theirs. RFC 8017 9.1.1. */
const maxSaltLength = 8192 / 8 - 32 - 2;

const plain: ReadonlyMap<string, SignatureAlgorithm> = new Map<string, SignatureAlgorithm>([
  ['1.2.840.113549.1.1.5', { kind: 'rsa', digest: 'sha1' }],
  ['1.2.840.113549.1.1.11', { kind: 'rsa', digest: 'sha256' }],
  ['1.2.840.113549.1.1.12', { kind: 'rsa', digest: 'sha384' }],
  ['1.2.840.113549.1.1.13', { kind: 'rsa', digest: 'sha512' }],
  ['1.2.840.10045.4.1', { kind: 'ecdsa', digest: 'sha1' }],
  ['1.2.840.10045.4.3.2', { kind: 'ecdsa', digest: 'sha256' }],
  ['1.2.840.10045.4.3.3', { kind: 'ecdsa', digest: 'sha384' }],
  ['1.2.840.10045.4.3.4', { kind: 'ecdsa', digest: 'sha512' }],
  ['1.3.101.112', { kind: 'ed25519' }],
]);

const refusedNames: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.2', 'md2WithRSAEncryption'],
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
]);

const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
