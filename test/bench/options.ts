import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { otherBundle, otherRuntime } from './lychgate.ts';
import { buildDirectory } from './machine.ts';
import type { Peer } from './peer.ts';
import { peers } from './peers.ts';
import { quickRows, type Row, rows, usualRows } from './rows.ts';
import { settings, usualSetting } from './setting.ts';

/** What a run is to measure. */
export interface RunOptions {
  readonly rows: readonly Row[];
  readonly peers: readonly Peer[];
  /** Whether a peer is measured in a row. */
  has(row: Row, peer: Peer): boolean;
  readonly repeats: number;
  /** Of one measurement; each row's own by default. */
  readonly seconds: number | undefined;
  readonly build: boolean;
  /** Arguments of the Node that runs Lychgate. */
  readonly nodeArgs: readonly string[];
  /** Path of the report without its ending. */
  readonly out: string;
}

/** The command cannot be understood; the message says why. */
export class UsageError extends Error {
  readonly code = 'BENCH_USAGE';
}

const plainRows = rows.filter(({ setting }) => setting === usualSetting).map(({ name }) => name);
const otherSettings = settings.filter((setting) => setting !== usualSetting);

export const usage = `npm run bench -- [options]

Measures Lychgate and other proxies in turns and writes build/bench.md and build/bench.json; asserts nothing.

  --rows A,B              only these rows
  --peers A,B             only these peers, and each in every row
  --repeats N             samples of each (5)
  --seconds S             of one sample (each row's own, 3 or 4)
  --quick                 ${quickRows.join(' and ')} with two short repeats, under a minute
  --bundle 'NAME=[ARGUMENTS OF NODE] FILE'
                          another bundle beside this checkout's, as lychgate-NAME; may be repeated
  --runtime NAME=PROGRAM  the bundle on another runtime too, as lychgate-NAME; may be repeated
  --node-args ARGUMENTS   of the Node that runs Lychgate, as in --node-args='--cpu-prof --cpu-prof-dir=DIR'
  --no-build              measures dist/ as it is
  --out FILE              instead of build/bench, without an ending
  --help                  this text

rows: ${plainRows.join(', ')}
Each of them also as ROW-SETTING:
${otherSettings.map(({ suffix, about }) => `  ${suffix.padEnd(10)}${about.replace(/^, /, '')}`).join('\n')}
Without --rows: all of the first, and ${usualRows.filter((name) => !plainRows.includes(name)).join(', ')}

peers: ${peers.map(({ name }) => name).join(', ')}
`;

/** Reads the command line. Returns undefined where help is asked for. @throws UsageError where something is not known. */
export function readOptions(args: readonly string[]): RunOptions | undefined {
  const given = parse(args);
  if (given.help) return undefined;
  const peerNames = given.peers?.split(',');
  const rowNames = given.rows?.split(',') ?? (given.quick ? quickRows : usualRows);
  const others = [
    ...given.bundle.map((text) => otherBundle(...named(text))),
    ...given.runtime.map((text) => otherRuntime(...named(text))),
  ];
  return {
    rows: choose('row', rows, rowNames),
    peers: [...(peerNames === undefined ? peers : choose('peer', peers, peerNames)), ...others],
    has: (row, { variant }) =>
      peerNames !== undefined || variant === undefined || (!given.quick && (variant.rows?.includes(row.name) ?? true)),
    repeats: Math.ceil(positive('repeats', given.repeats) ?? (given.quick ? 2 : 5)),
    seconds: positive('seconds', given.seconds) ?? (given.quick ? 0.7 : undefined),
    build: !given['no-build'],
    nodeArgs: given['node-args'].split(' ').filter(Boolean),
    out: given.out,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        rows: { type: 'string' },
        peers: { type: 'string' },
        repeats: { type: 'string' },
        seconds: { type: 'string' },
        bundle: { type: 'string', multiple: true, default: [] },
        runtime: { type: 'string', multiple: true, default: [] },
        'no-build': { type: 'boolean', default: false },
        'node-args': { type: 'string', default: '' },
        out: { type: 'string', default: join(buildDirectory, 'bench') },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function choose<T extends { readonly name: string }>(what: string, all: readonly T[], names: readonly string[]): T[] {
  const unknown = names.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0) throw new UsageError(`no such ${what}: ${unknown.join(', ')}`);
  return all.filter(({ name }) => names.includes(name));
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && value <= 1000)) throw new UsageError(`--${name} must be a number above 0, at most 1000: ${text}`);
  return value;
}

/** `NAME=REST`. */
function named(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`NAME= is missing: ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}
