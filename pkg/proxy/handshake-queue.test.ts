import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HandshakeQueue, maxBegunInTurn, maxWaiting } from './handshake-queue.ts';

/** A queue, and what became of the sockets given to it, by their numbers. */
function startQueue() {
  const begun: number[] = [];
  const refused: number[] = [];
  const expired: number[] = [];
  const clock = { nowMs: 0 };
  const sockets: Socket[] = [];
  const numberOf = (socket: Socket) => sockets.indexOf(socket);
  const queue = new HandshakeQueue({
    begin: (socket) => begun.push(numberOf(socket)),
    refuse: (socket) => refused.push(numberOf(socket)),
    expire: (socket) => expired.push(numberOf(socket)),
    waitMs: 1000,
    now: () => clock.nowMs,
  });
  const add = (count: number) => {
    for (let i = 0; i < count; i += 1) {
      const socket = new Socket();
      sockets.push(socket);
      queue.add(socket);
    }
  };
  return { begun, refused, expired, clock, sockets, queue, add };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

test('handshakes: who comes alone does not wait', async () => {
  const { begun, add } = startQueue();
  add(1);
  assert.deepEqual(begun, [0]);
  await nextTurn();
  await nextTurn();
  add(maxBegunInTurn);
  assert.deepEqual(begun, upTo(maxBegunInTurn + 1));
});

test('handshakes: of many a few begin in each turn, in the order in which they came', async () => {
  const { begun, add } = startQueue();
  add(maxBegunInTurn * 2 + 1);
  assert.deepEqual(begun, upTo(maxBegunInTurn));
  await nextTurn();
  assert.deepEqual(begun, upTo(maxBegunInTurn * 2));
  // Whoever comes meanwhile stands behind those that wait.
  add(1);
  assert.deepEqual(begun, upTo(maxBegunInTurn * 2));
  await nextTurn();
  assert.deepEqual(begun, upTo(maxBegunInTurn * 2 + 2));
});

test('handshakes: who left while he waited is passed over', async () => {
  const { begun, sockets, add } = startQueue();
  add(maxBegunInTurn + 2);
  sockets[maxBegunInTurn]?.destroy();
  await nextTurn();
  assert.deepEqual(begun, [...upTo(maxBegunInTurn), maxBegunInTurn + 1]);
});

test('handshakes: too many are refused', () => {
  const { begun, refused, add } = startQueue();
  add(maxBegunInTurn + maxWaiting + 1);
  assert.deepEqual([begun.length, refused], [maxBegunInTurn, [maxBegunInTurn + maxWaiting]]);
});

test('handshakes: who waits when the port closes is closed', async () => {
  const { begun, sockets, queue, add } = startQueue();
  add(maxBegunInTurn + 1);
  queue.close();
  assert.equal(sockets.at(-1)?.destroyed, true);
  await nextTurn();
  assert.deepEqual(begun, upTo(maxBegunInTurn));
});

test('handshakes: who has waited for longer than the time-out does not begin any more', async () => {
  const { begun, expired, clock, sockets, add } = startQueue();
  add(maxBegunInTurn + 3);
  sockets[maxBegunInTurn]?.destroy();
  clock.nowMs = 1;
  add(1);
  clock.nowMs = 1001;
  await nextTurn();
  assert.deepEqual(
    [begun, expired],
    [
      [...upTo(maxBegunInTurn), maxBegunInTurn + 3],
      [maxBegunInTurn + 1, maxBegunInTurn + 2],
    ],
  );
});
