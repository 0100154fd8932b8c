/** What a client may do too often; each ends the connection with ENHANCE_YOUR_CALM, counted under this name. */
export type Flood =
  | 'continuation'
  | 'empty-frames'
  | 'ignored-frames'
  | 'pings'
  | 'refused-streams'
  | 'resets'
  | 'settings'
  | 'window-updates';

/** The same as an index; `continuation` is bounded by the block's own limits. */
export const floodKind = {
  emptyFrames: 0,
  ignoredFrames: 1,
  pings: 2,
  refusedStreams: 3,
  resets: 4,
  settings: 5,
  windowUpdates: 6,
} as const;

/** What a stream costs that is refused though the client knows the limit; before, or behind our GOAWAY, it is 1. */
export const knowinglyRefused = 10;

/**
 * Budgets for frames that cost us work and carry nothing. Each has a ceiling, from which it starts; useful work earns some
 * of it back (who downloads may update windows, who finishes requests may cancel some), and so does time. The clock is
 * asked only where a budget is spent.
 */
export class FloodGuard {
  readonly #left = Int32Array.from(budgets, ({ ceiling }) => ceiling);
  /** When a budget was last spent, in milliseconds. */
  readonly #sinceMs: Float64Array;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.#sinceMs = new Float64Array(budgets.length).fill(now());
  }

  /** @returns the flood's name where the budget is spent. */
  spend(kind: number, cost = 1): Flood | undefined {
    const left = (this.#left[kind] ?? 0) - cost;
    this.#left[kind] = left;
    return left >= 0 ? undefined : this.#refill(kind);
  }

  /** A request came in. */
  request(): void {
    this.#earn(floodKind.ignoredFrames, 10);
    this.#earn(floodKind.pings, 2);
    this.#earn(floodKind.windowUpdates, 4);
  }

  /** A stream ended in order. */
  finished(): void {
    this.#earn(floodKind.resets, 1);
  }

  /** A DATA frame with something in it went either way, and not by a window that lets dribbles through only. */
  data(): void {
    this.#earn(floodKind.pings, 1);
    this.#earn(floodKind.windowUpdates, 4);
  }

  #earn(kind: number, amount: number): void {
    const left = (this.#left[kind] ?? 0) + amount;
    const ceiling = ceilings[kind] ?? 0;
    this.#left[kind] = left < ceiling ? left : ceiling;
  }

  #refill(kind: number): Flood | undefined {
    const { flood, ceiling, perSecond } = budgets[kind] ?? none;
    const nowMs = this.#now();
    const earned = Math.floor(((nowMs - (this.#sinceMs[kind] ?? 0)) * perSecond) / 1000);
    this.#sinceMs[kind] = nowMs;
    const left = Math.min(ceiling, (this.#left[kind] ?? 0) + earned);
    this.#left[kind] = left;
    return left >= 0 ? undefined : flood;
  }
}

interface Budget {
  readonly flood: Flood;
  readonly ceiling: number;
  readonly perSecond: number;
}

/** In the order of `floodKind`. */
const budgets: readonly Budget[] = [
  // DATA that carries nothing and ends nothing.
  { flood: 'empty-frames', ceiling: 100, perSecond: 10 },
  // PRIORITY and types that we do not know.
  { flood: 'ignored-frames', ceiling: 1000, perSecond: 50 },
  // gRPC measures the path with one for every round trip that brings data.
  { flood: 'pings', ceiling: 1000, perSecond: 100 },
  { flood: 'refused-streams', ceiling: 1000, perSecond: 100 },
  // By the client, and those it makes us send (CVE-2023-44487, CVE-2025-8671): half of what comes in order, and some.
  { flood: 'resets', ceiling: 100, perSecond: 10 },
  { flood: 'settings', ceiling: 100, perSecond: 5 },
  // Usual clients send two for two frames of DATA at most.
  { flood: 'window-updates', ceiling: 1000, perSecond: 100 },
];
const ceilings = Int32Array.from(budgets, ({ ceiling }) => ceiling);
const none: Budget = { flood: 'settings', ceiling: 0, perSecond: 0 };
