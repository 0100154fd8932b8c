import type { PodPolicy } from '../policy/policy.ts';
import type { Log } from '../process/log.ts';
import type { InForce } from '../proxy/data-plane.ts';
import type { MetricFamily } from './merge-metrics.ts';
import type { Ask, Command, ToWorker, WorkerSetup } from './messages.ts';
import { Thread, WorkerEnded } from './thread.ts';

export interface SlotOptions {
  readonly entry: URL;
  readonly setup: WorkerSetup;
  readonly log: Log;
  readonly placesOf: (policy: PodPolicy) => ReadonlyMap<string, SharedArrayBuffer>;
  readonly onAsk: (question: Ask) => void;
  readonly onLog: (lines: readonly string[]) => void;
  /** With the series that were last heard of. Whoever is told starts another, or does not. */
  readonly onEnd: (why: string, series: readonly MetricFamily[]) => void;
}

/** A worker's place: one thread after the other serves in it. */
export class Slot {
  readonly #options: SlotOptions;
  #thread: Thread | undefined;
  /** Whose first phase is over. */
  #prepared: Thread | undefined;
  #serving = unheard();
  #isServing = false;
  #version: string | undefined;
  #series: readonly MetricFamily[] = [];
  #beat = 0;
  #silentTicks = 0;
  /** Commands about a policy that are not answered yet, and how many looks have seen nothing but them: all, and while others waited. */
  #unanswered = 0;
  #unansweredTicks = 0;
  #awaitedTicks = 0;
  #stopping = false;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** A thread is here that has the policy in force, where there is one. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** Its thread could serve, and has answered all that it was asked about a policy. */
  get hasAnswered(): boolean {
    return this.#isServing && this.#unanswered === 0;
  }

  /** Resolves when a thread serves here, now or later. */
  serving(): Promise<void> {
    return this.#serving.promise;
  }

  /** Starts a thread, and puts in force there what is in force elsewhere. @throws WorkerEnded, WorkerRefused. */
  async start(inForce: (() => InForce | undefined) | undefined, retiring = false): Promise<void> {
    const { entry, setup, onAsk, onLog } = this.#options;
    this.#silentTicks = 0;
    const thread: Thread = new Thread({ entry, setup, onAsk, onLog, onEnd: (why) => this.#ended(why) });
    this.#thread = thread;
    this.#version = undefined;
    await thread.ready;
    if (retiring) await thread.call({ kind: 'retire' });
    // What is in force may change while this one catches up.
    for (let next = inForce?.(); next !== undefined && next.version !== this.#version; next = inForce?.()) {
      try {
        await this.#bring(next, (command) => thread.call(command));
      } catch (error) {
        if (!(error instanceof WorkerEnded)) void thread.end(`it cannot serve what the others do: ${String(error)}`);
        throw error;
      }
    }
    this.#isServing = true;
    this.#serving.resolve();
  }

  /** First phase. @throws WorkerEnded, WorkerRefused. */
  async prepare(next: InForce): Promise<void> {
    const thread = this.#living();
    await this.#answered(thread, this.#preparing(next));
    this.#prepared = thread;
  }

  /** Second phase. Resolves when the thread here serves by it, be it one that has taken the place of a dead one. */
  async commit(next: InForce): Promise<void> {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    while (this.#version !== next.version) {
      const thread = this.#thread;
      // One that catches up does so by itself.
      if (thread !== undefined && (thread === prepared || this.#isServing)) {
        try {
          // A thread that took the place of a prepared one before all were has the policy before.
          if (thread === prepared) await this.#answered(thread, { kind: 'commit' });
          else await this.#bring(next, (command) => this.#answered(thread, command));
          if (thread === this.#thread) this.#version = next.version;
        } catch (error) {
          if (!(error instanceof WorkerEnded)) await thread.end(`it could not swap its policy: ${String(error)}`);
        }
      }
      await this.serving();
    }
  }

  async abandon(): Promise<void> {
    const thread = this.#prepared;
    this.#prepared = undefined;
    if (thread !== undefined) await this.#answered(thread, { kind: 'abandon' }).catch(() => undefined);
  }

  retire(): void {
    void this.#thread?.call({ kind: 'retire' }).catch(() => undefined);
  }

  /** Resolves when it has no connection left, or has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#thread?.call({ kind: 'stop' }).catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#stopping = true;
    await this.#thread?.end('it is not needed any more');
  }

  tell(message: ToWorker): void {
    this.#thread?.tell(message);
  }

  /** As it was last heard. */
  get series(): readonly MetricFamily[] {
    return this.#series;
  }

  /** Resolves soon in any case: a scrape must not hang on one worker. */
  async refreshSeries(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, seriesMs);
    const asked = thread.call({ kind: 'metrics' }).then((families) => {
      if (thread === this.#thread) this.#series = families;
    });
    await Promise.race([asked.catch(() => undefined), late.promise]);
    clearTimeout(timer);
  }

  /** No thread comes any more: whoever waits for one is told. */
  giveUp(why: string): void {
    this.#serving.reject(new WorkerEnded(why));
  }

  /**
   * Called about once a second. A thread whose event loop stands still for half a minute is ended, and one that owes an
   * answer about a policy while others have given theirs (`isAwaited`) for five seconds more than those took: a policy that
   * takes all of them long is no fault of any. Looks are counted, not time: a process that was stopped as a whole finds no
   * fault in its workers.
   */
  watch(isAwaited: boolean): void {
    const { setup } = this.#options;
    const beat = Atomics.load(new Int32Array(setup.beats), setup.worker - 1);
    this.#silentTicks = beat === this.#beat ? this.#silentTicks + 1 : 0;
    this.#beat = beat;
    if (this.#unanswered > 0) {
      this.#unansweredTicks += 1;
      if (isAwaited) this.#awaitedTicks += 1;
    }
    if (this.#stopping) return;
    const othersTook = this.#unansweredTicks - this.#awaitedTicks;
    if (this.#awaitedTicks > othersTook + maxAwaitedTicks) {
      const seconds = this.#unansweredTicks - 1;
      this.#answerCame();
      void this.#thread?.end(`it has not answered about a policy for ${seconds} seconds, and others have`);
    } else if (this.#silentTicks >= maxSilentTicks) {
      this.#silentTicks = 0;
      void this.#thread?.end(`its event loop has not turned for ${maxSilentTicks} seconds`);
    }
  }

  /** Both phases, for a thread that catches up with the others. */
  async #bring(next: InForce, call: (command: Command) => Promise<unknown>): Promise<void> {
    await call(this.#preparing(next));
    await call({ kind: 'commit' });
    this.#version = next.version;
  }

  #preparing({ policy }: InForce): Command {
    return { kind: 'prepare', policy, places: this.#options.placesOf(policy) };
  }

  /** For a command that a policy for all workers waits for; see watch. @throws WorkerEnded, WorkerRefused. */
  async #answered(thread: Thread, command: Command): Promise<void> {
    if (this.#unanswered === 0) this.#answerCame();
    this.#unanswered += 1;
    try {
      await thread.call(command);
    } finally {
      this.#unanswered -= 1;
      this.#answerCame();
    }
  }

  #answerCame(): void {
    this.#unansweredTicks = 0;
    this.#awaitedTicks = 0;
  }

  #living(): Thread {
    if (this.#thread === undefined) throw new WorkerEnded('no worker is here');
    return this.#thread;
  }

  #ended(why: string): void {
    this.#thread = undefined;
    this.#version = undefined;
    if (this.#isServing) this.#serving = unheard();
    this.#isServing = false;
    const series = this.#series;
    this.#series = [];
    this.#options.onEnd(why, series);
  }
}

/** Nobody has to wait for it. */
function unheard(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  resolvers.promise.catch(() => undefined);
  return resolvers;
}

const seriesMs = 2000;
const maxSilentTicks = 30;
/** Whole seconds: the first look may come at once. A policy of 8,000 CA certificates compiled in 1.6 s. */
const maxAwaitedTicks = 5;
