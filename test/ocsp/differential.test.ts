import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, judge } from './compare.ts';
import { askPkijs } from './pkijs-oracle.ts';
import { makeSeeds } from './seeds.ts';

test('pkijs and we give one verdict on proper answers of every kind', async () => {
  const rows = await Promise.all(
    makeSeeds().map(async (seed) => {
      const ours = judge(seed.response, seed);
      const theirs = await askPkijs(seed.response, seed.certificate, seed.issuer);
      return { name: seed.name, ours: ours.kind, theirs: theirs.kind };
    }),
  );
  const differing = rows.filter(({ ours, theirs }) => ours !== theirs);
  assert.equal(rows.length, 14);
  assert.deepEqual(differing, [
    // The strictest part counts with us, the first with pkijs.
    { name: 'issuer EC, good then revoked', ours: 'revoked', theirs: 'good' },
    // pkijs does not know the algorithm.
    { name: 'Ed25519 delegate, good', ours: 'good', theirs: 'error' },
  ]);
});

test('pkijs and we agree on changed answers but for the classes of difference that docs/ocsp.md explains', async () => {
  const { agreed, cases, explained, unexplained } = await compare(300, 20_261_120);
  assert.deepEqual(unexplained, []);
  const differences = [...explained.values()].reduce((sum, { count }) => sum + count, 0);
  assert.equal(agreed.accepted + agreed.refused + differences, cases);
  assert.ok(agreed.accepted >= 10 && differences >= 10, `${agreed.accepted} accepted, ${differences} differences`);
});
