import { LRUCache } from 'lru-cache';
import type { UnavailableCause } from './status.ts';

/** What the breaker remembers as the reason why a responder is not asked. */
export interface BreakerFault {
  readonly cause: UnavailableCause;
  readonly softenable: boolean;
  readonly detail: string;
}

/** Keeps a responder that fails again and again from being asked all the time. One for each host and port. */
export interface Breakers {
  /** Why it is not asked now (the fault that opened it), or undefined: then the outcome must be reported. */
  refusal(key: string): BreakerFault | undefined;
  succeeded(key: string): void;
  failed(key: string, fault: BreakerFault): void;
  /** Neither: the exchange did not get as far as the responder. */
  released(key: string): void;
  /** Those that are not closed, for metrics and pages. */
  open(): readonly { readonly responder: string; readonly state: 'half-open' | 'open'; readonly failures: number }[];
}

interface State {
  failures: number;
  openUntilMs: number;
  probing: boolean;
  fault: BreakerFault;
}

/** Makes breakers for up to 1024 responders. `jitter` gives 0 up to 1. */
export function createBreakers(monotonicNow: () => number, jitter: () => number): Breakers {
  const states = new LRUCache<string, State>({ max: 1024 });
  return {
    refusal: (key) => {
      const state = states.get(key);
      if (state === undefined || state.failures < failuresToOpen) return undefined;
      if (monotonicNow() >= state.openUntilMs && !state.probing) {
        // Half open: this one question finds out whether the responder is back.
        state.probing = true;
        return undefined;
      }
      return { ...state.fault, detail: `not asked after ${state.failures} failures in a row: ${state.fault.detail}` };
    },
    succeeded: (key) => {
      states.delete(key);
    },
    failed: (key, fault) => {
      const failures = (states.get(key)?.failures ?? 0) + 1;
      const backOffMs = Math.min(maxBackOffMs, firstBackOffMs * 2 ** Math.max(0, failures - failuresToOpen));
      const openUntilMs = monotonicNow() + backOffMs * (0.5 + jitter() / 2);
      states.set(key, { failures, openUntilMs, probing: false, fault });
    },
    released: (key) => {
      const state = states.get(key);
      if (state !== undefined) state.probing = false;
    },
    open: () =>
      [...states.entries()]
        .filter(([, state]) => state.failures >= failuresToOpen)
        .map(([responder, state]) => ({
          responder,
          state: monotonicNow() >= state.openUntilMs ? ('half-open' as const) : ('open' as const),
          failures: state.failures,
        })),
  };
}

const failuresToOpen = 5;
const firstBackOffMs = 1000;
const maxBackOffMs = 30_000;
