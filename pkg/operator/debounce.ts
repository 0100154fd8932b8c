import type { Clock } from '../process/clock.ts';
import type { Timers } from '../process/timers.ts';

export interface DebounceOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Nothing may have come for this long. */
  readonly quietMs: number;
  /** The first one waits no longer than this, however many come. */
  readonly atMostMs: number;
  readonly run: () => void;
}

/** Many changes, one run: as soon as it is quiet, and at the latest some time after the first. */
export interface Debounce {
  touch(): void;
  close(): void;
}

export function debounce({ clock, timers, quietMs, atMostMs, run }: DebounceOptions): Debounce {
  let firstMs: number | undefined;
  let cancel: (() => void) | undefined;
  let closed = false;

  function fire(): void {
    firstMs = undefined;
    cancel = undefined;
    run();
  }

  return {
    touch() {
      if (closed) return;
      const now = clock.monotonicMs();
      firstMs ??= now;
      cancel?.();
      cancel = timers.after(Math.max(0, Math.min(quietMs, firstMs + atMostMs - now)), fire);
    },
    close() {
      closed = true;
      cancel?.();
    },
  };
}
