import { setTimeout as delay } from 'node:timers/promises';
import { type LoadResult, load } from './load.ts';
import type { Ground, Peer } from './peers.ts';

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

export interface Row {
  readonly name: string;
  readonly about: string;
  readonly unit: string;
  /** Whether more is better. */
  readonly more: boolean;
  /** Seconds of one measurement; 0 where it takes what it takes. */
  readonly seconds: number;
  /** Whether the proxy must have run hot before it is measured. */
  readonly hot: boolean;
  measure(subject: Subject, ground: Ground, seconds: number): Promise<Sample>;
}

/** How long every run of the load warms up before it measures. */
const lead = '300ms';
const mebibyte = 1024 * 1024;

export const rows: readonly Row[] = [
  requests('keepalive', 'HTTP/1.1, 64 kept connections, 1 KiB answers', { mode: 'keepalive', conns: 64 }),
  requests('keepalive-vary', 'the same, but no request of a connection is like another', {
    mode: 'keepalive',
    conns: 64,
    vary: true,
  }),
  requests('h2', 'HTTP/2, 16 connections of 10 streams, 1 KiB answers', { mode: 'h2', conns: 16, streams: 10 }),
  requests('handshake', 'a full handshake for every request, TLS 1.3, P-256', { mode: 'handshake', conns: 16 }),
  requests('handshake-tls12', 'a full handshake for every request, TLS 1.2, P-256', {
    mode: 'handshake',
    conns: 16,
    tls: '1.2',
  }),
  requests('reconnect', 'a connection for every request by clients that keep sessions: peers resume, Lychgate never', {
    mode: 'handshake',
    conns: 16,
    resume: true,
  }),
  bulk('download-1m', '1 MiB answers, 8 connections', { path: `/${mebibyte}`, conns: 8 }),
  bulk('download-100m', '100 MiB answers, 2 connections', { path: `/${100 * mebibyte}`, conns: 2 }),
  bulk('upload-100m', '100 MiB request bodies, 2 connections', { upload: 100 * mebibyte, path: '/2', conns: 2 }),
  latency('rate-2000', 2000),
  latency('rate-5000', 5000),
  {
    name: 'start',
    about: 'from the start of the process until its port takes connections',
    unit: 'ms',
    more: false,
    seconds: 0,
    hot: false,
    measure: ({ peer }, ground) => withFresh(peer, ground, ({ startMs }) => ({ value: startMs, errors: 0 })),
  },
  idle('memory', 'resident memory of a fresh process after one request', 1),
  idle('memory-1000', 'resident memory with 1,000 idle connections, one request made on each', 1000),
  idle('memory-9000', 'resident memory with 9,000 idle connections, one request made on each', 9000),
  storm(500),
];

function requests(name: string, about: string, flags: Flags): Row {
  return {
    name,
    about,
    unit: 'req/s',
    more: true,
    seconds: 3,
    hot: true,
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

function bulk(name: string, about: string, flags: Flags): Row {
  return {
    name,
    about,
    unit: 'MiB/s',
    more: true,
    seconds: 3,
    hot: false,
    measure: async (subject, ground, seconds) => {
      const result = await run(subject, ground, seconds, { mode: 'bulk', ...flags });
      const mebibytes = result.bytes / mebibyte;
      return { value: mebibytes / result.seconds, ...costs(result, mebibytes) };
    },
  };
}

function latency(name: string, rate: number): Row {
  return {
    name,
    about: `HTTP/1.1, 32 kept connections, ${rate} requests a second`,
    unit: 'us p50',
    more: false,
    seconds: 4,
    hot: true,
    measure: async (subject, ground, seconds) => {
      const result = await run(subject, ground, seconds, { mode: 'rate', rate, conns: 32 });
      const also = { p99: result.p99Micros ?? 0, 'req/s': result.requests / result.seconds };
      return { value: result.p50Micros ?? 0, also, ...costs(result, result.requests) };
    },
  };
}

/** Others connect as fast as they are let, while few requests come over connections that are open. */
function storm(rate: number): Row {
  return {
    name: 'storm',
    about: `HTTP/1.1, 32 kept connections, ${rate} requests a second, while 64 others make one handshake after the other`,
    unit: 'us p99',
    more: false,
    seconds: 4,
    hot: true,
    measure: async (subject, ground, seconds) => {
      const calm = await run(subject, ground, seconds, { mode: 'rate', rate, conns: 32 });
      // The storm is there before the measurement begins, and outlasts it.
      const around = run(subject, ground, seconds + 2, { mode: 'handshake', conns: 64 });
      await delay(700);
      const open = await run(subject, ground, seconds, { mode: 'rate', rate, conns: 32 });
      const handshakes = await around;
      return {
        value: open.p99Micros ?? 0,
        also: {
          p50: open.p50Micros ?? 0,
          'p99 in the calm': calm.p99Micros ?? 0,
          'p50 in the calm': calm.p50Micros ?? 0,
          'handshakes/s': handshakes.requests / handshakes.seconds,
        },
        errors: open.errors + handshakes.errors,
        ...(open.firstError === undefined ? {} : { firstError: open.firstError }),
      };
    },
  };
}

function idle(name: string, about: string, conns: number): Row {
  return {
    name,
    about,
    unit: 'MiB',
    more: false,
    seconds: 0,
    hot: false,
    measure: ({ peer }, ground) =>
      withFresh(peer, ground, async ({ pid, port }) => {
        await delay(500);
        // Longer than any proxy keeps what it may still need: connections to the application, for one.
        const result = await load({ mode: 'idle', addr: `127.0.0.1:${port}`, pid, conns, settle: '6s' }, ground.pki);
        const before = result.bytes;
        return {
          value: result.proxyRssKib / 1024,
          ...(conns > 1 ? { also: { 'KiB a connection': (result.proxyRssKib - before) / conns } } : {}),
          ...faults(result),
        };
      }),
  };
}

type Flags = Readonly<Record<string, boolean | number | string>>;

function run({ pid, port }: Subject, ground: Ground, seconds: number, flags: Flags): Promise<LoadResult> {
  return load(
    { addr: `127.0.0.1:${port}`, pid, 'app-pid': ground.appPid, warm: lead, time: `${seconds}s`, ...flags },
    ground.pki,
  );
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
  measure: (started: Awaited<ReturnType<Peer['start']>>) => Promise<Sample> | Sample,
): Promise<Sample> {
  const started = await peer.start(ground);
  try {
    return await measure(started);
  } finally {
    await started.stop();
  }
}
