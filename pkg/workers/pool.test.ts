import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { policyOf, until } from '../../test/support/gate.ts';
import { policyDigest } from '../policy/digest.ts';
import { systemClock } from '../process/clock.ts';
import { silentLog } from '../process/log.ts';
import { createProxyMetrics } from '../proxy/metrics.ts';
import { WorkerPool } from './pool.ts';
import { Slot } from './slot.ts';

/* With test/support/scripted-worker.ts, whose second worker does by the port of a policy what it should not. */
const refuses = 1001;
const diesPreparing = 1002;
const diesPreparingOnce = 1003;
const diesCommittingOnce = 1004;
const hangs = 1005;
const commitsLate = 1006;
const diesPrepared = 1007;
const hangsPreparingOnce = 1008;
const hangsCommittingOnce = 1009;
const fine = 1010;
const preparesLate = 1020;

const entry = new URL('../../test/support/scripted-worker.ts', import.meta.url);
const version = (port: number) => policyDigest(policyOf(port, []));

async function startPool(t: TestContext) {
  const lines: string[] = [];
  const broken: string[] = [];
  const said: string[] = [];
  const log = { ...silentLog, info: (message: string) => said.push(message) };
  const pool = await WorkerPool.start({
    ...{ workers: 2, entry, version: 'test', logLevel: 'info', audit: 'off', listenAddress: '127.0.0.1' },
    ...{ handshakeMs: 1000, maxConnections: 0, log, clock: systemClock },
    metrics: createProxyMetrics('test'),
    checker: { check: () => ({ kind: 'responder-missing', detail: 'none' }) },
    writeLines: (more) => lines.push(...more.map((line) => line.trim())),
    onBroken: (why) => broken.push(why),
  });
  t.after(() => pool.end());
  const apply = (port: number) =>
    pool.apply(policyOf(port, [])).then(
      (inForce) => inForce.version === version(port),
      (error: unknown) => String(error),
    );
  /** What was done, without what is about another policy. */
  const done = (port: number) => lines.filter((line) => line.endsWith(` ${port}`)).toSorted();
  return { pool, lines, said, broken, apply, done };
}

test('a policy is committed nowhere before it is prepared everywhere, and is in force when all have it', async (t) => {
  const { pool, lines, apply } = await startPool(t);
  assert.deepEqual([await apply(fine), pool.inForce?.version], [true, version(fine)]);
  assert.deepEqual(
    [lines.slice(0, 2).toSorted(), lines.slice(2).toSorted()],
    [
      [`1.1 prepare ${fine}`, `2.1 prepare ${fine}`],
      [`1.1 commit ${fine}`, `2.1 commit ${fine}`],
    ],
  );
  assert.equal(await apply(fine), true);
  assert.equal(lines.length, 4);
});

test('nothing is ready, nor acknowledged, before the last worker has swapped', async (t) => {
  const { pool, apply, done } = await startPool(t);
  const applied = apply(commitsLate);
  await until('both commits', () => done(commitsLate).filter((line) => line.includes('commit')).length === 2);
  assert.deepEqual([pool.inForce, pool.notReady()], [undefined, ['no policy yet']]);
  // What the script waits for.
  pool.listsChanged();
  assert.deepEqual([await applied, pool.notReady()], [true, []]);
});

test('what one worker cannot compile is in force nowhere, and the one before stays', async (t) => {
  const { pool, apply, done } = await startPool(t);
  await apply(fine);
  assert.equal(await apply(refuses), 'Error: it cannot be served');
  assert.equal(pool.inForce?.version, version(fine));
  // The one that could is told to forget it.
  assert.deepEqual(done(refuses), [`1.1 abandon ${refuses}`, `1.1 prepare ${refuses}`, `2.1 prepare ${refuses}`]);
  assert.deepEqual(pool.notReady(), []);
  assert.equal(await apply(fine + 1), true);
});

test('a worker that dies over a policy dies over it once more, and then it is refused', async (t) => {
  const { pool, apply, done } = await startPool(t);
  await apply(fine);
  assert.match(String(await apply(diesPreparing)), /worker 2 has ended/);
  assert.equal(pool.inForce?.version, version(fine));
  await until('the replacement', () => done(fine).includes(`2.3 commit ${fine}`));
});

test('a worker that dies for another reason while it compiles costs nobody the policy', async (t) => {
  const { apply, done } = await startPool(t);
  await apply(fine);
  assert.equal(await apply(diesPreparingOnce), true);
  assert.deepEqual(
    done(diesPreparingOnce).filter((line) => line.includes('commit')),
    [`1.1 commit ${diesPreparingOnce}`, `2.2 commit ${diesPreparingOnce}`],
  );
});

test('a policy is in force only when the worker that took the place of a dead one has it too', async (t) => {
  const { pool, apply, done } = await startPool(t);
  await apply(fine);
  assert.equal(await apply(diesCommittingOnce), true);
  assert.ok(done(diesCommittingOnce).includes(`2.2 commit ${diesCommittingOnce}`));
  assert.ok(!done(fine).includes(`2.2 prepare ${fine}`));
  assert.equal(pool.inForce?.version, version(diesCommittingOnce));
});

test('a worker that dies when it is prepared, before all are, is replaced by one that swaps with the others', async (t) => {
  const { pool, said, apply, done } = await startPool(t);
  await apply(fine);
  const applied = apply(diesPrepared);
  // The new one begins with what is in force, and serves before the first worker has compiled.
  await until('the replacement', () => said.includes('a worker has taken its place'));
  assert.ok(done(fine).includes(`2.2 commit ${fine}`));
  pool.listsChanged();
  assert.equal(await applied, true);
  assert.ok(done(diesPrepared).includes(`2.2 commit ${diesPrepared}`));
});

test('series of the dead are not lost, and the living are asked', async (t) => {
  const { pool, apply } = await startPool(t);
  const commits = async () => Number(/^commits_total (\d+)$/m.exec(await pool.metricsText())?.[1]);
  await apply(fine);
  assert.equal(await commits(), 1 + 1);
  await apply(diesPreparingOnce);
  // Of the first worker 1, of the second's first thread 1, of its second thread 2.
  assert.equal(await commits(), 1 + 1 + 2);
});

test('four that die within a minute are too many: whoever waits is told, and the owner is', async (t) => {
  const { broken, apply } = await startPool(t);
  await apply(fine);
  await apply(diesPreparing);
  assert.match(String(await apply(diesPreparing)), /ended/);
  assert.deepEqual(broken, ['4 workers have ended within a minute']);
  assert.match(String(await apply(fine + 1)), /4 workers have ended within a minute/);
});

test('what is said to all reaches all', async (t) => {
  const { pool, lines } = await startPool(t);
  pool.listsChanged();
  pool.retire();
  await pool.stop(AbortSignal.abort());
  assert.deepEqual(lines.toSorted(), [
    ...['1 cut', '1 lists-changed', '1.1 retire 0', '1.1 stop 0'],
    ...['2 cut', '2 lists-changed', '2.1 retire 0', '2.1 stop 0'],
  ]);
  assert.deepEqual(pool.notReady(), ['shutting down', 'no policy yet']);
});

test('a worker that hangs does not hold up a stop whose time is over', async (t) => {
  const { pool, apply, done } = await startPool(t);
  const applied = apply(hangs);
  await until('the hanging', () => done(hangs).includes(`2.1 prepare ${hangs}`));
  await pool.stop(AbortSignal.abort());
  assert.equal(pool.connectionCount(), 0);
  void applied;
});

for (const { name, port, phase } of [
  { name: 'compiles', port: hangsPreparingOnce, phase: 'prepare' },
  { name: 'swaps', port: hangsCommittingOnce, phase: 'commit' },
]) {
  test(`a worker that hangs while it ${name} a policy is replaced after five seconds, and all have the policy`, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { pool, said, apply, done } = await startPool(t);
    await apply(fine);
    const applied = apply(port);
    await until('the other', () => done(port).includes(`1.1 has answered ${phase}, ${port}`));
    await until('the hanging', () => done(port).includes(`2.1 ${phase} ${port}`));
    t.mock.timers.tick(5000);
    assert.deepEqual([pool.inForce?.version, pool.notReady()], [version(fine), []]);
    t.mock.timers.tick(1000);
    assert.equal(await applied, true);
    await until('the replacement', () => said.includes('a worker has taken its place'));
    assert.deepEqual(
      done(port).filter((line) => line.includes(' commit ') && !line.startsWith('2.1')),
      [`1.1 commit ${port}`, `2.2 commit ${port}`],
    );
  });
}

test('a policy that takes all workers long is waited for', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { pool, apply, said, done } = await startPool(t);
  await apply(fine);
  const applied = apply(preparesLate);
  await until('both', () => done(preparesLate).length === 2);
  t.mock.timers.tick(20_000);
  pool.listsChanged();
  assert.equal(await applied, true);
  assert.deepEqual(
    said.filter((line) => line.includes('worker')),
    [],
  );
});

test('a policy over which a worker hangs twice is refused, and the one before stays', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { pool, apply, done } = await startPool(t);
  await apply(fine);
  const applied = apply(hangs);
  const count = (begin: string) => done(hangs).filter((line) => line.startsWith(begin)).length;
  await until('the hanging', () => count('1.1 has answered prepare') === 1 && count('2.1 prepare') === 1);
  t.mock.timers.tick(6000);
  await until('the replacement hanging', () => count('1.1 has answered prepare') === 2 && count('2.2 prepare') === 1);
  t.mock.timers.tick(6000);
  assert.match(String(await applied), /worker 2 has ended/);
  assert.equal(pool.inForce?.version, version(fine));
});

test('a worker whose event loop stands still for thirty ticks is ended', async () => {
  const buffer = () => new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  const ended = Promise.withResolvers<string>();
  const slot = new Slot({
    ...{ entry, log: silentLog, placesOf: () => new Map(), onAsk: () => undefined, onLog: () => undefined },
    setup: {
      ...{ worker: 2, version: 'test', logLevel: 'info', audit: 'off', listenAddress: undefined, handshakeMs: 1000 },
      ...{ maxConnections: 0, places: buffer(), beats: buffer() },
    },
    onEnd: (why) => ended.resolve(why),
  });
  await slot.start(undefined);
  // The first look sees the beat of its start.
  for (let tick = 0; tick <= 30; tick += 1) slot.watch(false);
  assert.equal(await ended.promise, 'its event loop has not turned for 30 seconds');
});
