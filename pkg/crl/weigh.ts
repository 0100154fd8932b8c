import type { RevocationStatus } from '../ocsp/status.ts';
import type { Fault } from '../ocsp/verify.ts';
import type { CrlSettings, OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Crl } from './crl.ts';
import type { DistributionPoints } from './general-names.ts';
import { type CrlOptions, certificateSteps, firstFault, listSteps, timeSteps, usableUntil } from './verify.ts';

/** What a CRL is asked under: how it is fetched and what counts come from the settings of OCSP. */
export interface CrlQuestionSettings {
  readonly ocsp: OcspSettings;
  readonly crl: CrlSettings;
}

/** One certificate, its proven issuer, and what counts. */
export interface Question {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly settings: CrlQuestionSettings;
  readonly options: CrlOptions;
  readonly points: DistributionPoints;
}

/** Which steps run; for tests that take one out. */
export interface Steps {
  readonly list: typeof listSteps;
  readonly time: typeof timeSteps;
  readonly certificate: typeof certificateSteps;
}

/** Says what lists are worth, and remembers what signatures were worth. */
export interface Scales {
  /** Why a list cannot be used under this CA, or undefined. Once a list and CA: not on every request over megabytes. */
  prove(crl: Crl, issuer: Certificate, options: CrlOptions): Fault | undefined;
  /** Why a list cannot be used now, or undefined. */
  inTime(crl: Crl, issuer: Certificate, options: CrlOptions): Fault | undefined;
  /** What a proven list says, or why it says nothing about this certificate. `source` is where it came from. */
  weigh(question: Question, crl: Crl, source: string): RevocationStatus | Fault;
}

/** Makes scales. `now` is the wall clock, Unix milliseconds. */
export function createScales(now: () => number, chosen: Partial<Steps> = {}): Scales {
  const steps: Steps = { list: listSteps, time: timeSteps, certificate: certificateSteps, ...chosen };
  const ofLink = steps.certificate.filter(({ name }) => name === 'link');
  const ofScope = steps.certificate.filter(({ name }) => name !== 'link');
  const proven = new WeakMap<Crl, Map<string, Fault | undefined>>();
  const links = new WeakMap<Certificate, Map<string, Fault | undefined>>();

  function inTime(crl: Crl, issuer: Certificate, options: CrlOptions): Fault | undefined {
    return firstFault({ crl, issuer, options, nowMs: now() }, steps.time);
  }

  return {
    prove: (crl, issuer, options) =>
      remember(proven, crl, `${issuer.sha256} ${options.sha1Signatures}`, () =>
        firstFault({ crl, issuer, options, nowMs: now() }, steps.list),
      ),
    inTime,
    weigh: (question, crl, source) => {
      const { certificate, issuer, settings, options, points } = question;
      const nowMs = now();
      const context = { crl, issuer, options, nowMs, certificate, points };
      // The one step about the certificate with a signature in it, the same for every list.
      const linkKey = `${issuer.sha256} ${options.sha1Signatures}`;
      const linkFault = remember(links, certificate, linkKey, () => firstFault(context, ofLink));
      const fault = linkFault ?? inTime(crl, issuer, options) ?? firstFault(context, ofScope);
      if (fault !== undefined) return fault;
      const answer = {
        ...({ source: 'crl', responderUrl: source, signer: issuer.subject.text, signedBy: 'issuer' } as const),
        ...{ producedAtMs: crl.thisUpdateMs, thisUpdateMs: crl.thisUpdateMs, nextUpdateMs: crl.nextUpdateMs },
      };
      // Asked again from memory when a newer list may be there.
      const freshUntilMs = Math.min(usableUntil(crl, options), nowMs + settings.ocsp.maxAgeMs);
      const listing = crl.revoked.find(certificate.serial);
      return listing === undefined
        ? { kind: 'good', answer, freshUntilMs }
        : { kind: 'revoked', answer, revokedAtMs: listing.revokedAtMs, reason: listing.reason, freshUntilMs };
    },
  };
}

/** Tells a fault from a status. */
export function isFault(outcome: object): outcome is Fault {
  return 'step' in outcome;
}

function remember<Key extends object>(
  memory: WeakMap<Key, Map<string, Fault | undefined>>,
  object: Key,
  key: string,
  find: () => Fault | undefined,
): Fault | undefined {
  const known = memory.get(object) ?? new Map<string, Fault | undefined>();
  memory.set(object, known);
  if (!known.has(key)) known.set(key, find());
  return known.get(key);
}
