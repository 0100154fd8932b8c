import { isRecord } from '../api/raw.ts';

/** One operation of a JSON Patch. RFC 6902. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: readonly (number | string)[]; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: readonly (number | string)[] };

/**
 * What makes one value of another, in the order in which it has to be done. Lists of named entries are compared by name
 * as long as what was there keeps its order; other lists are replaced. Undefined is absent.
 */
export function difference(
  before: unknown,
  after: unknown,
  path: readonly (number | string)[] = [],
): readonly PatchOperation[] {
  if (before === after) return [];
  if (isRecord(before) && isRecord(after)) return objectDifference(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) return listDifference(before, after, path);
  return [{ op: 'replace', path, value: after }];
}

/** Operations as RFC 6902 writes them, their paths as JSON Pointers (RFC 6901). */
export function patchDocument(operations: readonly PatchOperation[]): readonly object[] {
  return operations.map(({ path, ...operation }) => ({ ...operation, path: pointer(path) }));
}

function objectDifference(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  path: readonly (number | string)[],
): readonly PatchOperation[] {
  const removed = Object.keys(before)
    .filter((key) => before[key] !== undefined && after[key] === undefined)
    .map((key): PatchOperation => ({ op: 'remove', path: [...path, key] }));
  const changed = Object.entries(after).flatMap(([key, value]): readonly PatchOperation[] => {
    if (value === undefined) return [];
    if (before[key] === undefined) return [{ op: 'add', path: [...path, key], value }];
    return difference(before[key], value, [...path, key]);
  });
  return [...removed, ...changed];
}

function listDifference(
  before: readonly unknown[],
  after: readonly unknown[],
  path: readonly (number | string)[],
): readonly PatchOperation[] {
  const operations: PatchOperation[] = [];
  let next = 0;
  for (const [index, value] of after.entries()) {
    const at = [...path, index];
    if (next < before.length && sameEntry(before[next], value)) {
      operations.push(...difference(before[next], value, at));
      next += 1;
    } else {
      operations.push({ op: 'add', path: at, value });
    }
  }
  // Something was taken out or moved: not worth an alignment.
  return next === before.length ? operations : [{ op: 'replace', path, value: after }];
}

/** Whether two entries of a list are versions of one thing. */
function sameEntry(before: unknown, after: unknown): boolean {
  if (isRecord(before) && isRecord(after) && 'name' in before && 'name' in after)
    return before['name'] === after['name'];
  return difference(before, after).length === 0;
}

function pointer(path: readonly (number | string)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
