import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { isAsExpected, runVectors } from './cases.ts';

/** Beside the checkout; LYCHGATE_VECTORS names another place. */
const directory =
  process.env['LYCHGATE_VECTORS'] ?? resolve(import.meta.dirname, '..', '..', '..', 'shared', 'vectors', 'ocsp');
const isThere = existsSync(join(directory, 'cases.json'));

test('the answers that others made get the verdicts that others give', {
  skip: isThere ? false : `skipped: there is no ${directory}`,
}, () => {
  const results = runVectors(directory);
  assert.ok(results.length > 0, 'the folder has cases');
  const wrong = results.filter((result) => !isAsExpected(result));
  assert.deepEqual(
    wrong.map(({ case: one, got, detail }) => `${one.id}: expected ${one.expect}, got ${got}: ${detail}`),
    [],
  );
});
