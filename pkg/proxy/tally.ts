import type { Registry } from 'prom-client';

/**
 * A histogram, a counter and a gauge for the path of requests and connections: prom-client hashes the labels of every
 * observation, these add to a number. They are registered like prom-client's own and read the same when scraped.
 */

type Sample = {
  readonly labels: Record<string, number | string>;
  readonly value: number;
  readonly metricName?: string;
};

interface Description {
  readonly name: string;
  readonly help: string;
}

/** Observations of one label set. */
export class HistogramTally {
  readonly labels: Readonly<Record<string, string>>;
  readonly bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.#counts = new Array<number>(bounds.length).fill(0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count += 1;
    const { bounds } = this;
    for (let i = 0; i < bounds.length; i += 1) {
      if (value <= (bounds[i] ?? 0)) {
        this.#counts[i] = (this.#counts[i] ?? 0) + 1;
        return;
      }
    }
  }

  samples(name: string): Sample[] {
    const samples: Sample[] = [];
    let cumulative = 0;
    this.bounds.forEach((bound, i) => {
      cumulative += this.#counts[i] ?? 0;
      samples.push({ labels: { le: bound, ...this.labels }, value: cumulative, metricName: `${name}_bucket` });
    });
    samples.push({ labels: { le: '+Inf', ...this.labels }, value: this.#count, metricName: `${name}_bucket` });
    samples.push({ labels: { ...this.labels }, value: this.#sum, metricName: `${name}_sum` });
    samples.push({ labels: { ...this.labels }, value: this.#count, metricName: `${name}_count` });
    return samples;
  }
}

/** The number of one label set. */
export class NumberTally {
  readonly labels: Readonly<Record<string, string>>;
  value = 0;

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels;
  }
}

/** All label sets of one histogram. */
export class HistogramFamily {
  readonly #bounds: readonly number[];
  readonly #children = new Map<string, HistogramTally>();

  constructor(registry: Registry, description: Description, bounds: readonly number[]) {
    this.#bounds = bounds;
    register(registry, description, 'histogram', () =>
      [...this.#children.values()].flatMap((child) => child.samples(description.name)),
    );
  }

  of(labels: Readonly<Record<string, string>>): HistogramTally {
    return remember(this.#children, labels, () => new HistogramTally(labels, this.#bounds));
  }
}

/** All label sets of one counter or gauge. */
export class NumberFamily {
  readonly #children = new Map<string, NumberTally>();

  constructor(registry: Registry, description: Description, type: 'counter' | 'gauge') {
    register(registry, description, type, () =>
      [...this.#children.values()].map(({ labels, value }) => ({ labels: { ...labels }, value })),
    );
  }

  /** To be kept by whoever adds often. */
  of(labels: Readonly<Record<string, string>>): NumberTally {
    return remember(this.#children, labels, () => new NumberTally(labels));
  }
}

function remember<T>(children: Map<string, T>, labels: Readonly<Record<string, string>>, make: () => T): T {
  const key = JSON.stringify(labels);
  let child = children.get(key);
  if (child === undefined) {
    child = make();
    children.set(key, child);
  }
  return child;
}

function register(
  registry: Registry,
  { name, help }: Description,
  type: 'counter' | 'gauge' | 'histogram',
  read: () => Sample[],
): void {
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: async () => ({ name, help, type, aggregator: 'sum', values: read() }),
  };
  // What the registry calls of a metric; its type names prom-client's own classes only.
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
}
