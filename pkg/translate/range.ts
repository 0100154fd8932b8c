import { durationMs, durationText } from '../api/duration.ts';
import type { FaultList } from './fault.ts';

/** Milliseconds of a duration field within its bounds; 0 and a fault for anything else. */
export function boundedDuration(
  field: string,
  text: string,
  minimumMs: number,
  maximumMs: number,
  faults: FaultList,
): number {
  const value = durationMs(text);
  if (value === undefined) {
    faults.error(field, `${JSON.stringify(text)} is no whole number of milliseconds; write it like 2s, 1m30s or 100ms`);
    return 0;
  }
  if (value < minimumMs || value > maximumMs) {
    faults.error(field, `${text} is out of range; ${durationText(minimumMs)} to ${durationText(maximumMs)} are legal`);
    return 0;
  }
  return value;
}
