import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { authenticationStatus, type Call, endCall } from './call.ts';
import type { PodCaller } from './caller.ts';
import { decodeFromSidecar, encodeMessage, type FromSidecar } from './messages.ts';
import type { Offer } from './offer.ts';
import type { SidecarReport } from './report.ts';
import { encodeOffer } from './schema.ts';
import { openStream, type StreamEvent, type StreamState, stepStream } from './stream.ts';

export interface PodStreamOptions {
  readonly call: Call;
  readonly caller: PodCaller;
  authenticate(token: string): Promise<PodCaller>;
  offer(): Offer | undefined;
  onReport(report: SidecarReport): void;
  onClosed(): void;
  readonly log: Log;
  readonly clock: Clock;
  /** By the monotonic clock: the stream ends then, the sidecar dials again. */
  readonly endAtMs: number;
}

/** One authenticated sidecar: turns messages into events of the stream's state machine, and its actions into messages. */
export class PodStream {
  readonly #options: PodStreamOptions;
  readonly #log: Log;
  #state: StreamState;
  #caller: PodCaller;
  #renewing = false;
  #closed = false;

  constructor(options: PodStreamOptions) {
    this.#options = options;
    this.#caller = options.caller;
    this.#log = options.log.child({ pod: podKeyOf(options.caller), podUid: options.caller.uid });
    this.#state = openStream(options.clock.monotonicMs());
    const { call } = options;
    call.on('data', (bytes: Buffer) => this.#take(bytes));
    call.on('end', () => this.end('OK', ''));
    call.on('cancelled', () => this.#close());
    // Ours too: endCall gives the status by this event.
    call.on('error', () => this.#close());
  }

  get podUid(): string {
    return this.#caller.uid;
  }

  get podKey(): string {
    return podKeyOf(this.#caller);
  }

  /** The offer may have changed. */
  offerChanged(): void {
    this.#step({ kind: 'Offer', offer: this.#options.offer() });
  }

  /** Looks at what time has brought: expiry, age, an answer that does not come. */
  tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#options.clock.wallMs() >= this.#caller.expiresAtMs) {
      this.end('UNAUTHENTICATED', 'the token has expired; dial again with a newer one');
    } else if (nowMs >= this.#options.endAtMs) {
      this.end('UNAVAILABLE', 'the stream has reached its age; dial again');
    } else {
      this.#step({ kind: 'Tick' });
    }
  }

  end(code: Parameters<typeof endCall>[1], details: string): void {
    if (this.#closed) return;
    this.#close();
    if (code !== 'OK') this.#log.debug('stream ended', { code, details });
    endCall(this.#options.call, code, details);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { staleAnswers } = this.#state;
    if (staleAnswers > 0) this.#log.debug('answers to other snapshots were ignored', { staleAnswers });
    this.#options.onClosed();
  }

  #take(bytes: Buffer): void {
    if (this.#closed) return;
    const message = decodeFromSidecar(bytes);
    if (message.type === 'unreadable') {
      this.end('INVALID_ARGUMENT', `message cannot be read: ${message.message}`);
    } else if (message.type === 'token') {
      void this.#renew(message.token);
    } else if (message.type === 'hello' && message.podUid !== this.podUid) {
      this.end('PERMISSION_DENIED', `the token is of pod ${this.podUid}, the hello of pod ${message.podUid}`);
    } else {
      if (message.type === 'hello') this.#greet(message);
      this.#step({ kind: 'Message', message });
    }
  }

  #greet({ version, schemas }: Extract<FromSidecar, { type: 'hello' }>): void {
    this.#log.debug('sidecar connected', { version, schemas });
    this.#state = { ...this.#state, offer: this.#options.offer() };
  }

  async #renew(token: string): Promise<void> {
    if (this.#renewing) {
      this.end('RESOURCE_EXHAUSTED', 'a token came while another was looked at');
      return;
    }
    this.#renewing = true;
    try {
      const caller = await this.#options.authenticate(token);
      if (caller.uid !== this.podUid) {
        this.end('PERMISSION_DENIED', `the stream is of pod ${this.podUid}, the new token of another`);
      } else if (caller.expiresAtMs > this.#caller.expiresAtMs) {
        this.#caller = caller;
      }
    } catch (error) {
      const { code, details } = authenticationStatus(error);
      // The token in use is still good: when it expires, the sidecar dials again.
      if (code !== 'UNAVAILABLE') this.end(code, details);
      else
        this.#log.warn('a new token could not be checked', { error: error instanceof Error ? error : String(error) });
    } finally {
      this.#renewing = false;
    }
  }

  #step(event: StreamEvent): void {
    if (this.#closed) return;
    const { state, actions } = stepStream(this.#state, event, this.#options.clock.monotonicMs(), encodeOffer);
    this.#state = state;
    for (const action of actions) {
      switch (action.kind) {
        case 'Send':
          this.#options.call.write(encodeMessage(action.message()));
          break;
        case 'Report':
          this.#report(action.outcome);
          break;
        case 'End':
          this.end(action.code, action.details);
          break;
      }
    }
  }

  #report(outcome: Pick<SidecarReport, 'digest' | 'exposed' | 'message' | 'reason' | 'result' | 'schema'>): void {
    const { uid, namespace, name } = this.#caller;
    const { hello } = this.#state;
    if (outcome.result === 'Nack' || outcome.result === 'Outdated') {
      const { digest, reason, message } = outcome;
      this.#log.warn('sidecar cannot use its policy', { digest, result: outcome.result, reason, detail: message });
    }
    this.#options.onReport({
      podUid: uid,
      namespace,
      name,
      ...outcome,
      features: hello?.features ?? [],
      version: hello?.version ?? '',
      atMs: this.#options.clock.wallMs(),
    });
  }
}

function podKeyOf({ namespace, name }: PodCaller): string {
  return `${namespace}/${name}`;
}
