import { status } from '@grpc/grpc-js';
import type { PodPolicy } from '../policy/policy.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { pause, systemTimers } from '../process/timers.ts';
import { acceptSnapshot, type InForce, withVersions } from './accept.ts';
import { type BackoffLimits, backoffMs } from './backoff.ts';
import { type Dialled, dial } from './dial.ts';
import { features } from './features.ts';
import { readLastGood, writeLastGood } from './last-good.ts';
import {
  decodeFromOperator,
  encodeMessage,
  type FromSidecar,
  type NackReason,
  type SnapshotMessage,
  shorten,
} from './messages.ts';
import { schemas } from './schema.ts';
import { followMethod } from './service.ts';

export interface SubscriberOptions {
  /** `host:port` of the operator; its certificate must be for that host. */
  readonly address: string;
  /** PEM bundle that the operator's certificate must lead to; read before every dial. */
  ca(): Promise<string>;
  /** This pod's token; read before every dial and once a minute. */
  token(): Promise<string>;
  readonly identity: SidecarIdentity;
  /** Puts a policy in force and gives back what then is: with the profiles that were kept for a hold. @throws: NACK, the one before serves on. */
  apply(policy: PodPolicy): Promise<PodPolicy>;
  /** Profiles whose application answers beside the gate; looked at every few seconds. */
  exposed(): readonly string[];
  /** A directory in memory of this container alone, for the last good policy. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  onState?(state: SubscriberState): void;
  /** Other times than the usual ones: for tests. */
  readonly timing?: Partial<SubscriberTiming>;
}

export interface SubscriberTiming {
  /** Between two dials; 1 to 30 s. */
  readonly backoff: BackoffLimits;
  /** From dial to the operator's word that the token is good. */
  readonly connectMs: number;
  /** How often exposure and the token are looked at. */
  readonly housekeepingMs: number;
}

export interface SidecarIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of this build. */
  readonly version: string;
}

/** For readiness and metrics. All times are Unix milliseconds. */
export interface SubscriberState {
  readonly connected: boolean;
  /** Of the offer in force, as it was sent. */
  readonly digest: string | undefined;
  /** When the offer in force came from the operator; of a last good policy, when it was written. */
  readonly inForceSinceMs: number | undefined;
  /** Whether what is in force comes from the disk and no operator has confirmed it since. */
  readonly fromLastGood: boolean;
  readonly lastSnapshotAtMs: number | undefined;
  readonly lastNack: { readonly reason: string; readonly message: string; readonly atMs: number } | undefined;
  /** Why there is no stream now. */
  readonly fault: string | undefined;
}

export interface Subscriber {
  readonly state: SubscriberState;
  close(): Promise<void>;
}

/**
 * Starts from the last good policy, then dials the operator and follows it until closed. Resolves when the last good
 * policy is in force, or is known not to be. Never rejects.
 */
export async function startSubscriber(options: SubscriberOptions): Promise<Subscriber> {
  const following = new Following(options);
  await following.restore();
  const done = following.run();
  return {
    get state() {
      return following.state;
    },
    async close() {
      following.close();
      await done;
    },
  };
}

/** What is in force, and the stream that changes it. */
class Following {
  readonly #options: SubscriberOptions;
  readonly #timing: SubscriberTiming;
  readonly #closing = new AbortController();
  #inForce: InForce | undefined;
  /** What `apply` made of it, for the disk. */
  #policy: PodPolicy | undefined;
  #failures = 0;
  state: SubscriberState = {
    connected: false,
    digest: undefined,
    inForceSinceMs: undefined,
    fromLastGood: false,
    lastSnapshotAtMs: undefined,
    lastNack: undefined,
    fault: undefined,
  };

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#timing = { ...usualTiming, ...options.timing };
  }

  close(): void {
    this.#closing.abort();
  }

  async restore(): Promise<void> {
    const { stateDir, identity, log, clock } = this.#options;
    try {
      const lastGood = await readLastGood(stateDir, identity.uid);
      if (lastGood === undefined) return;
      this.#policy = await this.#options.apply(lastGood.policy);
      this.#inForce = lastGood.inForce;
      const { digest } = lastGood.inForce;
      this.#update({ digest, inForceSinceMs: lastGood.atMs, fromLastGood: true });
      const ageSeconds = Math.round((clock.wallMs() - lastGood.atMs) / 1000);
      log.info('last good policy in force', { digest, ageSeconds });
    } catch (error) {
      log.warn('last good policy not used', { stateDir, reason: textOf(error) });
    }
  }

  async run(): Promise<void> {
    const { log, random } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const fault = await this.#follow();
      if (signal.aborted) break;
      this.#update({ connected: false, fault });
      const waitMs = Math.round(backoffMs(this.#failures, random, this.#timing.backoff));
      this.#failures += 1;
      log.info('no stream to the operator: what is in force serves on', { fault, dialledAgainInMs: waitMs });
      await pause(systemTimers, waitMs, signal);
    }
    this.#update({ connected: false, fault: 'closed' });
  }

  /** One stream, from dial to end. Gives back why it ended. */
  async #follow(): Promise<string> {
    const { address } = this.#options;
    try {
      const [caPem, token] = await Promise.all([this.#options.ca(), this.#options.token()]);
      if (this.#closing.signal.aborted) return 'closed';
      const dialled = dial(followMethod, { address, caPem, token });
      const ended = this.#listen(dialled, token);
      this.#say(dialled, this.#hello());
      return await ended;
    } catch (error) {
      return textOf(error);
    }
  }

  #hello(): FromSidecar {
    const { identity } = this.#options;
    const inForce = this.#inForce;
    return {
      type: 'hello',
      podUid: identity.uid,
      schemas: schemas.map(({ version }) => version),
      features: features.map(({ name }) => name),
      version: identity.version,
      ...(inForce === undefined ? {} : { inForce: { digest: inForce.digest, inputs: inForce.inputs } }),
      exposed: this.#options.exposed().slice(0, maxExposed),
    };
  }

  /** Resolves when the stream has ended and nothing that came on it is in work any more. */
  #listen(dialled: Dialled, token: string): Promise<string> {
    const { stream } = dialled;
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    let fault: string | undefined;
    let working: Promise<void> = Promise.resolve();
    const end = (why: string) => {
      fault ??= why;
      dialled.close();
    };
    const onClose = () => end('closed');
    this.#closing.signal.addEventListener('abort', onClose);
    const connecting = setTimeout(
      () => end(`no answer from ${this.#options.address} in ${this.#timing.connectMs} ms`),
      this.#timing.connectMs,
    );
    const housekeeping = this.#keepHouse(dialled, token);
    stream.on('metadata', () => {
      clearTimeout(connecting);
      this.#options.log.info('connected to the operator', { address: this.#options.address });
      this.#update({ connected: true, fault: undefined });
    });
    stream.on('data', (bytes: Buffer) => {
      // The next one is not read before this one is in force or refused.
      stream.pause();
      working = this.#take(dialled, bytes)
        .catch((error: unknown) => end(textOf(error)))
        .finally(() => stream.resume());
    });
    // It comes again as the status.
    stream.on('error', () => undefined);
    return new Promise((resolve) => {
      stream.on('status', (status) => {
        clearTimeout(connecting);
        clearInterval(housekeeping);
        this.#closing.signal.removeEventListener('abort', onClose);
        dialled.close();
        // A stream that lasted ended for a reason of its own, such as its age.
        if (clock.monotonicMs() - startedMs >= lastedMs) this.#failures = 0;
        const why = fault ?? `${codes[status.code] ?? status.code}: ${status.details}`;
        void working.then(() => resolve(why));
      });
    });
  }

  /** Reports exposure that changed, and passes on a newer token before the one in use expires. */
  #keepHouse(dialled: Dialled, token: string): NodeJS.Timeout {
    let tokenSent = token;
    let exposedSent = JSON.stringify(this.#options.exposed());
    return setInterval(() => {
      const exposed = this.#options.exposed();
      const text = JSON.stringify(exposed);
      if (text !== exposedSent) {
        exposedSent = text;
        this.#say(dialled, { type: 'exposure', exposed: exposed.slice(0, maxExposed) });
      }
      this.#options.token().then(
        (now) => {
          if (now === tokenSent || now.trim() === '') return;
          tokenSent = now;
          this.#say(dialled, { type: 'token', token: now.trim() });
        },
        (error: unknown) => this.#options.log.warn('token cannot be read', { error: textOf(error) }),
      );
    }, this.#timing.housekeepingMs);
  }

  async #take(dialled: Dialled, bytes: Buffer): Promise<void> {
    const message = decodeFromOperator(bytes);
    if (message.type === 'unreadable') {
      const { nonce, digest } = message;
      if (nonce === undefined) throw new Error(`message of the operator cannot be read: ${message.message}`);
      this.#refuse(dialled, { nonce, digest }, 'Malformed', message.message);
    } else if (message.type === 'current') {
      if (this.#inForce?.digest !== message.digest) return;
      await this.#confirm(withVersions(this.#inForce, message.inputs, this.#options.clock.wallMs()));
    } else {
      await this.#takeSnapshot(dialled, message);
    }
  }

  async #takeSnapshot(dialled: Dialled, message: SnapshotMessage): Promise<void> {
    const { clock, log } = this.#options;
    const { nonce, digest } = message;
    const acceptance = acceptSnapshot(message, this.#inForce, clock.wallMs());
    if (acceptance.kind === 'Refused') {
      this.#refuse(dialled, message, acceptance.reason, acceptance.message);
      return;
    }
    if (acceptance.kind === 'Accepted') {
      try {
        this.#policy = await this.#options.apply(acceptance.policy);
      } catch (error) {
        this.#refuse(dialled, message, 'PolicyUnusable', textOf(error));
        return;
      }
      log.info('policy in force', { digest });
      this.#update({ digest, inForceSinceMs: clock.wallMs() });
    }
    await this.#confirm(acceptance.next);
    this.#say(dialled, { type: 'ack', nonce, digest });
  }

  /** The operator stands behind what is in force. */
  async #confirm(next: InForce): Promise<void> {
    const { stateDir, identity, clock, log } = this.#options;
    const atMs = clock.wallMs();
    this.#inForce = next;
    this.#update({ fromLastGood: false, lastSnapshotAtMs: atMs, lastNack: undefined });
    if (this.#policy === undefined) return;
    try {
      await writeLastGood(stateDir, { podUid: identity.uid, inForce: next, policy: this.#policy, atMs });
    } catch (error) {
      log.warn('last good policy not written: a restart would begin without it', { stateDir, error: textOf(error) });
    }
  }

  #refuse(
    dialled: Dialled,
    { nonce, digest }: Pick<SnapshotMessage, 'digest' | 'nonce'>,
    reason: NackReason,
    text: string,
  ): void {
    const message = shorten(text);
    this.#options.log.error('policy refused: what is in force serves on', { digest, reason, detail: message });
    this.#update({ lastNack: { reason, message, atMs: this.#options.clock.wallMs() } });
    this.#say(dialled, { type: 'nack', nonce, digest, reason, message });
  }

  #say({ stream }: Dialled, message: FromSidecar): void {
    if (stream.writable) stream.write(encodeMessage(message));
  }

  #update(change: Partial<SubscriberState>): void {
    this.state = { ...this.state, ...change };
    this.#options.onState?.(this.state);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const codes: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(status).map(([name, code]) => [code, name]),
);
const usualTiming: SubscriberTiming = {
  backoff: { minMs: 1_000, maxMs: 30_000 },
  connectMs: 20_000,
  housekeepingMs: 5_000,
};
/** A stream of that length is not counted as a failure. */
const lastedMs = 10_000;
const maxExposed = 256;
