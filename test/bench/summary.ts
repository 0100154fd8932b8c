import type { RowReport } from './details.ts';
import type { Variant } from './peer.ts';
import type { Figure } from './row.ts';
import { ratio, type Spread, shown, spreadOf, tableOf } from './statistics.ts';

/** One figure of all peers. */
export interface SummaryLine {
  readonly row: string;
  readonly what: string;
  /** Whether more is better. */
  readonly more: boolean;
  /** By peer; one that was not measured is not there. */
  readonly values: Readonly<Record<string, Spread>>;
  /** Lychgate's median as a multiple of others'. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** A peer that is another one under other settings. */
export type NamedVariant = Variant & { readonly name: string };

/** The figures of every row, and behind its first one a line for every variant, in which that stands in the place of who it is a variant of. */
export function summarise(reports: readonly RowReport[], variants: readonly NamedVariant[]): SummaryLine[] {
  return reports.flatMap((report) =>
    report.row.figures.flatMap((figure, i) => [
      lineOf(report, figure),
      ...variants
        .filter(({ name }) => i === 0 && report.samples.has(name))
        .map((variant) => lineOf(report, figure, variant)),
    ]),
  );
}

/** Two tables: of what less is better, and of what more is. */
export function summaryMarkdown(lines: readonly SummaryLine[]): string {
  return [
    summaryTable(
      'what, less is better',
      lines.filter(({ more }) => !more),
      ['nginx', 'envoy'],
    ),
    summaryTable(
      'what, more is better',
      lines.filter(({ more }) => more),
      ['nginx', 'haproxy', 'envoy'],
    ),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function lineOf({ row, samples }: RowReport, figure: Figure, variant?: NamedVariant): SummaryLine {
  const values: Record<string, Spread> = {};
  for (const name of [...columns.keys(), ...lychgates]) {
    const list = samples.get(name === variant?.of ? variant.name : name) ?? [];
    const spread = spreadOf(list.map((sample) => figure.read(sample)));
    // The least of Lychgate is no variant of it under yet another setting.
    const shownBeside = name !== 'lychgate-bare' || variant?.of !== 'lychgate';
    if (spread !== undefined && shownBeside) values[name] = spread;
  }
  const own = values['lychgate']?.median;
  const ratios = Object.entries(values)
    .filter(([name, { median }]) => columns.has(name) && own !== undefined && median !== 0)
    .map(([name, { median }]) => [name, (own ?? 0) / median]);
  const what = `${row.about}${variant === undefined ? '' : `; ${variant.what}`}: ${figure.what}`;
  return { row: row.name, what, more: figure.more, values, ratios: Object.fromEntries(ratios) };
}

function summaryTable(title: string, lines: readonly SummaryLine[], ratiosTo: readonly string[]): string {
  const measured = (name: string) => lines.some(({ values }) => values[name] !== undefined);
  const peers = [...columns.keys()].filter(measured);
  const others = ratiosTo.filter(measured);
  if (lines.length === 0) return '';
  const heads = [
    title,
    ...peers.map((name) => columns.get(name) ?? name),
    'Lychgate (bare)',
    ...others.map((name) => `x ${columns.get(name)}`),
  ];
  const cells = lines.map(({ what, values }) => {
    const [own, bare] = lychgates.map((name) => values[name]?.median);
    return [
      what,
      ...peers.map((name) => shown(values[name]?.median)),
      `${shown(own)}${bare === undefined ? '' : ` (${shown(bare)})`}`,
      ...others.map((name) => ratio(own, values[name]?.median)),
    ];
  });
  return tableOf(heads, cells);
}

/** The peers that have a column of their own, and its head. */
const columns: ReadonlyMap<string, string> = new Map([
  ['nginx', 'nginx'],
  ['haproxy', 'HAProxy'],
  ['envoy', 'Envoy'],
  ['caddy', 'Caddy'],
]);

/** Share the last one. */
const lychgates: readonly string[] = ['lychgate', 'lychgate-bare'];
