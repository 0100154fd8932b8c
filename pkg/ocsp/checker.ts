import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { OcspSettings } from '../policy/policy.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type Asked, askResponders, type Question } from './ask.ts';
import { boundedCache } from './bounded-cache.ts';
import { type Answered, type Entry, isFinal, neverRefused, prevailing, refusedSince } from './cache.ts';
import { freshnessOf, isFresh, type Moment } from './freshness.ts';
import type { LimiterLimits } from './limiter.ts';
import type { OcspChecker } from './ocsp.ts';
import { linkFault } from './signer.ts';
import type { RevocationStatus, UnavailableCause } from './status.ts';
import { createTransport, type Lookup, type Transport } from './transport.ts';

/** One question answered, for metrics and the log. */
export interface OcspEvent {
  readonly result: RevocationStatus['kind'];
  /** Only where unavailable. */
  readonly reason: UnavailableCause | '';
  /** Host and port of the last responder asked; empty where none was. */
  readonly responder: string;
  /** 0 where the answer came from the cache. */
  readonly durationMs: number;
  readonly cached: boolean;
}

export interface CheckerDeps {
  /** Wall clock, Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds that never go back. */
  readonly monotonicNow: () => number;
  readonly lookup: Lookup;
  /** Random octets, for nonces and jitter. */
  readonly random: (bytes: number) => Buffer;
  readonly onEvent?: (event: OcspEvent) => void;
  /** A question that nobody waited for is answered: what is remembered of this certificate is new. */
  readonly onRefreshed?: (certificate: Certificate) => void;
  /** Most certificates remembered; 100,000 unless given. */
  readonly maxEntries?: number;
  readonly limits?: LimiterLimits;
  /** The way to responders; one over the network unless given. */
  readonly transport?: Transport;
}

/** What the checker holds right now. */
export interface CheckerSnapshot {
  readonly entries: number;
  readonly inFlight: number;
  readonly running: number;
  readonly queued: number;
  readonly hits: number;
  readonly misses: number;
  /** thisUpdate of the oldest answer in use, Unix milliseconds. */
  readonly oldestThisUpdateMs: number | undefined;
  readonly breakers: readonly {
    readonly responder: string;
    readonly state: 'half-open' | 'open';
    readonly failures: number;
  }[];
}

/** The checker with what its owner needs. */
export interface RunningOcspChecker extends OcspChecker {
  snapshot(): CheckerSnapshot;
  /** Forgets every answer, as a change of CAs or settings demands; what is in flight is not kept either. */
  clear(): void;
  /** Closes idle connections; the checker can be used on. */
  close(): void;
}

interface Identity {
  readonly issuer: Certificate;
  readonly settings: OcspSettings;
  readonly key: string;
  /** Why the certificate is not this issuer's, or undefined. */
  readonly fault: string | undefined;
}

/** Makes the door of this package, with an empty cache. */
export function createOcspChecker(deps: CheckerDeps): RunningOcspChecker {
  const { now, monotonicNow, random, onEvent } = deps;
  const jitter = () => random(2).readUInt16BE(0) / 65_536;
  const transport =
    deps.transport ??
    createTransport({
      lookup: deps.lookup,
      monotonicNow,
      jitter,
      ...(deps.limits === undefined ? {} : { limits: deps.limits }),
    });
  // Who is given up is asked again, never passed.
  const cache = boundedCache<Entry>(deps.maxEntries ?? 100_000);
  const flights = new Map<string, Promise<RevocationStatus>>();
  const sha1Only = new LRUCache<string, true>({ max: 256 });
  const askDeps = {
    ...{ transport, now, monotonicNow, random },
    sha1Only: { has: (url: string) => sha1Only.has(url), add: (url: string) => void sha1Only.set(url, true) },
  };
  const identities = new WeakMap<Certificate, Identity>();
  let generation = 0;
  let hits = 0;
  let misses = 0;

  function identify(certificate: Certificate, issuer: Certificate, settings: OcspSettings): Identity {
    const known = identities.get(certificate);
    if (known !== undefined && known.issuer === issuer && known.settings === settings) return known;
    const identity = {
      issuer,
      settings,
      key: cacheKey(certificate, issuer, settings),
      fault: linkFault(certificate, issuer, settings.sha1Signatures === 'Allow'),
    };
    identities.set(certificate, identity);
    return identity;
  }

  function start(question: Question, key: string): Promise<RevocationStatus> {
    const begun = generation;
    const startMs = monotonicNow();
    const flight = askResponders(question, askDeps)
      // A fault of ours must refuse, and must not stay in the map of flights.
      .catch((error: unknown): Asked => internalFault(error))
      .then((asked) => {
        const entry = conclude(question, asked, cache.peek(key));
        if (begun === generation) {
          if (entry !== undefined) cache.set(key, entry);
          flights.delete(key);
        }
        const status = entry?.status ?? missing(asked);
        onEvent?.({
          result: status.kind,
          reason: status.kind === 'unavailable' ? status.cause : '',
          responder: responderOf(asked),
          durationMs: monotonicNow() - startMs,
          cached: false,
        });
        return status;
      });
    flights.set(key, flight);
    return flight;
  }

  function conclude(question: Question, asked: Asked, before: Entry | undefined): Entry | undefined {
    const moment = { nowMs: now(), monotonicMs: monotonicNow() };
    const { nowMs, monotonicMs } = moment;
    if (asked.kind === 'responder-missing') return undefined;
    if (asked.kind === 'answer') {
      const next = answered(question, asked, nowMs);
      const status = renewed(prevailing(before?.last, next, before?.refusedMs ?? neverRefused), next);
      const kept = { last: status, refusedMs: refusedSince(before?.refusedMs, next) };
      return entryOf(status, kept, moment, jitter());
    }
    const retryMs = minRetryMs + (maxRetryMs - minRetryMs) * jitter();
    if (before !== undefined && before.status.kind === 'good' && isFresh(before, moment)) {
      return { ...before, refreshFromMonotonicMs: monotonicMs + retryMs };
    }
    const kept = { last: before?.last, refusedMs: before?.refusedMs ?? neverRefused };
    const { last } = kept;
    // Silence lifts nothing: who was revoked stays so, whatever `onUnavailable` says.
    if (last?.kind === 'revoked') {
      return entryOf({ ...last, freshUntilMs: nowMs + retryMs }, kept, moment, 1);
    }
    const { cause, softenable, detail } = asked.fault;
    const url = asked.attempts.find(({ outcome }) => outcome === asked.fault)?.url;
    const status: RevocationStatus = {
      ...{ kind: 'unavailable', cause, softenable, detail, freshUntilMs: nowMs + retryMs },
      ...(url === undefined ? {} : { responderUrl: url }),
      ...(last?.kind === 'unknown' ? { unknownSinceMs: last.answer.thisUpdateMs } : {}),
    };
    return entryOf(status, kept, moment, 1);
  }

  return {
    check: (certificate, issuer, settings) => {
      const { key, fault } = identify(certificate, issuer, settings);
      if (fault !== undefined) return notLinked(fault, now());
      const question = { certificate, issuer, settings };
      const entry = cache.get(key);
      if (entry !== undefined) {
        const monotonicMs = monotonicNow();
        if (isFresh(entry, { nowMs: now(), monotonicMs })) {
          hits += 1;
          const isDue = monotonicMs >= entry.refreshFromMonotonicMs && entry.status.kind === 'good';
          if (isDue && !flights.has(key)) void start(question, key).then(() => deps.onRefreshed?.(certificate));
          onEvent?.({
            ...hit,
            result: entry.status.kind,
            reason: entry.status.kind === 'unavailable' ? entry.status.cause : '',
          });
          return entry.status;
        }
      }
      misses += 1;
      return flights.get(key) ?? start(question, key);
    },
    snapshot: () => ({
      entries: cache.size,
      inFlight: flights.size,
      ...transport.limiter.counts(),
      hits,
      misses,
      oldestThisUpdateMs: oldest(cache.values()),
      breakers: transport.breakers.open(),
    }),
    clear: () => {
      generation += 1;
      cache.clear();
      flights.clear();
    },
    close: () => transport.close(),
  };
}

/** Key and name of the issuer (either alone has been shared by two CAs), the serial, and what made the answer count. */
function cacheKey(certificate: Certificate, issuer: Certificate, settings: OcspSettings): string {
  return createHash('sha256')
    .update(issuer.spkiSha256)
    .update(createHash('sha256').update(certificate.issuer.der).digest())
    .update(certificate.serial.toString('hex'))
    .update('/')
    .update(certificate.ocspUrls.join(' '))
    .update('/')
    .update(JSON.stringify(settings))
    .digest('base64');
}

function answered(question: Question, asked: Extract<Asked, { kind: 'answer' }>, nowMs: number): Answered {
  const { kind, facts, usableUntilMs, revokedAtMs, reason } = asked.answer;
  const answer = { responderUrl: asked.url, ...facts };
  const freshUntilMs = Math.min(usableUntilMs, nowMs + question.settings.maxAgeMs);
  if (kind === 'good') return { kind, answer, freshUntilMs };
  if (kind === 'unknown') return { kind, answer, freshUntilMs: Math.min(freshUntilMs, nowMs + maxUnknownMs) };
  const revoked = { kind, answer, revokedAtMs: revokedAtMs ?? nowMs, reason, freshUntilMs };
  // A revocation is for good: nothing is left to ask. A hold is asked again.
  return isFinal(revoked)
    ? { ...revoked, freshUntilMs: Math.max(freshUntilMs, question.certificate.notAfterMs) }
    : revoked;
}

/** An older answer that still prevails is as fresh as the question that it has survived. */
function renewed(status: Answered, next: Answered): Answered {
  return status === next || isFinal(status) ? status : { ...status, freshUntilMs: next.freshUntilMs };
}

function entryOf(
  status: RevocationStatus,
  kept: Pick<Entry, 'last' | 'refusedMs'>,
  moment: Moment,
  jitter: number,
): Entry {
  return { status, ...freshnessOf(status, moment, jitter), ...kept };
}

function missing(asked: Asked): RevocationStatus {
  return { kind: 'responder-missing', detail: asked.kind === 'responder-missing' ? asked.detail : 'no responder' };
}

function notLinked(fault: string, nowMs: number): RevocationStatus {
  return {
    kind: 'unavailable',
    cause: 'wrong-certificate',
    softenable: false,
    detail: `the certificate was not issued by the CA that it is asked of: ${fault}`,
    freshUntilMs: nowMs,
  };
}

function internalFault(error: unknown): Asked {
  const detail = `internal fault: ${error instanceof Error ? error.message : String(error)}`;
  return { kind: 'fault', fault: { step: 'internal', cause: 'malformed', softenable: false, detail }, attempts: [] };
}

function responderOf(asked: Asked): string {
  const url = asked.kind === 'responder-missing' ? undefined : asked.attempts.at(-1)?.url;
  return (url === undefined ? undefined : URL.parse(url)?.host) ?? '';
}

function oldest(entries: Iterable<Entry>): number | undefined {
  let found: number | undefined;
  for (const { status } of entries) {
    if (status.kind !== 'good') continue;
    if (found === undefined || status.answer.thisUpdateMs < found) found = status.answer.thisUpdateMs;
  }
  return found;
}

const hit = { responder: '', durationMs: 0, cached: true } as const;
const minRetryMs = 1000;
const maxRetryMs = 5000;
const maxUnknownMs = 30_000;
