/** Object identifiers of OCSP (RFC 6960, RFC 9654) and of what signs it. */
export const oids = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  mgf1: '1.2.840.113549.1.1.8',
} as const;

/** Digests by their object identifier; those that a CertID may use. RFC 6960 4.1.1, RFC 9919 3.1.1. */
export const digestByOid: ReadonlyMap<string, 'sha1' | 'sha256' | 'sha384' | 'sha512'> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

export type Digest = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** For writing. */
export const oidOfDigest = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const satisfies Record<Digest, string>;
