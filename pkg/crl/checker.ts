import type { LimiterLimits } from '../ocsp/limiter.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import { createTransport, type Lookup } from '../ocsp/transport.ts';
import type { Fault } from '../ocsp/verify.ts';
import type { Certificate } from '../x509/certificate.ts';
import { crlOids } from './crl.ts';
import { malformed } from './errors.ts';
import { type DistributionPoints, readDistributionPoints } from './general-names.ts';
import { createProfileLists } from './profile-lists.ts';
import { type CrlEvent, createListStore, type Held, type ListStore } from './store.ts';
import { type CrlQuestionSettings, createScales, isFault, type Question, type Steps } from './weigh.ts';

/** Is this certificate on its issuer's CRL? Never throws, never rejects. */
export interface CrlChecker {
  /** At once where a CRL is at hand, else a promise of one fetch (one in flight per URL and CA). `issuer` must be proven. */
  check(
    certificate: Certificate,
    issuer: Certificate,
    settings: CrlQuestionSettings,
  ): RevocationStatus | Promise<RevocationStatus>;
}

export interface CrlCheckerDeps {
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds that never go back. */
  readonly monotonicNow: () => number;
  readonly lookup: Lookup;
  /** Random octets, for jitter. */
  readonly random: (bytes: number) => Buffer;
  readonly onEvent?: (event: CrlEvent) => void;
  /** Most memory for the lists that were fetched; 256 MiB unless given. */
  readonly maxBytes?: number;
  readonly limits?: LimiterLimits;
  /** For tests that take one out. */
  readonly steps?: Partial<Steps>;
}

/** The checker with what its owner needs. */
export interface RunningCrlChecker extends CrlChecker {
  snapshot: ListStore['snapshot'];
  /** Closes idle connections; the checker can be used on. */
  close(): void;
}

/** Makes a checker that holds no list yet. */
export function createCrlChecker(deps: CrlCheckerDeps): RunningCrlChecker {
  const { now, monotonicNow, lookup } = deps;
  const jitter = () => deps.random(2).readUInt16BE(0) / 65_536;
  const transport = createTransport({ lookup, monotonicNow, jitter, limits: deps.limits ?? defaultLimits });
  const scales = createScales(now, deps.steps);
  const ofProfile = createProfileLists(scales);
  const { onEvent, maxBytes = defaultMaxBytes } = deps;
  const store = createListStore({ now, monotonicNow, jitter, transport, scales, maxBytes, onEvent });

  function weigh(question: Question, { list }: Held, url: string): RevocationStatus | Fault {
    return isFault(list) ? list : scales.weigh(question, list, url);
  }

  /** One place after the other, all within the time-out, until a list says something about the certificate. */
  async function askPoints(question: Question, faults: readonly Fault[]): Promise<RevocationStatus> {
    const { urls } = question.points;
    const deadlineMs = monotonicNow() + question.settings.ocsp.timeoutMs;
    const all = [...faults];
    for (const [index, url] of urls.entries()) {
      const shareMs = (deadlineMs - monotonicNow()) / (urls.length - index);
      if (shareMs <= 0) break;
      const outcome = weigh(question, await store.load(question, url, monotonicNow() + shareMs), url);
      if (!isFault(outcome)) return outcome;
      all.push(outcome);
    }
    return unavailable(all);
  }

  function unavailable(faults: readonly Fault[]): RevocationStatus {
    // One that may not be softened decides: trouble at one place must not hide a forgery at another.
    const { cause, softenable, detail } = faults.find((fault) => !fault.softenable) ?? faults.at(-1) ?? nowhere;
    return { kind: 'unavailable', cause, softenable, detail, freshUntilMs: now() + retryMs };
  }

  return {
    check: (certificate, issuer, settings) => {
      let points: DistributionPoints;
      try {
        points = pointsOf(certificate);
      } catch (error) {
        return unavailable([malformed(error)]);
      }
      const { clockSkewMs, sha1Signatures, timeoutMs } = settings.ocsp;
      const options = { clockSkewMs, sha1Signatures, maxAgeMs: settings.crl.maxAgeMs };
      const question = { certificate, issuer, settings, options, points };
      const brought = ofProfile(question);
      if (brought !== undefined && !isFault(brought)) return brought;
      const faults = brought === undefined ? [] : [brought];
      const [first] = points.urls;
      if (first === undefined) return unavailable(faults);
      // The first place answers at once where its list is at hand, as it nearly always is.
      const held = store.load(question, first, monotonicNow() + timeoutMs / points.urls.length);
      if (!(held instanceof Promise)) {
        const outcome = weigh(question, held, first);
        if (!isFault(outcome)) return outcome;
        if (points.urls.length === 1) return unavailable([...faults, outcome]);
      }
      return askPoints(question, faults);
    },
    snapshot: () => store.snapshot(),
    close: () => transport.close(),
  };
}

/** Where the certificate says its CRLs are. @throws DerMalformed. */
function pointsOf(certificate: Certificate): DistributionPoints {
  const known = pointsRead.get(certificate);
  if (known !== undefined) return known;
  const extension = certificate.extensions.get(crlOids.crlDistributionPoints);
  const points = extension === undefined ? noPoints : readDistributionPoints(extension.value);
  pointsRead.set(certificate, points);
  return points;
}

const nowhere: Fault = {
  step: 'source',
  cause: 'crl-missing',
  softenable: false,
  detail: 'the certificate names no CRL by an http URL, and the profile brings none of its issuer',
};
const noPoints: DistributionPoints = { urls: [], names: new Set() };
const pointsRead = new WeakMap<Certificate, DistributionPoints>();
const defaultLimits: LimiterLimits = { total: 4, each: 2, queue: 256 };
const defaultMaxBytes = 268_435_456;
const retryMs = 1000;
