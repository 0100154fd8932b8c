import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type AddressPolicy, AddressRefused, addressPolicy, type ResponderUrl } from '../ocsp/address.ts';
import { type Freshness, freshUntil, isFresh } from '../ocsp/freshness.ts';
import type { UnavailableCause } from '../ocsp/status.ts';
import type { Transport } from '../ocsp/transport.ts';
import type { Fault } from '../ocsp/verify.ts';
import { type Crl, parseCrlInSlices } from './crl.ts';
import { malformed } from './errors.ts';
import { usableUntil } from './verify.ts';
import { isFault, type Question, type Scales } from './weigh.ts';

/** One CRL fetched, or why not; for metrics and the log. */
export interface CrlEvent {
  readonly result: 'fetched' | 'unavailable';
  /** Only where unavailable. */
  readonly reason: UnavailableCause | '';
  /** Host and port. */
  readonly source: string;
  readonly durationMs: number;
}

/** A list whose signature and kind were looked at, or why there is none. */
export interface Held extends Freshness {
  readonly list: Crl | Fault;
  /** thisUpdate of the newest list of this place: an older one is a replay. */
  readonly newestMs: number;
}

/** The lists that were fetched. */
export interface ListStore {
  /** What is held of a place where that is fresh, else one fetch (one in flight for each place and CA). Never rejects. */
  load(question: Question, url: string, deadlineMs: number): Held | Promise<Held>;
  snapshot(): { readonly lists: number; readonly bytes: number; readonly inFlight: number };
}

export interface ListStoreDeps {
  readonly now: () => number;
  readonly monotonicNow: () => number;
  /** 0 up to 1. */
  readonly jitter: () => number;
  readonly transport: Transport;
  readonly scales: Scales;
  readonly maxBytes: number;
  readonly onEvent: ((event: CrlEvent) => void) | undefined;
}

/** Makes a store without any list. */
export function createListStore(deps: ListStoreDeps): ListStore {
  const { now, monotonicNow, jitter, transport, scales, onEvent } = deps;
  const held = new LRUCache<string, Held>({
    maxSize: deps.maxBytes,
    sizeCalculation: ({ list }) => 2048 + (isFault(list) ? 0 : list.revoked.bytes),
  });
  const flights = new Map<string, Promise<Held>>();

  function begin(question: Question, url: string, key: string, deadlineMs: number): Promise<Held> {
    const startMs = monotonicNow();
    const flight = fetchList(question, url, deadlineMs)
      .catch((error: unknown): Fault => malformed(error))
      .then((got) => {
        const next = conclude(question, got, held.peek(key));
        held.set(key, next);
        flights.delete(key);
        onEvent?.({
          result: isFault(got) ? 'unavailable' : 'fetched',
          reason: isFault(got) ? got.cause : '',
          source: URL.parse(url)?.host ?? '',
          durationMs: monotonicNow() - startMs,
        });
        return next;
      });
    flights.set(key, flight);
    return flight;
  }

  async function fetchList(question: Question, text: string, deadlineMs: number): Promise<Crl | Fault> {
    const { issuer, settings, options } = question;
    let policy: AddressPolicy;
    let url: ResponderUrl;
    try {
      policy = addressPolicy(settings.ocsp);
      url = policy.url(text, 'CRL');
    } catch (error) {
      if (!(error instanceof AddressRefused)) throw error;
      return { step: 'address', cause: 'address-refused', softenable: false, detail: error.message };
    }
    const limits = { timeoutMs: deadlineMs - monotonicNow(), noCache: false, maxBytes: settings.crl.maxBytes };
    const form = { method: 'GET', path: url.path } as const;
    const got = await transport.ask(url, policy, form, { ...limits, accept: 'application/pkix-crl' });
    if (got.kind === 'fault') {
      const { cause, softenable, detail } = got;
      return { step: 'transport', cause, softenable, detail };
    }
    const crl = await parseCrlInSlices(got.body);
    return scales.prove(crl, issuer, options) ?? scales.inTime(crl, issuer, options) ?? withoutBytes(crl);
  }

  function conclude({ options }: Question, got: Crl | Fault, before: Held | undefined): Held {
    const moment = { nowMs: now(), monotonicMs: monotonicNow() };
    const { nowMs, monotonicMs } = moment;
    const newestMs = before?.newestMs ?? Number.MIN_SAFE_INTEGER;
    if (!isFault(got) && got.thisUpdateMs >= newestMs) {
      const freshness = freshUntil(usableUntil(got, options), moment, jitter());
      return { list: got, newestMs: got.thisUpdateMs, ...freshness };
    }
    const retryMs = minRetryMs + (maxRetryMs - minRetryMs) * jitter();
    if (before !== undefined && !isFault(before.list) && isFresh(before, moment)) {
      // What is at hand is used to its end; the place is asked again meanwhile, but not all the time.
      return { ...before, refreshFromMonotonicMs: monotonicMs + retryMs * refreshRetryFactor };
    }
    return {
      ...{ list: isFault(got) ? got : replayed, freshUntilMs: nowMs + retryMs, newestMs },
      ...{ freshUntilMonotonicMs: monotonicMs + retryMs, refreshFromMonotonicMs: monotonicMs + retryMs },
    };
  }

  return {
    load: (question, url, deadlineMs) => {
      const key = keyOf(question, url);
      const known = held.get(key);
      const monotonicMs = monotonicNow();
      if (known !== undefined && isFresh(known, { nowMs: now(), monotonicMs })) {
        const isDue = !isFault(known.list) && monotonicMs >= known.refreshFromMonotonicMs;
        if (isDue && !flights.has(key)) void begin(question, url, key, monotonicMs + question.settings.ocsp.timeoutMs);
        return known;
      }
      return flights.get(key) ?? begin(question, url, key, deadlineMs);
    },
    snapshot: () => ({ lists: held.size, bytes: held.calculatedSize, inFlight: flights.size }),
  };
}

/** The CA, the place, and what decides how it is fetched and which lists count. */
function keyOf({ issuer, settings: { ocsp, crl } }: Question, url: string): string {
  const { proxy, responderAllowList, allowInternalAddresses, clockSkewMs, sha1Signatures } = ocsp;
  const how = { url, proxy, responderAllowList, allowInternalAddresses, clockSkewMs, sha1Signatures };
  return createHash('sha256')
    .update(issuer.sha256)
    .update(JSON.stringify({ ...how, maxAgeMs: crl.maxAgeMs, maxBytes: crl.maxBytes }))
    .digest('base64');
}

/** The signature has been looked at: the megabytes it is over need not be kept. */
function withoutBytes(crl: Crl): Crl {
  return { ...crl, signed: { ...crl.signed, tbs: Buffer.alloc(0), signature: Buffer.alloc(0) } };
}

const replayed: Fault = {
  step: 'replay',
  cause: 'stale',
  softenable: false,
  detail: 'the CRL is older than one that was seen before',
};
const minRetryMs = 1000;
const maxRetryMs = 5000;
const refreshRetryFactor = 10;
