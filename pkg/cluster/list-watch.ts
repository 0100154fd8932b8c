import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { pause, type Timers } from '../process/timers.ts';
import { ApiError } from './api-error.ts';
import { ask, refused } from './ask.ts';
import { createBackOff } from './back-off.ts';
import type { ApiRequest, Connection } from './connection.ts';
import { createInventory, readPage } from './inventory.ts';
import { failureOf, refusalOf } from './refusal.ts';
import { createWatchLines, type WatchLine } from './watch-lines.ts';
import type { ClusterEvent, RelistReason, Watched, WatchTarget } from './watched.ts';

export interface ListWatchDeps {
  readonly connection: Connection;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timers: Timers;
  readonly onEvent: (event: ClusterEvent) => void;
}

/** How an open watch ended. */
type End =
  | { readonly kind: 'Ended'; readonly why: 'closed' | 'silent' }
  | { readonly kind: 'Failed'; readonly error: ApiError }
  | { readonly kind: 'Relist'; readonly reason: RelistReason; readonly error?: ApiError };

/**
 * Lists a collection page by page, then watches from the list's version, for ever: every failure is told by `fault`,
 * waited for with growing pauses, and tried again. Nothing that was known is forgotten by a failure; only an observed
 * deletion or a complete list without it takes an object away. Never throws.
 */
export function startListWatch<T>(target: WatchTarget<T>, onChange: () => void, deps: ListWatchDeps): Watched<T> {
  const { connection, clock, random, timers } = deps;
  const { path } = target;
  const log = deps.log.child({ path });
  const closing = new AbortController();
  const backOff = createBackOff(random);
  const inventory = createInventory(target.read, (key, cause) => {
    deps.onEvent({ kind: 'Skipped', path, key });
    log.error('an object could not be read and is passed over', { key, err: asError(cause) });
  });
  let listed = false;
  let fault: { readonly during: 'list' | 'watch'; readonly message: string } | undefined;
  /** What the watch goes on from; undefined: a list must come first. */
  let version: string | undefined;
  let relistAtMs = 0;
  let pageSize = maxPageSize;

  function notify(): void {
    if (closing.signal.aborted) return;
    try {
      onChange();
    } catch (cause) {
      log.error('the listener of a watch failed', { err: asError(cause) });
    }
  }

  function fail(during: 'list' | 'watch', error: ApiError): void {
    const isNew = fault?.message !== error.message;
    fault = { during, message: error.message };
    if (!isNew) return;
    log.warn(`${during} failed`, { reason: error.reason, status: error.status, fault: error.message });
    notify();
  }

  /** Gives whether there was a fault. A list that succeeds says nothing about a watch that fails. */
  function recover(during: 'list' | 'watch'): boolean {
    if (fault === undefined || (during === 'list' && fault.during === 'watch')) return false;
    fault = undefined;
    log.info(`${during} succeeds again`);
    return true;
  }

  function relist(reason: RelistReason): void {
    version = undefined;
    deps.onEvent({ kind: 'Relist', path, reason });
    log.debug('listing anew', { why: reason });
  }

  function query(more: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
    const all = { labelSelector: target.labelSelector, fieldSelector: target.fieldSelector, ...more };
    return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  async function list(): Promise<string> {
    const listing = inventory.begin();
    let next: string | undefined;
    let at: string;
    do {
      const more = query({ limit: String(pageSize), continue: next });
      const request: ApiRequest = { method: 'GET', path, verb: 'list', query: more };
      const limits = { deadlineMs: pageDeadlineMs, maxBytes: maxPageBytes, signal: closing.signal };
      const page = readPage(path, await ask(connection, request, limits));
      for (const item of page.items) listing.add(item);
      next = page.next;
      at = page.version;
    } while (next !== undefined);
    relistAtMs = clock.monotonicMs() + relistEveryMs * (0.8 + random() * 0.4);
    deps.onEvent({ kind: 'List', path, result: 'ok' });
    const changed = [listing.finish(), recover('list'), !listed].includes(true);
    listed = true;
    if (changed) notify();
    return at;
  }

  /** Lists until it has succeeded, and gives the version; undefined when closed. */
  async function listUntilDone(): Promise<string | undefined> {
    while (!closing.signal.aborted) {
      try {
        return await list();
      } catch (cause) {
        if (closing.signal.aborted) return undefined;
        const error = asApiError(cause);
        deps.onEvent({ kind: 'List', path, result: 'failed' });
        // The pages already read are of a version that is gone: from the first page again.
        if (error.status === 410) relist('expired');
        // Objects may be large: with fewer a page the list can still be made.
        if (error.reason === 'TooLarge') pageSize = Math.max(1, Math.floor(pageSize / 2));
        fail('list', error);
        await pause(timers, backOff.next(error.retryAfterMs), closing.signal);
      }
    }
    return undefined;
  }

  /** Takes what arrived together; gives how the watch ends, if it does. */
  function take(lines: readonly WatchLine[]): End | undefined {
    let changed = false;
    let end: End | undefined;
    for (const line of lines) {
      end = endBy(path, line);
      if (end !== undefined) break;
      if (line.kind === 'Changed') changed = inventory.set(line.object, line.version) || changed;
      if (line.kind === 'Deleted') changed = inventory.delete(line.object) || changed;
      if ('version' in line) version = line.version;
    }
    if (changed) notify();
    return end;
  }

  /** Watches once. `onHeard` is told of the first event. */
  async function watch(from: string, onHeard: () => void): Promise<End> {
    const timeoutSeconds = String(Math.floor(minWatchSeconds + random() * minWatchSeconds));
    const more = query({ watch: 'true', resourceVersion: from, allowWatchBookmarks: 'true', timeoutSeconds });
    const request: ApiRequest = { method: 'GET', path, verb: 'watch', query: more };
    const turn = new AbortController();
    const stop = () => turn.abort(failureOf(request, 'Closed', 'the watch was closed'));
    const cancel = timers.after(Math.max(0, relistAtMs - clock.monotonicMs()), stop);
    closing.signal.addEventListener('abort', stop, { once: true });
    let opened = false;
    try {
      return await connection.exchange(request, { deadlineMs: openDeadlineMs, signal: turn.signal }, async (answer) => {
        if (answer.status !== 200) throw await refused(request, answer);
        opened = true;
        answer.extend(silenceMs);
        deps.onEvent({ kind: 'Watch', path, result: 'ok' });
        if (recover('watch')) notify();
        const lines = createWatchLines(maxLineBytes);
        for await (const chunk of answer.body) {
          answer.extend(silenceMs);
          const events = lines.push(chunk);
          if (events.length > 0 && events[0]?.kind !== 'Malformed' && events[0]?.kind !== 'Error') onHeard();
          const end = take(events);
          if (end !== undefined) return end;
        }
        return { kind: 'Ended', why: 'closed' };
      });
    } catch (cause) {
      if (turn.signal.aborted) return { kind: 'Relist', reason: 'periodic' };
      const error = asApiError(cause);
      if (opened && error.reason === 'Timeout') return { kind: 'Ended', why: 'silent' };
      if (opened) deps.onEvent({ kind: 'WatchEnd', path, why: 'reset' });
      else deps.onEvent({ kind: 'Watch', path, result: 'failed' });
      if (error.status === 410) return { kind: 'Relist', reason: 'expired' };
      if (error.status === 404) return { kind: 'Relist', reason: 'notFound', error };
      return { kind: 'Failed', error };
    } finally {
      cancel();
      closing.signal.removeEventListener('abort', stop);
    }
  }

  async function turn(): Promise<void> {
    version ??= await listUntilDone();
    if (version === undefined) return;
    const startedMs = clock.monotonicMs();
    let healthy = false;
    const end = await watch(version, () => {
      healthy = true;
    });
    if (closing.signal.aborted) return;
    healthy ||= end.kind !== 'Failed' && clock.monotonicMs() - startedMs >= longMs;
    if (end.kind === 'Ended') deps.onEvent({ kind: 'WatchEnd', path, why: end.why });
    if (end.kind === 'Relist') relist(end.reason);
    const error = end.kind === 'Ended' ? undefined : end.error;
    if (error !== undefined) fail('watch', error);
    if (healthy) backOff.reset();
    // What ends at once again and again must not become a storm of lists.
    if (healthy && error === undefined) return;
    await pause(timers, backOff.next(error?.retryAfterMs), closing.signal);
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await turn();
      } catch (cause) {
        log.error('a watch failed unexpectedly and begins anew', { err: asError(cause) });
        version = undefined;
        fail('list', failureOf({ method: 'GET', path }, 'Malformed', `it failed unexpectedly (${String(cause)})`));
        await pause(timers, backOff.next(), closing.signal);
      }
    }
  }

  void run();
  return {
    get listed() {
      return listed;
    },
    get fault() {
      return fault?.message;
    },
    values: () => inventory.values(),
    get: (key) => inventory.get(key),
    close: () => closing.abort(failureOf({ method: 'GET', path }, 'Closed', 'the watch was closed')),
  };
}

/** How a line ends the watch, if it does. */
function endBy(path: string, line: WatchLine): End | undefined {
  const asked = { method: 'GET', path, verb: 'watch' };
  if (line.kind === 'Malformed') {
    return { kind: 'Relist', reason: 'malformed', error: failureOf(asked, 'Malformed', `the watch sent ${line.why}`) };
  }
  if (line.kind !== 'Error') return undefined;
  if (line.code === 410) return { kind: 'Relist', reason: 'expired' };
  return { kind: 'Relist', reason: 'error', error: refusalOf(asked, line.code, line.status, undefined) };
}

function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  throw cause;
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

const maxPageSize = 500;
const maxPageBytes = 16 * 1024 * 1024;
const maxLineBytes = 8 * 1024 * 1024;
const pageDeadlineMs = 60_000;
const openDeadlineMs = 30_000;
/** Bookmarks come about every minute, so a healthy watch is never that quiet. */
const silenceMs = 90_000;
/** The server ends a watch after 5 to 10 minutes, as client-go asks it to. */
const minWatchSeconds = 300;
/** Everything is listed anew every 8 to 12 minutes, in case an event was lost without a sign. */
const relistEveryMs = 600_000;
/** A watch that lived so long was a good one, even if nothing happened. */
const longMs = 10_000;
