import { Worker } from 'node:worker_threads';
import type { MetricFamily } from './merge-metrics.ts';
import type { Ask, Command, FromWorker, ToWorker, WorkerSetup } from './messages.ts';

export interface ThreadOptions {
  /** The worker's program. */
  readonly entry: URL;
  readonly setup: WorkerSetup;
  readonly onAsk: (question: Ask) => void;
  readonly onLog: (lines: readonly string[]) => void;
  /** It has ended, whatever the reason; called once, last. */
  readonly onEnd: (why: string) => void;
}

/** A worker has ended before it did what it was asked to. */
export class WorkerEnded extends Error {
  readonly code = 'WORKER_ENDED';
}

/** A worker could not do what it was asked to. */
export class WorkerRefused extends Error {
  readonly code = 'WORKER_REFUSED';
}

interface Waiting {
  readonly resolve: (families: readonly MetricFamily[]) => void;
  readonly reject: (error: Error) => void;
}

/** One worker's thread, from the owner's side. */
export class Thread {
  /** Resolves when it takes commands. Rejects with WorkerEnded. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #fault: string | undefined;
  #ended = false;
  #sequence = 0;

  constructor({ entry, setup, onAsk, onLog, onEnd }: ThreadOptions) {
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    // Whoever waits for it hears of it; nobody has to.
    this.ready.catch(() => undefined);
    this.#worker = new Worker(entry, { workerData: setup, name: `worker ${setup.worker}` });
    this.#worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'ready':
          ready.resolve();
          return;
        case 'ask':
          onAsk(message);
          return;
        case 'log':
          onLog(message.lines);
          return;
        case 'done':
          this.#take(message.id)?.resolve(message.families);
          return;
        case 'failed':
          this.#take(message.id)?.reject(new WorkerRefused(message.message));
      }
    });
    this.#worker.on('error', (error: unknown) => {
      this.#fault ??= error instanceof Error ? (error.stack ?? error.message) : String(error);
    });
    this.#worker.on('exit', (code) => {
      this.#ended = true;
      const why = this.#fault ?? `exit ${code}`;
      ready.reject(new WorkerEnded(`worker ${setup.worker} has ended: ${why}`));
      for (const { reject } of this.#waiting.values()) reject(new WorkerEnded(`worker ${setup.worker} has ended`));
      this.#waiting.clear();
      onEnd(why);
    });
  }

  /** @throws WorkerRefused, WorkerEnded. */
  call(command: Command): Promise<readonly MetricFamily[]> {
    if (this.#ended) return Promise.reject(new WorkerEnded('the worker has ended'));
    this.#sequence += 1;
    const id = this.#sequence;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.tell({ kind: 'command', id, command });
    });
  }

  tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Ends it whatever it does, be it in a loop that never ends. */
  async end(why: string): Promise<void> {
    this.#fault ??= why;
    await this.#worker.terminate();
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
