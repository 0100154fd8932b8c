import type { Measurement, Sample } from './row.ts';
import { ratio, shown, spreadOf, tableOf } from './statistics.ts';

/** A row and what it gave. */
export interface RowReport {
  readonly row: Pick<Measurement, 'about' | 'figures' | 'more' | 'name' | 'unit'>;
  /** By the name of the peer, in the order in which they were taken. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
}

/** All that is known of one row, as a table: medians [least-most], ratios of medians to nginx and Envoy. */
export function details({ row, samples }: RowReport): string {
  const hasCpu = [...samples.values()].some((list) => list.some(({ cpuMicros }) => cpuMicros !== undefined));
  const perUnit = row.unit === 'MiB/s' ? 'us CPU a MiB' : 'us CPU a request';
  const heads = ['proxy', row.unit, 'x nginx', 'x envoy'];
  if (hasCpu) heads.push(perUnit, 'CPU x nginx', 'CPU x envoy', 'cores: proxy, load, others');
  heads.push('also');
  const against = (list: readonly Sample[], read: Read) =>
    ['nginx', 'envoy'].map((peer) => ratio(middle(list, read), middle(samples.get(peer) ?? [], read)));
  const lines = [...samples].map(([name, list]) => {
    const cells = [name, spread(list, value), ...against(list, value)];
    if (hasCpu) {
      cells.push(spread(list, cpu), ...against(list, cpu));
      cells.push(coresRead.map((read) => shown(middle(list, read))).join(', '));
    }
    cells.push([...also(list), ...errors(list)].join('; '));
    return cells;
  });
  return [`**${row.name}**: ${row.about} (${row.more ? 'more' : 'less'} is better)`, tableOf(heads, lines)].join(
    '\n\n',
  );
}

type Read = (sample: Sample) => number | undefined;

const value: Read = (sample) => sample.value;
const cpu: Read = ({ cpuMicros }) => cpuMicros;
const coresRead: readonly Read[] = [
  ({ proxyCores }) => proxyCores,
  ({ loadCores }) => loadCores,
  ({ otherCores }) => otherCores,
];

function also(list: readonly Sample[]): string[] {
  const names = new Set(list.flatMap(({ also: extra }) => Object.keys(extra ?? {})));
  return [...names].map((name) => `${name} ${spread(list, ({ also: extra }) => extra?.[name])}`);
}

function errors(list: readonly Sample[]): string[] {
  const count = list.reduce((sum, sample) => sum + sample.errors, 0);
  if (count === 0) return [];
  return [`**${count} errors**: ${list.find(({ firstError }) => firstError !== undefined)?.firstError ?? ''}`];
}

/** Median, and in brackets least and most. */
function spread(list: readonly Sample[], read: Read): string {
  const found = spreadOf(list.map(read));
  if (found === undefined) return '';
  const median = shown(found.median);
  return list.length === 1 ? median : `${median} [${shown(found.least)}-${shown(found.most)}]`;
}

function middle(list: readonly Sample[], read: Read): number | undefined {
  return spreadOf(list.map(read))?.median;
}
