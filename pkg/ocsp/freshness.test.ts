import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFresh } from './freshness.ts';

test('an entry is fresh only while it is by both clocks, and not in the last instant', () => {
  const entry = { freshUntilMs: 1000, freshUntilMonotonicMs: 50 };
  const tried = [
    [999, 49],
    [1000, 49],
    [999, 50],
    [0, 51],
  ].map(([nowMs = 0, monotonicMs = 0]) => isFresh(entry, { nowMs, monotonicMs }));
  assert.deepEqual(tried, [true, false, false, false]);
});
