import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground.ts';
import { type LoadFlags, type LoadResult, load } from './load.ts';
import type { Peer, StartedPeer } from './peer.ts';

/** A proxy that is up. */
export interface Subject {
  readonly peer: Peer;
  readonly pid: number;
  readonly port: number;
}

/** What one measurement gave. */
export interface Sample {
  /** In the row's unit. */
  readonly value: number;
  /** Proxy's CPU time for one request or one MiB, in microseconds. */
  readonly cpuMicros?: number;
  /** Cores that proxy and load used: near 1 for the load means that it was the limit. */
  readonly proxyCores?: number;
  readonly loadCores?: number;
  /** Cores that strangers used meanwhile: above a tenth the sample is disturbed. */
  readonly otherCores?: number;
  readonly also?: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly firstError?: string;
}

/** What the summary tells of a row in one line. */
export interface Figure {
  readonly what: string;
  /** Whether more is better. */
  readonly more: boolean;
  read(sample: Sample): number | undefined;
}

/** What is measured in the same way with every proxy. */
export interface Measurement {
  readonly name: string;
  readonly about: string;
  readonly unit: string;
  /** Whether more is better. */
  readonly more: boolean;
  /** Seconds of one measurement; 0 where it takes what it takes. */
  readonly seconds: number;
  /** Whether a proxy that has run hot is measured, not a fresh one. */
  readonly hot: boolean;
  /** No more samples than that, where one takes long. */
  readonly mostRepeats?: number;
  /** Lines of the summary; what they are told of is the row. */
  readonly figures: readonly Figure[];
  measure(subject: Subject, ground: Ground, seconds: number): Promise<Sample>;
}

/** How long every run of the load warms up before it measures. */
const lead = '300ms';
const mebibyte = 1024 * 1024;

/** As many requests as the proxy answers. */
export function requests(name: string, about: string, flags: LoadFlags): Measurement {
  return {
    ...{ name, about, unit: 'req/s', more: true, seconds: 3, hot: true },
    figures: [
      cpuFigure(flags['mode'] === 'handshake' ? 'a connection' : 'a request'),
      { what: 'requests a second', more: true, read: ({ value }) => value },
    ],
    measure: async (subject, ground, seconds) => {
      const result = await run(subject, ground, seconds, flags);
      const also = flags['resume'] === true ? { resumed: result.resumed / Math.max(1, result.requests) } : undefined;
      return {
        value: result.requests / result.seconds,
        ...costs(result, result.requests),
        ...(also === undefined ? {} : { also }),
      };
    },
  };
}

/** As many bytes as the proxy passes on. */
export function bulk(name: string, about: string, flags: LoadFlags): Measurement {
  return {
    ...{ name, about, unit: 'MiB/s', more: true, seconds: 3, hot: true },
    figures: [cpuFigure('a MiB'), { what: 'MiB a second', more: true, read: ({ value }) => value }],
    measure: async (subject, ground, seconds) => {
      const result = await run(subject, ground, seconds, { mode: 'bulk', ...flags });
      const mebibytes = result.bytes / mebibyte;
      return { value: mebibytes / result.seconds, ...costs(result, mebibytes) };
    },
  };
}

/** How long a request takes at a rate that the proxy keeps up with. */
export function latency(name: string, rate: number): Measurement {
  return {
    ...{ name, about: `${rate} requests a second over 32 connections`, unit: 'us p50', more: false },
    ...{ seconds: 4, hot: true },
    figures: [
      { what: 'median latency, us', more: false, read: ({ value }) => value },
      alsoFigure('p99', 'p99 of the latency, us'),
    ],
    measure: async (subject, ground, seconds) => {
      const result = await run(subject, ground, seconds, { mode: 'rate', rate, conns: 32 });
      const also = { p99: result.p99Micros ?? 0, 'req/s': result.requests / result.seconds };
      return { value: result.p50Micros ?? 0, also, ...costs(result, result.requests) };
    },
  };
}

/** Others connect as fast as they are let, while few requests come over connections that are open. */
export function storm(name: string, rate: number): Measurement {
  return {
    name,
    about: `${rate} requests a second over 32 open connections, while 64 clients make one handshake after the other`,
    ...{ unit: 'us p99', more: false, seconds: 4, hot: true },
    figures: [
      alsoFigure('p99 in the calm', 'p99 of the latency without the storm, us'),
      { what: 'p99 of the latency in the storm, us', more: false, read: ({ value }) => value },
      { ...alsoFigure('handshakes/s', 'handshakes a second'), more: true },
    ],
    measure: async (subject, ground, seconds) => {
      const calm = await run(subject, ground, seconds, { mode: 'rate', rate, conns: 32 });
      // The storm is there before the measurement begins, and outlasts it.
      const around = run(subject, ground, seconds + 2, { mode: 'handshake', conns: 64 });
      await delay(700);
      const open = await run(subject, ground, seconds, { mode: 'rate', rate, conns: 32 });
      const handshakes = await around;
      const firstError = open.firstError ?? handshakes.firstError;
      return {
        value: open.p99Micros ?? 0,
        also: {
          p50: open.p50Micros ?? 0,
          'p99 in the calm': calm.p99Micros ?? 0,
          'p50 in the calm': calm.p50Micros ?? 0,
          'handshakes/s': handshakes.requests / handshakes.seconds,
        },
        errors: open.errors + handshakes.errors,
        ...(firstError === undefined ? {} : { firstError }),
      };
    },
  };
}

/** From the start of the process until its port takes connections. */
export function start(name: string): Measurement {
  return {
    ...{ name, about: 'start of the process until its port takes connections', unit: 'ms', more: false },
    ...{ seconds: 0, hot: false },
    figures: [{ what: 'ms', more: false, read: ({ value }) => value }],
    measure: ({ peer }, ground) => withFresh(peer, ground, ({ startMs }) => ({ value: startMs, errors: 0 })),
  };
}

/** Resident memory of a fresh process after one request on each of its connections, which are idle then. */
export function memory(name: string, conns: number, mostRepeats?: number): Measurement {
  const text = conns.toLocaleString('en');
  const resident: Figure = { what: 'resident memory, MiB', more: false, read: ({ value }) => value };
  return {
    ...{
      name,
      about: conns === 1 ? 'a fresh process after one request' : `${text} idle connections after a request each`,
    },
    ...{ unit: 'MiB', more: false, seconds: 0, hot: false },
    ...(mostRepeats === undefined ? {} : { mostRepeats }),
    figures: [resident, ...(conns === 1 ? [] : [alsoFigure('KiB a connection', 'KiB a connection')])],
    measure: ({ peer }, ground) =>
      withFresh(peer, ground, async ({ pid, port }) => {
        await delay(500);
        // Longer than any proxy keeps what it may still need: connections to the application, for one.
        const result = await load({ mode: 'idle', addr: `127.0.0.1:${port}`, pid, conns, settle: '6s' }, ground);
        const before = result.bytes;
        return {
          value: result.proxyRssKib / 1024,
          ...(conns > 1 ? { also: { 'KiB a connection': (result.proxyRssKib - before) / conns } } : {}),
          ...faults(result),
        };
      }),
  };
}

function cpuFigure(unit: string): Figure {
  return { what: `CPU us ${unit}`, more: false, read: ({ cpuMicros }) => cpuMicros };
}

function alsoFigure(name: string, what: string): Figure {
  return { what, more: false, read: ({ also }) => also?.[name] };
}

function run({ pid, port }: Subject, ground: Ground, seconds: number, flags: LoadFlags): Promise<LoadResult> {
  const time = { warm: lead, time: `${seconds}s` };
  return load({ addr: `127.0.0.1:${port}`, pid, 'app-pid': ground.appPid, ...time, ...flags }, ground);
}

function costs(result: LoadResult, units: number): Omit<Sample, 'value'> {
  return {
    cpuMicros: (result.proxyCpuSeconds * 1e6) / Math.max(1, units),
    proxyCores: result.proxyCpuSeconds / result.seconds,
    loadCores: result.loadCpuSeconds / result.seconds,
    otherCores: Math.max(0, result.otherCpuSeconds / result.seconds),
    ...faults(result),
  };
}

function faults({ errors, firstError }: LoadResult): { readonly errors: number; readonly firstError?: string } {
  return { errors, ...(firstError === undefined ? {} : { firstError }) };
}

async function withFresh(
  peer: Peer,
  ground: Ground,
  measure: (started: StartedPeer) => Promise<Sample> | Sample,
): Promise<Sample> {
  const started = await peer.start(ground);
  try {
    return await measure(started);
  } finally {
    await started.stop();
  }
}
