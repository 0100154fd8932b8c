import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { RowReport } from './details.ts';
import { type Ground, openGround } from './ground.ts';
import { buildLoad, load } from './load.ts';
import { buildBundles, buildDirectory, openFilesLimit, output, repository } from './machine.ts';
import { type RunOptions, readOptions, UsageError, usage } from './options.ts';
import type { Peer, StartedPeer } from './peer.ts';
import { installPeer } from './peers.ts';
import { jsonReport, markdownReport, type RunFacts } from './report.ts';
import type { Sample, Subject } from './row.ts';
import type { Row } from './rows.ts';
import { type Setting, settings } from './setting.ts';

/**
 * Compares Lychgate with nginx, HAProxy, Envoy and Caddy on equal work: client certificates required, the certificate
 * in a request header, connections to an application on loopback kept. Proxies share one core, application and load the
 * other; measurements are interleaved and repeated. Nothing is asserted.
 */
const begun = new Date();
const args = process.argv.slice(2);
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Once: the measurement that runs ends, then the proxies do.
  process.once(signal, () => {
    interrupted = true;
  });
}

try {
  const options = readOptions(args);
  if (options === undefined) process.stdout.write(usage);
  else await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage}`);
  process.exitCode = 64;
}

async function main(options: RunOptions): Promise<void> {
  mkdirSync(buildDirectory, { recursive: true });
  buildLoad();
  if (options.build) buildBundles();
  const wanted = options.peers.filter((peer) => options.rows.some((row) => options.has(row, peer)));
  wanted.forEach(installPeer);
  const there = wanted.filter((peer) => peer.version() !== undefined);
  const skipped = wanted.filter((peer) => !there.includes(peer));
  for (const { name, missing } of skipped) say(`skipped: ${name} is not installed (${missing})`);

  const reports: RowReport[] = [];
  for (const setting of settings) {
    const its = options.rows.filter((row) => row.setting === setting);
    if (its.length === 0 || interrupted) continue;
    await measureSetting(setting, its, there, options, (report) => {
      reports.push(report);
      // After every row: a long run that is cut short has told something.
      write(facts(options, there, skipped), reports, options.out);
    });
  }
  say(write(facts(options, there, skipped), reports, options.out));
}

/** Starts everything in a setting, measures its rows, and stops everything. */
async function measureSetting(
  setting: Setting,
  its: readonly Row[],
  peers: readonly Peer[],
  options: RunOptions,
  done: (report: RowReport) => void,
): Promise<void> {
  const ground = await openGround(setting, options.nodeArgs);
  const running: StartedPeer[] = [];
  try {
    const subjects: Subject[] = [];
    for (const peer of peers.filter((one) => its.some((row) => options.has(row, one)))) {
      const started = await peer.start(ground);
      running.push(started);
      subjects.push({ peer, pid: started.pid, port: started.port });
    }
    if (its.some(({ hot }) => hot)) for (const subject of subjects) await warmUp(subject, ground);
    for (const row of its) {
      if (interrupted) break;
      const wanted = subjects.filter(({ peer }) => options.has(row, peer));
      done({ row, samples: await measureRow(row, wanted, ground, options) });
    }
  } finally {
    for (const started of running.toReversed()) await started.stop();
    await ground.close();
  }
}

/** Every peer in turn, beginning with another one each time, so that what disturbs the machine disturbs all alike. */
async function measureRow(
  row: Row,
  subjects: readonly Subject[],
  ground: Ground,
  options: RunOptions,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>(subjects.map(({ peer }) => [peer.name, []]));
  const seconds = options.seconds ?? row.seconds;
  const repeats = Math.min(options.repeats, row.mostRepeats ?? options.repeats);
  // What a row asks for that none before it did is compiled first: its first seconds are not what it costs.
  for (const subject of row.hot ? subjects.filter(isCompiled) : []) {
    progress(`${row.name} warm-up ${subject.peer.name}`);
    await row.measure(subject, ground, Math.max(seconds, 2));
  }
  for (let repeat = 0; repeat < repeats && !interrupted; repeat += 1) {
    for (let i = 0; i < subjects.length; i += 1) {
      const subject = subjects[(i + repeat) % subjects.length];
      if (subject === undefined) continue;
      progress(`${row.name} ${repeat + 1}/${repeats} ${subject.peer.name}`);
      samples.get(subject.peer.name)?.push(await row.measure(subject, ground, seconds));
    }
  }
  progress('');
  return samples;
}

/** 60,000 requests or ten seconds: no optimising compiler has more to say then. */
async function warmUp(subject: Subject, ground: Ground): Promise<void> {
  const { peer, pid, port } = subject;
  progress(`warm-up ${peer.name}`);
  const requests = isCompiled(subject) ? 60_000 : 2000;
  const flags = { mode: 'keepalive', warm: '10s', 'warm-requests': requests, time: '10ms' };
  const result = await load({ addr: `127.0.0.1:${port}`, pid, ...flags }, ground);
  if (result.errors > 0) throw new Error(`${peer.name} does not answer: ${result.firstError}`);
}

/** Whether it is compiled while it runs, as it is used. */
function isCompiled({ peer }: Subject): boolean {
  return peer.name.startsWith('lychgate');
}

function facts(options: RunOptions, there: readonly Peer[], skipped: readonly Peer[]): RunFacts {
  return {
    date: begun.toISOString(),
    commit: output('git', ['describe', '--always', '--dirty'], repository)?.trim() ?? 'unknown',
    machine: `${cpus().length} x ${cpus()[0]?.model ?? ''}, at most ${openFilesLimit()} open files a process`,
    command: ['npm run bench', ...(args.length === 0 ? [] : ['--']), ...args.map(quoted)].join(' '),
    repeats: options.repeats,
    minutes: (Date.now() - begun.getTime()) / 60_000,
    peers: there.map(({ name, about, version }) => ({ name, version: version() ?? '', about })),
    skipped: skipped.map(({ name, missing }) => ({ name, missing })),
    variants: there.flatMap(({ name, variant }) => (variant === undefined ? [] : [{ name, ...variant }])),
  };
}

/** As a shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument}'`;
}

/** Writes both reports. Returns the one that is for reading. */
function write(run: RunFacts, reports: readonly RowReport[], out: string): string {
  const text = markdownReport(run, reports);
  writeFileSync(`${out}.md`, text);
  writeFileSync(`${out}.json`, `${JSON.stringify(jsonReport(run, reports), null, 2)}\n`);
  return text;
}

function progress(text: string): void {
  process.stderr.write(`\r${text.padEnd(50)}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
