import { constants, createHash, type KeyObject, sign } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';
import { der } from '../x509/der.ts';
import { signatureAlgorithm } from '../x509/issue.ts';
import { type Digest, oidOfDigest, oids } from './oids.ts';
import { type CertTarget, targetOf } from './request.ts';
import { type Extension, type ResponseStatus, revocationReasons } from './response.ts';

/** What an answer says about one certificate. */
export interface AnswerSingle {
  readonly target: Certificate | CertTarget;
  readonly issuer: Certificate;
  readonly status:
    | { readonly kind: 'good' }
    | { readonly kind: 'revoked'; readonly atMs: number; readonly reason?: string | undefined }
    | { readonly kind: 'unknown' };
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  /** sha1 unless given. */
  readonly hash?: Digest;
  /** A CertID to write as it is, such as the one that was asked for. */
  readonly certId?: Buffer;
  readonly extensions?: readonly Extension[];
}

/** What an answer shall say and who signs it. Nothing is checked: wrong answers are made here on purpose, for tests and the demo. */
export interface AnswerRequest {
  readonly singles: readonly AnswerSingle[];
  /** Whose key signs, and what responderID names. */
  readonly signer: { readonly certificate: Certificate; readonly key: KeyObject };
  readonly producedAtMs: number;
  /** key unless given. */
  readonly responderId?: 'key' | 'name';
  readonly nonce?: Buffer | undefined;
  /** The extension is written with this value instead of a wrapped nonce. */
  readonly extensions?: readonly Extension[];
  /** Certificates sent along: the signer's own for a delegate, none for the issuer itself. */
  readonly certificates?: readonly (Buffer | Certificate)[];
  /** sha256 unless given; Ed25519 takes none. */
  readonly hash?: Digest;
  /** RSASSA-PSS with this salt length in place of PKCS #1 v1.5. */
  readonly pssSaltLength?: number;
  /** Written as [0] where it is not 0. */
  readonly version?: number;
  /** Breaks the signature after it was made. */
  readonly spoilSignature?: boolean;
}

/** A successful OCSPResponse in DER. RFC 6960 4.2.1. */
export function buildOcspResponse(request: AnswerRequest): Buffer {
  const tbs = responseData(request);
  const { identifier, signature } = signed(request, tbs);
  if (request.spoilSignature === true)
    signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
  const certificates = (request.certificates ?? []).map((one) => (Buffer.isBuffer(one) ? one : one.der));
  const basic = der.sequence(
    tbs,
    identifier,
    der.bitString(signature),
    ...(certificates.length === 0 ? [] : [der.explicit(0, der.sequence(...certificates))]),
  );
  return wrapOcspResponse(basic);
}

/** A successful OCSPResponse around whatever is given as the response. RFC 6960 4.2.1. */
export function wrapOcspResponse(basic: Buffer, type: string = oids.basicResponse): Buffer {
  return der.sequence(der.enumerated(0), der.explicit(0, der.sequence(der.oid(type), der.octetString(basic))));
}

/** An OCSPResponse that is an error and nothing else; unsigned. RFC 6960 2.3. */
export function buildOcspError(status: Exclude<ResponseStatus, 'successful'> | number): Buffer {
  return der.sequence(der.enumerated(typeof status === 'number' ? status : errorNumbers[status]));
}

function responseData(request: AnswerRequest): Buffer {
  const { certificate } = request.signer;
  const responderId =
    request.responderId === 'name'
      ? der.explicit(1, certificate.subject.der)
      : der.explicit(2, der.octetString(createHash('sha1').update(certificate.subjectPublicKey).digest()));
  const nonce: readonly Extension[] =
    request.nonce === undefined ? [] : [{ oid: oids.nonce, critical: false, value: der.octetString(request.nonce) }];
  return der.sequence(
    ...(request.version === undefined ? [] : [der.explicit(0, der.integer(request.version))]),
    responderId,
    der.generalizedTime(request.producedAtMs),
    der.sequence(...request.singles.map(singleResponse)),
    ...extensionList(1, [...nonce, ...(request.extensions ?? [])]),
  );
}

function singleResponse(single: AnswerSingle): Buffer {
  const hash = single.hash ?? 'sha1';
  const target = 'der' in single.target ? targetOf(single.target) : single.target;
  const id =
    single.certId ??
    der.sequence(
      der.sequence(der.oid(oidOfDigest[hash]), der.nullValue()),
      der.octetString(createHash(hash).update(target.issuerName).digest()),
      der.octetString(createHash(hash).update(single.issuer.subjectPublicKey).digest()),
      der.integerBytes(target.serial),
    );
  return der.sequence(
    id,
    certStatus(single.status),
    der.generalizedTime(single.thisUpdateMs),
    ...(single.nextUpdateMs === undefined ? [] : [der.explicit(0, der.generalizedTime(single.nextUpdateMs))]),
    ...extensionList(1, single.extensions ?? []),
  );
}

function certStatus(status: AnswerSingle['status']): Buffer {
  if (status.kind === 'good') return der.implicit(0, Buffer.alloc(0));
  if (status.kind === 'unknown') return der.implicit(2, Buffer.alloc(0));
  const number = status.reason === undefined ? -1 : revocationReasons.indexOf(status.reason);
  const reason = number < 0 ? [] : [der.explicit(0, der.enumerated(number))];
  return der.implicit(1, Buffer.concat([der.generalizedTime(status.atMs), ...reason]), true);
}

function extensionList(tag: number, extensions: readonly Extension[]): Buffer[] {
  if (extensions.length === 0) return [];
  const list = extensions.map(({ oid, critical, value }) =>
    der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value)),
  );
  return [der.explicit(tag, der.sequence(...list))];
}

function signed(request: AnswerRequest, tbs: Buffer): { identifier: Buffer; signature: Buffer } {
  const { key } = request.signer;
  const digest = request.hash ?? 'sha256';
  if (request.pssSaltLength === undefined) {
    const { identifier, hash } = signatureAlgorithm(key, digest);
    return { identifier, signature: sign(hash, tbs, key) };
  }
  const hash = der.sequence(der.oid(oidOfDigest[digest]), der.nullValue());
  const identifier = der.sequence(
    der.oid('1.2.840.113549.1.1.10'),
    der.sequence(
      der.explicit(0, hash),
      der.explicit(1, der.sequence(der.oid(oids.mgf1), hash)),
      der.explicit(2, der.integer(request.pssSaltLength)),
    ),
  );
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return { identifier, signature: sign(digest, tbs, { key, padding, saltLength: request.pssSaltLength }) };
}

const errorNumbers = { malformedRequest: 1, internalError: 2, tryLater: 3, sigRequired: 5, unauthorized: 6 } as const;
