import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { pause, systemTimers } from '../process/timers.ts';
import { type BackoffLimits, backoffMs } from './backoff.ts';
import { type Dialled, dial } from './dial.ts';
import { encodeFromReplica, type FromReplica } from './replica-messages.ts';
import type { SidecarReport } from './report.ts';
import { reportMethod } from './service.ts';

export interface ReplicaReporterOptions {
  /** `host:port` of the lease holder. */
  readonly address: string;
  /** The operator's CA bundle as it is now; read before every dial. */
  caPem(): string;
  /** What the lease holder's certificate is for, since it is dialled by its address. */
  readonly serverName: string;
  /** This replica's token of the replicas' own audience; read before every dial. */
  token(): Promise<string>;
  /** What this replica is called, the same over reconnects: its pod's name. */
  readonly identity: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** Between two dials; 1 to 30 s unless given. */
  readonly backoff?: BackoffLimits;
}

export interface ReplicaReporter {
  /** Remembers the newest report per pod and passes it on; after a reconnect everything is passed on again. */
  send(reports: readonly SidecarReport[]): void;
  /** Pods that are gone: not passed on again. */
  forget(podUids: Iterable<string>): void;
  close(): void;
}

/** Keeps a stream to the lease holder and reports what this replica's sidecars say. Never throws. */
export function startReplicaReporter(options: ReplicaReporterOptions): ReplicaReporter {
  const reporting = new Reporting(options);
  void reporting.run();
  return {
    send: (reports) => reporting.send(reports),
    forget: (podUids) => reporting.forget(podUids),
    close: () => reporting.close(),
  };
}

class Reporting {
  readonly #options: ReplicaReporterOptions;
  readonly #newest = new Map<string, SidecarReport>();
  readonly #closing = new AbortController();
  #open: Dialled | undefined;
  #failures = 0;

  constructor(options: ReplicaReporterOptions) {
    this.#options = options;
  }

  send(reports: readonly SidecarReport[]): void {
    for (const report of reports) this.#newest.set(report.podUid, report);
    if (this.#open !== undefined) this.#pass(this.#open, reports);
  }

  forget(podUids: Iterable<string>): void {
    for (const uid of podUids) this.#newest.delete(uid);
  }

  close(): void {
    this.#closing.abort();
  }

  async run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const fault = await this.#report();
      if (signal.aborted) return;
      const waitMs = Math.round(backoffMs(this.#failures, this.#options.random, this.#options.backoff));
      this.#failures += 1;
      this.#options.log.info('no stream to the lease holder', { fault, dialledAgainInMs: waitMs });
      await pause(systemTimers, waitMs, signal);
    }
  }

  async #report(): Promise<string> {
    const { address, serverName, identity } = this.#options;
    try {
      const token = await this.#options.token();
      if (this.#closing.signal.aborted) return 'closed';
      const dialled = dial(reportMethod, { address, serverName, caPem: this.#options.caPem(), token });
      const ended = this.#listen(dialled);
      say(dialled, { type: 'replica', from: identity });
      return await ended;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #listen(dialled: Dialled): Promise<string> {
    const { stream } = dialled;
    const { signal } = this.#closing;
    const onClose = () => dialled.close();
    signal.addEventListener('abort', onClose);
    const connecting = setTimeout(onClose, connectMs);
    const heartbeat = setInterval(() => say(dialled, { type: 'heartbeat' }), heartbeatMs);
    stream.on('metadata', () => {
      clearTimeout(connecting);
      this.#failures = 0;
      this.#open = dialled;
      // The lease holder may be new, or have missed some: everything once, then what changes.
      this.#pass(dialled, [...this.#newest.values()]);
    });
    stream.on('data', () => undefined);
    stream.on('error', () => undefined);
    return new Promise((resolve) => {
      stream.on('status', ({ code, details }) => {
        clearTimeout(connecting);
        clearInterval(heartbeat);
        signal.removeEventListener('abort', onClose);
        this.#open = undefined;
        dialled.close();
        resolve(`status ${code}: ${details}`);
      });
    });
  }

  #pass(dialled: Dialled, reports: readonly SidecarReport[]): void {
    // A reader that stalls gets everything again on its next stream, so what waits here is bounded.
    if (dialled.stream.writableLength > maxWaiting) {
      dialled.close();
      return;
    }
    for (let start = 0; start < reports.length; start += perMessage) {
      say(dialled, { type: 'reports', reports: reports.slice(start, start + perMessage) });
    }
  }
}

function say({ stream }: Dialled, message: FromReplica): void {
  if (stream.writable) stream.write(encodeFromReplica(message));
}

/** With the longest texts that a sidecar may send this is 7 MB. */
const perMessage = 50;
/** Messages that are not sent yet. */
const maxWaiting = 1_000;
const heartbeatMs = 3_000;
const connectMs = 20_000;
