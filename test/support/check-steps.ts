import { spawn } from 'node:child_process';
import { root } from './source-files.ts';

/** A command of the house that must end with exit code 0. */
export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

export interface StepResult {
  readonly name: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** Standard output and error, as they came. */
  readonly output: string;
}

/** What is checked without running anything of ours. Programs are the ones that `npm ci` brought. */
export const checkSteps: readonly Step[] = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'lint', command: ['oxlint', 'cmd', 'pkg', 'test'] },
  { name: 'format', command: ['biome', 'check'] },
  { name: 'dead code', command: ['knip'] },
];

/** Runs a step; never rejects: a program that cannot be started is a failed step. */
export function runStep({ name, command: [program, ...parameters] }: Step): Promise<StepResult> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const child = spawn(`${root}node_modules/.bin/${program}`, parameters, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    const finish = (passed: boolean): void =>
      resolve({ name, passed, seconds: (performance.now() - begun) / 1000, output: Buffer.concat(chunks).toString() });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${program}: ${error.message}; run npm ci\n`));
      finish(false);
    });
    child.on('close', (code) => finish(code === 0));
  });
}
