import type { ProxyMetrics } from './metrics.ts';

/** Policies on their way into force, one after the other: one that waits must not overwrite one that came later. */
export class PolicyChanges {
  readonly #metrics: Pick<ProxyMetrics, 'policyApplySucceeded'>;
  #fault: string | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(metrics: Pick<ProxyMetrics, 'policyApplySucceeded'>) {
    this.#metrics = metrics;
  }

  /** Why the last policy is not in force; undefined where it is, or where none came. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Runs `apply` when all before it are done; what it throws is the fault. */
  next<Applied>(apply: () => Promise<Applied>): Promise<Applied> {
    const applied = this.#last.then(() => this.#watch(apply));
    this.#last = applied.catch(() => undefined);
    return applied;
  }

  async #watch<Applied>(apply: () => Promise<Applied>): Promise<Applied> {
    try {
      const applied = await apply();
      this.#fault = undefined;
      this.#metrics.policyApplySucceeded.set(1);
      return applied;
    } catch (error) {
      this.#metrics.policyApplySucceeded.set(0);
      this.#fault = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }
}
