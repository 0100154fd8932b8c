import { Counter, Gauge, type Registry } from 'prom-client';

/** Series of a process that serves on several threads. */
export interface WorkerMetrics {
  readonly restarts: Counter;
}

/** `connections` reads those of one worker, which count from 1. */
export function registerWorkerMetrics(
  registry: Registry,
  workers: number,
  connections: (worker: number) => number,
): WorkerMetrics {
  const registers = [registry];
  new Gauge({
    name: 'lychgate_worker_connections',
    help: 'Open client connections by worker.',
    labelNames: ['worker'],
    registers,
    collect() {
      for (let worker = 1; worker <= workers; worker += 1) this.set({ worker }, connections(worker));
    },
  });
  return {
    restarts: new Counter({
      name: 'lychgate_worker_restarts_total',
      help: 'Workers that have ended before the process; the connections that they had are lost.',
      registers,
    }),
  };
}
