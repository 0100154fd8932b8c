import { apiVersion } from '../api/metadata.ts';
import { pendingConditions, type StatusCondition } from '../api/status.ts';
import { ApiError } from '../cluster/api-error.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { EventRecorder } from '../cluster/events.ts';
import { canonicalJson } from '../policy/digest.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { Timers } from '../process/timers.ts';
import { resourceKey } from '../translate/world.ts';
import { timeless } from './condition.ts';
import { foundStatus } from './found-status.ts';
import type { OperatorMetrics } from './metrics.ts';
import { isoSeconds, type WantedStatus } from './status.ts';
import { recordChanges } from './status-events.ts';

/** Brings statuses to the API server. */
export interface StatusWriter {
  /** What all statuses are to be; those of before that are not there any more are forgotten. */
  set(wanted: readonly WantedStatus[]): void;
  /** Forgets everything: another replica writes now. */
  stop(): void;
}

export interface StatusWriterOptions {
  readonly cluster: Pick<Cluster, 'apply'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Between two writes of one object. */
  readonly intervalMs: number;
  readonly log: Log;
  readonly metrics: Pick<OperatorMetrics, 'statusWrites'>;
}

/**
 * Writes by server-side apply, and only what differs from what stands there: an operator that starts anew finds its
 * own statuses and writes nothing. An object is written at most once an interval; what comes in between is taken together.
 */
export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { cluster, clock, timers, intervalMs, log, metrics } = options;
  const entries = new Map<string, Entry>();
  const due: Entry[] = [];
  let running = 0;

  function set(wanted: readonly WantedStatus[]): void {
    const keys = new Set<string>();
    for (const next of wanted) {
      const key = keyOf(next);
      keys.add(key);
      const entry = entries.get(key) ?? {
        wanted: next,
        state: 'Idle',
        notBeforeMs: 0,
        written: undefined,
        cancel: none,
      };
      entry.wanted = next;
      entries.set(key, entry);
      consider(entry);
    }
    for (const [key, entry] of entries) {
      if (keys.has(key)) continue;
      entry.cancel();
      entries.delete(key);
    }
  }

  function consider(entry: Entry): void {
    if (entry.state !== 'Idle' || textOf(entry.wanted) === textOfFound(entry)) return;
    const waitMs = entry.notBeforeMs - clock.monotonicMs();
    if (waitMs <= 0) {
      entry.state = 'Due';
      due.push(entry);
      pump();
      return;
    }
    entry.state = 'Waiting';
    entry.cancel = timers.after(waitMs, () => {
      entry.state = 'Idle';
      consider(entry);
    });
  }

  /** A few at a time: after a change of leadership all of a big cluster's may be due at once. */
  function pump(): void {
    while (running < maxRunning) {
      const entry = due.shift();
      if (entry === undefined) return;
      if (entries.get(keyOf(entry.wanted)) !== entry) continue;
      running++;
      void write(entry).finally(() => {
        running--;
        entry.state = 'Idle';
        if (entries.get(keyOf(entry.wanted)) === entry) consider(entry);
        pump();
      });
    }
  }

  async function write(entry: Entry): Promise<void> {
    const { wanted } = entry;
    const { resource } = wanted;
    entry.state = 'Writing';
    // What differs may have gone while it waited for its turn.
    if (textOf(wanted) === textOfFound(entry)) return;
    const nowMs = clock.monotonicMs();
    entry.notBeforeMs = nowMs + intervalMs;
    const before = entry.written?.conditions ?? foundStatus(resource.raw).conditions;
    const conditions = withTimes(wanted.status.conditions, before, clock.wallMs());
    try {
      await cluster.apply(pathOf(wanted), bodyOf(wanted, conditions), { fieldManager, force: true });
      entry.written = { version: resource.version?.resourceVersion, text: textOf(wanted), conditions };
      metrics.statusWrites.inc({ result: 'success' });
      recordChanges(options.events, resource, before, conditions);
    } catch (cause) {
      const result = resultOf(cause);
      metrics.statusWrites.inc({ result });
      if (result === 'gone' || result === 'conflict') {
        // Deleted, or deleted and made anew: the watch will tell, and what comes then is another object.
        log.debug('status not written: the object is gone', { object: resourceKey(resource), result });
        entry.written = { version: resource.version?.resourceVersion, text: textOf(wanted), conditions };
        return;
      }
      const askedMs = cause instanceof ApiError ? (cause.retryAfterMs ?? 0) : 0;
      entry.notBeforeMs = nowMs + Math.max(intervalMs, retryMs, askedMs);
      log.warn('status could not be written; it is tried again', {
        object: resourceKey(resource),
        error: cause instanceof Error ? cause.message : String(cause),
      });
    }
  }

  return {
    set,
    stop() {
      for (const entry of entries.values()) entry.cancel();
      entries.clear();
      due.length = 0;
    },
  };
}

/** One object's way to its status. */
interface Entry {
  wanted: WantedStatus;
  state: 'Due' | 'Idle' | 'Waiting' | 'Writing';
  /** By the monotonic clock. */
  notBeforeMs: number;
  /** The last write, and the version of the object as the watch had it then: until the watch has moved on, this is newer. */
  written:
    | {
        readonly version: string | undefined;
        readonly text: string;
        readonly conditions: readonly StatusCondition[];
      }
    | undefined;
  cancel: () => void;
}

/** The object and its UID: one of the same name that was made anew has a status of its own. */
function keyOf({ resource }: WantedStatus): string {
  return `${resourceKey(resource)} ${resource.version?.uid ?? ''}`;
}

function pathOf({ resource: { kind, namespace, name } }: WantedStatus): string {
  const plural = kind === 'SslProfile' ? 'sslprofiles' : 'rewritesets';
  return `/apis/${apiVersion}/namespaces/${namespace}/${plural}/${name}/status`;
}

function bodyOf({ resource, status }: WantedStatus, conditions: readonly StatusCondition[]): object {
  const { kind, namespace, name, version } = resource;
  return {
    apiVersion,
    kind,
    // With its UID the write fails where the object was made anew in the meantime.
    metadata: { namespace, name, ...(version === undefined ? {} : { uid: version.uid }) },
    status: { ...status, conditions },
  };
}

/** A status without its times, for comparison. */
function textOf({ status }: WantedStatus): string {
  return canonicalJson(status);
}

/** What stands there now, as far as it is ours: other conditions belong to others. */
function textOfFound(entry: Entry): string {
  const { wanted, written } = entry;
  if (written !== undefined && written.version === wanted.resource.version?.resourceVersion) return written.text;
  entry.written = undefined;
  const { conditions, observedGeneration, sidecars, certificate } = foundStatus(wanted.resource.raw);
  const found = new Map(conditions.map((condition) => [condition.type, timeless(condition)]));
  const ours = wanted.status.conditions.map(({ type }) => found.get(type) ?? null);
  return canonicalJson({ observedGeneration, conditions: ours, sidecars, certificate });
}

/** The time of a condition stays while its status stays; that of a resource that nobody had looked at is none. */
function withTimes(
  conditions: WantedStatus['status']['conditions'],
  before: readonly StatusCondition[],
  nowMs: number,
): readonly StatusCondition[] {
  const now = isoSeconds(nowMs);
  return conditions.map((condition) => {
    const was = before.find(({ type }) => type === condition.type);
    const keeps = was?.status === condition.status && !defaulted.has(was.lastTransitionTime);
    return { ...condition, lastTransitionTime: keeps ? was.lastTransitionTime : now };
  });
}

function resultOf(cause: unknown): 'conflict' | 'failure' | 'gone' {
  if (!(cause instanceof ApiError)) return 'failure';
  return cause.status === 404 ? 'gone' : cause.status === 409 ? 'conflict' : 'failure';
}

function none(): void {
  // Nothing is waiting.
}

const defaulted: ReadonlySet<string> = new Set(pendingConditions.map(({ lastTransitionTime }) => lastTransitionTime));
const fieldManager = 'lychgate-operator';
const maxRunning = 8;
const retryMs = 5000;
