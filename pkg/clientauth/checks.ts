import type { RejectReason } from '../policy/reason.ts';
import type { Certificate } from '../x509/certificate.ts';
import { oids } from '../x509/extensions.ts';
import { keyFault } from '../x509/key.ts';
import { sameName } from '../x509/name.ts';
import type { CertificatePath } from '../x509/path.ts';
import type { AllowTest } from './allow.ts';
import type { Trust } from './trust.ts';

/** How one check went. A failure holds until `holdsUntilMs` (Unix milliseconds), for ever where time cannot mend it. */
export type Finding =
  | {
      readonly kind: 'fail';
      readonly reason: RejectReason;
      /** One line of printable ASCII. */
      readonly detail: string;
      readonly holdsUntilMs: number;
    }
  | { readonly kind: 'pass'; readonly detail: string }
  | { readonly kind: 'skip'; readonly detail: string };
export type Failure = Extract<Finding, { kind: 'fail' }>;

/** A finding that refuses. */
export function fail(reason: RejectReason, detail: string, holdsUntilMs: number = forever): Failure {
  return { kind: 'fail', reason, detail: oneLine(detail), holdsUntilMs };
}

/** A finding that lets the next check decide. */
export function pass(detail: string): Finding {
  return { kind: 'pass', detail: oneLine(detail) };
}

/** Version 3, not a CA, an acceptable key, no critical extension that is not understood. RFC 5280 4.2; InvalidCertificate. */
export function wellFormed(leaf: Certificate): Finding {
  if (leaf.version !== 3) return fail('InvalidCertificate', `X.509 version ${leaf.version}, expected 3`);
  if (leaf.isCa) return fail('InvalidCertificate', 'a CA certificate, expected one of a client');
  if (leaf.keyUsage?.has('keyCertSign') === true) {
    return fail('InvalidCertificate', 'keyUsage keyCertSign on a certificate that is not a CA');
  }
  const weak = keyFault(leaf);
  if (weak !== undefined) return fail('InvalidCertificate', weak);
  const [critical] = leaf.unknownCritical;
  if (critical !== undefined) {
    return fail('InvalidCertificate', `critical extension ${critical}, which is not supported`);
  }
  return pass(leaf.subject.text);
}

/** Every certificate of the path is within its dates, both ends included. RFC 5280 4.1.2.5; Expired, NotYetValid. */
export function withinValidity(path: CertificatePath, nowMs: number): Finding {
  for (const [index, certificate] of path.entries()) {
    const whose = index === 0 ? '' : `, CA ${certificate.subject.text}`;
    if (nowMs > certificate.notAfterMs) return fail('Expired', `since ${isoTime(certificate.notAfterMs)}${whose}`);
    if (nowMs < certificate.notBeforeMs) {
      const { notBeforeMs } = certificate;
      return fail('NotYetValid', `valid from ${isoTime(notBeforeMs)}${whose}`, notBeforeMs);
    }
  }
  return pass(`until ${isoTime(earliestNotAfterMs(path))}`);
}

/**
 * The leaf names clientAuth as a purpose and, where it has keyUsage, digitalSignature; no CA above it is restricted to
 * other purposes. anyExtendedKeyUsage does not count. RFC 5280 4.2.1.12; WrongPurpose.
 */
export function purposeIsClientAuth(path: CertificatePath): Finding {
  const [leaf, ...authorities] = path;
  const purposes = leaf.extendedKeyUsage;
  if (purposes === undefined) return fail('WrongPurpose', 'no extendedKeyUsage, expected clientAuth');
  if (!purposes.includes(oids.clientAuth)) {
    return fail('WrongPurpose', `extendedKeyUsage ${purposes.map(purposeName).join(' ')}, expected clientAuth`);
  }
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.has('digitalSignature')) {
    return fail('WrongPurpose', `keyUsage ${[...leaf.keyUsage].join(' ')}, expected digitalSignature`);
  }
  const restricted = authorities.find(({ extendedKeyUsage }) => extendedKeyUsage?.includes(oids.clientAuth) === false);
  if (restricted !== undefined) return fail('WrongPurpose', `CA ${restricted.subject.text} is not for clientAuth`);
  return pass('clientAuth');
}

/**
 * The leaf was issued by a trusted chain's immediate issuer: by that name and that very key. Azure's
 * verifyClientCertIssuerDN; IssuerMismatch.
 */
export function issuerMatches(path: CertificatePath, trust: Trust): Finding {
  const [, issuer] = path;
  // The leaf verified under path[1]'s key; a same-name twin has another one.
  const matches = trust.immediateIssuers.some(
    ({ subject, spki }) => spki.equals(issuer.spki) && sameName(subject, issuer.subject),
  );
  if (matches) return pass(issuer.subject.text);
  const expected = [...new Set(trust.immediateIssuers.map(({ subject }) => subject.text))].join(' or ');
  return fail('IssuerMismatch', `issued by ${issuer.subject.text}, expected ${expected}`);
}

/** Some allow entry matches, or there is none. NotAllowed. */
export function allowed(path: CertificatePath, allow: readonly AllowTest[]): Finding {
  if (allow.length === 0) return { kind: 'skip', detail: 'no allow list' };
  const index = allow.findIndex((test) => test(path));
  return index < 0 ? fail('NotAllowed', path[0].subject.text) : pass(`allow[${index}]`);
}

/**
 * What OpenSSL said of the handshake's chain, asked where our own checks of the same matters have passed: any code
 * refuses, an unknown one as UntrustedIssuer.
 */
export function opensslAgrees(authorizationError: string | null): Finding {
  if (authorizationError === null) return pass('OpenSSL agrees');
  return fail(opensslReasons.get(authorizationError) ?? 'UntrustedIssuer', `OpenSSL: ${authorizationError}`);
}

/** The first moment after which some certificate of the path is out of date. */
export function earliestNotAfterMs(path: CertificatePath): number {
  return Math.min(...path.map(({ notAfterMs }) => notAfterMs));
}

/** The first moment at which all certificates of the path are in date. */
export function latestNotBeforeMs(path: CertificatePath): number {
  return Math.max(...path.map(({ notBeforeMs }) => notBeforeMs));
}

/** ISO 8601 in whole seconds: `2026-11-20T10:00:00Z`. */
export function isoTime(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}

/** Details stand in bodies, logs and headers, and carry what clients wrote into their certificates. */
function oneLine(text: string): string {
  const printable = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return printable.length > maxDetail ? `${printable.slice(0, maxDetail)}...` : printable;
}

function purposeName(oid: string): string {
  return purposeNames.get(oid) ?? oid;
}

/** A refusal that no passing of time mends. */
export const forever: number = Number.MAX_SAFE_INTEGER;
const maxDetail = 400;
const purposeNames: ReadonlyMap<string, string> = new Map([
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
  [oids.ocspSigning, 'OCSPSigning'],
  [oids.serverAuth, 'serverAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
]);
const opensslReasons: ReadonlyMap<string, RejectReason> = new Map([
  ['CERT_HAS_EXPIRED', 'Expired'],
  ['CERT_NOT_YET_VALID', 'NotYetValid'],
  ['CERT_REVOKED', 'Revoked'],
  ['INVALID_PURPOSE', 'WrongPurpose'],
]);
