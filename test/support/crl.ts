import { type KeyObject, sign } from 'node:crypto';
import { revocationReasons } from '../../pkg/ocsp/response.ts';
import { type Certificate, toPem } from '../../pkg/x509/certificate.ts';
import { der } from '../../pkg/x509/der.ts';
import { type RawExtension, signatureAlgorithm } from '../../pkg/x509/issue.ts';

/** One entry of a CRL; the extensions are written after the reason. */
export interface CrlEntry {
  readonly serial: Buffer;
  readonly atMs: number;
  readonly reason?: string;
  readonly extensions?: readonly RawExtension[];
}

/** What a CRL shall say. Nothing is checked: wrong ones are made here on purpose. */
export interface CrlRequest {
  readonly issuer: { readonly certificate: Certificate; readonly key: KeyObject };
  readonly thisUpdateMs: number;
  /** Undefined leaves it out. */
  readonly nextUpdateMs: number | undefined;
  readonly entries?: readonly CrlEntry[];
  readonly extensions?: readonly RawExtension[];
  /** 2 unless given. */
  readonly version?: 1 | 2;
  readonly hash?: 'md5' | 'sha1' | 'sha256';
  /** Breaks the signature after it was made. */
  readonly spoilSignature?: boolean;
}

/** A CRL in DER. RFC 5280 5.1. */
export function makeCrl(request: CrlRequest): Buffer {
  const { issuer, entries = [], extensions = [] } = request;
  const { identifier, hash } = signatureAlgorithm(issuer.key, request.hash ?? 'sha256');
  const tbs = der.sequence(
    ...(request.version === 1 ? [] : [der.integer(1)]),
    identifier,
    issuer.certificate.subject.der,
    der.time(request.thisUpdateMs),
    ...(request.nextUpdateMs === undefined ? [] : [der.time(request.nextUpdateMs)]),
    ...(entries.length === 0 ? [] : [der.sequence(Buffer.concat(entries.map(entryOf)))]),
    ...(extensions.length === 0 ? [] : [der.explicit(0, extensionList(extensions))]),
  );
  const signature = sign(hash, tbs, issuer.key);
  if (request.spoilSignature === true)
    signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
  return der.sequence(tbs, identifier, der.bitString(signature));
}

/** The same in PEM. */
export function makeCrlPem(request: CrlRequest): string {
  return toPem('X509 CRL', makeCrl(request));
}

/** An issuingDistributionPoint extension, critical as it must be. RFC 5280 5.2.5. */
export function issuingPoint(parts: {
  readonly urls?: readonly string[];
  readonly flags?: readonly (1 | 2 | 4 | 5)[];
  readonly reasons?: boolean;
  readonly critical?: boolean;
}): RawExtension {
  const flag = (number: 1 | 2 | 4 | 5) =>
    parts.flags?.includes(number) === true ? [der.implicit(number, Buffer.of(0xff))] : [];
  const value = der.sequence(
    ...(parts.urls === undefined ? [] : [der.explicit(0, pointName(parts.urls))]),
    ...flag(1),
    ...flag(2),
    ...(parts.reasons === true ? [der.implicit(3, Buffer.of(6, 0x40))] : []),
    ...flag(4),
    ...flag(5),
  );
  return { oid: '2.5.29.28', critical: parts.critical ?? true, value };
}

/** A cRLDistributionPoints extension with one point a URL. RFC 5280 4.2.1.13. */
export function distributionPoints(...urls: readonly string[]): RawExtension {
  const value = der.sequence(...urls.map((url) => der.sequence(der.explicit(0, pointName([url])))));
  return { oid: '2.5.29.31', critical: false, value };
}

function pointName(urls: readonly string[]): Buffer {
  return der.implicit(0, Buffer.concat(urls.map((url) => der.implicit(6, Buffer.from(url, 'latin1')))), true);
}

function entryOf({ serial, atMs, reason, extensions = [] }: CrlEntry): Buffer {
  const number = reason === undefined ? -1 : revocationReasons.indexOf(reason);
  const list = [
    ...(number < 0 ? [] : [{ oid: '2.5.29.21', critical: false, value: der.enumerated(number) }]),
    ...extensions,
  ];
  return der.sequence(der.integerBytes(serial), der.time(atMs), ...(list.length === 0 ? [] : [extensionList(list)]));
}

function extensionList(extensions: readonly RawExtension[]): Buffer {
  return der.sequence(
    ...extensions.map(({ oid, critical, value }) =>
      der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value)),
    ),
  );
}
