/** How many threads serve, as annotation, chart value and flags say it; for people. */
export const workersValues = 'auto, or 1 to 64';

/** Undefined where the text is not legal. Never throws. */
export function readWorkers(text: string): number | 'auto' | undefined {
  if (text === 'auto') return text;
  const workers = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0;
  return workers >= 1 && workers <= 64 ? workers : undefined;
}
