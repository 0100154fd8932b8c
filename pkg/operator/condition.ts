import type { StatusCondition } from '../api/status.ts';

/** A condition before it is known when its status changed. */
export type TimelessCondition = Omit<StatusCondition, 'lastTransitionTime'>;
