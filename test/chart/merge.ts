import type { Values } from './helm.ts';

/** Values with one leaf set; everything else stays. */
export function withLeaf(values: Values, [key, ...rest]: readonly string[], leaf: unknown): Values {
  if (key === undefined) return values;
  const below = values[key];
  if (rest.length === 0) return { ...values, [key]: leaf };
  const group = typeof below === 'object' && below !== null ? (below as Values) : {};
  return { ...values, [key]: withLeaf(group, rest, leaf) };
}
