import type { RevocationChecker } from '../crl/revocation.ts';
import { policyDigest } from '../policy/digest.ts';
import type { PodPolicy } from '../policy/policy.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { DataPlane, InForce } from '../proxy/data-plane.ts';
import { ExposureWatch } from '../proxy/exposure.ts';
import { mergeHolds } from '../proxy/hold.ts';
import type { ProxyMetrics } from '../proxy/metrics.ts';
import { PolicyChanges } from '../proxy/policy-changes.ts';
import { type Absence, reasonsAgainstReadiness } from '../proxy/readiness.ts';
import { PolicyUnusable } from '../proxy/snapshot.ts';
import { Answers } from './answers.ts';
import { familiesOf, lasting, type MetricFamily, mergeFamilies, textOf } from './merge-metrics.ts';
import type { ToWorker, WorkerSetup } from './messages.ts';
import { PlaceLedger, profileIds } from './places.ts';
import { Slot } from './slot.ts';
import { WorkerEnded } from './thread.ts';
import { registerWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';

export interface PoolOptions extends Omit<WorkerSetup, 'beats' | 'places' | 'worker'> {
  readonly workers: number;
  /** The program of a worker. */
  readonly entry: URL;
  readonly log: Log;
  readonly clock: Clock;
  /** Of the owner; those of the workers are added when they are read. */
  readonly metrics: ProxyMetrics;
  readonly checker: RevocationChecker;
  /** Lines of a worker's log, each with its line feed. */
  readonly writeLines: (lines: readonly string[]) => void;
  /** Workers die faster than they should: the process had better be started anew. */
  readonly onBroken: (why: string) => void;
}

/**
 * A data plane on several threads that listen on the same ports. This thread is the owner of what there is one of: the
 * policy, the answers about revocation, limits, the log, exposure. A policy is compiled by every worker first, and put in
 * force only when all of them could. A worker that dies is replaced by one that begins with the policy in force.
 */
export class WorkerPool implements DataPlane {
  readonly #options: PoolOptions;
  readonly #slots: readonly Slot[];
  readonly #ledger: PlaceLedger;
  readonly #answers: Answers;
  readonly #exposure: ExposureWatch;
  readonly #changes: PolicyChanges;
  readonly #metrics: WorkerMetrics;
  readonly #ticker: NodeJS.Timeout;
  #lost: readonly MetricFamily[] = [];
  #inForce: InForce | undefined;
  /** What a worker that takes a dead one's place begins with: in force, or about to be on all of them. */
  #decided: InForce | undefined;
  #retiring = false;
  #stopping = false;
  #deathsMs: number[] = [];

  private constructor(options: PoolOptions) {
    this.#options = options;
    const { workers, metrics, checker, log } = options;
    this.#ledger = new PlaceLedger(workers);
    this.#answers = new Answers(checker, (answer) => this.#tellAll(answer));
    this.#exposure = new ExposureWatch(options);
    this.#changes = new PolicyChanges(metrics);
    this.#metrics = registerWorkerMetrics(metrics.registry, workers, (worker) => this.#ledger.countOf(worker));
    const beats = new SharedArrayBuffer(workers * Int32Array.BYTES_PER_ELEMENT);
    const { version, logLevel, audit, listenAddress, handshakeMs, maxConnections, entry, writeLines } = options;
    this.#slots = Array.from({ length: workers }, (_, index) => {
      const worker = index + 1;
      const setup = { worker, version, logLevel, audit, listenAddress, handshakeMs, maxConnections };
      return new Slot({
        ...{ entry, log, setup: { ...setup, beats, places: this.#ledger.pod } },
        placesOf: (policy) => this.#ledger.of(profileIds(policy)),
        onAsk: (question) => this.#answers.ask(question),
        onLog: writeLines,
        onEnd: (why, series) => this.#ended(worker, why, series),
      });
    });
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  /** Starts all workers; resolves when each of them is ready for a policy. @throws WorkerEnded. */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    await Promise.all(pool.#slots.map((slot) => slot.start(undefined)));
    return pool;
  }

  get inForce(): InForce | undefined {
    return this.#inForce;
  }

  apply(policy: PodPolicy): Promise<InForce> {
    const { metrics, clock } = this.#options;
    return this.#changes.next(async () => {
      const merged = mergeHolds(policy, this.#inForce?.policy);
      const next = { version: policyDigest(merged), policy: merged };
      if (next.version === this.#inForce?.version) return next;
      await this.#swap(next);
      metrics.policyApplied.set(clock.wallMs() / 1000);
      this.#exposure.renew(merged);
      return next;
    });
  }

  async #swap(next: InForce): Promise<void> {
    await this.#compiled(next);
    this.#decided = next;
    await Promise.all(this.#slots.map((slot) => slot.commit(next)));
    this.#inForce = next;
    this.#answers.know([next.policy]);
    this.#ledger.keep(profileIds(next.policy));
  }

  /** First phase. @throws PolicyUnusable, and then no worker knows of it. */
  async #compiled(next: InForce): Promise<void> {
    this.#answers.know([next.policy, ...(this.#inForce === undefined ? [] : [this.#inForce.policy])]);
    for (let attempt = 1; ; attempt += 1) {
      await Promise.all(this.#slots.map((slot) => slot.serving()));
      const outcomes = await Promise.allSettled(this.#slots.map((slot) => slot.prepare(next)));
      const faults = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
      if (faults.length === 0) return;
      await Promise.all(this.#slots.map((slot) => slot.abandon()));
      const refused = faults.find((fault) => !(fault instanceof WorkerEnded));
      // Only where one has died over something else is it worth another try.
      if (refused === undefined && attempt < maxAttempts) continue;
      const cause = refused ?? faults[0];
      throw new PolicyUnusable(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  exposed(): readonly string[] {
    return this.#exposure.found();
  }

  notReady(absence?: Absence): readonly string[] {
    const reasons = reasonsAgainstReadiness(
      {
        ending: this.#retiring || this.#stopping,
        policy: this.#inForce?.policy,
        fault: this.#changes.fault,
        exposure: this.#exposure,
      },
      absence,
    );
    // The others serve on while one is replaced: to send all traffic away would take down what works.
    return this.#slots.some(({ isServing }) => isServing) ? reasons : [...reasons, 'no worker serves'];
  }

  connectionCount(): number {
    return this.#ledger.count();
  }

  /** A certificate's status was refreshed in the background. */
  refreshed(certificate: { readonly sha256: string }): void {
    this.#answers.refreshed(certificate);
  }

  /** A CRL was fetched. */
  listsChanged(): void {
    this.#tellAll({ kind: 'lists-changed' });
  }

  retire(): void {
    this.#retiring = true;
    for (const slot of this.#slots) slot.retire();
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping = true;
    let late: NodeJS.Timeout | undefined;
    const cut = () => {
      this.#tellAll({ kind: 'cut' });
      // One that hangs hears nothing.
      late = setTimeout(() => void this.end(), cutMs);
    };
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    await Promise.all(this.#slots.map((slot) => slot.stop()));
    signal.removeEventListener('abort', cut);
    clearTimeout(late);
    clearInterval(this.#ticker);
  }

  /** Ends the threads, whatever they do. */
  async end(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#ticker);
    await Promise.all(this.#slots.map((slot) => slot.end()));
  }

  /** The series of all threads, as Prometheus reads them. */
  async metricsText(): Promise<string> {
    const own = await familiesOf(this.#options.metrics.registry);
    await Promise.all(this.#slots.map((slot) => slot.refreshSeries()));
    // Read in one go: what a worker had is among the lost from the moment on in which it is no longer its own.
    return textOf(mergeFamilies([own, this.#lost, ...this.#slots.map(({ series }) => series)]));
  }

  #tellAll(message: ToWorker): void {
    for (const slot of this.#slots) slot.tell(message);
  }

  #tick(): void {
    this.#exposure.sweep(this.#options.clock.monotonicMs());
    const someHaveAnswered = this.#slots.some(({ hasAnswered }) => hasAnswered);
    for (const slot of this.#slots) slot.watch(someHaveAnswered);
  }

  #ended(worker: number, why: string, series: readonly MetricFamily[]): void {
    const { log, clock, onBroken } = this.#options;
    this.#ledger.release(worker);
    this.#lost = mergeFamilies([this.#lost, lasting(series)]);
    if (this.#stopping) return;
    log.error('a worker has ended: its connections are lost', { worker, why });
    this.#metrics.restarts.inc();
    const slot = this.#slots[worker - 1];
    const nowMs = clock.monotonicMs();
    this.#deathsMs = [...this.#deathsMs.filter((atMs) => nowMs - atMs < deathsWindowMs), nowMs];
    if (this.#deathsMs.length > maxDeaths) {
      const broken = `${this.#deathsMs.length} workers have ended within a minute`;
      this.#stopping = true;
      for (const one of this.#slots) one.giveUp(broken);
      onBroken(broken);
      return;
    }
    void slot
      ?.start(() => this.#decided, this.#retiring)
      .then(
        () => log.info('a worker has taken its place', { worker }),
        // Its own end is told by itself.
        () => undefined,
      );
  }
}

const tickMs = 1000;
/** How long cutting connections may take. */
const cutMs = 1000;
const maxAttempts = 2;
const maxDeaths = 3;
const deathsWindowMs = 60_000;
