import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { type Call, endCall } from './call.ts';
import { decodeFromReplica } from './replica-messages.ts';
import type { SidecarReport } from './report.ts';

export interface ReplicaStreamOptions {
  readonly call: Call;
  onReports(reports: readonly SidecarReport[], from: string): void;
  /** Called once; `from` is undefined where the replica never said its name. */
  onClosed(from: string | undefined): void;
  readonly log: Log;
  readonly clock: Clock;
  readonly endAtMs: number;
}

/** The lease holder's end of another replica's stream. */
export class ReplicaStream {
  readonly #options: ReplicaStreamOptions;
  #from: string | undefined;
  #heardMs: number;
  #closed = false;

  constructor(options: ReplicaStreamOptions) {
    this.#options = options;
    this.#heardMs = options.clock.monotonicMs();
    const { call } = options;
    call.on('data', (bytes: Buffer) => this.#take(bytes));
    call.on('end', () => this.end('OK', ''));
    call.on('cancelled', () => this.#close());
    call.on('error', () => this.#close());
  }

  /** Ends a stream that is silent or old. */
  tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#heardMs >= silenceMs) this.end('DEADLINE_EXCEEDED', `nothing heard in ${silenceMs / 1000} s`);
    else if (nowMs >= this.#options.endAtMs) this.end('UNAVAILABLE', 'the stream has reached its age; dial again');
  }

  end(code: Parameters<typeof endCall>[1], details: string): void {
    if (this.#closed) return;
    this.#close();
    endCall(this.#options.call, code, details);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClosed(this.#from);
  }

  #take(bytes: Buffer): void {
    if (this.#closed) return;
    this.#heardMs = this.#options.clock.monotonicMs();
    const message = decodeFromReplica(bytes);
    if (typeof message === 'string') {
      this.end('INVALID_ARGUMENT', `message cannot be read: ${message}`);
    } else if (message.type === 'replica' && this.#from === undefined) {
      this.#from = message.from;
      this.#options.log.info('replica connected', { replica: message.from });
    } else if (message.type === 'replica' || this.#from === undefined) {
      this.end('INVALID_ARGUMENT', 'a stream begins with the name of its replica, said once');
    } else if (message.type === 'reports') {
      this.#options.onReports(message.reports, this.#from);
    }
  }
}

/** Three heartbeats. */
const silenceMs = 10_000;
