/** How long to wait after failures in a row. */
export interface BackOff {
  /** The wait in milliseconds after one more failure; at least `retryAfterMs`, which the server asked for. */
  next(retryAfterMs?: number): number;
  /** It works again. */
  reset(): void;
}

/** 0.5 to 1 s after the first failure, twice as much after each further one, up to 15 to 30 s. `random` gives 0 up to 1. */
export function createBackOff(random: () => number): BackOff {
  let failures = 0;
  return {
    next: (retryAfterMs = 0) => {
      const waitMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures, 16)) * (0.5 + random() / 2);
      failures += 1;
      // Clients that were told the same time must not come back together.
      return Math.max(waitMs, Math.min(retryAfterMs, maxRetryAfterMs) * (1 + random() / 4));
    },
    reset: () => {
      failures = 0;
    },
  };
}

const firstMs = 1000;
const maxMs = 30_000;
const maxRetryAfterMs = 120_000;
