import type { Clock } from '../../pkg/process/clock.ts';
import type { Timers } from '../../pkg/process/timers.ts';

/** Both clocks and all timers of a test: time passes when the test says so. */
export interface ManualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Milliseconds left of each pending timer, ascending. */
  readonly pending: readonly number[];
  /** Lets time pass; timers that come due run in order, each at its own time. */
  advance(ms: number): void;
}

/** Starts at monotonic 0. */
export function createManualTime(startWallMs: number): ManualTime {
  let nowMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly run: () => void }>();
  return {
    clock: { wallMs: () => startWallMs + nowMs, monotonicMs: () => nowMs },
    timers: {
      after: (delayMs, run) => {
        const timer = { dueMs: nowMs + delayMs, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    get pending() {
      return [...timers].map(({ dueMs }) => dueMs - nowMs).toSorted((a, b) => a - b);
    },
    advance: (ms) => {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = [...timers].filter(({ dueMs }) => dueMs <= endMs).toSorted((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.dueMs);
        next.run();
      }
      nowMs = endMs;
    },
  };
}

/** Turns the event loop until `holds`. @throws after 10 s, naming what never came. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`did not come within 10 s: ${what}`);
    await new Promise((turned) => setImmediate(turned));
  }
}
