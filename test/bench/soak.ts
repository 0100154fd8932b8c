import { parseArgs } from 'node:util';
import { freePort } from '../support/free-port.ts';
import { openGround } from './ground.ts';
import { type HeldMemory, inspect } from './inspector.ts';
import { buildLoad, load } from './load.ts';
import { buildBundles } from './machine.ts';
import { peers } from './peers.ts';
import { usualSetting } from './setting.ts';
import { slopeOf, tableOf } from './statistics.ts';

/**
 * Whether memory grows: Lychgate under connections that come and go, kept ones, streams of HTTP/2, bodies either way,
 * for as long as is said. After every round of all of these its garbage is collected, and its memory looked at, over
 * Node's inspector; lines are fitted through what is seen after a while of warming up. Exits with 1 if a request failed;
 * how memory grows and how long anything takes is told, and asserted nowhere.
 */
const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    'no-build': { type: 'boolean', default: false },
    'node-args': { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run bench:soak -- [--minutes 5] [--no-build] [--node-args ARGUMENTS]

Loads Lychgate for so many minutes and tells how its memory grows, in MiB an hour with the standard error; the first
three tenths are left out. Exits with 1 if a request failed.
`;

const loads = [
  { mode: 'handshake', conns: 32 },
  { mode: 'keepalive', conns: 64 },
  { mode: 'h2', conns: 16 },
  { mode: 'bulk', conns: 4, path: `/${1024 * 1024}` },
  { mode: 'bulk', conns: 4, path: '/2', upload: 1024 * 1024 },
  { mode: 'handshake', conns: 32, tls: '1.2' },
];
const secondsEach = 3;
/** Caches fill, code is optimised. */
const warmUpShare = 0.3;

if (options.help) process.stdout.write(usage);
else await main(Number(options.minutes));

async function main(minutes: number): Promise<void> {
  buildLoad();
  if (!options['no-build']) buildBundles();
  const lychgate = peers.find(({ name }) => name === 'lychgate');
  if (lychgate === undefined) throw new Error('no such peer: lychgate');
  const inspectorPort = await freePort();
  const nodeArgs = [`--inspect=127.0.0.1:${inspectorPort}`, ...options['node-args'].split(' ').filter(Boolean)];
  const ground = await openGround(usualSetting, nodeArgs);
  const { pid, port, stop } = await lychgate.start(ground);
  try {
    const inspected = await inspect(inspectorPort);
    const begun = performance.now();
    const passed = () => (performance.now() - begun) / 60_000;
    const seen: Look[] = [];
    let [requests, connections, errors] = [0, 0, 0];
    let firstError: string | undefined;
    while (passed() < minutes) {
      for (const flags of loads) {
        const time = { warm: '1ms', time: `${secondsEach}s` };
        const result = await load({ addr: `127.0.0.1:${port}`, pid, ...time, ...flags }, ground);
        requests += result.requests;
        if (flags.mode === 'handshake') connections += result.requests;
        errors += result.errors;
        firstError ??= result.firstError;
        process.stderr.write(`\r${passed().toFixed(1)} min `);
      }
      seen.push({ minutes: passed(), ...(await inspected.memory()) });
    }
    inspected.close();
    const failed = errors === 0 ? 'no error' : `${errors} errors, the first: ${firstError}`;
    process.stdout.write(`\n${requests} requests, ${connections} of them on a connection of their own, ${failed}\n\n`);
    const lines = [
      line('resident memory', seen, ({ rss }) => rss),
      line("V8's heap", seen, ({ heapUsed }) => heapUsed),
      line('buffers outside of it', seen, ({ external }) => external),
    ];
    process.stdout.write(`${tableOf(['MiB', 'from', 'to', 'samples', 'growth an hour', 'standard error'], lines)}\n`);
    if (errors > 0) process.exitCode = 1;
  } finally {
    await stop();
    await ground.close();
  }
}

/** At the process. */
type Look = HeldMemory & { readonly minutes: number };

function line(name: string, seen: readonly Look[], read: (look: Look) => number): string[] {
  const last = seen.at(-1)?.minutes ?? 0;
  const points = seen
    .filter(({ minutes }) => minutes >= last * warmUpShare)
    .map((look) => ({ x: look.minutes / 60, y: read(look) / 1024 / 1024 }));
  const { slope, standardError } = slopeOf(points);
  const [from, to] = [points[0]?.y ?? Number.NaN, points.at(-1)?.y ?? Number.NaN];
  const figures = [from, to, slope, standardError].map((value) =>
    Number.isNaN(value) ? 'too few samples' : value.toFixed(1),
  );
  return [name, ...figures.slice(0, 2), String(points.length), ...figures.slice(2)];
}
