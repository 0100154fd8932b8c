import type { Backend } from '../policy/policy.ts';

/** Where an HTTP/1.1 connection stands. */
export type State =
  /** Between requests, or in a request head. */
  | 'head'
  /** Head read, the verdict is being asked. */
  | 'admit'
  /** Request body goes to the application; its answer may already be coming. */
  | 'body'
  /** Request is whole, the answer is not. */
  | 'answer'
  | 'tunnel'
  /** Answered and closing: what still comes is thrown away, so that the client can read the answer before a reset. */
  | 'linger';

/** Since when something lasts: monotonic milliseconds, 0 where it does not. */
export interface Times {
  /** The first byte of a head that is not whole yet. */
  headSinceMs: number;
  requestSinceMs: number;
  /** The last byte of the client, or in a tunnel of either side. */
  activeMs: number;
  /** The client takes no bytes. */
  blockedSinceMs: number;
}

/** Which limit of the profile has passed; undefined where none has. A limit of 0 never does. */
export function passedDeadline(
  state: State,
  times: Times,
  limits: Backend['timeouts'],
  nowMs: number,
): 'body' | 'head' | 'idle' | 'not-reading' | 'request' | undefined {
  const passed = (limitMs: number, sinceMs: number) => limitMs > 0 && nowMs - sinceMs > limitMs;
  if (times.blockedSinceMs > 0 && passed(limits.idleMs, times.blockedSinceMs)) return 'not-reading';
  switch (state) {
    case 'head':
      if (times.headSinceMs > 0) return passed(limits.headMs, times.headSinceMs) ? 'head' : undefined;
      return passed(limits.idleMs, times.activeMs) ? 'idle' : undefined;
    case 'tunnel':
      return passed(limits.idleMs, times.activeMs) ? 'idle' : undefined;
    case 'body':
      if (passed(limits.idleMs, times.activeMs)) return 'body';
      return passed(limits.requestMs, times.requestSinceMs) ? 'request' : undefined;
    case 'admit':
    case 'answer':
      return passed(limits.requestMs, times.requestSinceMs) ? 'request' : undefined;
    case 'linger':
      return undefined;
  }
}
