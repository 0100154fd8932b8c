import type { OcspSettings } from '../policy/policy.ts';
import type { SingleResponse } from './response.ts';

/** One condition on the times of a SingleResponse. `run` returns what is wrong, or undefined. */
export interface TimeCheck {
  readonly name: string;
  readonly source: string;
  readonly run: (
    single: Pick<SingleResponse, 'nextUpdateMs' | 'thisUpdateMs'>,
    nowMs: number,
    options: Pick<OcspSettings, 'clockSkewMs' | 'maxAgeWithoutNextUpdateMs' | 'maxResponseAgeMs'>,
  ) => string | undefined;
}

/** A good answer is good for a while only: without these an old one could be replayed after the revocation. */
export const timeChecks: readonly TimeCheck[] = [
  {
    name: 'thisUpdateNotInFuture',
    source: 'RFC 6960 3.2 point 5',
    run: ({ thisUpdateMs }, nowMs, { clockSkewMs }) =>
      thisUpdateMs > nowMs + clockSkewMs ? `the answer is valid only from ${iso(thisUpdateMs)}` : undefined,
  },
  {
    name: 'nextUpdateNotPassed',
    source: 'RFC 6960 3.2 point 6',
    run: ({ nextUpdateMs }, nowMs, { clockSkewMs }) =>
      nextUpdateMs !== undefined && nextUpdateMs < nowMs - clockSkewMs
        ? `the answer was valid only until ${iso(nextUpdateMs)}`
        : undefined,
  },
  {
    name: 'nextUpdateAfterThisUpdate',
    source: 'RFC 6960 4.2.2.1',
    run: ({ nextUpdateMs, thisUpdateMs }) =>
      nextUpdateMs !== undefined && nextUpdateMs < thisUpdateMs
        ? `the answer has nextUpdate ${iso(nextUpdateMs)} before thisUpdate ${iso(thisUpdateMs)}`
        : undefined,
  },
  {
    name: 'nextUpdateAbsent',
    source: 'RFC 9919 4.1: must be refused; RFC 6960 4.2.2.1: newer information is always available',
    run: ({ nextUpdateMs, thisUpdateMs }, nowMs, { clockSkewMs, maxAgeWithoutNextUpdateMs }) => {
      if (nextUpdateMs !== undefined) return undefined;
      if (maxAgeWithoutNextUpdateMs === 0) {
        return 'the answer has no nextUpdate: set maxAgeWithoutNextUpdate to accept such answers for a while';
      }
      return thisUpdateMs + maxAgeWithoutNextUpdateMs < nowMs - clockSkewMs
        ? `the answer has no nextUpdate and is of ${iso(thisUpdateMs)}, older than maxAgeWithoutNextUpdate of ${maxAgeWithoutNextUpdateMs / 1000} s`
        : undefined;
    },
  },
  {
    name: 'maxResponseAge',
    source: 'setting maxResponseAge; RFC 9919 allows answers that are days old',
    run: ({ thisUpdateMs }, nowMs, { clockSkewMs, maxResponseAgeMs }) =>
      maxResponseAgeMs !== undefined && thisUpdateMs + maxResponseAgeMs < nowMs - clockSkewMs
        ? `the answer is of ${iso(thisUpdateMs)}, older than maxResponseAge of ${maxResponseAgeMs / 1000} s`
        : undefined,
  },
];

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
