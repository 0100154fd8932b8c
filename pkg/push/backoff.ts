export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before the next dial: anywhere between the least and a ceiling that doubles with every failure, so
 * that sidecars which lost one operator do not come back together. `failures` counts those in a row, from 0.
 */
export function backoffMs(failures: number, random: () => number, { minMs, maxMs }: BackoffLimits = usual): number {
  const ceiling = Math.min(maxMs, 2 * minMs * 2 ** Math.min(failures, 20));
  return minMs + random() * Math.max(0, ceiling - minMs);
}

const usual: BackoffLimits = { minMs: 1_000, maxMs: 30_000 };
