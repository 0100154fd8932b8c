import type { Freshness } from './freshness.ts';
import type { RevocationStatus } from './status.ts';

/** A status that a signed answer gave. */
export type Answered = Extract<RevocationStatus, { readonly kind: 'good' | 'revoked' | 'unknown' }>;

/** What is kept of a certificate. */
export interface Entry extends Freshness {
  /** What is answered while the entry is fresh. */
  readonly status: RevocationStatus;
  /** The newest signed answer, also while it is stale or nobody answers: what a replay is compared with. */
  readonly last: Answered | undefined;
  /** thisUpdate of the newest answer that said hold or unknown: no good answer that is not newer ever counts again. */
  readonly refusedMs: number;
}

/** Whether nothing can lift this status any more: revoked, and not merely on hold. */
export function isFinal(status: RevocationStatus): boolean {
  return status.kind === 'revoked' && status.reason !== 'certificateHold';
}

/**
 * Which of two signed answers counts: the newer one, except that nothing lifts a revocation, only a good answer lifts a
 * hold, and only one that is newer than every refusal so far (`refusedMs`); of an older or equally old one that arrives
 * late the stricter. A replayed good never wins, in whatever order old answers are replayed.
 */
export function prevailing(last: Answered | undefined, next: Answered, refusedMs: number): Answered {
  if (last === undefined) return next;
  if (isFinal(last)) return last;
  if (isFinal(next)) return next;
  const isNewer = next.answer.thisUpdateMs > last.answer.thisUpdateMs;
  if (next.kind === 'good') {
    return next.answer.thisUpdateMs > refusedMs && (isNewer || last.kind !== 'good') ? next : last;
  }
  if (last.kind === 'revoked') return next.kind === 'revoked' && isNewer ? next : last;
  return isNewer || strictness[next.kind] > strictness[last.kind] ? next : last;
}

/** `refusedMs` after one more signed answer. */
export function refusedSince(refusedMs: number | undefined, next: Answered): number {
  const before = refusedMs ?? neverRefused;
  return next.kind === 'good' ? before : Math.max(before, next.answer.thisUpdateMs);
}

/** As `refusedMs`: everything is newer. */
export const neverRefused = Number.NEGATIVE_INFINITY;

const strictness = { good: 0, unknown: 1, revoked: 2 } as const;
