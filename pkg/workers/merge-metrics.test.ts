import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { HistogramFamily } from '../proxy/tally.ts';
import { familiesOf, lasting, mergeFamilies, textOf } from './merge-metrics.ts';

function registryOf(worker: number): Registry {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: 'requests_total', help: 'Requests.', labelNames: ['a', 'b'], registers });
  requests.inc({ a: 'x', b: 'y' }, worker);
  if (worker === 2) requests.inc({ b: 'z', a: 'x' }, 5);
  new Gauge({ name: 'open', help: 'Open.', registers }).set(worker);
  new Gauge({ name: 'oldest', help: 'Oldest.', aggregator: 'min', registers }).set(worker);
  new Gauge({ name: 'worst', help: 'Worst.', aggregator: 'max', registers }).set(worker);
  new Histogram({ name: 'seconds', help: 'Seconds.', buckets: [1, 2], registers }).observe(worker);
  new HistogramFamily(registry, { name: 'tally_seconds', help: 'Seconds.' }, [1, 2]).of({ p: 'q' }).observe(worker);
  return registry;
}

test('series of the same name and labels become one, each by its own rule', async () => {
  const lists = await Promise.all([1, 2].map((worker) => familiesOf(registryOf(worker))));
  // As between threads.
  const text = await textOf(mergeFamilies(structuredClone(lists)));
  assert.deepEqual(
    text.split('\n').filter((line) => line !== '' && !line.startsWith('# HELP')),
    [
      '# TYPE requests_total counter',
      'requests_total{a="x",b="y"} 3',
      'requests_total{b="z",a="x"} 5',
      '# TYPE open gauge',
      'open 3',
      '# TYPE oldest gauge',
      'oldest 1',
      '# TYPE worst gauge',
      'worst 2',
      '# TYPE seconds histogram',
      'seconds_bucket{le="1"} 1',
      'seconds_bucket{le="2"} 2',
      'seconds_bucket{le="+Inf"} 2',
      'seconds_sum 3',
      'seconds_count 2',
      '# TYPE tally_seconds histogram',
      'tally_seconds_bucket{le="1",p="q"} 1',
      'tally_seconds_bucket{le="2",p="q"} 2',
      'tally_seconds_bucket{le="+Inf",p="q"} 2',
      'tally_seconds_sum{p="q"} 3',
      'tally_seconds_count{p="q"} 2',
    ],
  );
});

test("of one list the text is the registry's own", async () => {
  const registry = registryOf(2);
  assert.equal(await textOf(mergeFamilies([await familiesOf(registry)])), await registry.metrics());
});

test('of a dead worker counters and histograms stay, gauges do not', async () => {
  const names = lasting(await familiesOf(registryOf(1))).map(({ name }) => name);
  assert.deepEqual(names, ['requests_total', 'seconds', 'tally_seconds']);
});
