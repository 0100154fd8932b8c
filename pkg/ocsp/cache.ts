import { LRUCache } from 'lru-cache';
import type { RevocationStatus } from './status.ts';

/** A status that a signed answer gave. */
export type Answered = Extract<RevocationStatus, { readonly kind: 'good' | 'revoked' | 'unknown' }>;

/** What is kept of a certificate. */
export interface Entry {
  /** What is answered while the entry is fresh. */
  readonly status: RevocationStatus;
  /** Fresh by both clocks, so that setting the machine's date back revives nothing. */
  readonly freshUntilMs: number;
  readonly freshUntilMonotonicMs: number;
  /** From here on a use starts a refresh in the background. */
  refreshFromMonotonicMs: number;
  /** The newest signed answer, also while it is stale or nobody answers: what a replay is compared with. */
  readonly last: Answered | undefined;
}

/** Entries by key, the least recently used given up first: that one is asked again, never passed. */
export type Cache = LRUCache<string, Entry>;

/** Makes an empty cache of at most `max` certificates. */
export function createCache(max: number): Cache {
  return new LRUCache<string, Entry>({ max });
}

/** Whether an entry may be used without asking. */
export function isFresh(entry: Entry, nowMs: number, monotonicMs: number): boolean {
  return nowMs < entry.freshUntilMs && monotonicMs < entry.freshUntilMonotonicMs;
}

/** Whether nothing can lift this status any more: revoked, and not merely on hold. */
export function isFinal(status: RevocationStatus): boolean {
  return status.kind === 'revoked' && status.reason !== 'certificateHold';
}

/**
 * Which of two signed answers counts: the newer one, except that nothing lifts a revocation and only a newer good
 * lifts a hold; of an older or equally old one that arrives late the stricter. A replayed good never wins.
 */
export function prevailing(last: Answered | undefined, next: Answered): Answered {
  if (last === undefined) return next;
  if (isFinal(last)) return last;
  const isNewer = next.answer.thisUpdateMs > last.answer.thisUpdateMs;
  if (last.kind === 'revoked') return next.kind === 'revoked' || (next.kind === 'good' && isNewer) ? next : last;
  if (isNewer) return next;
  return strictness[next.kind] >= strictness[last.kind] ? next : last;
}

const strictness = { good: 0, unknown: 1, revoked: 2 } as const;
