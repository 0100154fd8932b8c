import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundedCache } from './bounded-cache.ts';

test('a full cache gives up what was used longest ago', () => {
  const cache = boundedCache<object>(2);
  const entry = {};
  cache.set('one', entry);
  cache.set('two', entry);
  cache.get('one');
  cache.set('three', entry);
  assert.deepEqual(
    ['one', 'two', 'three'].map((key) => cache.has(key)),
    [true, false, true],
  );
});
