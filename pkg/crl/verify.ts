import { keyFault, type SignatureAlgorithm, signatureAlgorithm, signatureVerifies } from '../ocsp/signature.ts';
import { linkFault, usesSha1 } from '../ocsp/signer.ts';
import type { UnavailableCause } from '../ocsp/status.ts';
import type { Fault } from '../ocsp/verify.ts';
import type { CrlSettings, OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { sameName } from '../x509/name.ts';
import { type Crl, crlOids } from './crl.ts';
import type { DistributionPoints } from './general-names.ts';

/** Which CRLs count. */
export type CrlOptions = Pick<OcspSettings, 'clockSkewMs' | 'sha1Signatures'> & Pick<CrlSettings, 'maxAgeMs'>;

/** What every step may look at. */
export interface CrlContext {
  readonly crl: Crl;
  readonly issuer: Certificate;
  readonly options: CrlOptions;
  /** Wall clock, Unix milliseconds. */
  readonly nowMs: number;
}

/** What the steps about one certificate may look at besides. */
export interface CertificateContext extends CrlContext {
  readonly certificate: Certificate;
  readonly points: DistributionPoints;
}

/** One check. `run` returns what is wrong, or undefined. */
export interface CrlStep<Context extends CrlContext = CrlContext> {
  readonly name: string;
  readonly source: string;
  readonly cause: UnavailableCause;
  readonly run: (context: Context) => string | undefined;
}

/** What is looked at once, when a CRL is read: who signed it, and whether it is of a kind that can be used. RFC 5280 6.3.3. */
export const listSteps: readonly CrlStep[] = [
  {
    name: 'issuerName',
    source: 'RFC 5280 6.3.3 (b): issued by the CA that issued the certificate',
    cause: 'wrong-certificate',
    run: ({ crl, issuer }) =>
      sameName(crl.issuer, issuer.subject) ? undefined : `the CRL is of '${crl.issuer.text}', another CA`,
  },
  {
    name: 'crlSign',
    source: 'RFC 5280 6.3.3 (f)',
    cause: 'untrusted-signer',
    run: ({ issuer: { keyUsage, subject } }) =>
      keyUsage === undefined || keyUsage.has('cRLSign')
        ? undefined
        : `'${subject.text}' may not sign CRLs (keyUsage without cRLSign)`,
  },
  {
    name: 'signatureAlgorithm',
    source: 'RFC 5280 5.1.1.2: no algorithm outside the list, MD5 never',
    cause: 'untrusted-signer',
    run: ({ crl }) => {
      const algorithm = signatureAlgorithm(crl.signed.algorithm);
      return typeof algorithm === 'string' ? algorithm : undefined;
    },
  },
  {
    name: 'sha1',
    source: 'RFC 9155, RFC 8301',
    cause: 'untrusted-signer',
    run: (context) => {
      const algorithm = algorithmOf(context);
      return algorithm !== undefined && usesSha1(algorithm) && context.options.sha1Signatures !== 'Allow'
        ? 'the CRL is signed with SHA-1: set sha1Signatures to Allow to accept that'
        : undefined;
    },
  },
  {
    name: 'keyFits',
    source: 'RFC 5280 6.3.3 (g), RFC 8301',
    cause: 'untrusted-signer',
    run: (context) => {
      const algorithm = algorithmOf(context);
      return algorithm === undefined ? undefined : keyFault(context.issuer.publicKey, algorithm);
    },
  },
  {
    name: 'signature',
    source: "RFC 5280 6.3.3 (g): under the issuer's very key, which a CA of the same name does not have",
    cause: 'untrusted-signer',
    run: (context) => {
      const algorithm = algorithmOf(context);
      const { tbs, signature } = context.crl.signed;
      return algorithm !== undefined && signatureVerifies(algorithm, tbs, context.issuer.publicKey, signature)
        ? undefined
        : `its signature does not verify under the key of '${context.issuer.subject.text}'`;
    },
  },
  {
    name: 'delta',
    source: 'RFC 5280 5.2.4: only what has changed is on it',
    cause: 'malformed',
    run: ({ crl }) => (crl.extensions.has(crlOids.deltaCrlIndicator) ? 'it is a delta CRL' : undefined),
  },
  {
    name: 'indirect',
    source: 'RFC 5280 5.2.5 indirectCRL: entries may be about certificates of other CAs',
    cause: 'malformed',
    run: ({ crl }) => (crl.issuingDistributionPoint?.indirect === true ? 'it is an indirect CRL' : undefined),
  },
  {
    name: 'reasons',
    source: 'RFC 5280 5.2.5 onlySomeReasons',
    cause: 'malformed',
    run: ({ crl }) =>
      crl.issuingDistributionPoint?.onlySomeReasons === true ? 'it is a CRL for some reasons only' : undefined,
  },
  {
    name: 'attributes',
    source: 'RFC 5280 5.2.5 onlyContainsAttributeCerts',
    cause: 'malformed',
    run: ({ crl }) =>
      crl.issuingDistributionPoint?.onlyAttributeCerts === true ? 'it is about attribute certificates' : undefined,
  },
  {
    name: 'criticalExtensions',
    source: 'RFC 5280 5.2: with an unknown critical extension it must not be used',
    cause: 'malformed',
    run: ({ crl }) => {
      const found = [...crl.extensions].find(([oid, { critical }]) => critical && !understood.has(oid));
      return found === undefined ? undefined : `it has the unknown critical extension ${found[0]}`;
    },
  },
  {
    name: 'certificateIssuer',
    source: 'RFC 5280 5.3.3: from such an entry on, entries are about certificates of another CA',
    cause: 'malformed',
    run: ({ crl }) =>
      crl.entryExtensions.has(crlOids.certificateIssuer) ? 'an entry names another certificate issuer' : undefined,
  },
  {
    name: 'entryCriticalExtensions',
    source: 'RFC 5280 5.3: with an unknown critical entry extension it must not be used for any certificate',
    cause: 'malformed',
    run: ({ crl }) => {
      const found = [...crl.entryExtensions].find(([oid, critical]) => critical && !understoodOfEntries.has(oid));
      return found === undefined ? undefined : `an entry has the unknown critical extension ${found[0]}`;
    },
  },
];

/** What is looked at on every use. RFC 5280 6.3.3 (a), 5.1.2.4, 5.1.2.5. */
export const timeSteps: readonly CrlStep[] = [
  {
    name: 'thisUpdateNotInFuture',
    source: 'RFC 5280 5.1.2.4',
    cause: 'stale',
    run: ({ crl, nowMs, options }) =>
      crl.thisUpdateMs > nowMs + options.clockSkewMs
        ? `the CRL is valid only from ${iso(crl.thisUpdateMs)}`
        : undefined,
  },
  {
    name: 'nextUpdatePresent',
    source: 'RFC 5280 5.1.2.5: every CRL must have one; without it an old one could be used for ever',
    cause: 'stale',
    run: ({ crl }) => (crl.nextUpdateMs === undefined ? 'the CRL has no nextUpdate' : undefined),
  },
  {
    name: 'nextUpdateNotPassed',
    source: 'RFC 5280 6.3.3 (a)',
    cause: 'stale',
    run: ({ crl: { nextUpdateMs }, nowMs, options }) =>
      nextUpdateMs !== undefined && nextUpdateMs < nowMs - options.clockSkewMs
        ? `the CRL was valid only until ${iso(nextUpdateMs)}`
        : undefined,
  },
  {
    name: 'nextUpdateAfterThisUpdate',
    source: 'RFC 5280 5.1.2.5',
    cause: 'stale',
    run: ({ crl: { nextUpdateMs, thisUpdateMs } }) =>
      nextUpdateMs !== undefined && nextUpdateMs < thisUpdateMs
        ? `the CRL has nextUpdate ${iso(nextUpdateMs)} before thisUpdate ${iso(thisUpdateMs)}`
        : undefined,
  },
  {
    name: 'maxAge',
    source: 'setting crl.maxAge; CAs may sign a CRL for a year',
    cause: 'stale',
    run: ({ crl: { thisUpdateMs }, nowMs, options }) =>
      thisUpdateMs + options.maxAgeMs < nowMs - options.clockSkewMs
        ? `the CRL is of ${iso(thisUpdateMs)}, older than crl.maxAge of ${options.maxAgeMs / 1000} s`
        : undefined,
  },
];

/** Whether a CRL says anything about one certificate; looked at on every use. RFC 5280 6.3.3 (b). */
export const certificateSteps: readonly CrlStep<CertificateContext>[] = [
  {
    name: 'link',
    source: 'RFC 5280 6.3.3: the CA that issued the certificate in question, by name and key',
    cause: 'wrong-certificate',
    run: ({ certificate, issuer, options }) => {
      const fault = linkFault(certificate, issuer, options.sha1Signatures === 'Allow');
      return fault === undefined ? undefined : `the certificate was not issued by '${issuer.subject.text}': ${fault}`;
    },
  },
  {
    name: 'onlyUserCerts',
    source: 'RFC 5280 6.3.3 (b)(2)(ii)',
    cause: 'wrong-certificate',
    run: ({ crl, certificate }) =>
      crl.issuingDistributionPoint?.onlyUserCerts === true && certificate.isCa
        ? 'the CRL is about certificates of users, and this is one of a CA'
        : undefined,
  },
  {
    name: 'onlyCaCerts',
    source: 'RFC 5280 6.3.3 (b)(2)(iii)',
    cause: 'wrong-certificate',
    run: ({ crl, certificate }) =>
      crl.issuingDistributionPoint?.onlyCaCerts === true && !certificate.isCa
        ? 'the CRL is about certificates of CAs, and this is one of a user'
        : undefined,
  },
  {
    name: 'distributionPoint',
    source: 'RFC 5280 6.3.3 (b)(2)(i): a CRL for one point must be one of the certificate',
    cause: 'wrong-certificate',
    run: ({ crl, points }) => {
      const names = crl.issuingDistributionPoint?.names ?? [];
      if (names === 'relative') return 'the CRL names its distribution point in a form that is not supported';
      return names.length === 0 || names.some((name) => points.names.has(name))
        ? undefined
        : 'the CRL is for a distribution point that the certificate does not name';
    },
  },
];

/** The first step that fails, or undefined. Never softenable: what a CRL says is not trouble of the network. */
export function firstFault<Context extends CrlContext>(
  context: Context,
  steps: readonly CrlStep<Context>[],
): Fault | undefined {
  for (const { name, cause, run } of steps) {
    const detail = run(context);
    if (detail !== undefined) return { step: name, cause, softenable: false, detail: printable(detail) };
  }
  return undefined;
}

/** Until when a CRL may be used, wall clock. */
export function usableUntil({ nextUpdateMs, thisUpdateMs }: Crl, { maxAgeMs }: CrlOptions): number {
  return Math.min(nextUpdateMs ?? thisUpdateMs, thisUpdateMs + maxAgeMs);
}

function algorithmOf({ crl }: CrlContext): SignatureAlgorithm | undefined {
  const algorithm = signatureAlgorithm(crl.signed.algorithm);
  return typeof algorithm === 'string' ? undefined : algorithm;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** One line of printable ASCII: names in CRLs are other people's text. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 1000);
}

const understood: ReadonlySet<string> = new Set([
  crlOids.authorityKeyId,
  crlOids.crlNumber,
  // A step of its own refuses it.
  crlOids.deltaCrlIndicator,
  crlOids.issuingDistributionPoint,
]);
const understoodOfEntries: ReadonlySet<string> = new Set([
  // A step of its own refuses it.
  crlOids.certificateIssuer,
  crlOids.invalidityDate,
  crlOids.reasonCode,
]);
