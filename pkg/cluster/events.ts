import { createHash } from 'node:crypto';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { pause, systemTimers, type Timers } from '../process/timers.ts';
import { ApiError } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { microTime } from './micro-time.ts';

/** Something that happened to an object, as `kubectl describe` shows it. */
export interface RecordedEvent {
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, of a fixed set. */
  readonly reason: string;
  /** What was done, CamelCase. */
  readonly action: string;
  /** For people; cut at 1024 bytes. No secrets. */
  readonly note: string;
}

/** Writes events of events.k8s.io/v1 in the background. */
export interface EventRecorder {
  /** Never throws and waits for nothing. Repeats are counted in one event; too many events of one object are dropped. */
  record(event: RecordedEvent): void;
  /** Events that were not written: too many, or refused. */
  readonly dropped: number;
  /** Settles when everything recorded so far was written or given up. */
  idle(): Promise<void>;
  /** Drops what is not yet written. */
  close(): void;
}

export interface EventRecorderOptions {
  readonly cluster: Pick<Cluster, 'create' | 'patch'>;
  /** reportingController: `lychgate.dev/operator`. */
  readonly component: string;
  /** reportingInstance: the pod's name. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly timers?: Timers;
}

/** Equal events of one object: the first is created, repeats become a series of it. */
interface Series {
  readonly path: string;
  count: number;
  writtenCount: number;
  writtenAtMs: number;
  lastAtMs: number;
  lastWallMs: number;
  /** Stops the write that waits for its time. */
  cancel: (() => void) | undefined;
}

/** Makes a recorder; nothing is sent before the first event. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { cluster, component, instance, clock, log, timers = systemTimers } = options;
  const stopping = new AbortController();
  const series = new Map<string, Series>();
  const budgets = new Map<string, Budget>();
  const ofAll: Budget = { tokens: allBurst, atMs: clock.monotonicMs() };
  let queue: Promise<void> = Promise.resolve();
  let queued = 0;
  let dropped = 0;

  function drop(event: RecordedEvent | undefined, why: string): void {
    dropped += 1;
    log.debug('an event was dropped', { why, ...(event === undefined ? {} : { reason: event.reason }) });
  }

  /** One after the other: events are never worth a burst of requests. */
  function enqueue(write: () => Promise<void>): void {
    if (queued >= maxQueued) return drop(undefined, 'too many wait');
    queued += 1;
    queue = queue.then(async () => {
      try {
        if (!stopping.signal.aborted) await persist(write);
      } catch (cause) {
        dropped += 1;
        log.warn('an event could not be written', { fault: cause instanceof Error ? cause.message : String(cause) });
      }
      queued -= 1;
    });
  }

  /** Three times, if it may help. */
  async function persist(write: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await write();
      } catch (cause) {
        const mayPass =
          cause instanceof ApiError && (cause.status === 0 || cause.status === 429 || cause.status >= 500);
        if (!mayPass || attempt === maxAttempts) throw cause;
        await pause(timers, Math.min(maxWaitMs, cause.retryAfterMs ?? attempt * 1000), stopping.signal);
        if (stopping.signal.aborted) throw cause;
      }
    }
  }

  function budgetOf(event: RecordedEvent): Budget {
    const id = `${event.regarding.kind} ${event.regarding.uid}`;
    const budget = budgets.get(id) ?? { tokens: objectBurst, atMs: clock.monotonicMs() };
    budgets.delete(id);
    budgets.set(id, budget);
    trim(budgets);
    return budget;
  }

  function create(event: RecordedEvent, key: string): void {
    const nowMs = clock.monotonicMs();
    if (!spend(budgetOf(event), nowMs, objectBurst, objectEveryMs) || !spend(ofAll, nowMs, allBurst, allEveryMs)) {
      return drop(event, 'too many events');
    }
    const { regarding, type, reason, action } = event;
    const namespace = regarding.namespace === '' ? 'default' : regarding.namespace;
    const collection = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    const wallMs = clock.wallMs();
    const unique = createHash('sha256').update(`${key} ${instance} ${wallMs}`).digest('hex').slice(0, 16);
    const name = `${regarding.name.slice(0, maxNameChars)}.${unique}`;
    const entry: Series = {
      path: `${collection}/${name}`,
      count: 1,
      writtenCount: 1,
      writtenAtMs: nowMs,
      lastAtMs: nowMs,
      lastWallMs: wallMs,
      cancel: undefined,
    };
    series.get(key)?.cancel?.();
    series.delete(key);
    series.set(key, entry);
    trim(series, ({ cancel }) => cancel?.());
    const { uid, ...reference } = regarding;
    const body = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace },
      eventTime: microTime(wallMs),
      reportingController: component,
      reportingInstance: instance.slice(0, maxInstanceChars),
      action,
      reason,
      type,
      regarding: { ...reference, uid },
      note: cut(event.note, maxNoteBytes),
    };
    enqueue(async () => {
      await cluster.create(collection, body);
    });
  }

  function repeat(event: RecordedEvent, key: string, entry: Series): void {
    entry.count += 1;
    entry.lastAtMs = clock.monotonicMs();
    entry.lastWallMs = clock.wallMs();
    if (entry.cancel !== undefined) return;
    const waitMs = Math.max(0, entry.writtenAtMs + seriesEveryMs - entry.lastAtMs);
    entry.cancel = timers.after(waitMs, () => {
      entry.cancel = undefined;
      entry.writtenAtMs = clock.monotonicMs();
      enqueue(() => writeSeries(event, key, entry));
    });
  }

  async function writeSeries(event: RecordedEvent, key: string, entry: Series): Promise<void> {
    const { count, lastWallMs } = entry;
    if (count === entry.writtenCount) return;
    try {
      const body = { series: { count, lastObservedTime: microTime(lastWallMs) } };
      await cluster.patch(entry.path, body, 'merge');
      entry.writtenCount = count;
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.status !== 404) throw cause;
      // The event's time is over (an hour by default), or it was never written: the repeat is a first one again.
      if (series.get(key) === entry) series.delete(key);
      create(event, key);
    }
  }

  return {
    record: (event) => {
      if (stopping.signal.aborted) return;
      const { regarding, type, reason, action, note } = event;
      const key = JSON.stringify([regarding.kind, regarding.uid, type, reason, action, note]);
      const entry = series.get(key);
      if (entry !== undefined && clock.monotonicMs() - entry.lastAtMs < seriesMs) repeat(event, key, entry);
      else create(event, key);
    },
    get dropped() {
      return dropped;
    },
    idle: async () => {
      while (queued > 0) await queue;
    },
    close: () => {
      stopping.abort();
      for (const { cancel } of series.values()) cancel?.();
      series.clear();
    },
  };
}

/** A token bucket. */
interface Budget {
  tokens: number;
  atMs: number;
}

function spend(budget: Budget, nowMs: number, burst: number, everyMs: number): boolean {
  budget.tokens = Math.min(burst, budget.tokens + (nowMs - budget.atMs) / everyMs);
  budget.atMs = nowMs;
  if (budget.tokens < 1) return false;
  budget.tokens -= 1;
  return true;
}

/** Gives up the entries that were set first. */
function trim<T>(entries: Map<string, T>, onGone: (entry: T) => void = () => undefined): void {
  for (const [key, entry] of entries) {
    if (entries.size <= maxEntries) return;
    entries.delete(key);
    onGone(entry);
  }
}

/** At most so many bytes of UTF-8, cut between characters. */
function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, maxBytes - 3);
  return `${bytes.toString().replace(/\ufffd+$/, '')}…`;
}

/** An equal event after so long a pause is a new one. */
const seriesMs = 600_000;
/** A series is written at most once in this time. */
const seriesEveryMs = 60_000;
/** Of one object: ten at once, then one a minute. */
const objectBurst = 10;
const objectEveryMs = 60_000;
/** Of everything: a hundred at once, then two a second. */
const allBurst = 100;
const allEveryMs = 500;
const maxEntries = 2048;
const maxQueued = 256;
const maxAttempts = 3;
const maxWaitMs = 30_000;
const maxNoteBytes = 1024;
const maxInstanceChars = 128;
/** With the hash a name of at most 253 characters. */
const maxNameChars = 236;
