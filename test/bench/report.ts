import { details, type RowReport } from './details.ts';
import { shown, spreadOf } from './statistics.ts';
import { type NamedVariant, summarise, summaryMarkdown } from './summary.ts';

/** What is said of a run beside its samples. */
export interface RunFacts {
  /** ISO 8601. */
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  /** Repeats the run. */
  readonly command: string;
  readonly repeats: number;
  readonly minutes: number;
  readonly peers: readonly { readonly name: string; readonly version: string; readonly about: string }[];
  /** Peers that are not installed, and how to get them. */
  readonly skipped: readonly { readonly name: string; readonly missing: string }[];
  readonly variants: readonly NamedVariant[];
}

/** A run as Markdown: how it was made, the summary, then each row's table. */
export function markdownReport(facts: RunFacts, reports: readonly RowReport[]): string {
  const { date, commit, machine, command, repeats, minutes } = facts;
  const peers = facts.peers.map(
    ({ name, version, about }) => `- ${name} ${version}${about === '' ? '' : `: ${about}`}`,
  );
  const skipped = facts.skipped.map(({ name, missing }) => `- **skipped: ${name}** is not installed (${missing})`);
  return [
    `\`${command}\` on ${date}, ${minutes.toFixed(1)} minutes; commit ${commit}; ${machine}; medians of ${repeats}${strangers(reports)}.`,
    [...peers, ...skipped].join('\n'),
    summaryMarkdown(summarise(reports, facts.variants)),
    ...reports.map(details),
    '',
  ]
    .filter((text, i, all) => text !== '' || i === all.length - 1)
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** The same with every sample, to be written as JSON. */
export function jsonReport({ variants, ...facts }: RunFacts, reports: readonly RowReport[]): unknown {
  return {
    ...facts,
    summary: summarise(reports, variants),
    rows: reports.map(({ row: { name, about, unit, more }, samples }) => ({
      ...{ name, about, unit, more },
      samples: Object.fromEntries(samples),
    })),
  };
}

/** How much else the machine did. */
function strangers(reports: readonly RowReport[]): string {
  const samples = reports.flatMap((report) => [...report.samples.values()].flat());
  const spread = spreadOf(samples.map(({ otherCores }) => otherCores));
  if (spread === undefined) return '';
  return `; strangers used ${shown(spread.median)} cores in the median sample and ${shown(spread.most)} in the most disturbed one`;
}
