import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnPlaces } from './places.ts';

test('places are counted over the pod and over a profile, and 0 is no limit', () => {
  const places = new OwnPlaces();
  const first = places.take('shop/a', 3, 1);
  assert.ok(first !== undefined);
  assert.equal(places.take('shop/a', 3, 1), undefined);
  assert.ok(places.take('shop/b', 3, 1) !== undefined);
  assert.ok(places.take('shop/c', 3, 0) !== undefined);
  assert.equal(places.take('shop/d', 3, 0), undefined);
  first();
  assert.ok(places.take('shop/a', 3, 1) !== undefined);
  assert.ok(places.take('shop/a', 0, 0) !== undefined);
});
