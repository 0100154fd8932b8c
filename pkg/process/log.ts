import { pino } from 'pino';
import type { Clock } from './clock.ts';
import type { LogFields } from './log-fields.ts';
import { redact } from './redact.ts';

/**
 * Structured log: one event, one JSON line. Every method takes a constant message and the event's fields; no method
 * throws. Anything that looks like a private key or a credential is written as `[redacted]`.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  child(fields: LogFields): Log;
}

/** A process's own log, which must be flushed before the process exits. */
export interface RootLog extends Log {
  /** A line that a log on another thread has made, as it is: only one thread writes to the output, so that lines stay whole. */
  write(line: string): void;
  /** Writes what is still buffered, synchronously. Never throws. */
  flush(): void;
}

export const logLevels = ['debug', 'error', 'info', 'silent', 'warn'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Where lines go, each with its line feed; standard output by default. */
  readonly write?: (line: string) => void;
}

/**
 * Makes the log of a process. Lines to standard output are written in the background: a reader that stalls never
 * stops the event loop; beyond 8 MiB unread, lines are dropped, counted, and the count is logged when the reader is back.
 */
export function createLog(options: LogOptions): RootLog {
  const sink = options.write === undefined ? standardOutput() : { write: options.write, flush: () => undefined };
  const logger = pino(
    {
      base: null,
      level: options.level,
      timestamp: () => `,"time":"${new Date(options.clock.wallMs()).toISOString()}"`,
      // Errors have been made plain by redact.
      serializers: { err: (err: unknown) => err },
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => sink.write(escapeInvisible(line)) },
  );
  return { ...wrap(logger), write: sink.write, flush: sink.flush };
}

/** A log that writes nothing: for tests and for tools. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

/** What is used of pino: its own generic types do not fit each other under exactOptionalPropertyTypes. */
interface PinoLogger {
  isLevelEnabled(level: string): boolean;
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): PinoLogger;
}

function wrap(logger: PinoLogger): Log {
  return {
    debug: (message, fields) => write(logger, 'debug', message, fields),
    info: (message, fields) => write(logger, 'info', message, fields),
    warn: (message, fields) => write(logger, 'warn', message, fields),
    error: (message, fields) => write(logger, 'error', message, fields),
    child: (fields) => wrap(logger.child(redact(fields))),
  };
}

function write(
  logger: PinoLogger,
  level: 'debug' | 'error' | 'info' | 'warn',
  message: string,
  fields: LogFields | undefined,
): void {
  if (!logger.isLevelEnabled(level)) return;
  try {
    logger[level](fields === undefined ? {} : redact(fields), message);
  } catch (cause) {
    // A field that cannot be printed (a getter that throws) must not take the request down with it.
    logger.error({ event: message }, `log line could not be written: ${String(cause)}`);
  }
}

function standardOutput(): { write(line: string): void; flush(): void } {
  const destination = pino.destination({ fd: 1, sync: false, minLength: 0, maxLength: maxUnreadBytes });
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  destination.on('drain', () => {
    if (dropped === 0) return;
    const line = JSON.stringify({ level: 'warn', msg: 'log lines were dropped: standard output is not read', dropped });
    dropped = 0;
    destination.write(`${line}\n`);
  });
  // Without a listener a closed standard output would end the process.
  destination.on('error', () => undefined);
  return {
    write: (line) => {
      destination.write(line);
    },
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Standard output is closed: there is nobody left to tell.
      }
    },
  };
}

/**
 * JSON escapes C0 controls only. C1 controls, DEL, line separators and bidirectional overrides move a terminal's
 * cursor or turn text around, so a client-chosen name could make one line look like another. In a JSON line they
 * can only stand inside strings, where the escape means the same.
 */
function escapeInvisible(line: string): string {
  return line.replace(invisible, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const invisible = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const maxUnreadBytes = 8 * 1024 * 1024;
