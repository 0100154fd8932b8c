import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { TLSSocket } from 'node:tls';
import { connectTo } from '../support/gate.ts';
import { caConfigMap, sslProfile, tlsSecret, writeManifests } from '../support/manifests.ts';
import { startOcspResponder } from '../support/ocsp-responder.ts';
import { type Identity, makePki } from '../support/pki.ts';
import { type Sidecar, startSidecar } from '../support/sidecar.ts';

/*
 * What OCSP with a warm cache costs a request: 1,000 requests a second over 100 connections with a certificate each,
 * a responder that takes 50 ms, against a gate that asks nothing, in turns within one run. Run by hand after
 * `npm run build`: npm run bench:ocsp-latency [-- REPEATS]. Prints p50 and p99 of each and what the responder saw.
 */

const repeats = Number(process.argv[2] ?? 7);
const clients = 100;
const perSecond = 1000;
const secondsPerRound = 5;
const maxAgeSeconds = 20;

const folder = mkdtempSync(join(tmpdir(), 'lychgate-bench-'));
const nowMs = Date.now();
const base = makePki({ nowMs });
const responder = await startOcspResponder({
  issuer: base.intermediate.certificate,
  signer: { certificate: base.intermediate.certificate, key: base.intermediate.key },
  now: () => Date.now(),
});
responder.delay = () => new Promise((resolve) => setTimeout(resolve, 50));
const identities: Identity[] = Array.from({ length: clients }, (_, index) => {
  const serial = Buffer.of(0x30, index);
  responder.verdicts.set(serial.toString('hex').toUpperCase(), { kind: 'good' });
  return base.intermediate.issue({ subject: `CN=client ${index},O=Lychgate`, serial, ocspUrls: [responder.url] });
});
const app = createServer((_request, response) => response.end('ok'));
app.listen(0, '127.0.0.1');
await once(app, 'listening');

const gates = { 'without OCSP': await gate('None', ''), 'OCSP, warm': await gate('OCSP', ocspText()) };
const figures = new Map<string, { p50: number[]; p99: number[] }>();
try {
  const connected = new Map<string, TLSSocket[]>();
  for (const [name, { port }] of Object.entries(gates)) {
    const sockets: TLSSocket[] = [];
    for (const identity of identities) sockets.push(await connectTo(port, base, identity));
    connected.set(name, sockets);
    await round(sockets, 3);
    figures.set(name, { p50: [], p99: [] });
  }
  const askedBefore = responder.requests.length;
  const begun = performance.now();
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const [name, sockets] of repeat % 2 === 0 ? connected : [...connected].reverse()) {
      const latencies = await round(sockets, secondsPerRound);
      figures.get(name)?.p50.push(quantile(latencies, 0.5));
      figures.get(name)?.p99.push(quantile(latencies, 0.99));
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  for (const [name, { p50, p99 }] of figures) {
    process.stdout.write(`${name}: p50 ${told(p50)} us, p99 ${told(p99)} us\n`);
  }
  const [none, warm] = [...figures.values()].map(({ p99 }) => quantile(p99, 0.5));
  process.stdout.write(`p99, OCSP against none: ${((warm ?? 0) / (none ?? 1)).toFixed(2)} (medians of ${repeats})\n`);
  const asked = responder.requests.length - askedBefore;
  const most = clients * Math.ceil(seconds / (0.8 * maxAgeSeconds));
  process.stdout.write(
    `responder: ${asked} questions in ${seconds.toFixed(0)} s; at one a certificate and 0.8 maxAge (${maxAgeSeconds} s) at most ${most}\n`,
  );
} finally {
  for (const { stop } of Object.values(gates)) await stop();
  await responder.close();
  app.close();
  app.closeAllConnections();
  rmSync(folder, { recursive: true });
}
process.exit(0);

function ocspText(): string {
  return `\n      ocsp: {maxAge: ${maxAgeSeconds}s, allowInternalAddresses: [127.0.0.1/32]}`;
}

async function gate(revocation: string, more: string): Promise<Sidecar> {
  const at = join(folder, revocation);
  const write = (name: string, text: string) => {
    const path = join(folder, `${revocation}-${name}`);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const spec = `  certificateRefs: [{name: shop-tls}]
  trustedClientCertificates: [{kind: ConfigMap, name: partner-ca}]
  clientAuthConfiguration:
      verifyClientRevocation: ${revocation}${more}
  backend: {port: ${(app.address() as AddressInfo).port}}`;
  writeManifests(at, 'all.yaml', [
    sslProfile({ spec }),
    tlsSecret('shop-tls', write('server.crt', base.server.chainPem), write('server.key', base.server.keyPem)),
    caConfigMap('partner-ca', [write('ca.crt', base.caPem)]),
  ]);
  return startSidecar(at, { program: ['dist/sidecar.js'] });
}

/** Latencies in microseconds of requests sent at a fixed rate over all connections, one at a time on each. */
async function round(sockets: readonly TLSSocket[], seconds: number): Promise<number[]> {
  const latencies: number[] = [];
  const everyMs = (1000 * sockets.length) / perSecond;
  const endMs = performance.now() + seconds * 1000;
  await Promise.all(
    sockets.map(async (socket, index) => {
      let dueMs = performance.now() + (index * everyMs) / sockets.length;
      while (dueMs < endMs) {
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        const sentMs = performance.now();
        socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        if (!chunk.toString('latin1').startsWith('HTTP/1.1 200'))
          throw new Error(`answered ${chunk.toString('latin1')}`);
        latencies.push((performance.now() - sentMs) * 1000);
        dueMs += everyMs;
      }
    }),
  );
  return latencies;
}

function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))] ?? 0;
}

function told(values: readonly number[]): string {
  return `${quantile(values, 0.5).toFixed(0)} [${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}]`;
}
