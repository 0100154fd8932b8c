import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Rendered, render, type Values } from './helm.ts';
import { withLeaf } from './merge.ts';
import { type ValueLeaf, type ValueSchema, valueLeaves, valuesSchema } from './values-files.ts';

/*
 * A value that changes nothing is a promise that is not kept. Every leaf is set to its example, over values under which it
 * has something to say.
 */
describe('every value changes what is rendered', { concurrency: 2 }, () => {
  const renderings = new Map<string, Promise<Rendered>>();
  const rendered = (values: Values): Promise<Rendered> => {
    const key = JSON.stringify(values);
    const known = renderings.get(key) ?? render(values);
    renderings.set(key, known);
    return known;
  };

  for (const leaf of valueLeaves()) {
    const name = leaf.path.join('.');
    test(name, async () => {
      const base = baseFor(leaf);
      const changed = await rendered(withLeaf(base, leaf.path, leaf.example));
      assert.equal(changed.kind, 'Rendered', changed.kind === 'Refused' ? changed.message : '');
      assert.ok(!isDeepStrictEqual(changed, await rendered(base)), `${name} changes nothing`);
    });
  }
});

/** Values under which a leaf counts: its groups are switched on. */
function baseFor({ path }: ValueLeaf): Values {
  let values: Values = special[path.join('.')] ?? {};
  if (path[0] === 'certManager') values = withLeaf(values, ['certManager', 'issuerRef', 'name'], 'ca');
  if (path[0] === 'metrics' && path[1] !== 'apiCheck') values = withLeaf(values, ['metrics', 'apiCheck'], 'Skip');
  for (let length = 1; length < path.length; length += 1) {
    const above = path.slice(0, length);
    if (path.at(-1) !== 'enabled' && schemaAt(above)?.properties?.['enabled']?.default === false) {
      values = withLeaf(values, [...above, 'enabled'], true);
    }
  }
  return values;
}

function schemaAt(path: readonly string[]): ValueSchema | undefined {
  return path.reduce<ValueSchema | undefined>((schema, key) => schema?.properties?.[key], valuesSchema());
}

/** What a leaf needs besides. */
const special: Readonly<Record<string, Values>> = {
  'certManager.issuerRef.name': { certManager: { enabled: true } },
  'metrics.apiCheck': { metrics: { podMonitor: { enabled: true } } },
  'operator.hostNetwork': { ports: { webhook: 10260 } },
  'serviceAccount.create': { serviceAccount: { name: 'gatekeeper' } },
};
