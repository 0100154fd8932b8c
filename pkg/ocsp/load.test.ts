import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ocspSettings } from '../../test/support/judging.ts';
import { makePki } from '../../test/support/pki.ts';
import { scriptedTransport } from '../../test/support/scripted-transport.ts';
import { createOcspChecker } from './checker.ts';
import { buildOcspResponse } from './respond.ts';

const startMs = Date.UTC(2026, 10, 20, 10);
const certificates = 100;
const answersInMs = 50;
const maxAgeMs = 10_000;
const seconds = 45;

test('with 1,000 requests a second on 100 certificates and a responder that needs 50 ms, it sees each certificate at most once in 0.8 maxAge, and nobody waits after the first answer', async () => {
  let elapsedMs = 0;
  const now = () => startMs + elapsedMs;
  const pki = makePki({ nowMs: startMs });
  const { certificate: issuer, key } = pki.intermediate;
  const leaves = Array.from({ length: certificates }, (_, index) => {
    const url = `http://ocsp.test/${index}`;
    return { url, certificate: pki.intermediate.issue({ ocspUrls: [url] }).certificate };
  });
  const bodies = new Map(
    leaves.map(({ certificate, url }) => {
      const nextUpdateMs = startMs + 3_600_000;
      const status = { kind: 'good' } as const;
      const single = {
        target: certificate,
        issuer,
        status,
        thisUpdateMs: startMs,
        nextUpdateMs,
        hash: 'sha256',
      } as const;
      return [
        url,
        buildOcspResponse({ singles: [single], signer: { certificate: issuer, key }, producedAtMs: startMs }),
      ];
    }),
  );
  const askedAt = new Map<string, number[]>(leaves.map(({ url }) => [url, []]));
  let due: { atMs: number; go: () => void }[] = [];
  const transport = scriptedTransport(async (url) => {
    askedAt.get(url)?.push(elapsedMs);
    await new Promise<void>((go) => due.push({ atMs: elapsedMs + answersInMs, go }));
    return { kind: 'answer', body: bodies.get(url) ?? Buffer.alloc(0) };
  });
  let octet = 0;
  const checker = createOcspChecker({
    ...{ now, monotonicNow: () => elapsedMs, lookup: () => Promise.resolve([]), transport },
    // Every jitter there can be, by turns.
    random: (size) => Buffer.alloc(size, (octet = (octet + 37) % 256)),
  });
  let waited = 0;
  let waitedLate = 0;
  const outcomes = new Set<string>();
  for (; elapsedMs < seconds * 1000; elapsedMs += 1) {
    const ready = due.filter(({ atMs }) => atMs <= elapsedMs);
    if (ready.length > 0) {
      due = due.filter(({ atMs }) => atMs > elapsedMs);
      for (const { go } of ready) go();
      await new Promise((turn) => setImmediate(turn));
    }
    const leaf = leaves[elapsedMs % certificates];
    if (leaf === undefined) continue;
    const status = checker.check(leaf.certificate, issuer, settings);
    if (status instanceof Promise) {
      waited += 1;
      if (elapsedMs >= certificates + answersInMs) waitedLate += 1;
    } else outcomes.add(status.kind);
  }
  const gaps = [...askedAt.values()].flatMap((times) => times.slice(1).map((at, index) => at - (times[index] ?? 0)));
  assert.deepEqual(
    { waited, waitedLate, outcomes: [...outcomes] },
    { waited: certificates, waitedLate: 0, outcomes: ['good'] },
  );
  assert.ok(Math.min(...gaps) >= 0.8 * maxAgeMs, `a certificate was asked again after ${Math.min(...gaps)} ms`);
  const most = Math.max(...[...askedAt.values()].map(({ length }) => length));
  assert.ok(most <= Math.ceil((seconds * 1000) / (0.8 * maxAgeMs)), `a certificate was asked ${most} times`);
  assert.ok(gaps.length >= 4 * certificates, 'each was refreshed, and more than once');
});

const settings = { ...ocspSettings, maxAgeMs };
