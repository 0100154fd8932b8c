import type { RevocationStatus } from './status.ts';

/** How long what was found may be used without asking again. */
export interface Freshness {
  /** Fresh by both clocks, so that setting the machine's date back revives nothing. */
  readonly freshUntilMs: number;
  readonly freshUntilMonotonicMs: number;
  /** From here on a use starts a refresh in the background. */
  readonly refreshFromMonotonicMs: number;
}

/** Both clocks, read at one moment: wall clock in Unix milliseconds, and milliseconds that never go back. */
export interface Moment {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/**
 * Fresh until that time of the wall clock. Whoever uses it from 0.8 to 0.9 of its life on (`jitter` 0 up to 1, so that
 * what was found together is not asked for together) may refresh it.
 */
export function freshUntil(freshUntilMs: number, { nowMs, monotonicMs }: Moment, jitter: number): Freshness {
  const lifeMs = freshUntilMs - nowMs;
  return {
    freshUntilMs,
    freshUntilMonotonicMs: monotonicMs + lifeMs,
    refreshFromMonotonicMs: monotonicMs + lifeMs * (0.8 + 0.1 * jitter),
  };
}

/** As long as the status says; a missing responder says nothing about the next question. */
export function freshnessOf(status: RevocationStatus, moment: Moment, jitter: number): Freshness {
  return freshUntil(status.kind === 'responder-missing' ? moment.nowMs : status.freshUntilMs, moment, jitter);
}

/** Whether it may be used without asking. */
export function isFresh(
  { freshUntilMs, freshUntilMonotonicMs }: Pick<Freshness, 'freshUntilMonotonicMs' | 'freshUntilMs'>,
  { nowMs, monotonicMs }: Moment,
): boolean {
  return nowMs < freshUntilMs && monotonicMs < freshUntilMonotonicMs;
}
