import { mostConnections } from './machine.ts';
import { bulk, latency, type Measurement, memory, requests, start, storm } from './row.ts';
import { type Setting, settings } from './setting.ts';

/** A row of the report: a measurement in a setting. */
export interface Row extends Measurement {
  readonly setting: Setting;
}

const mebibyte = 1024 * 1024;

const measurements: readonly Measurement[] = [
  requests('keepalive', 'HTTP/1.1, 64 kept connections, 1 KiB', { mode: 'keepalive', conns: 64 }),
  requests('keepalive-vary', 'HTTP/1.1, 64 kept connections, no request like another, 1 KiB', {
    mode: 'keepalive',
    conns: 64,
    vary: true,
  }),
  requests('keepalive-trace', 'HTTP/1.1, 64 kept connections, another header in every request, 1 KiB', {
    mode: 'keepalive',
    conns: 64,
    trace: true,
  }),
  requests('h2', 'HTTP/2, 16 connections of 10 streams, 1 KiB', { mode: 'h2', conns: 16, streams: 10 }),
  requests('handshake', 'full handshake, TLS 1.3', { mode: 'handshake', conns: 16 }),
  requests('handshake-tls12', 'full handshake, TLS 1.2', { mode: 'handshake', conns: 16, tls: '1.2' }),
  requests('reconnect', 'reconnect by clients that keep sessions (Lychgate and Caddy resume none)', {
    mode: 'handshake',
    conns: 16,
    resume: true,
  }),
  bulk('download-1m', '1 MiB answers, 8 connections', { path: `/${mebibyte}`, conns: 8 }),
  bulk('download-100m', '100 MiB answers, 2 connections', { path: `/${100 * mebibyte}`, conns: 2 }),
  bulk('upload-100m', '100 MiB uploads, 2 connections', { upload: 100 * mebibyte, path: '/2', conns: 2 }),
  latency('rate-2000', 2000),
  latency('rate-5000', 5000),
  storm('storm', 500),
  start('start'),
  memory('memory', 1),
  memory('memory-1000', 1000),
  memory('memory-10000', mostConnections, 1),
];

/** Every measurement in every setting. */
export const rows: readonly Row[] = settings.flatMap((setting) =>
  measurements.map((measurement) => ({
    ...measurement,
    name: measurement.name + setting.suffix,
    about: measurement.about + setting.about,
    setting,
  })),
);

/** What is measured where no rows are named: everything in the usual setting, and what the others are there for. */
export const usualRows: readonly string[] = [
  ...measurements.map(({ name }) => name),
  ...['keepalive-uds', 'h2-uds', 'download-100m-uds', 'upload-100m-uds'],
  'handshake-rsa',
  ...['keepalive-2-cores', 'h2-2-cores', 'handshake-2-cores'],
];

/** What is measured under a minute. */
export const quickRows: readonly string[] = ['keepalive', 'handshake'];
