import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ClosedStreams } from './closed-streams.ts';

suite('closed streams', () => {
  test('are known with their ending', () => {
    const closed = new ClosedStreams(4);
    closed.add(1, 'ended');
    closed.add(5, 'reset-by-us');
    closed.add(0x7fffffff, 'reset-by-peer');
    assert.deepEqual(
      [1, 3, 5, 0x7fffffff].map((id) => closed.find(id)),
      ['ended', undefined, 'reset-by-us', 'reset-by-peer'],
    );
  });

  test('that the peer resets too are its own from then on; those that had ended stay so', () => {
    const closed = new ClosedStreams(4);
    closed.add(1, 'reset-by-us');
    closed.add(3, 'ended');
    for (const id of [1, 3, 5]) closed.resetByPeer(id);
    assert.deepEqual(
      [1, 3, 5].map((id) => closed.find(id)),
      ['reset-by-peer', 'ended', undefined],
    );
  });

  test('are forgotten, the oldest first', () => {
    const closed = new ClosedStreams(2);
    closed.add(1, 'ended');
    closed.add(3, 'ended');
    closed.add(5, 'ended');
    assert.deepEqual(
      [1, 3, 5, 7].map((id) => closed.find(id)),
      ['forgotten', 'ended', 'ended', undefined],
    );
  });

  test('that were forgotten are not told from those that were skipped below them', () => {
    const closed = new ClosedStreams(1);
    closed.add(5, 'ended');
    closed.add(3, 'ended');
    closed.add(9, 'ended');
    assert.deepEqual(
      [1, 3, 5, 7, 9].map((id) => closed.find(id)),
      ['forgotten', 'forgotten', 'forgotten', undefined, 'ended'],
    );
  });
});
