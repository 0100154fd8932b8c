import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type AddressPolicy, AddressRefused, addressPolicy, type ResponderUrl } from '../ocsp/address.ts';
import type { LimiterLimits } from '../ocsp/limiter.ts';
import type { RevocationStatus, UnavailableCause } from '../ocsp/status.ts';
import { createTransport, type Lookup } from '../ocsp/transport.ts';
import type { Fault } from '../ocsp/verify.ts';
import type { CrlSettings, OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { DerMalformed } from '../x509/der.ts';
import { sameName } from '../x509/name.ts';
import { type Crl, crlOids, parseCrlInSlices } from './crl.ts';
import { CrlMalformed } from './errors.ts';
import { type DistributionPoints, readDistributionPoints } from './general-names.ts';
import { crlsFromPem } from './pem.ts';
import { type CrlOptions, certificateSteps, firstFault, listSteps, timeSteps, usableUntil } from './verify.ts';

/** What a CRL is asked under: how it is fetched and what counts come from the settings of OCSP. */
export interface CrlQuestionSettings {
  readonly ocsp: OcspSettings;
  readonly crl: CrlSettings;
}

/** Is this certificate on its issuer's CRL? Never throws, never rejects. */
export interface CrlChecker {
  /** At once where a CRL is at hand, else a promise of one fetch (one in flight per URL and CA). `issuer` must be proven. */
  check(
    certificate: Certificate,
    issuer: Certificate,
    settings: CrlQuestionSettings,
  ): RevocationStatus | Promise<RevocationStatus>;
}

/** One CRL fetched, or why not; for metrics and the log. */
export interface CrlEvent {
  readonly result: 'fetched' | 'unavailable';
  /** Only where unavailable. */
  readonly reason: UnavailableCause | '';
  /** Host and port. */
  readonly source: string;
  readonly durationMs: number;
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

interface Steps {
  readonly list: typeof listSteps;
  readonly time: typeof timeSteps;
  readonly certificate: typeof certificateSteps;
}

/** The checker with what its owner needs. */
export interface RunningCrlChecker extends CrlChecker {
  snapshot(): { readonly lists: number; readonly bytes: number; readonly inFlight: number };
  /** Closes idle connections; the checker can be used on. */
  close(): void;
}

/** A list whose signature and kind were looked at, or why it cannot be used. */
interface Held {
  readonly crl: Crl | undefined;
  readonly fault: Fault | undefined;
  /** Fresh by both clocks. */
  readonly freshUntilMs: number;
  readonly freshUntilMonotonicMs: number;
  readonly refreshFromMonotonicMs: number;
  /** thisUpdate of the newest list of this place: an older one is a replay. */
  readonly newestMs: number;
}

interface Question {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly settings: CrlQuestionSettings;
  readonly options: CrlOptions;
  readonly points: DistributionPoints;
}

/** Makes a checker that holds no list yet. */
export function createCrlChecker(deps: CrlCheckerDeps): RunningCrlChecker {
  const { now, monotonicNow, random, onEvent } = deps;
  const jitter = () => random(2).readUInt16BE(0) / 65_536;
  const transport = createTransport({
    lookup: deps.lookup,
    monotonicNow,
    jitter,
    limits: deps.limits ?? defaultLimits,
  });
  const steps: Steps = { list: listSteps, time: timeSteps, certificate: certificateSteps, ...deps.steps };
  const fetched = new LRUCache<string, Held>({
    maxSize: deps.maxBytes ?? defaultMaxBytes,
    sizeCalculation: ({ crl }) => 2048 + (crl?.revoked.bytes ?? 0),
  });
  const configured = new LRUCache<string, readonly Crl[] | Fault>({ max: 64 });
  const proven = new WeakMap<Crl, Map<string, Fault | undefined>>();
  const flights = new Map<string, Promise<Held>>();
  const links = new WeakMap<Certificate, Map<string, Fault | undefined>>();

  /** What one usable list says, or why it says nothing about this certificate. */
  function weigh(question: Question, crl: Crl, source: string): RevocationStatus | Fault {
    const { certificate, issuer, settings, options, points } = question;
    const nowMs = now();
    const context = { crl, issuer, options, nowMs, certificate, points };
    const [link, ...others] = partition(steps.certificate);
    // The one step with a signature in it, the same for every list: once a certificate and issuer.
    const linked = remember(links, certificate, `${issuer.sha256} ${options.sha1Signatures}`, () =>
      firstFault(context, link),
    );
    const fault = linked ?? firstFault(context, steps.time) ?? firstFault(context, others.flat());
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
  }

  /** Once a list and CA: a signature over megabytes is not looked at on every request. */
  function prove(crl: Crl, issuer: Certificate, options: CrlOptions): Fault | undefined {
    return remember(proven, crl, `${issuer.sha256} ${options.sha1Signatures}`, () =>
      firstFault({ crl, issuer, options, nowMs: now() }, steps.list),
    );
  }

  /** The lists that the profile brings, of this issuer: the newest that can be used. */
  function ofProfile(question: Question): RevocationStatus | Fault | undefined {
    const { issuer, settings, options } = question;
    let best: Exclude<RevocationStatus | Fault, Fault> | undefined;
    let bestMs = 0;
    let fault: Fault | undefined;
    for (const text of settings.crl.lists) {
      const lists = read(text, settings.crl.maxBytes);
      if ('step' in lists) {
        fault ??= lists;
        continue;
      }
      for (const crl of lists) {
        if (!sameName(crl.issuer, issuer.subject)) continue;
        const outcome = prove(crl, issuer, options) ?? weigh(question, crl, 'crl.refs');
        if ('step' in outcome) fault ??= outcome;
        else if (best === undefined || crl.thisUpdateMs > bestMs) {
          best = outcome;
          bestMs = crl.thisUpdateMs;
        }
      }
    }
    return best ?? fault;
  }

  function read(text: string, maxBytes: number): readonly Crl[] | Fault {
    const key = `${maxBytes} ${createHash('sha256').update(text).digest('base64')}`;
    const known = configured.get(key);
    if (known !== undefined) return known;
    let lists: readonly Crl[] | Fault;
    try {
      lists = crlsFromPem(text, maxBytes);
    } catch (error) {
      lists = malformed(error);
    }
    configured.set(key, lists);
    return lists;
  }

  function load(question: Question, url: string, deadlineMs: number): Held | Promise<Held> {
    const key = listKey(question, url);
    const held = fetched.get(key);
    const monotonicMs = monotonicNow();
    if (held !== undefined && now() < held.freshUntilMs && monotonicMs < held.freshUntilMonotonicMs) {
      const isDue = held.crl !== undefined && monotonicMs >= held.refreshFromMonotonicMs;
      if (isDue && !flights.has(key)) void begin(question, url, key, monotonicMs + question.settings.ocsp.timeoutMs);
      return held;
    }
    return flights.get(key) ?? begin(question, url, key, deadlineMs);
  }

  function begin(question: Question, url: string, key: string, deadlineMs: number): Promise<Held> {
    const startMs = monotonicNow();
    const flight = fetchList(question, url, deadlineMs)
      .catch((error: unknown): Fault => malformed(error))
      .then((got) => {
        const held = conclude(question, got, fetched.peek(key));
        fetched.set(key, held);
        flights.delete(key);
        const isFault = 'step' in got;
        onEvent?.({
          result: isFault ? 'unavailable' : 'fetched',
          reason: isFault ? got.cause : '',
          source: URL.parse(url)?.host ?? '',
          durationMs: monotonicNow() - startMs,
        });
        return held;
      });
    flights.set(key, flight);
    return flight;
  }

  async function fetchList(
    { issuer, settings, options }: Question,
    text: string,
    deadlineMs: number,
  ): Promise<Crl | Fault> {
    let policy: AddressPolicy;
    let url: ResponderUrl;
    try {
      policy = addressPolicy(settings.ocsp);
      url = policy.url(text, 'CRL');
    } catch (error) {
      if (!(error instanceof AddressRefused)) throw error;
      return { step: 'address', cause: 'address-refused', softenable: false, detail: error.message };
    }
    const got = await transport.ask(
      url,
      policy,
      { method: 'GET', path: url.path },
      {
        ...{ timeoutMs: deadlineMs - monotonicNow(), noCache: false },
        ...{ maxBytes: settings.crl.maxBytes, accept: 'application/pkix-crl' },
      },
    );
    if (got.kind === 'fault') {
      const { cause, softenable, detail } = got;
      return { step: 'transport', cause, softenable, detail };
    }
    const crl = await parseCrlInSlices(got.body);
    return (
      prove(crl, issuer, options) ?? firstFault({ crl, issuer, options, nowMs: now() }, steps.time) ?? withoutBytes(crl)
    );
  }

  function conclude({ options }: Question, got: Crl | Fault, before: Held | undefined): Held {
    const nowMs = now();
    const monotonicMs = monotonicNow();
    const retryMs = minRetryMs + (maxRetryMs - minRetryMs) * jitter();
    const newestMs = before?.newestMs ?? Number.MIN_SAFE_INTEGER;
    const replayed = !('step' in got) && got.thisUpdateMs < newestMs;
    if (!('step' in got) && !replayed) {
      const freshUntilMs = usableUntil(got, options);
      const lifeMs = freshUntilMs - nowMs;
      return {
        ...{ crl: got, fault: undefined, freshUntilMs, newestMs: got.thisUpdateMs },
        freshUntilMonotonicMs: monotonicMs + lifeMs,
        refreshFromMonotonicMs: monotonicMs + lifeMs * (0.8 + 0.1 * jitter()),
      };
    }
    if (before?.crl !== undefined && nowMs < before.freshUntilMs && monotonicMs < before.freshUntilMonotonicMs) {
      // What is at hand is used to its end; the place is asked again meanwhile, not all the time.
      return { ...before, refreshFromMonotonicMs: monotonicMs + retryMs * refreshRetryFactor };
    }
    const fault: Fault = 'step' in got ? got : replay;
    const freshUntilMs = nowMs + retryMs;
    const monotonic = { freshUntilMonotonicMs: monotonicMs + retryMs, refreshFromMonotonicMs: monotonicMs + retryMs };
    return { crl: undefined, fault, freshUntilMs, ...monotonic, newestMs };
  }

  function settle(question: Question, held: Held, url: string): RevocationStatus | Fault {
    return held.crl === undefined ? (held.fault ?? replay) : weigh(question, held.crl, url);
  }

  async function askPoints(question: Question, faults: readonly Fault[]): Promise<RevocationStatus> {
    const { urls } = question.points;
    const deadlineMs = monotonicNow() + question.settings.ocsp.timeoutMs;
    const all = [...faults];
    for (const [index, url] of urls.entries()) {
      const shareMs = (deadlineMs - monotonicNow()) / (urls.length - index);
      if (shareMs <= 0) break;
      const outcome = settle(question, await load(question, url, monotonicNow() + shareMs), url);
      if (!('step' in outcome)) return outcome;
      all.push(outcome);
    }
    return unavailable(all);
  }

  function unavailable(faults: readonly Fault[]): RevocationStatus {
    // One that may not be softened decides: trouble at one place must not hide a forgery at another.
    const { cause, softenable, detail } = faults.find((fault) => !fault.softenable) ?? faults.at(-1) ?? nowhere;
    return { kind: 'unavailable', cause, softenable, detail, freshUntilMs: now() + minRetryMs };
  }

  return {
    check: (certificate, issuer, settings) => {
      let points: DistributionPoints;
      try {
        points = pointsOf(certificate);
      } catch (error) {
        return unavailable([malformed(error)]);
      }
      const { clockSkewMs, sha1Signatures } = settings.ocsp;
      const options = { clockSkewMs, sha1Signatures, maxAgeMs: settings.crl.maxAgeMs };
      const question = { certificate, issuer, settings, options, points };
      const brought = ofProfile(question);
      if (brought !== undefined && !('step' in brought)) return brought;
      const faults = brought === undefined ? [] : [brought];
      if (points.urls.length === 0) return unavailable(faults.length === 0 ? [nowhere] : faults);
      // The first place answers at once where its list is at hand, as it nearly always is.
      const [first = ''] = points.urls;
      const held = load(question, first, monotonicNow() + settings.ocsp.timeoutMs / points.urls.length);
      if (!(held instanceof Promise)) {
        const outcome = settle(question, held, first);
        if (!('step' in outcome)) return outcome;
        if (points.urls.length === 1) return unavailable([...faults, outcome]);
      }
      return askPoints(question, faults);
    },
    snapshot: () => ({ lists: fetched.size, bytes: fetched.calculatedSize, inFlight: flights.size }),
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

/** Key and name of the CA, the place, and what decides how it is fetched and which lists count. */
function listKey({ issuer, settings: { ocsp, crl } }: Question, url: string): string {
  const { proxy, responderAllowList, allowInternalAddresses, clockSkewMs, sha1Signatures } = ocsp;
  const { maxAgeMs, maxBytes } = crl;
  const how = {
    url,
    proxy,
    responderAllowList,
    allowInternalAddresses,
    clockSkewMs,
    sha1Signatures,
    maxAgeMs,
    maxBytes,
  };
  return createHash('sha256').update(issuer.sha256).update(JSON.stringify(how)).digest('base64');
}

/** The signature has been looked at: the megabytes it is over need not be kept. */
function withoutBytes(crl: Crl): Crl {
  return { ...crl, signed: { ...crl.signed, tbs: Buffer.alloc(0), signature: Buffer.alloc(0) } };
}

function partition(all: Steps['certificate']): readonly [Steps['certificate'], Steps['certificate']] {
  return [all.filter(({ name }) => name === 'link'), all.filter(({ name }) => name !== 'link')];
}

function remember<Key extends object, Value>(
  memory: WeakMap<Key, Map<string, Value>>,
  object: Key,
  key: string,
  find: () => Value,
): Value {
  const known = memory.get(object) ?? new Map<string, Value>();
  memory.set(object, known);
  const value = known.get(key);
  if (value !== undefined || known.has(key)) return value as Value;
  const found = find();
  known.set(key, found);
  return found;
}

function malformed(error: unknown): Fault {
  const known = error instanceof CrlMalformed || error instanceof DerMalformed;
  const text = error instanceof Error ? error.message : String(error);
  const detail = (known ? text : `internal fault: ${text}`).replaceAll(/[^\x20-\x7e]/g, '?');
  return { step: 'parse', cause: 'malformed', softenable: false, detail };
}

const nowhere: Fault = {
  step: 'source',
  cause: 'crl-missing',
  softenable: false,
  detail: 'the certificate names no CRL by an http URL, and the profile brings none of its issuer',
};
const replay: Fault = {
  step: 'replay',
  cause: 'stale',
  softenable: false,
  detail: 'the CRL is older than one that was seen before',
};
const noPoints: DistributionPoints = { urls: [], names: new Set() };
const pointsRead = new WeakMap<Certificate, DistributionPoints>();
const defaultLimits: LimiterLimits = { total: 4, each: 2, queue: 256 };
const defaultMaxBytes = 268_435_456;
const minRetryMs = 1000;
const maxRetryMs = 5000;
const refreshRetryFactor = 10;
