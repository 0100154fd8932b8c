import { Registry } from 'prom-client';

/** How the values that several threads have of one series become one; of prom-client's own words those that are used. */
export type Aggregator = 'max' | 'min' | 'sum';

/** All series of one name, as plain data. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: Aggregator;
  readonly values: readonly Sample[];
}

interface Sample {
  readonly labels: Readonly<Record<string, number | string>>;
  readonly value: number;
  /** Of a histogram: the name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

/** What a registry would show, as data that can be sent to another thread. */
export async function familiesOf(registry: Pick<Registry, 'getMetricsAsJSON'>): Promise<readonly MetricFamily[]> {
  const read: readonly unknown[] = await registry.getMetricsAsJSON();
  // prom-client's types leave out `aggregator` where they know `values`.
  return (read as readonly MetricFamily[]).map(({ name, help, type, aggregator, values }) => ({
    ...{ name, help, type, aggregator },
    values: values.map(({ labels, value, metricName }) => ({
      ...{ labels: { ...labels }, value },
      ...(metricName === undefined ? {} : { metricName }),
    })),
  }));
}

/** One list out of those of several threads: series of the same name and labels become one. */
export function mergeFamilies(lists: readonly (readonly MetricFamily[])[]): readonly MetricFamily[] {
  const merged = new Map<string, { readonly family: MetricFamily; readonly samples: Map<string, Sample> }>();
  for (const family of lists.flat()) {
    const known = merged.get(family.name) ?? { family, samples: new Map<string, Sample>() };
    merged.set(family.name, known);
    for (const sample of family.values) {
      const key = keyOf(sample);
      const before = known.samples.get(key);
      const value =
        before === undefined ? sample.value : aggregate[known.family.aggregator](before.value, sample.value);
      known.samples.set(key, { ...sample, value });
    }
  }
  return [...merged.values()].map(({ family, samples }) => ({ ...family, values: [...samples.values()] }));
}

/** What of a dead worker's series stays, so that no counter ever goes back: gauges of it mean nothing any more. */
export function lasting(families: readonly MetricFamily[]): readonly MetricFamily[] {
  return families.filter(({ type }) => type !== 'gauge');
}

/** As Prometheus reads it. */
export function textOf(families: readonly MetricFamily[]): Promise<string> {
  const registry = new Registry();
  for (const family of families) {
    const metric = { ...family, get: () => Promise.resolve(family) };
    // What the registry calls of a metric; its type names prom-client's own classes only.
    registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
  }
  return registry.metrics();
}

function keyOf({ labels, metricName = '' }: Sample): string {
  const sorted = Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([metricName, sorted]);
}

const aggregate: Readonly<Record<Aggregator, (left: number, right: number) => number>> = {
  max: (left, right) => Math.max(left, right),
  min: (left, right) => Math.min(left, right),
  sum: (left, right) => left + right,
};
