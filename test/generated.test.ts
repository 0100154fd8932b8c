import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { generatedFiles } from './support/generated.ts';
import { readSource, root } from './support/source-files.ts';

/*
 * Files that are made from the schemas are checked in, for people and charts; they may not fall behind.
 */
describe('what npm run generate writes is checked in', () => {
  for (const { path, text } of generatedFiles()) {
    test(path, () => {
      assert.ok(existsSync(resolve(root, path)), `${path} does not exist; npm run generate writes it`);
      assert.equal(readSource(path), text, `${path} has fallen behind pkg/api; npm run generate writes it anew`);
    });
  }

  test('crds/ has no other file', () => {
    const made = generatedFiles().flatMap(({ path }) => (path.startsWith('crds/') ? [path.slice(5)] : []));
    assert.deepEqual(readdirSync(resolve(root, 'crds')).toSorted(), made.toSorted());
  });
});
