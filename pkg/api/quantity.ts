/**
 * Billionths of a Kubernetes quantity (`100m`, `1.5`, `128Mi`, `1e3`), the smallest step that the API server keeps;
 * undefined where the text is none or is negative. Finer parts are rounded up, as it does. Never throws.
 * `k8s.io/apimachinery/pkg/api/resource`.
 */
export function quantityNano(text: string): bigint | undefined {
  const match = text.length > 32 ? null : pattern.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', suffix = '', exponent] = match;
  // Both parts may be absent in turn, not together.
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}`);
  const [factor, divisor] = exponent === undefined ? scale(suffix) : decimal(Number(exponent));
  const below = divisor * 10n ** BigInt(fraction.length);
  const scaled = digits * factor * nano;
  return (scaled + below - 1n) / below;
}

/** What a suffix multiplies with, as a fraction. */
function scale(suffix: string): readonly [bigint, bigint] {
  if (suffix.endsWith('i')) return [1024n ** BigInt('KMGTPE'.indexOf(suffix.charAt(0)) + 1), 1n];
  return decimal(decimalSuffixes[suffix] ?? 0);
}

function decimal(exponent: number): readonly [bigint, bigint] {
  return exponent < 0 ? [1n, 10n ** BigInt(-exponent)] : [10n ** BigInt(exponent), 1n];
}

const pattern = /^\+?([0-9]*)\.?([0-9]*)(?:([KMGTPE]i|[numkMGTPE]?)|[eE]([+-]?[0-9]{1,2}))$/;
const nano = 1_000_000_000n;
const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
