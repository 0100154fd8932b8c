import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { withoutUnsafeVariables } from '../../pkg/process/env.ts';

/** The sidecar's program in a process of its own, and all that it writes. */
export interface SidecarProcess {
  readonly child: ChildProcess;
  /** So far. */
  stdout(): string;
  stderr(): string;
  /** Whether it has ended. */
  over(): boolean;
  /** When both outputs are closed too. */
  readonly ended: Promise<void>;
}

/** Starts it by the runtime that LYCHGATE_RUNTIME names; this Node unless given. */
export function spawnSidecar(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): SidecarProcess {
  const child = spawn(process.env['LYCHGATE_RUNTIME'] ?? process.execPath, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutUnsafeVariables(process.env), ...environment },
  });
  const written = { stdout: '', stderr: '' };
  for (const output of ['stdout', 'stderr'] as const) {
    child[output].setEncoding('utf8').on('data', (text: string) => {
      written[output] += text;
    });
  }
  return {
    child,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    over: () => child.exitCode !== null || child.signalCode !== null,
    ended: once(child, 'close').then(() => undefined),
  };
}

/** The value of a series, by its name with labels as it stands, in the text of /metrics; undefined where it is not there. */
export function seriesIn(metrics: string, series: string): number | undefined {
  const line = metrics.split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
