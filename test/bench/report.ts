import type { Row, Sample } from './rows.ts';

/** The samples of one row by the name of the peer, in the order in which they were taken. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** A row and what it gave. */
export interface RowReport {
  readonly row: Pick<Row, 'about' | 'more' | 'name' | 'unit'>;
  readonly samples: Samples;
}

/** One Markdown table a row; ratios are of medians, to the first peer and to Envoy. */
export function markdown(reports: readonly RowReport[]): string {
  return reports.map(table).join('\n\n');
}

function table({ row, samples }: RowReport): string {
  const hasCpu = [...samples.values()].some((list) => list.some(({ cpuMicros }) => cpuMicros !== undefined));
  const perUnit = row.unit === 'MiB/s' ? 'us CPU a MiB' : 'us CPU a request';
  const heads = ['proxy', row.unit, 'x nginx', 'x envoy'];
  if (hasCpu) heads.push(perUnit, 'CPU x nginx', 'cores: proxy, load, others');
  heads.push('also');
  const base = middle(samples.get('nginx'), ({ value }) => value);
  const envoy = middle(samples.get('envoy'), ({ value }) => value);
  const baseCpu = middle(samples.get('nginx'), ({ cpuMicros }) => cpuMicros);
  const lines = [...samples].map(([name, list]) => {
    const value = middle(list, (sample) => sample.value);
    const cpu = middle(list, ({ cpuMicros }) => cpuMicros);
    const cells = [name, spread(list, (sample) => sample.value), ratio(value, base), ratio(value, envoy)];
    if (hasCpu) {
      cells.push(
        spread(list, ({ cpuMicros }) => cpuMicros),
        ratio(cpu, baseCpu),
        [
          middle(list, ({ proxyCores }) => proxyCores),
          middle(list, ({ loadCores }) => loadCores),
          middle(list, ({ otherCores }) => otherCores),
        ]
          .map(number)
          .join(', '),
      );
    }
    cells.push([...also(list), ...errors(list)].join('; '));
    return cells;
  });
  const format = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `**${row.name}**: ${row.about} (${row.more ? 'more' : 'less'} is better)`,
    '',
    format(heads),
    format(heads.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...lines.map(format),
  ].join('\n');
}

function also(list: readonly Sample[]): string[] {
  const names = new Set(list.flatMap(({ also: extra }) => Object.keys(extra ?? {})));
  return [...names].map((name) => `${name} ${spread(list, ({ also: extra }) => extra?.[name])}`);
}

function errors(list: readonly Sample[]): string[] {
  const count = list.reduce((sum, sample) => sum + sample.errors, 0);
  if (count === 0) return [];
  return [`**${count} errors**: ${list.find(({ firstError }) => firstError !== undefined)?.firstError ?? ''}`];
}

type Read = (sample: Sample) => number | undefined;

/** Median, and in brackets least and most. */
function spread(list: readonly Sample[], read: Read): string {
  const values = sorted(list, read);
  const [least, most] = [values[0], values.at(-1)];
  if (least === undefined || most === undefined) return '';
  const median = number(middle(list, read));
  return values.length === 1 ? median : `${median} [${number(least)}-${number(most)}]`;
}

function middle(list: readonly Sample[] | undefined, read: Read): number | undefined {
  const values = sorted(list ?? [], read);
  const half = values.length >> 1;
  const upper = values[half];
  if (upper === undefined || values.length % 2 === 1) return upper;
  return (upper + (values[half - 1] ?? upper)) / 2;
}

function sorted(list: readonly Sample[], read: Read): number[] {
  return list
    .map(read)
    .filter((value) => value !== undefined)
    .toSorted((a, b) => a - b);
}

function ratio(value: number | undefined, base: number | undefined): string {
  return value === undefined || base === undefined || base === 0 ? '' : (value / base).toFixed(2);
}

function number(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
