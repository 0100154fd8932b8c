import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
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

/** Whether proxies, application and load may all use two cores, and proxies two workers. */
export const bothCores: boolean = process.argv.includes('--both-cores');

/** The proxies' cores, those of application and load, and how many each of them has. */
export const cores = bothCores ? { proxy: '0,1', load: '0,1', each: 2 } : { proxy: '0', load: '1', each: 1 };

export const repository: string = join(import.meta.dirname, '..', '..');
export const buildDirectory: string = join(repository, 'build');

/** Builds the bundles of this checkout. @throws where that fails. */
export function buildBundles(): void {
  const { status } = spawnSync(process.execPath, ['build.ts'], {
    cwd: repository,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0 || !existsSync(join(repository, 'dist', 'sidecar.js'))) throw new Error('the build failed');
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
