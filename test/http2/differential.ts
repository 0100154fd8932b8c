import { parseArgs } from 'node:util';
import { pythonWith } from '../support/python.ts';
import { compare } from './compare.ts';
import { compareHpack } from './hpack-compare.ts';

const oracles = ['nghttp2', 'h2', 'hpack'] as const;
type Oracle = (typeof oracles)[number];

const help = `usage: npm run test:http2 -- [--count 20000] [--seed 1] [--oracle ${oracles.join('|')}] [--show 20]

The same frames for our session, node:http2's server (nghttp2) and Python's h2; field blocks for our HPACK and Python's
hpack. Prints what they agreed on and each class of difference with an example; exits 1 if a difference belongs to no
class of differences.ts, of which --show are printed. What Python needs is installed into build/ (PyPI); where that cannot
be, its part is skipped and says so.
`;

interface Run {
  readonly count: number;
  readonly seed: number;
  readonly show: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      oracle: { type: 'string' },
      show: { type: 'string', default: '20' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const wanted = oracles.filter((oracle) => values.oracle === undefined || values.oracle === oracle);
  if (values.help || wanted.length === 0) {
    process.stderr.write(wanted.length === 0 ? `no such oracle: ${values.oracle}\n\n${help}` : help);
    return values.help ? 0 : 64;
  }
  const run = { count: Number(values.count), seed: Number(values.seed), show: Number(values.show) };
  let unexplained = 0;
  for (const oracle of wanted) unexplained += await judge(oracle, run);
  return unexplained === 0 ? 0 : 1;
}

/** @returns how many differences nobody has explained. */
async function judge(oracle: Oracle, run: Run): Promise<number> {
  if (oracle === 'nghttp2') return judgeSession(oracle, undefined, run);
  const python = await pythonWith('python-h2', ['h2==4.4.1', 'hpack==4.2.0'], 'h2, hpack');
  if (python === undefined) {
    print(`${oracle}: skipped: python3 with venv and pip is needed, which install it from PyPI`);
    return 0;
  }
  return oracle === 'h2' ? judgeSession(oracle, python, run) : judgeHpack(python, run);
}

async function judgeHpack(python: string, { count, seed, show }: Run): Promise<number> {
  const { read, refused, stricter, unexplained } = await compareHpack(python, count, seed);
  print(`hpack: ${read} blocks read by both, ${refused} refused by both, ${unexplained.length} unexplained`);
  for (const [reason, cases] of stricter) print(`${String(cases).padStart(6)}  refused by us alone: ${reason}`);
  for (const text of unexplained.slice(0, show)) print(`UNEXPLAINED ${text}`);
  return unexplained.length;
}

async function judgeSession(oracle: Oracle, python: string | undefined, { count, seed, show }: Run): Promise<number> {
  const begun = performance.now();
  const { agreed, explained, unexplained } = await compare(count, seed, python);
  print(`${oracle}: ${count} connections, ${((performance.now() - begun) / 1000).toFixed(0)} s, ${agreed} agreed`);
  for (const [name, { count: cases, example }] of [...explained].sort((one, two) => two[1].count - one[1].count)) {
    print(`${String(cases).padStart(6)}  ${name}\n        ${example.replaceAll('\n', '\n        ')}`);
  }
  for (const text of unexplained.slice(0, show)) print(`UNEXPLAINED ${text}`);
  print(`${oracle}: ${unexplained.length} unexplained`);
  return unexplained.length;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
