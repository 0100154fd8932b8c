import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { registerProcessMetrics } from './process-metrics.ts';

test('a process shows start time, memory, CPU time and the delay of its event loop', async () => {
  const registry = new Registry();
  const nowMs = 1_800_000_000_000;
  const stop = registerProcessMetrics(registry, { wallMs: () => nowMs, monotonicMs: () => 0 });
  await registry.metrics();
  const values = new Map(
    (await registry.metrics())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
  stop();
  assert.deepEqual(
    [...values.keys()],
    [
      'process_start_time_seconds',
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'lychgate_event_loop_delay_seconds{percentile="50"}',
      'lychgate_event_loop_delay_seconds{percentile="99"}',
      'lychgate_event_loop_delay_seconds{percentile="100"}',
    ],
  );
  const startedAgo = nowMs / 1000 - (values.get('process_start_time_seconds') ?? 0);
  assert.ok(startedAgo >= 0 && startedAgo < 600, `started ${startedAgo} s ago`);
  assert.ok((values.get('process_resident_memory_bytes') ?? 0) > 10_000_000);
  const { user, system } = process.cpuUsage();
  const counted = values.get('process_cpu_seconds_total') ?? 0;
  // Counted once though scraped twice.
  assert.ok(counted > 0 && counted <= (user + system) / 1e6, `${counted} s counted`);
});
