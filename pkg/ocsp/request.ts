import { createHash } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { der } from '../x509/der.ts';
import { oidOfDigest, oids } from './oids.ts';

/** The hashes that we put into a CertID. */
export type CertIdHash = 'sha1' | 'sha256';

/** What a question is about. A CertID is made of nothing else. RFC 6960 4.1.1. */
export interface CertTarget {
  /** The DER Name of the issuer as the checked certificate spells it. */
  readonly issuerName: Buffer;
  /** The INTEGER's content octets as received. */
  readonly serial: Buffer;
}

/** The target that a certificate is. */
export function targetOf(certificate: Certificate): CertTarget {
  return { issuerName: certificate.issuer.der, serial: certificate.serial };
}

/**
 * A CertID in DER: hashes over the received bytes of the issuer's name and of its key (the BIT STRING's content), the
 * serial as received, parameters NULL as every other client writes them. RFC 6960 4.1.1.
 */
export function certId(target: CertTarget, issuer: Pick<Certificate, 'subjectPublicKey'>, hash: CertIdHash): Buffer {
  return der.sequence(
    der.sequence(der.oid(oidOfDigest[hash]), der.nullValue()),
    der.octetString(createHash(hash).update(target.issuerName).digest()),
    der.octetString(createHash(hash).update(issuer.subjectPublicKey).digest()),
    der.integerBytes(target.serial),
  );
}

/**
 * An OCSPRequest in DER: version 1, one Request without extensions, not signed; with a nonce where one is given
 * (wrapped twice, RFC 9654 2.1). RFC 6960 4.1.1, RFC 9919 3.1.
 */
export function ocspRequest(
  target: CertTarget,
  issuer: Pick<Certificate, 'subjectPublicKey'>,
  options: { readonly hash: CertIdHash; readonly nonce?: Buffer | undefined },
): Buffer {
  const list = der.sequence(der.sequence(certId(target, issuer, options.hash)));
  const extensions =
    options.nonce === undefined
      ? []
      : [
          der.explicit(
            2,
            der.sequence(der.sequence(der.oid(oids.nonce), der.octetString(der.octetString(options.nonce)))),
          ),
        ];
  return der.sequence(der.sequence(list, ...extensions));
}

/** How a request travels: in the path, or as a body. */
export type RequestForm =
  | { readonly method: 'GET'; readonly path: string }
  | { readonly method: 'POST'; readonly path: string; readonly body: Buffer };

/**
 * GET where the whole URL fits in 255 bytes, so that caches may answer; POST else, and where it must be (a nonce is sent).
 * RFC 6960 A.1, RFC 9919 5. `base` is the responder's URL as written, `path` its path and query.
 */
export function requestForm(base: string, path: string, request: Buffer, mustPost: boolean): RequestForm {
  const encoded = encodeURIComponent(request.toString('base64'));
  const [bare = '/', query] = split(path);
  const joined = `${bare.endsWith('/') ? bare.slice(0, -1) : bare}/${encoded}${query === undefined ? '' : `?${query}`}`;
  const whole = base.length - path.length + joined.length;
  return mustPost || whole > maxGetUrlBytes ? { method: 'POST', path, body: request } : { method: 'GET', path: joined };
}

/** 32 octets: what a requester must use at least, and what every responder must take. RFC 9654 2.1. */
export const nonceBytes = 32;

function split(path: string): [string, string | undefined] {
  const at = path.indexOf('?');
  return at < 0 ? [path, undefined] : [path.slice(0, at), path.slice(at + 1)];
}

const maxGetUrlBytes = 255;
