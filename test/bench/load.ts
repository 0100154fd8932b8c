import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildDirectory, output, repository } from './machine.ts';
import type { Setting } from './setting.ts';

/** Of the load generator; `build/load -help` tells all. */
export type LoadFlags = Readonly<Record<string, boolean | number | string>>;

/** What `load` prints. */
export interface LoadResult {
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly errors: number;
  readonly firstError?: string;
  readonly resumed: number;
  /** Of the proxy's process tree within the measurement. */
  readonly proxyCpuSeconds: number;
  readonly loadCpuSeconds: number;
  /** Of everything else on the machine but the application. */
  readonly otherCpuSeconds: number;
  readonly proxyRssKib: number;
  readonly p50Micros?: number;
  readonly p99Micros?: number;
  readonly warmRequests: number;
}

export const loadProgram: string = join(buildDirectory, 'load');

/** Builds the load generator. @throws where Go is missing or does not build it. */
export function buildLoad(): void {
  const version = output('go', ['version']);
  if (version === undefined) throw new Error('the load generator is written in Go, and `go` is not there: install it');
  const source = join(repository, 'test', 'bench', 'load');
  const built = output('go', ['build', '-o', loadProgram, '.'], source);
  if (built === undefined) throw new Error(`go build failed in ${source}`);
}

/** Runs it against a port, on the load's cores. @throws with what it wrote, where it fails. */
export async function load(
  flags: LoadFlags,
  { pki, setting: { cores } }: { readonly pki: string; readonly setting: Setting },
): Promise<LoadResult> {
  const files = { cert: join(pki, 'good.crt'), key: join(pki, 'good.key'), ca: join(pki, 'ca.crt') };
  const args = Object.entries({ ...files, ...flags }).map(([name, value]) => `-${name}=${value}`);
  const child = spawn('taskset', ['-c', cores.load, loadProgram, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GOMAXPROCS: String(cores.each) },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`load ${args.join(' ')}: ${stderr}`);
  const result: LoadResult = JSON.parse(stdout);
  return result;
}
