import { LRUCache } from 'lru-cache';

/** Entries by key, the least recently used given up first. */
export type BoundedCache<Value extends object> = LRUCache<string, Value>;

/** Makes an empty cache of at most `most` entries, for numbers of which most processes never see a part. */
export function boundedCache<Value extends object>(most: number): BoundedCache<Value> {
  // Not `max`, which reserves room for all of them at once: 2.4 MiB for 100,000 in a sidecar that has seen nobody.
  return new LRUCache<string, Value>({ maxSize: most, sizeCalculation: () => 1 });
}
