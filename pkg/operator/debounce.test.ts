import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualTime } from '../../test/support/manual-time.ts';
import { debounce } from './debounce.ts';

function start() {
  const time = createManualTime(0);
  const runs: number[] = [];
  const run = () => runs.push(time.clock.monotonicMs());
  const changes = debounce({ clock: time.clock, timers: time.timers, quietMs: 100, atMostMs: 1000, run });
  return { time, runs, changes };
}

test('changes run once, when nothing more has come for a while', () => {
  const { time, runs, changes } = start();
  changes.touch();
  time.advance(99);
  changes.touch();
  time.advance(99);
  assert.deepEqual(runs, []);
  time.advance(1);
  time.advance(1000);
  assert.deepEqual(runs, [199]);
});

test('changes that do not pause run all the same, a second after the first', () => {
  const { time, runs, changes } = start();
  for (let n = 0; n < 41; n++) {
    changes.touch();
    time.advance(50);
  }
  assert.deepEqual(runs, [1000, 2000]);
});

test('nothing runs after the end', () => {
  const { time, runs, changes } = start();
  changes.touch();
  changes.close();
  changes.touch();
  time.advance(5000);
  assert.deepEqual(runs, []);
});
