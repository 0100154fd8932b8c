import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** Reads a YAML document of the test data. */
export function readYaml(url: URL): unknown {
  return parse(readFileSync(url, 'utf8'));
}

/**
 * Compares a value with the YAML document that stands beside the test. `UPDATE_GOLDEN=1` writes the document instead,
 * to be read before it is committed; where `CI` is set it refuses to.
 */
export function checkGolden(url: URL, actual: unknown): void {
  // Absent fields and undefined ones are the same in YAML.
  const text = stringify(actual, { lineWidth: 120, aliasDuplicateObjects: false });
  if (process.env['UPDATE_GOLDEN'] !== undefined) {
    assert.equal(process.env['CI'], undefined, 'UPDATE_GOLDEN has no place in CI: there it would agree with anything');
    writeFileSync(url, text);
    return;
  }
  assert.ok(existsSync(url), `${url.pathname} does not exist; UPDATE_GOLDEN=1 writes it`);
  // As values: how the document is laid out is the formatter's.
  assert.deepEqual(parse(text), readYaml(url));
}
