/** Where waiting comes from, injected so that tests decide when time has passed. */
export interface Timers {
  /** Calls `run` once after `delayMs`; the result cancels it, and may be called at any time. */
  after(delayMs: number, run: () => void): () => void;
}

/** The machine's own timers. A wait does not keep the process alive. */
export const systemTimers: Timers = {
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Settles after `delayMs`, or at once when `signal` aborts. Never rejects. */
export function pause(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timers.after(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
