import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openGround } from './ground.ts';
import { buildLoad, load } from './load.ts';
import { buildBundles, buildDirectory, output, type Running, repository } from './machine.ts';
import { type Ground, installPeers, otherBundle, otherRuntime, type Peer, peers } from './peers.ts';
import { markdown, type RowReport } from './report.ts';
import { type Row, rows, type Sample, type Subject } from './rows.ts';

/**
 * Compares Lychgate with nginx, HAProxy, Envoy and Caddy on equal work: client certificates required, the certificate
 * in a request header, connections to an application on loopback kept. Proxies share one core, application and load the
 * other; measurements are interleaved and repeated. Nothing is asserted: it prints tables and writes build/bench.json.
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rows: { type: 'string' },
    peers: { type: 'string' },
    repeats: { type: 'string' },
    seconds: { type: 'string' },
    bundle: { type: 'string', multiple: true, default: [] },
    runtime: { type: 'string', multiple: true, default: [] },
    'both-cores': { type: 'boolean', default: false },
    rsa: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    'node-args': { type: 'string', default: '' },
    out: { type: 'string', default: join(buildDirectory, 'bench') },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run bench -- [--quick] [--rows a,b] [--peers a,b] [--repeats N] [--seconds S] [--bundle NAME=FILE]... [--runtime NAME=PROGRAM]... [--both-cores] [--rsa] [--no-build] [--out FILE]
  rows:  ${rows.map(({ name }) => name).join(', ')}
  peers: ${peers.map(({ name }) => name).join(', ')}
  --bundle='NAME=[ARGUMENTS OF NODE] FILE': another bundle beside this checkout's; may be given more than once
  --runtime='NAME=PROGRAM': the bundle on another runtime too; may be given more than once
  --node-args='--cpu-prof --cpu-prof-dir=DIR': arguments of the Node that runs Lychgate
  --both-cores: proxies, application and load may use both cores, and proxies have two workers
  --rsa: the server's certificate has an RSA key of 2048 bits instead of P-256; the client's stays
  --quick: ${quickRows().join(', ')}; two short repeats, under a minute
`;

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Once: the measurement that runs ends, then the proxies do.
  process.once(signal, () => {
    interrupted = true;
  });
}

if (options.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const chosenRows = choose(rows, options.rows?.split(',') ?? (options.quick ? quickRows() : undefined), 'row');
  const named = (text: string): [string, string] => [text.replace(/=.*/, ''), text.replace(/^.*?=/, '')];
  const others = [
    ...options.bundle.map((text) => otherBundle(...named(text))),
    ...options.runtime.map((text) => otherRuntime(...named(text))),
  ];
  const chosenPeers = [...choose(peers, options.peers?.split(','), 'peer'), ...others];
  const repeats = Number(options.repeats ?? (options.quick ? 2 : 5));
  mkdirSync(buildDirectory, { recursive: true });
  buildLoad();
  if (!options['no-build']) buildBundles();
  installPeers();
  const there = chosenPeers.filter((peer) => {
    const version = peer.version();
    if (version === undefined) say(`skipped: ${peer.name} is not installed (${peer.missing})`);
    return version !== undefined;
  });

  const running: Running[] = [];
  const ground = await openGround(options['node-args'].split(' ').filter(Boolean), options.rsa);
  try {
    const subjects: Subject[] = [];
    for (const peer of there) {
      const started = await peer.start(ground);
      running.push(started);
      subjects.push({ peer, pid: started.pid, port: started.port });
    }
    if (chosenRows.some(({ hot }) => hot)) for (const subject of subjects) await warmUp(subject, ground);
    const reports: RowReport[] = [];
    for (const row of chosenRows) {
      if (interrupted) break;
      reports.push(await measureRow(row, subjects, ground, repeats));
      // After every row: a long run that is cut short has told something.
      write(reports, there, repeats);
    }
    say(write(reports, there, repeats));
  } finally {
    for (const started of running.toReversed()) await started.stop();
    await ground.close();
  }
}

/** Every peer in turn, beginning with another one each time, so that what disturbs the machine disturbs all alike. */
async function measureRow(row: Row, subjects: readonly Subject[], ground: Ground, repeats: number): Promise<RowReport> {
  const samples = new Map<string, Sample[]>(subjects.map(({ peer }) => [peer.name, []]));
  const seconds = Number(options.seconds ?? (options.quick ? 1 : row.seconds));
  for (let repeat = 0; repeat < repeats && !interrupted; repeat += 1) {
    for (let i = 0; i < subjects.length; i += 1) {
      const subject = subjects[(i + repeat) % subjects.length];
      if (subject === undefined) continue;
      process.stderr.write(`\r${row.name} ${repeat + 1}/${repeats} ${subject.peer.name}          `);
      samples.get(subject.peer.name)?.push(await row.measure(subject, ground, seconds));
    }
  }
  process.stderr.write('\r                                              \r');
  return { row, samples };
}

/** 60,000 requests or ten seconds: no optimising compiler has more to say then. */
async function warmUp({ peer, pid, port }: Subject, ground: Ground): Promise<void> {
  process.stderr.write(`\rwarm-up ${peer.name}          `);
  const compiled = peer.name.startsWith('lychgate');
  const requests = compiled ? 60_000 : 2000;
  const flags = { mode: 'keepalive', warm: '10s', 'warm-requests': requests, time: '10ms' };
  const result = await load({ addr: `127.0.0.1:${port}`, pid, ...flags }, ground.pki);
  if (result.errors > 0) throw new Error(`${peer.name} does not answer: ${result.firstError}`);
}

function write(reports: readonly RowReport[], there: readonly Peer[], repeats: number): string {
  const facts = {
    date: new Date().toISOString(),
    commit: output('git', ['rev-parse', '--short', 'HEAD'], repository)?.trim() ?? '',
    machine: `${cpus().length} x ${cpus()[0]?.model ?? ''}${options['both-cores'] ? ', both cores open to proxy, application and load' : ''}${options.rsa ? ', the server with RSA-2048' : ''}`,
    repeats,
    peers: Object.fromEntries(there.map((peer) => [peer.name, { version: peer.version(), about: peer.about }])),
  };
  const rowsJson = reports.map(({ row, samples }) => ({
    name: row.name,
    about: row.about,
    unit: row.unit,
    samples: Object.fromEntries(samples),
  }));
  writeFileSync(`${options.out}.json`, `${JSON.stringify({ ...facts, rows: rowsJson }, null, 2)}\n`);
  const text = [
    `${facts.date}, commit ${facts.commit}, ${facts.machine}; median [least-most] of ${repeats}.`,
    '',
    ...there.map((peer) => `- ${peer.name} ${peer.version()}${peer.about === '' ? '' : `: ${peer.about}`}`),
    '',
    markdown(reports),
    '',
  ].join('\n');
  writeFileSync(`${options.out}.md`, text);
  return text;
}

function choose<T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[] | undefined,
  what: string,
): readonly T[] {
  const unknown = names?.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`no such ${what}: ${unknown}\n${usage}`);
  return names === undefined ? all : all.filter(({ name }) => names.includes(name));
}

function quickRows(): string[] {
  return ['keepalive', 'handshake'];
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
