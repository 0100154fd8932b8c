import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { filesUnder, readSource } from '../support/source-files.ts';
import { withLeaf } from './merge.ts';
import { chartValues } from './values.ts';
import { valueLeaves, valuesSchema } from './values-files.ts';

describe('the values of the chart', () => {
  const defaults: unknown = parse(readSource('charts/lychgate/values.yaml'));

  test('values.yaml says every default, and nothing else', () => {
    assert.deepEqual(defaults, chartValues.parse({}));
  });

  test('every value has a meaning, and an example that is legal and is not the default', () => {
    for (const { path, schema, fallback, example } of valueLeaves()) {
      const name = path.join('.');
      assert.ok(schema.description, `${name} has no description`);
      assert.notDeepEqual(example, fallback, `the example of ${name} is its default`);
      assert.doesNotThrow(() => chartValues.parse(withLeaf({}, path, example)), `the example of ${name} is not legal`);
    }
  });

  const illegal: readonly (readonly [string, Record<string, unknown>])[] = [
    ['a key that is none', { operater: { replicas: 3 } }],
    ['a key that is none in a group', { operator: { replica: 3 } }],
    ['a number as text', { operator: { replicas: '3' } }],
    ['a port below 1024', { ports: { webhook: 443 } }],
    ['a digest that is cut off', { image: { digest: 'sha256:0123' } }],
    ['a pull policy that is none', { image: { pullPolicy: 'Sometimes' } }],
    ['a pull secret as text', { image: { pullSecrets: ['pull'] } }],
    ['no action of the admission policy', { admissionPolicy: { validationActions: [] } }],
    ['a namespace with capitals', { watchNamespaces: ['Shop'] }],
  ];
  for (const [name, values] of illegal) {
    test(`refuses ${name}`, () => {
      assert.throws(() => chartValues.parse(values), z.ZodError);
    });
  }

  test('the schema is closed wherever Kubernetes does not describe the object', () => {
    const open = openGroups(valuesSchema());
    assert.deepEqual(open, ['global']);
  });

  test('files of values set only values that there are', () => {
    const files = filesUnder(['charts/lychgate']).filter((path) => /(^|\/)(ci\/[^/]+|values-ha)\.yaml$/.test(path));
    assert.ok(files.length >= 6, `only ${files.length} files of values were found`);
    for (const file of files) assert.doesNotThrow(() => chartValues.parse(parse(readSource(file)) ?? {}), file);
  });

  test('chart, application and package have one version', () => {
    const chart: unknown = parse(readSource('charts/lychgate/Chart.yaml'));
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(readSource('package.json')));
    assert.deepEqual(z.object({ version: z.string(), appVersion: z.string() }).parse(chart), {
      version,
      appVersion: version,
    });
  });
});

/** Groups of values that take keys which they do not name. */
function openGroups(schema: ReturnType<typeof valuesSchema>, path = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    if (child.properties === undefined || Object.keys(child.properties).length === 0) return [];
    const here = path === '' ? key : `${path}.${key}`;
    const closed = (child as { additionalProperties?: unknown }).additionalProperties === false;
    return [...(closed ? [] : [here]), ...openGroups(child, here)];
  });
}
