import * as z from 'zod';

/** Go's duration syntax, none of it negative: `2s`, `1m30s`, `100ms`, `1.5h`, `0`. */
export const durationPattern: RegExp = /^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$/;

/** A duration field as the API server stores it. At most 32 characters. */
export function durationField(description: string) {
  return z
    .string()
    .max(32)
    .regex(durationPattern, 'is not a duration; write it like 2s, 1m30s or 100ms')
    .describe(description);
}

/** Milliseconds of a Go duration; undefined where the text is none or is no whole number of milliseconds. Never throws. */
export function durationMs(text: string): number | undefined {
  if (text.length > 32 || !durationPattern.test(text)) return undefined;
  if (text === '0') return 0;
  let nanoseconds = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/([0-9]+)(?:\.([0-9]+))?(ns|us|µs|ms|s|m|h)/g)) {
    const scale = nanosecondsPer[unit];
    if (scale === undefined) return undefined;
    const scaledFraction = BigInt(fraction === '' ? '0' : fraction) * scale;
    // Go drops what is below a nanosecond; here that is no whole number of milliseconds either.
    const divisor = 10n ** BigInt(fraction.length);
    if (scaledFraction % divisor !== 0n) return undefined;
    nanoseconds += BigInt(whole) * scale + scaledFraction / divisor;
  }
  if (nanoseconds % 1_000_000n !== 0n) return undefined;
  const milliseconds = nanoseconds / 1_000_000n;
  return milliseconds > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(milliseconds);
}

/** The shortest Go text of whole milliseconds: `1m30s`, `100ms`, `0s`. */
export function durationText(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  let rest = milliseconds;
  let text = '';
  for (const [unit, size] of textUnits) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

const nanosecondsPer: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const textUnits: readonly (readonly [string, number])[] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];
