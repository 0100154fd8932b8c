import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { rejectReasons } from '../../pkg/policy/reason.ts';

test('docs/refusals.md has a row for every reason, and for no other', () => {
  const page = readFileSync(new URL('../../docs/refusals.md', import.meta.url), 'utf8');
  const section = page.split('\n## ').find((text) => text.startsWith('The client certificate\n')) ?? '';
  const rows = [...section.matchAll(/^\| `([A-Z][A-Za-z]+)` \|/gm)].map(([, reason]) => reason);
  assert.deepEqual(new Set(rows), new Set(rejectReasons));
  assert.equal(rows.length, rejectReasons.length);
});
