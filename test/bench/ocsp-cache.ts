import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import { buildOcspResponse } from '../../pkg/ocsp/respond.ts';
import { ocspSettings } from '../support/judging.ts';
import { makePki } from '../support/pki.ts';
import { scriptedTransport } from '../support/scripted-transport.ts';

/*
 * Prints what remembered certificates cost: memory an entry, and time a hit. Run by hand:
 * npm run bench:ocsp [-- COUNT]. Making and verifying 100,000 answers takes a minute or two.
 */

const count = Number(process.argv[2] ?? 100_000);
const startMs = Date.UTC(2026, 10, 20, 10);
const pki = makePki({ nowMs: startMs });
const { certificate: issuer, key } = pki.intermediate;
const settings = { ...ocspSettings, maxAgeMs: 3_600_000 };
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let body: Buffer = Buffer.alloc(0);
const checker = createOcspChecker({
  ...{ now: () => startMs, monotonicNow: () => 0, lookup: () => Promise.resolve([]), maxEntries: count },
  transport: scriptedTransport(() => Promise.resolve({ kind: 'answer', body })),
  random: (size) => Buffer.alloc(size),
});

function issue(serial: number) {
  const octets = Buffer.alloc(8);
  octets.writeUInt32BE(0x10_000_000, 0);
  octets.writeUInt32BE(serial, 4);
  const { certificate } = pki.intermediate.issue({ serial: octets, ocspUrls: ['http://ocsp.example.test/'] });
  const status = { kind: 'good' } as const;
  const times = { thisUpdateMs: startMs, nextUpdateMs: startMs + 7_200_000 };
  const single = { target: certificate, issuer, status, hash: 'sha256' as const, ...times };
  body = buildOcspResponse({ singles: [single], signer: { certificate: issuer, key }, producedAtMs: startMs });
  return certificate;
}

for (let index = 0; index < 100; index += 1) await checker.check(issue(index), issuer, settings);
checker.clear();
collect();
const before = process.memoryUsage();
const begun = performance.now();
for (let index = 0; index < count; index += 1) await checker.check(issue(index), issuer, settings);
const perMiss = ((performance.now() - begun) * 1000) / count;
collect();
collect();
const after = process.memoryUsage();
const mib = (bytes: number) => (bytes / 1_048_576).toFixed(1);
const heap = after.heapUsed + after.external - before.heapUsed - before.external;
const print = (text: string) => process.stdout.write(`${text}\n`);
print(`${checker.snapshot().entries} certificates remembered`);
print(`heap and buffers: ${mib(heap)} MiB, ${(heap / count).toFixed(0)} bytes an entry`);
print(`resident set: ${mib(before.rss)} -> ${mib(after.rss)} MiB`);
print(`a miss, with issuing and signing here: ${perMiss.toFixed(0)} us`);

const warm = Array.from({ length: 1000 }, (_, index) => issue(count - 1 - (index % count)));
const rounds = 2_000;
for (const certificate of warm) void checker.check(certificate, issuer, settings);
const hitsBegun = performance.now();
for (let round = 0; round < rounds; round += 1) {
  for (const certificate of warm) void checker.check(certificate, issuer, settings);
}
const hits = rounds * warm.length;
print(`a hit of a connection that has asked before: ${(((performance.now() - hitsBegun) * 1e6) / hits).toFixed(0)} ns`);

const fresh = Array.from({ length: 2000 }, (_, index) => issue(count - 1 - (index % count)));
const firstBegun = performance.now();
for (const certificate of fresh) void checker.check(certificate, issuer, settings);
const each = ((performance.now() - firstBegun) * 1000) / fresh.length;
print(`a hit of a new connection, its link to the issuer verified: ${each.toFixed(0)} us`);
