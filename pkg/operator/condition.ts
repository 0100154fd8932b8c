import type { StatusCondition } from '../api/status.ts';

/** A condition before it is known when its status changed. */
export type TimelessCondition = Omit<StatusCondition, 'lastTransitionTime'>;

/** The same without its time. */
export function timeless({ type, status, observedGeneration, reason, message }: StatusCondition): TimelessCondition {
  return { type, status, ...(observedGeneration === undefined ? {} : { observedGeneration }), reason, message };
}
