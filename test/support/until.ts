import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks every 25 ms until `look` gives something, and gives that. For what another process does: there is no event to
 * wait for. @throws after `limitMs`, naming what never came, or what `look` throws.
 */
export async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
  limitMs = 40_000,
): Promise<T> {
  const endMs = performance.now() + limitMs;
  while (performance.now() < endMs) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(25);
  }
  throw new Error(`did not come within ${limitMs} ms: ${what}`);
}
