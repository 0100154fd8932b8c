/** The two clocks of a process, injected so that tests can set them. */
export interface Clock {
  /** Unix milliseconds by the machine's calendar: for dates in certificates and logs; may jump either way. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start: for durations and deadlines; never goes back. */
  monotonicMs(): number;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
