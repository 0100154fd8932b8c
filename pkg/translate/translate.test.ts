import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { checkGolden, readYaml } from '../../test/support/golden.ts';
import { PodPolicy } from '../policy/policy.ts';
import { redactedPolicy } from '../policy/snapshot.ts';
import { normalised, worldOf } from './testdata/material.ts';
import { translate } from './translate.ts';
import { type Pod, standalonePod } from './world.ts';

interface Input {
  readonly pods?: readonly Pod[];
  readonly objects: readonly unknown[];
}

describe('a world is translated as its golden document says', () => {
  const folder = new URL('./testdata/', import.meta.url);
  const names = readdirSync(folder).flatMap((file) =>
    file.endsWith('.in.yaml') ? file.slice(0, -'.in.yaml'.length) : [],
  );
  assert.ok(names.length > 0);
  for (const name of names) {
    test(name, () => {
      // The files are this test's own, so that their shape may be taken for granted.
      const { pods = [standalonePod], objects } = readYaml(new URL(`${name}.in.yaml`, folder)) as Input;
      const { policies, conditions, faults } = translate(worldOf(objects, pods));
      for (const policy of policies.values()) assert.deepEqual(PodPolicy.parse(policy), policy);
      const shown = new Map([...policies].map(([key, policy]) => [key, redactedPolicy(policy)]));
      checkGolden(new URL(`${name}.out.yaml`, folder), normalised({ policies: shown, conditions, faults }));
    });
  }
});

describe('a translation', () => {
  test('is the same whatever the order of the objects', () => {
    const { pods = [standalonePod], objects } = readYaml(
      new URL('./testdata/conflicts.in.yaml', import.meta.url),
    ) as Input;
    const forward = translate(worldOf(objects, pods));
    const backward = translate(worldOf(objects.toReversed(), pods));
    assert.deepEqual(backward.policies, forward.policies);
    // deepEqual compares maps whatever their order.
    assert.deepEqual(backward.conditions, forward.conditions);
  });

  test('of an empty world has a policy without listeners for each pod', () => {
    const { policies, faults } = translate(worldOf([], [standalonePod]));
    assert.deepEqual([...policies], [['standalone', { schema: 1, listeners: [], holds: [] }]]);
    assert.deepEqual(faults, []);
  });

  test('tells when the first server certificate of a profile expires', () => {
    const { objects } = readYaml(new URL('./testdata/minimal.in.yaml', import.meta.url)) as Input;
    const { certificateExpiries } = translate(worldOf(objects, [standalonePod]));
    assert.deepEqual([...certificateExpiries], [['SslProfile shop/partners', Date.UTC(2026, 11, 24)]]);
  });
});
