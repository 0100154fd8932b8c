import { randomBytes } from 'node:crypto';
import type { RevocationChecker } from '../crl/revocation.ts';
import type { PodPolicy } from '../policy/policy.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { Connection } from './connection.ts';
import type { AuditLevel, Deps } from './deps.ts';
import { ExposureWatch } from './exposure.ts';
import { mergeHolds } from './hold.ts';
import { type Host, type OpenListener, openListener } from './listener.ts';
import type { ProxyMetrics } from './metrics.ts';
import { compileSnapshot, PolicyUnusable, type Snapshot } from './snapshot.ts';

export interface GateOptions extends Deps {
  /** Undefined listens on every address, both families. */
  readonly listenAddress: string | undefined;
  /** From TCP accept to the end of the handshake, milliseconds. */
  readonly handshakeMs: number;
  /** Client connections at once, over all ports. 0: no limit. */
  readonly maxConnections: number;
}

/** What is said of a gate without a policy, and of a policy without a profile; undefined where that is no reason. */
export interface Absence {
  readonly policy: string | undefined;
  readonly profiles: string | undefined;
}

/** The data plane of one pod: listeners, the policy in force, and every open connection. */
export class Gate implements Deps, Host {
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: ProxyMetrics;
  readonly ocsp: RevocationChecker;
  readonly audit: AuditLevel;
  readonly #options: GateOptions;
  readonly #listeners = new Map<number, OpenListener>();
  readonly #connections = new Set<Connection>();
  readonly #perProfile = new Map<string, number>();
  readonly #exposure: ExposureWatch;
  readonly #instance = randomBytes(6).toString('hex');
  readonly #sweeper: NodeJS.Timeout;
  #sequence = 0;
  #snapshot: Snapshot | undefined;
  #fault: string | undefined;
  #retiring = false;
  #stopping = false;
  #applying: Promise<unknown> = Promise.resolve();

  constructor(options: GateOptions) {
    this.#options = options;
    this.log = options.log;
    this.clock = options.clock;
    this.metrics = options.metrics;
    this.ocsp = options.ocsp;
    this.audit = options.audit;
    this.#exposure = new ExposureWatch(options);
    this.#sweeper = setInterval(() => this.sweep(), sweepMs);
  }

  get options(): GateOptions {
    return this.#options;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /**
   * Puts a policy in force: everything is compiled and every port is open before one reference is swapped. What fails
   * leaves the policy before it in force. @throws PolicyUnusable.
   */
  apply(policy: PodPolicy): Promise<Snapshot> {
    // One after the other: a policy that waits for its port must not overwrite one that came later.
    const applied = this.#applying.then(() => this.#apply(policy));
    this.#applying = applied.catch(() => undefined);
    return applied;
  }

  async #apply(policy: PodPolicy): Promise<Snapshot> {
    try {
      const snapshot = compileSnapshot(mergeHolds(policy, this.#snapshot?.policy), this.metrics, this.ocsp);
      if (snapshot.version !== this.#snapshot?.version) await this.#swap(snapshot);
      this.#fault = undefined;
      this.metrics.policyApplySucceeded.set(1);
      return snapshot;
    } catch (error) {
      this.metrics.policyApplySucceeded.set(0);
      this.#fault = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  async #swap(snapshot: Snapshot): Promise<void> {
    const opened: OpenListener[] = [];
    try {
      for (const listener of snapshot.listeners.values()) {
        if (this.#listeners.has(listener.port)) continue;
        opened.push(await openListener(this, listener));
      }
    } catch (cause) {
      for (const listener of opened) listener.close();
      throw new PolicyUnusable(cause instanceof Error ? cause.message : String(cause), { cause });
    }
    for (const listener of opened) this.#listeners.set(listener.port, listener);
    this.#snapshot = snapshot;
    for (const [port, open] of this.#listeners) {
      const listener = snapshot.listeners.get(port);
      if (listener === undefined) {
        open.close();
        this.#listeners.delete(port);
      } else {
        open.renew(listener);
      }
    }
    for (const connection of this.#connections) connection.renew(snapshot);
    this.metrics.policyInfo.reset();
    this.metrics.policyInfo.set({ version: snapshot.version.slice(0, 12) }, 1);
    this.metrics.policyApplied.set(this.clock.wallMs() / 1000);
    this.metrics.certificateExpiry.reset();
    for (const listener of snapshot.listeners.values()) {
      for (const profile of listener.profiles) {
        this.metrics.certificateExpiry.set({ profile: profile.id }, profile.certificateNotAfterMs / 1000);
      }
    }
    this.#exposure.renew(snapshot);
  }

  /** A connection after its handshake. Undefined: over a limit, the caller closes it. */
  admitConnection(profileId: string, limit: number): { readonly id: string } | undefined {
    if (this.#stopping) return undefined;
    if (this.#options.maxConnections > 0 && this.#connections.size >= this.#options.maxConnections) return undefined;
    if (limit > 0 && (this.#perProfile.get(profileId) ?? 0) >= limit) return undefined;
    this.#sequence += 1;
    return { id: `${this.#instance}-${this.#sequence.toString(36)}` };
  }

  opened(connection: Connection, protocol: string): void {
    const profileId = connection.profile.id;
    this.#connections.add(connection);
    if (this.#retiring) connection.retire();
    this.#perProfile.set(profileId, (this.#perProfile.get(profileId) ?? 0) + 1);
    this.metrics.connections.inc({ protocol });
    connection.socket.once('close', () => {
      this.#connections.delete(connection);
      const left = (this.#perProfile.get(profileId) ?? 1) - 1;
      if (left > 0) this.#perProfile.set(profileId, left);
      else this.#perProfile.delete(profileId);
      this.metrics.connections.dec({ protocol });
      connection.closed();
    });
  }

  /** Client connections that are open now, over all ports. */
  connectionCount(): number {
    return this.#connections.size;
  }

  /** Profiles whose application can be reached around the gate: `namespace/name address:port`. */
  exposed(): readonly string[] {
    return this.#exposure.found();
  }

  /** Why no traffic should come here; empty when all is well. */
  notReady(absence: Absence = { policy: 'no policy yet', profiles: undefined }): readonly string[] {
    const reasons: string[] = [];
    if (this.#retiring || this.#stopping) reasons.push('shutting down');
    if (this.#snapshot === undefined) {
      if (this.#fault !== undefined) reasons.push(`no usable policy: ${this.#fault}`);
      else if (absence.policy !== undefined) reasons.push(absence.policy);
    }
    const served = new Set(
      [...(this.#snapshot?.listeners.values() ?? [])].flatMap(({ profiles }) => profiles.map(({ id }) => id)),
    );
    for (const { namespace, name, selected } of this.#snapshot?.policy.holds ?? []) {
      const id = `${namespace}/${name}`;
      if (selected === 'Yes' && !served.has(id))
        reasons.push(`${id}: the profile cannot be used, and no earlier version of it is here; see its conditions`);
    }
    if (this.#snapshot !== undefined && served.size === 0 && reasons.length === 0 && absence.profiles !== undefined)
      reasons.push(absence.profiles);
    for (const listener of this.#snapshot?.listeners.values() ?? []) {
      for (const profile of listener.profiles) {
        const reason = this.#exposure.reasonAgainst(profile);
        if (reason !== undefined) reasons.push(reason);
      }
    }
    return reasons;
  }

  /**
   * The first half of an orderly end: not ready from now on, and clients of HTTP/1.1 are asked to leave with every answer
   * (`Connection: close`), while all that comes, on new connections too, is still served: who sends it has not heard yet
   * that he should not. `stop` is the second half.
   */
  retire(): void {
    this.#retiring = true;
    for (const connection of this.#connections) connection.retire();
  }

  /** Stops accepting, tells clients, finishes what runs; resolves when every connection is closed or `signal` fires. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping = true;
    for (const listener of this.#listeners.values()) listener.close();
    for (const connection of this.#connections) connection.drain();
    await new Promise<void>((resolve) => {
      const done = () => {
        clearInterval(poll);
        resolve();
      };
      const poll = setInterval(() => {
        if (this.#connections.size === 0) done();
      }, 20);
      signal.addEventListener('abort', done, { once: true });
      if (this.#connections.size === 0 || signal.aborted) done();
    });
    for (const connection of this.#connections) connection.destroy();
    clearInterval(this.#sweeper);
  }

  /** Looks at every open connection's time-outs and verdict; done about twice a second. */
  sweep(): void {
    const nowMs = this.clock.monotonicMs();
    for (const connection of this.#connections) {
      try {
        connection.sweep(nowMs);
      } catch (error) {
        connection.fault(error);
      }
    }
    this.#exposure.sweep(nowMs);
  }
}

/** Resolution of every time-out of an open connection. */
const sweepMs = 500;
