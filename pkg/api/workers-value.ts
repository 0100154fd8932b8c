import { wholeNumber } from './whole-number.ts';

const most = 64;

/** How many threads serve, as annotation, chart value and flags say it; for people. */
export const workersValues = `auto, or 1 to ${most}`;

/** Undefined where the text is not legal. Never throws. */
export function readWorkers(text: string): number | 'auto' | undefined {
  return text === 'auto' ? text : wholeNumber(text, 1, most);
}
