import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createBackOff } from './back-off.ts';

suite('the pause after failures', () => {
  test('begins with 0.5 to 1 s, doubles, and ends at 15 to 30 s', () => {
    const shortest = createBackOff(() => 0);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7].map(() => shortest.next()),
      [500, 1000, 2000, 4000, 8000, 15_000, 15_000],
    );
    const longest = createBackOff(() => 1);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map(() => longest.next()),
      [1000, 2000, 4000, 8000, 16_000, 30_000],
    );
  });

  test('begins anew after a success', () => {
    const backOff = createBackOff(() => 0);
    backOff.next();
    backOff.next();
    backOff.reset();
    assert.equal(backOff.next(), 500);
  });

  test('is never shorter than the server asked for, and never longer than 150 s', () => {
    assert.equal(createBackOff(() => 0).next(7000), 7000);
    assert.equal(createBackOff(() => 0).next(1), 500);
    assert.equal(createBackOff(() => 1).next(86_400_000), 150_000);
  });

  test('is finite after any number of failures', () => {
    const backOff = createBackOff(() => 0);
    for (let n = 0; n < 5000; n += 1) backOff.next();
    assert.equal(backOff.next(), 15_000);
  });
});
