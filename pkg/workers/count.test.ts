import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { containerResources, workerCount } from './count.ts';

const gib = 1_073_741_824;

suite('the number of workers', () => {
  const cases = [
    { name: 'is what is asked for', asked: 3, cpuLimit: 1, memoryLimit: gib / 8, want: 3 },
    { name: 'is one without a CPU limit', asked: 'auto', cpuLimit: undefined, memoryLimit: undefined, want: 1 },
    { name: 'is one below two CPUs', asked: 'auto', cpuLimit: 1.9, memoryLimit: undefined, want: 1 },
    { name: 'is one for half a CPU', asked: 'auto', cpuLimit: 0.5, memoryLimit: undefined, want: 1 },
    { name: 'is one for each whole CPU', asked: 'auto', cpuLimit: 2.9, memoryLimit: gib, want: 2 },
    { name: 'is no more than the machine has CPUs', asked: 'auto', cpuLimit: 16, memoryLimit: undefined, want: 8 },
    { name: 'is no more than the memory has room for', asked: 'auto', cpuLimit: 8, memoryLimit: gib / 4, want: 2 },
    { name: 'is one at least', asked: 'auto', cpuLimit: 8, memoryLimit: gib / 16, want: 1 },
  ] as const;
  for (const { name, asked, cpuLimit, memoryLimit, want } of cases) {
    test(name, () => assert.equal(workerCount(asked, { parallelism: 8, cpuLimit, memoryLimit }), want));
  }
});

suite('the limits of a container', () => {
  const cases = [
    { name: 'are read', cpu: '250000 100000\n', memory: '268435456\n', want: [2.5, gib / 4] },
    { name: 'may be none', cpu: 'max 100000\n', memory: 'max\n', want: [undefined, undefined] },
    { name: 'are none where they cannot be read', cpu: 'x', memory: '', want: [undefined, undefined] },
    { name: 'are none where there are no such files', cpu: undefined, memory: undefined, want: [undefined, undefined] },
  ];
  for (const { name, cpu, memory, want } of cases) {
    test(name, (t) => {
      const root = mkdtempSync(join(tmpdir(), 'lychgate-cgroup-'));
      t.after(() => rmSync(root, { recursive: true }));
      if (cpu !== undefined) writeFileSync(join(root, 'cpu.max'), cpu);
      if (memory !== undefined) writeFileSync(join(root, 'memory.max'), memory);
      const { parallelism, cpuLimit, memoryLimit } = containerResources(root, 8);
      assert.deepEqual([parallelism, cpuLimit, memoryLimit], [8, ...want]);
    });
  }
});
