import type { EventEmitter } from 'node:events';
import type { Log } from './log.ts';

/** One part's orderly end. `signal` aborts when the deadline is over. */
export type Stop = (signal: AbortSignal) => Promise<void> | void;

/** From the process's start to its end: signals, an ordered stop, and faults that nobody caught. */
export interface Lifecycle {
  /** Aborts as soon as stopping begins: for whatever is still starting or waiting. */
  readonly stopping: AbortSignal;
  /** Registers a part's stop. Parts are stopped one after the other, the last registered first. */
  onStop(name: string, stop: Stop): void;
  /**
   * Stops everything as SIGTERM does, then exits with `exitCode` (0 by default); 1 if a part failed or the deadline
   * passed. A second call changes nothing. Settles after the exit function was called; never rejects.
   */
  stop(why: string, exitCode?: number): Promise<void>;
}

export interface LifecycleOptions {
  readonly log: Log;
  /** For all parts together; when it has passed the process exits 1, whatever is unfinished. */
  readonly stopDeadlineMs: number;
  /** Called last, before the exit: flush the log here. */
  readonly beforeExit?: () => void;
  /** Where signals and uncaught faults come from; the process by default. */
  readonly source?: Pick<EventEmitter, 'on'>;
  /** How to end; `process.exit` by default. */
  readonly exit?: (code: number) => void;
}

/**
 * Takes over SIGTERM, SIGINT, uncaught exceptions and unhandled rejections. The first signal stops the parts in
 * order and exits 0; the second exits at once with 128 + its number. An uncaught fault is logged and exits 1 at once:
 * a process in an unknown state must not go on deciding who gets in.
 */
export function takeOverLifecycle(options: LifecycleOptions): Lifecycle {
  const { log, stopDeadlineMs } = options;
  const source = options.source ?? process;
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const stopping = new AbortController();
  const late = new AbortController();
  let deadline: NodeJS.Timeout | undefined;
  const parts: { readonly name: string; readonly stop: Stop }[] = [];
  let stopped: Promise<void> | undefined;
  let exited = false;

  function exitOnce(code: number): void {
    if (exited) return;
    exited = true;
    clearTimeout(deadline);
    try {
      options.beforeExit?.();
    } finally {
      exit(code);
    }
  }

  function stop(why: string, exitCode = 0): Promise<void> {
    stopped ??= (async () => {
      log.info('stopping', { why, deadlineMs: stopDeadlineMs });
      stopping.abort(new Error(`stopping: ${why}`));
      deadline = setTimeout(() => late.abort(new Error(`stop deadline passed: ${stopDeadlineMs} ms`)), stopDeadlineMs);
      const clean = await stopParts(parts, late.signal, log);
      log.info('stopped', { clean });
      exitOnce(clean ? exitCode : 1);
    })();
    return stopped;
  }

  function onSignal(name: string, number: number): void {
    if (stopped === undefined) {
      void stop(name);
      return;
    }
    log.warn('stopping at once: second signal', { signal: name });
    exitOnce(128 + number);
  }

  function onFault(kind: string, fault: unknown): void {
    log.error(`${kind}: exiting`, { err: fault instanceof Error ? fault : new Error(String(fault)) });
    exitOnce(1);
  }

  source.on('SIGTERM', () => onSignal('SIGTERM', 15));
  source.on('SIGINT', () => onSignal('SIGINT', 2));
  source.on('uncaughtException', (fault: unknown) => onFault('uncaught exception', fault));
  source.on('unhandledRejection', (fault: unknown) => onFault('unhandled rejection', fault));

  return {
    stopping: stopping.signal,
    onStop: (name, part) => {
      parts.push({ name, stop: part });
    },
    stop,
  };
}

/** True if every part stopped in time without an error. A failing part never keeps the others from stopping. */
async function stopParts(
  parts: readonly { readonly name: string; readonly stop: Stop }[],
  late: AbortSignal,
  log: Log,
): Promise<boolean> {
  const passed = new Promise<'late'>((resolve) => {
    late.addEventListener('abort', () => resolve('late'), { once: true });
  });
  let clean = true;
  for (const part of parts.toReversed()) {
    const outcome = await Promise.race([stopPart(part, late, log), passed]);
    if (outcome === 'late') {
      log.error('stop deadline passed', { part: part.name });
      return false;
    }
    clean &&= outcome === 'stopped';
  }
  return clean;
}

async function stopPart(
  part: { readonly name: string; readonly stop: Stop },
  signal: AbortSignal,
  log: Log,
): Promise<'failed' | 'stopped'> {
  try {
    await part.stop(signal);
    return 'stopped';
  } catch (cause) {
    const err = cause instanceof Error ? cause : new Error(String(cause));
    log.error('could not be stopped in order', { part: part.name, err });
    return 'failed';
  }
}
