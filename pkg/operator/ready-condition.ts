import type { TimelessCondition } from './condition.ts';

/** The summary of Accepted, ResolvedRefs and Programmed, in this order: what fails first is what it says. */
export function readyCondition(conditions: readonly TimelessCondition[]): TimelessCondition {
  const deciding =
    conditions.find(({ status }) => status === 'False') ??
    conditions.find(({ status }) => status === 'Unknown') ??
    conditions.at(-1);
  if (deciding === undefined) {
    return { type: 'Ready', status: 'Unknown', reason: 'Pending', message: 'Nothing is known yet.' };
  }
  const { status, reason, message } = deciding;
  return { type: 'Ready', status, reason, message };
}
