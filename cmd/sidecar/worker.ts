import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../pkg/process/clock.ts';
import type { WorkerSetup } from '../../pkg/workers/messages.ts';
import { runWorker } from '../../pkg/workers/run-worker.ts';
import { settle } from './settle.ts';

/* A worker of the sidecar: started by cmd/sidecar/main.ts as a thread, never by itself. */

if (parentPort === null) throw new Error('a worker is a thread of the sidecar: start sidecar.js with --workers');
const setup: WorkerSetup = workerData;
runWorker(parentPort, setup, { clock: systemClock, random: Math.random, settle });
