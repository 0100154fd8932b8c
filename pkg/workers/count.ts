import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** What the container may use. */
export interface Resources {
  /** CPUs that the machine and the affinity of the process give. */
  readonly parallelism: number;
  /** CPUs by the limit of the container; undefined where there is none. */
  readonly cpuLimit: number | undefined;
  /** Bytes; undefined where there is no limit. */
  readonly memoryLimit: number | undefined;
}

/**
 * How many workers serve. `auto`: one for each whole CPU of the limit, as far as the memory limit has room for them. A
 * container without a CPU limit has one: on a large machine a worker for every CPU would be memory that nobody granted.
 */
export function workerCount(asked: number | 'auto', { parallelism, cpuLimit, memoryLimit }: Resources): number {
  if (asked !== 'auto') return asked;
  if (cpuLimit === undefined) return 1;
  const byCpu = Math.floor(Math.min(cpuLimit, parallelism));
  const byMemory = memoryLimit === undefined ? maxWorkers : Math.floor((memoryLimit - ownerBytes) / bytesPerWorker);
  return Math.max(1, Math.min(byCpu, byMemory, maxWorkers));
}

/** Reads the limits of the container (cgroup v2, cpu.max and memory.max). What cannot be read is no limit. */
export function containerResources(root = '/sys/fs/cgroup', parallelism = availableParallelism()): Resources {
  const [quota = 'max', period = ''] = (read(join(root, 'cpu.max')) ?? 'max').split(' ');
  const cpuLimit = Number(quota) / Number(period);
  const memoryLimit = Number(read(join(root, 'memory.max')) ?? 'max');
  return {
    parallelism,
    cpuLimit: cpuLimit > 0 && Number.isFinite(cpuLimit) ? cpuLimit : undefined,
    memoryLimit: memoryLimit > 0 ? memoryLimit : undefined,
  };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Most that are chosen; no more may be asked for either. */
const maxWorkers = 64;
/** What is left to the owner, and what a worker is counted with: its idle memory and some for connections. */
const ownerBytes = 96 * 1_048_576;
const bytesPerWorker = 64 * 1_048_576;
