import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as limits from './limits.ts';
import { serverVariableNames } from './variables.ts';

const page = readFileSync(new URL('../../docs/rewrite.md', import.meta.url), 'utf8');

test('the reference page names every variable, and every variable that it lists exists', () => {
  const unverified = /^client_certificate_unverified_/;
  const known = serverVariableNames().map((name) => name.slice('var_'.length));
  const listed = [...page.matchAll(/^\| ((?:`[a-z0-9_]+`(?:, )?)+)(?: \*\*\+\*\*)? \|/gm)].flatMap((row) =>
    [...(row[1] ?? '').matchAll(/`([a-z0-9_]+)`/g)].map((name) => name[1] ?? ''),
  );
  const tabled = known.filter((name) => !unverified.test(name) && name !== 'client_certificate_unverified');
  assert.deepEqual([...listed].sort(), tabled);
  for (const name of known.filter((known) => unverified.test(known))) {
    assert.ok(page.includes(`\`${name.replace(unverified, '')}\``), name);
  }
});

test('the reference page has every limit', () => {
  for (const limit of [
    limits.maxActionsPerSet,
    limits.maxHeaderValueLength,
    limits.maxHeadersLength,
    limits.maxPatternLength,
    limits.maxMatchSteps,
  ]) {
    assert.ok(page.includes(String(limit).replace(/\B(?=(\d{3})+$)/g, limit < 10_000 ? '' : ' ')), String(limit));
  }
});
