import { isKubernetesObject, isRecord, type KubernetesObject, keyOf } from './object.ts';
import { failureOf } from './refusal.ts';
import type { WatchTarget } from './watched.ts';

/** What is known of a collection: what `read` kept of each object, and nothing of the objects themselves. */
export interface Inventory<T> {
  /** Whether the value of that key changed. */
  set(object: KubernetesObject, version: string): boolean;
  delete(object: KubernetesObject): boolean;
  /** Begins a list: nothing is changed before it is finished. */
  begin(): Listing;
  values(): IterableIterator<T>;
  get(key: string): T | undefined;
}

/** A list in progress. */
export interface Listing {
  add(object: KubernetesObject): void;
  /** The list is complete: what it does not name is gone. Gives whether anything changed. */
  finish(): boolean;
}

interface Known<T> {
  readonly version: string;
  readonly value: T;
}

/** Makes an empty one. `onSkipped` is told where `read` threw: what was known of that object stays. */
export function createInventory<T>(
  read: WatchTarget<T>['read'],
  onSkipped: (key: string, cause: unknown) => void,
): Inventory<T> {
  let known = new Map<string, Known<T>>();

  function readObject(key: string, object: KubernetesObject, version: string): Known<T> | undefined {
    const before = known.get(key);
    if (before?.version === version) return before;
    try {
      const value = read(object);
      return value === undefined ? undefined : { version, value };
    } catch (cause) {
      onSkipped(key, cause);
      return before;
    }
  }

  return {
    set: (object, version) => {
      const key = keyOf(object.metadata);
      const next = readObject(key, object, version);
      if (next === known.get(key)) return false;
      if (next === undefined) return known.delete(key);
      known.set(key, next);
      return true;
    },
    delete: (object) => known.delete(keyOf(object.metadata)),
    begin: () => {
      const next = new Map<string, Known<T>>();
      return {
        add: (object) => {
          const key = keyOf(object.metadata);
          const entry = readObject(key, object, object.metadata.resourceVersion ?? '');
          if (entry !== undefined) next.set(key, entry);
        },
        finish: () => {
          const changed = next.size !== known.size || [...next].some(([key, entry]) => known.get(key) !== entry);
          known = next;
          return changed;
        },
      };
    },
    *values() {
      for (const { value } of known.values()) yield value;
    },
    get: (key) => known.get(key)?.value,
  };
}

/** One page of a list. */
export interface Page {
  readonly items: readonly KubernetesObject[];
  readonly version: string;
  readonly next: string | undefined;
}

/** Reads a page; items get the kind that a list of a built-in kind names only once. @throws ApiError Malformed. */
export function readPage(path: string, value: unknown): Page {
  const wrong = (what: string) => failureOf({ method: 'GET', path }, 'Malformed', `the list has ${what}`);
  if (!isRecord(value) || !isRecord(value['metadata'])) throw wrong('no metadata');
  const { resourceVersion, continue: next } = value['metadata'];
  if (typeof resourceVersion !== 'string' || resourceVersion === '') throw wrong('no resourceVersion');
  const { apiVersion, kind } = value;
  // An empty list of the API server may say null.
  const items: unknown = value['items'] ?? [];
  if (!Array.isArray(items) || !items.every(isKubernetesObject)) throw wrong('an item without metadata.name');
  const own = {
    ...(typeof apiVersion === 'string' ? { apiVersion } : {}),
    ...(typeof kind === 'string' ? { kind: kind.replace(/List$/, '') } : {}),
  };
  return {
    items: items.map((item) => ({ ...own, ...item })),
    version: resourceVersion,
    next: typeof next === 'string' && next !== '' ? next : undefined,
  };
}
