import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerSetup } from '../../pkg/workers/messages.ts';

/*
 * A worker that serves nobody: it logs what it is asked to do, and does what the first port of a policy says. The owner of
 * workers is tested with it: pkg/workers/pool.test.ts.
 */

const setup: WorkerSetup = workerData;
const send = (message: FromWorker) => parentPort?.postMessage(message);
// Counts the threads that have been in this place.
const generation = Atomics.add(new Int32Array(setup.beats), setup.worker - 1, 1) + 1;
const isBad = setup.worker === 2;
let port = 0;
let late: (() => void) | undefined;

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind !== 'command') {
    send({ kind: 'log', lines: [`${setup.worker} ${message.kind}\n`] });
    late?.();
    return;
  }
  const { id, command } = message;
  if (command.kind === 'prepare') port = command.policy.listeners[0]?.port ?? 0;
  if (command.kind !== 'metrics')
    send({ kind: 'log', lines: [`${setup.worker}.${generation} ${command.kind} ${port}\n`] });
  if (isBad && command.kind === 'prepare') {
    if (port === 1001) {
      send({ kind: 'failed', id, message: 'it cannot be served' });
      return;
    }
    if (port === 1002 || (port === 1003 && generation === 1)) throw new Error('broken by a test');
    while (port === 1005 || (port === 1008 && generation === 1));
  }
  if (isBad && command.kind === 'commit' && port === 1004 && generation === 1) throw new Error('broken by a test');
  while (isBad && command.kind === 'commit' && port === 1009 && generation === 1);
  const families = [
    {
      ...{ name: 'commits_total', help: 'Commits.', type: 'counter', aggregator: 'sum' as const },
      values: [{ labels: {}, value: generation }],
    },
  ];
  const done = () => send({ kind: 'done', id, families: command.kind === 'metrics' ? families : [] });
  const isLate =
    command.kind === 'prepare'
      ? port === 1020 || (!isBad && port === 1007)
      : isBad && command.kind === 'commit' && port === 1006;
  if (isLate) late = done;
  else done();
  // Whoever reads this knows that the owner has the answer.
  if (!isBad && (port === 1005 || port === 1008 || port === 1009))
    send({ kind: 'log', lines: [`${setup.worker}.${generation} has answered ${command.kind}, ${port}\n`] });
  if (isBad && command.kind === 'prepare' && port === 1007 && generation === 1) {
    setImmediate(() => {
      throw new Error('broken by a test');
    });
  }
});
send({ kind: 'ready' });
