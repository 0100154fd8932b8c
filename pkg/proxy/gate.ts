import { randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { RevocationChecker } from '../crl/revocation.ts';
import type { PodPolicy } from '../policy/policy.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { Connection } from './connection.ts';
import type { DataPlane } from './data-plane.ts';
import type { AuditLevel, Deps } from './deps.ts';
import { ExposureWatch } from './exposure.ts';
import { mergeHolds } from './hold.ts';
import { type Host, type OpenListener, openListener } from './listener.ts';
import type { ProxyMetrics } from './metrics.ts';
import { OwnPlaces, type Places } from './places.ts';
import { PolicyChanges } from './policy-changes.ts';
import { type Absence, reasonsAgainstReadiness } from './readiness.ts';
import { compileSnapshot, PolicyUnusable, type Snapshot } from './snapshot.ts';
import type { NumberTally } from './tally.ts';

export interface GateOptions extends Deps {
  /** Undefined listens on every address, both families. */
  readonly listenAddress: string | undefined;
  /** The most that a handshake takes, and that it waits for its turn; milliseconds. */
  readonly handshakeMs: number;
  /** Client connections at once, over all ports. 0: no limit. */
  readonly maxConnections: number;
  /** Other gates listen on the same ports (SO_REUSEPORT): then limits are counted and exposure is watched for all of them. */
  readonly shared?: { readonly places: Places };
}

/** A policy that is compiled and whose ports are open. One of the two follows, and nothing else in between. */
export interface Prepared {
  readonly snapshot: Snapshot;
  commit(): void;
  abandon(): void;
}

/** The data plane on one thread: listeners, the policy in force, and every open connection. */
export class Gate implements Deps, Host, DataPlane {
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: ProxyMetrics;
  readonly ocsp: RevocationChecker;
  readonly audit: AuditLevel;
  readonly #options: GateOptions & { readonly sharesPorts: boolean };
  readonly #listeners = new Map<number, OpenListener>();
  readonly #connections = new Set<Connection>();
  readonly #openHttp1: NumberTally;
  readonly #openHttp2: NumberTally;
  readonly #places: Places;
  readonly #exposure: ExposureWatch;
  readonly #changes: PolicyChanges;
  readonly #instance = randomBytes(6).toString('hex');
  readonly #sweeper: NodeJS.Timeout;
  #sequence = 0;
  #snapshot: Snapshot | undefined;
  #retiring = false;
  #stopping = false;

  constructor(options: GateOptions) {
    this.#options = { ...options, sharesPorts: options.shared !== undefined };
    this.#places = options.shared?.places ?? new OwnPlaces();
    this.log = options.log;
    this.clock = options.clock;
    this.metrics = options.metrics;
    this.ocsp = options.ocsp;
    this.audit = options.audit;
    this.#openHttp1 = options.metrics.connections.of({ protocol: 'http/1.1' });
    this.#openHttp2 = options.metrics.connections.of({ protocol: 'h2' });
    this.#exposure = new ExposureWatch(options);
    this.#changes = new PolicyChanges(options.metrics);
    this.#sweeper = setInterval(() => this.sweep(), sweepMs);
  }

  get options(): Host['options'] {
    return this.#options;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get inForce(): Snapshot | undefined {
    return this.#snapshot;
  }

  get #isEnding(): boolean {
    return this.#retiring || this.#stopping;
  }

  apply(policy: PodPolicy): Promise<Snapshot> {
    return this.#changes.next(async () => {
      const prepared = await this.prepare(mergeHolds(policy, this.#snapshot?.policy));
      prepared.commit();
      return prepared.snapshot;
    });
  }

  /**
   * Compiles a policy and opens its ports, but none where the gate is about to end: no client has heard of them. Nobody is
   * served by it yet. @throws PolicyUnusable, and then no port is open.
   */
  async prepare(policy: PodPolicy): Promise<Prepared> {
    const snapshot = compileSnapshot(policy, this.metrics, this.ocsp);
    if (snapshot.version === this.#snapshot?.version) {
      return { snapshot, commit: () => undefined, abandon: () => undefined };
    }
    const opened: OpenListener[] = [];
    const abandon = () => {
      for (const listener of opened) listener.close();
    };
    try {
      for (const listener of snapshot.listeners.values()) {
        if (this.#isEnding || this.#listeners.has(listener.port)) continue;
        opened.push(await openListener(this, listener));
      }
    } catch (cause) {
      abandon();
      throw new PolicyUnusable(cause instanceof Error ? cause.message : String(cause), { cause });
    }
    return { snapshot, commit: () => this.#swap(snapshot, opened), abandon };
  }

  #swap(snapshot: Snapshot, opened: readonly OpenListener[]): void {
    for (const listener of opened) {
      if (this.#isEnding) listener.close();
      else this.#listeners.set(listener.port, listener);
    }
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
    if (!this.#options.sharesPorts) this.#exposure.renew(snapshot.policy);
  }

  /** A connection after its handshake. Undefined: over a limit, the caller closes it. */
  admitConnection(profileId: string, limit: number, socket: TLSSocket): { readonly id: string } | undefined {
    if (this.#stopping) return undefined;
    const leave = this.#places.take(profileId, this.#options.maxConnections, limit);
    if (leave === undefined) return undefined;
    socket.on('close', leave);
    this.#sequence += 1;
    return { id: `${this.#instance}-${this.#sequence.toString(36)}` };
  }

  opened(connection: Connection, protocol: string): void {
    this.#connections.add(connection);
    if (this.#retiring) connection.retire();
    const open = protocol === 'h2' ? this.#openHttp2 : this.#openHttp1;
    open.value += 1;
    connection.socket.on('close', () => {
      this.#connections.delete(connection);
      open.value -= 1;
      connection.closed();
    });
  }

  connectionCount(): number {
    return this.#connections.size;
  }

  exposed(): readonly string[] {
    return this.#exposure.found();
  }

  notReady(absence?: Absence): readonly string[] {
    return reasonsAgainstReadiness(
      {
        ending: this.#isEnding,
        policy: this.#snapshot?.policy,
        fault: this.#changes.fault,
        exposure: this.#exposure,
      },
      absence,
    );
  }

  retire(): void {
    this.#retiring = true;
    for (const connection of this.#connections) connection.retire();
  }

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

  /** This certificate, of a client or of a CA, was found to be revoked: connections that rely on it are judged again. */
  doubt(certificateSha256: string): void {
    for (const connection of this.#connections) connection.doubt(certificateSha256);
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
