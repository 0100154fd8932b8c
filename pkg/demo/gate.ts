import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { DemoFailed } from './errors.ts';

/** A running gate. */
export interface Gate {
  /** Resolves when it has ended by itself, with what is to be told; never when `stop` ended it. */
  readonly died: Promise<string>;
  /** SIGTERM, and SIGKILL when it has not ended in time. Never throws. */
  stop(): Promise<void>;
}

export interface GateOptions {
  /** Program and first arguments, such as `node cmd/sidecar/main.ts`. */
  readonly command: readonly [string, ...string[]];
  readonly manifests: string;
  readonly adminPort: number;
  /** Everything that the gate writes goes there. */
  readonly logFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly startDeadlineMs: number;
}

/** Starts the sidecar in standalone mode and waits until it is ready. @throws DemoFailed with the end of its log. */
export async function startGate(options: GateOptions): Promise<Gate> {
  const [program, ...first] = options.command;
  const args = ['--manifests', options.manifests, '--listen-address', '127.0.0.1'];
  args.push('--admin-port', String(options.adminPort));
  const log = openSync(options.logFile, 'w', 0o600);
  const child = spawn(program, [...first, ...args], { stdio: ['ignore', log, log], env: options.env });
  closeSync(log);
  const ended = endOf(child);
  let stopping = false;
  const stop = async () => {
    stopping = true;
    child.kill('SIGTERM');
    const late = new AbortController();
    await Promise.race([ended, wait(stopDeadlineMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    // Without effect on a process that has ended.
    child.kill('SIGKILL');
    await ended;
  };
  const failure = (what: string) =>
    new DemoFailed(
      `the gate ${what}. The end of what it wrote:\n${tail(options.logFile)}\n` +
        `It was started as: ${[program, ...first, ...args].join(' ')}\n` +
        'Put right what it names (a port in use: choose others with --port, --app-port, --responder-port, --admin-port) and start again.',
    );

  const started = new AbortController();
  const outcome = await Promise.race([
    ended,
    readiness(options.adminPort, started.signal).then(() => 'ready' as const),
    wait(options.startDeadlineMs, undefined, { signal: started.signal }).then(
      () => 'late' as const,
      () => 'late' as const,
    ),
  ]);
  started.abort();
  if (outcome === 'late') {
    await stop();
    throw failure(`was not ready within ${options.startDeadlineMs / 1000} s`);
  }
  if (outcome !== 'ready') throw failure(outcome);
  return {
    stop,
    died: new Promise((resolve) => {
      void ended.then((how) => {
        if (!stopping) resolve(failure(how).message);
      });
    }),
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `ended by ${signal}`),
    );
  });
}

/** Resolves when /readyz answers 200; rejects never, and stays open for good once `signal` aborts. */
async function readiness(adminPort: number, signal: AbortSignal): Promise<void> {
  while (!(await isReady(adminPort, signal))) {
    if (signal.aborted) return new Promise(() => {});
    await wait(pollMs);
  }
}

function isReady(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', agent: false, signal }, (response) => {
      response.resume();
      response.on('error', () => {});
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}

function tail(file: string): string {
  const text = readFileSync(file, 'utf8').trimEnd();
  if (text === '') return '  (nothing)';
  return text
    .split('\n')
    .slice(-tailLines)
    .map((line) => `  ${line}`)
    .join('\n');
}

const pollMs = 25;
const stopDeadlineMs = 8_000;
const tailLines = 15;
