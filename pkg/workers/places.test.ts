import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaceLedger, SharedPlaces } from './places.ts';

function twoWorkers(profiles: readonly string[]) {
  const ledger = new PlaceLedger(2);
  const workers = [1, 2].map((worker) => {
    const places = new SharedPlaces(worker, ledger.pod);
    places.know(ledger.of(profiles));
    return places;
  });
  const [first, second] = workers;
  assert.ok(first !== undefined && second !== undefined);
  return { ledger, first, second };
}

test('two workers have one limit of the pod, and one of each profile', () => {
  const { ledger, first, second } = twoWorkers(['shop/a', 'shop/b']);
  assert.ok(first.take('shop/a', 3, 1) !== undefined);
  assert.equal(second.take('shop/a', 3, 1), undefined);
  const leave = second.take('shop/b', 3, 0);
  assert.ok(leave !== undefined && first.take('shop/b', 3, 0) !== undefined);
  assert.equal(second.take('shop/b', 3, 0), undefined);
  assert.deepEqual([ledger.count(), ledger.countOf(1), ledger.countOf(2)], [3, 2, 1]);
  leave();
  assert.ok(first.take('shop/b', 3, 0) !== undefined);
});

test('what is refused leaves no trace', () => {
  const { ledger, first, second } = twoWorkers(['shop/a']);
  first.take('shop/a', 1, 0);
  for (let i = 0; i < 5; i += 1) assert.equal(second.take('shop/a', 1, 0), undefined);
  assert.deepEqual([ledger.countOf(1), ledger.countOf(2)], [1, 0]);
});

test('a profile that is not known has no place', () => {
  const { ledger, first } = twoWorkers(['shop/a']);
  assert.equal(first.take('shop/b', 0, 0), undefined);
  assert.equal(ledger.count(), 0);
});

test('what a dead worker held is free again, and nothing else', () => {
  const { ledger, first, second } = twoWorkers(['shop/a']);
  first.take('shop/a', 0, 2);
  second.take('shop/a', 0, 2);
  assert.equal(first.take('shop/a', 0, 2), undefined);
  ledger.release(2);
  assert.deepEqual([ledger.countOf(1), ledger.countOf(2)], [1, 0]);
  assert.ok(first.take('shop/a', 0, 2) !== undefined);
  assert.equal(first.take('shop/a', 0, 2), undefined);
});

test('a policy that comes, and perhaps is refused, takes no places from the one in force', () => {
  const { ledger, first } = twoWorkers(['shop/a']);
  first.know(ledger.of(['shop/b']));
  assert.ok(first.take('shop/a', 0, 0) !== undefined);
  first.keep(['shop/b']);
  assert.equal(first.take('shop/a', 0, 0), undefined);
  assert.ok(first.take('shop/b', 0, 0) !== undefined);
});

test('connections count on under the next policy, and of a profile that is gone until the last has ended', () => {
  const { ledger, first } = twoWorkers(['shop/a', 'shop/b']);
  const leave = first.take('shop/a', 0, 1);
  first.take('shop/b', 0, 0);
  ledger.keep(['shop/b']);
  first.keep(['shop/b']);
  first.know(ledger.of(['shop/a', 'shop/b']));
  assert.equal(first.take('shop/a', 0, 1), undefined);
  leave?.();
  ledger.keep(['shop/b']);
  first.keep(['shop/b']);
  first.know(ledger.of(['shop/a', 'shop/b']));
  assert.ok(first.take('shop/a', 0, 1) !== undefined);
  assert.equal(ledger.count(), 2);
});
