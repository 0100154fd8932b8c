import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withoutUnsafeVariables } from '../../pkg/process/env.ts';

/** A process of the bench, kept to its cores. */
export interface Running {
  readonly pid: number;
  /** From its start to the first connection that its port took. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export const repository: string = join(import.meta.dirname, '..', '..');
export const buildDirectory: string = join(repository, 'build');

/** Builds the bundles of this checkout. @throws where that fails. */
export function buildBundles(): void {
  const built = run(process.execPath, ['build.ts']);
  if (!built || !existsSync(join(repository, 'dist', 'sidecar.js'))) throw new Error('the build failed');
}

/** Runs a program in the repository to its end, what it complains of shown. Returns whether it succeeded. */
export function run(command: string, args: readonly string[]): boolean {
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  return spawnSync(command, args, { cwd: repository, stdio: [...stdio] }).status === 0;
}

/** Starts a program on a core or several, its output in `log`, and waits until `port` of 127.0.0.1 takes connections. @throws where it ends instead. */
export async function startPinned(
  core: string,
  command: readonly string[],
  port: number,
  log: string,
): Promise<Running> {
  const begun = performance.now();
  const child = spawn('taskset', ['-c', core, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: withoutUnsafeVariables(process.env),
  });
  const out = createWriteStream(log);
  child.stdout.pipe(out, { end: false });
  child.stderr.pipe(out, { end: false });
  const running = { pid: child.pid ?? 0, stop: () => stop(child) };
  const limitMs = begun + 15_000;
  while (!(await takesConnections(port))) {
    if (child.exitCode === null && performance.now() < limitMs) {
      await delay(5);
      continue;
    }
    await running.stop();
    throw new Error(`${command[0]} does not listen on ${port} (ended with ${child.exitCode}); see ${log}`);
  }
  return { ...running, startMs: performance.now() - begun };
}

/** Whether something listens there. */
function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  child.kill('SIGTERM');
  const guard = setTimeout(() => child.kill('SIGKILL'), 3000);
  await over;
  clearTimeout(guard);
}

/** Runs a program to its end; undefined where it is not there or fails. */
export function output(command: string, args: readonly string[], cwd?: string): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, [...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...(cwd === undefined ? {} : { cwd }),
  });
  return status === 0 ? `${stdout}${stderr}` : undefined;
}

/** How many files a process may open at most: the hard limit of this process. */
export function openFilesLimit(): number {
  const limit = /^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

/**
 * As many connections as proxies are made to hold: 10,000, or what the limit of open files leaves where a proxy may have
 * a second one, to the application, for each.
 */
export const mostConnections: number = Math.min(10_000, Math.floor((openFilesLimit() - 200) / 2));
