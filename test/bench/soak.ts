import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openGround } from './ground.ts';
import { buildLoad, load } from './load.ts';
import { buildBundles } from './machine.ts';
import { peers } from './peers.ts';

/**
 * Whether memory grows: Lychgate under connections that come and go, kept ones, streams of HTTP/2, bodies either way,
 * for as long as is said. After a while of warming up a line is fitted through resident memory, sampled after every
 * round, and one through the heap as V8's collections leave it, the least of every round. Nothing is asserted.
 *
 *     npm run bench:soak -- --minutes 10
 */
const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    'no-build': { type: 'boolean', default: false },
    'node-args': { type: 'string', default: '' },
  },
});

/** A look at the process. */
interface Point {
  readonly minutes: number;
  readonly mebibytes: number;
}

const rounds = [
  { mode: 'handshake', conns: 32 },
  { mode: 'keepalive', conns: 64 },
  { mode: 'h2', conns: 16 },
  { mode: 'bulk', conns: 4, path: `/${1024 * 1024}` },
  { mode: 'bulk', conns: 4, path: '/2', upload: 1024 * 1024 },
  { mode: 'handshake', conns: 32, tls: '1.2' },
];
/** Caches fill, code is optimised. */
const warmUpShare = 0.3;

buildLoad();
if (!options['no-build']) buildBundles();
const ground = await openGround(['--trace-gc', ...options['node-args'].split(' ').filter(Boolean)]);
const lychgate = peers.find(({ name }) => name === 'lychgate');
if (lychgate === undefined) throw new Error('no such peer: lychgate');
const { pid, port, stop } = await lychgate.start(ground);
try {
  const begun = performance.now();
  const resident: Point[] = [];
  let [requests, errors] = [0, 0];
  for (let i = 0; performance.now() - begun < Number(options.minutes) * 60_000; i += 1) {
    const flags = rounds[i % rounds.length] ?? {};
    const result = await load({ addr: `127.0.0.1:${port}`, pid, warm: '1ms', time: '3s', ...flags }, ground.pki);
    requests += result.requests;
    errors += result.errors;
    // With the kept connections of this round still closing, memory is compared like with like: round by round.
    if (i % rounds.length === rounds.length - 1) {
      resident.push({ minutes: (performance.now() - begun) / 60_000, mebibytes: residentMebibytes(pid) });
    }
    process.stderr.write(`\r${((performance.now() - begun) / 60_000).toFixed(1)} min `);
  }
  const heap = collections(readFileSync(join(ground.directory, 'lychgate', 'log'), 'utf8'));
  process.stdout.write(`\n${requests} requests and handshakes, ${errors} errors\n\n`);
  process.stdout.write('| | from | to | samples | MiB an hour |\n| --- | ---: | ---: | ---: | ---: |\n');
  for (const [name, points] of [
    ['resident memory, MiB', resident],
    ['heap after collections, MiB', heap],
  ] as const) {
    const last = points.at(-1)?.minutes ?? 0;
    const warm = points.filter(({ minutes }) => minutes >= last * warmUpShare);
    const [from, to] = [warm[0]?.mebibytes ?? Number.NaN, warm.at(-1)?.mebibytes ?? Number.NaN];
    const cells = [name, from.toFixed(1), to.toFixed(1), warm.length, (slope(warm) * 60).toFixed(2)];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
} finally {
  await stop();
  await ground.close();
}

function residentMebibytes(process: number): number {
  const text = readFileSync(`/proc/${process}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024;
}

/** What `--trace-gc` says was left by collections: the least of every round, since young ones leave old garbage. */
function collections(log: string): Point[] {
  const least = new Map<number, Point>();
  for (const [, ms = '', left = ''] of log.matchAll(/(\d+) ms: [MS][^\n]*? [\d.]+ \([\d.]+\) -> ([\d.]+) \(/g)) {
    const point = { minutes: Number(ms) / 60_000, mebibytes: Number(left) };
    const round = Math.floor(point.minutes * (20 / rounds.length));
    const before = least.get(round);
    if (before === undefined || point.mebibytes < before.mebibytes) least.set(round, point);
  }
  return [...least.values()];
}

/** Of the straight line with the least squares, MiB a minute. */
function slope(points: readonly Point[]): number {
  const mean = (read: (point: Point) => number) => points.reduce((sum, point) => sum + read(point), 0) / points.length;
  const [x, y] = [mean(({ minutes }) => minutes), mean(({ mebibytes }) => mebibytes)];
  const over = points.reduce((sum, point) => sum + (point.minutes - x) * (point.mebibytes - y), 0);
  return over / points.reduce((sum, point) => sum + (point.minutes - x) ** 2, 0);
}
