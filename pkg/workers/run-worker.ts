import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../process/clock.ts';
import { createLog } from '../process/log.ts';
import { registerLoopDelay } from '../process/process-metrics.ts';
import { Gate, type Prepared } from '../proxy/gate.ts';
import { createProxyMetrics, recordOcspHit } from '../proxy/metrics.ts';
import { familiesOf, type MetricFamily } from './merge-metrics.ts';
import type { Command, FromWorker, ToWorker, WorkerSetup } from './messages.ts';
import { profileIds, SharedPlaces } from './places.ts';
import { RemoteChecker } from './remote-checker.ts';

export interface WorkerDeps {
  readonly clock: Clock;
  /** 0 up to 1. */
  readonly random: () => number;
  /** Called when the first policy is in force: what starting up needed may go. */
  readonly settle: () => void;
}

/**
 * Serves on this thread what the owner says: a whole data plane but for what there is one of in a pod (the policy's
 * source, answers about revocation, the log's output, admin pages). It lives as long as the thread.
 */
export function runWorker(port: MessagePort, setup: WorkerSetup, { clock, random, settle }: WorkerDeps): void {
  const send = (message: FromWorker) => port.postMessage(message);
  const lines = new LineBatch((batch) => send({ kind: 'log', lines: batch }));
  // The last words of a worker that dies must not die with it.
  process.on('uncaughtExceptionMonitor', () => lines.flush());
  const log = createLog({ level: setup.logLevel, clock, write: (line) => lines.add(line) }).child({
    worker: setup.worker,
  });
  const metrics = createProxyMetrics(setup.version);
  registerLoopDelay(metrics.registry);
  const places = new SharedPlaces(setup.worker, setup.places);
  const checker = new RemoteChecker({
    now: () => clock.wallMs(),
    monotonicNow: () => clock.monotonicMs(),
    random,
    ask: send,
    onHit: (status, { kind }) => {
      if (kind !== 'crl') recordOcspHit(metrics, status);
    },
    onRevoked: (sha256) => gate.doubt(sha256),
  });
  const gate: Gate = new Gate({
    ...{ log, clock, metrics, ocsp: checker, audit: setup.audit, listenAddress: setup.listenAddress },
    ...{ handshakeMs: setup.handshakeMs, maxConnections: setup.maxConnections, shared: { places } },
  });
  const beats = new Int32Array(setup.beats);
  setInterval(() => Atomics.add(beats, setup.worker - 1, 1), beatMs);
  const cut = new AbortController();
  let prepared: Prepared | undefined;
  let settled = false;

  async function perform(command: Command): Promise<readonly MetricFamily[]> {
    switch (command.kind) {
      case 'prepare':
        places.know(command.places);
        prepared = await gate.prepare(command.policy);
        return [];
      case 'commit':
        if (prepared === undefined) throw new Error('nothing is prepared');
        prepared.commit();
        places.keep(profileIds(prepared.snapshot.policy));
        prepared = undefined;
        if (!settled) settle();
        settled = true;
        return [];
      case 'abandon':
        prepared?.abandon();
        prepared = undefined;
        return [];
      case 'retire':
        gate.retire();
        return [];
      case 'stop':
        await gate.stop(cut.signal);
        return [];
      case 'metrics':
        return familiesOf(metrics.registry);
    }
  }

  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'answer':
        checker.learn(message);
        return;
      case 'lists-changed':
        checker.forgetLists();
        return;
      case 'cut':
        cut.abort();
        return;
      case 'command': {
        const { id } = message;
        void perform(message.command).then(
          (families) => send({ kind: 'done', id, families }),
          (error: unknown) =>
            send({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) }),
        );
      }
    }
  });
  send({ kind: 'ready' });
}

/** Lines of one turn of the event loop go in one message. */
class LineBatch {
  readonly #send: (lines: readonly string[]) => void;
  #lines: string[] = [];

  constructor(send: (lines: readonly string[]) => void) {
    this.#send = send;
  }

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    this.#send(lines);
  }
}

const beatMs = 500;
