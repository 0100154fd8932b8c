import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readYaml } from '../../test/support/golden.ts';
import { worldOf } from './testdata/material.ts';
import { translate } from './translate.ts';
import type { Pod, World } from './world.ts';

const shopPod: Pod = {
  namespace: 'shop',
  name: 'shop-1',
  labels: { app: 'shop' },
  port: 8443,
  version: { uid: 'u-pod', resourceVersion: '7' },
};
const otherPod: Pod = { ...shopPod, name: 'other-1', labels: { app: 'other' } };

/** As the cluster has it: every object has a version. */
function clusterWorld(change: (world: World) => World = (world) => world): World {
  const { objects } = readYaml(new URL('./testdata/minimal.in.yaml', import.meta.url)) as {
    objects: readonly { readonly metadata: { readonly name: string } }[];
  };
  const versioned = objects.map((object, index) => ({
    ...object,
    metadata: {
      ...object.metadata,
      uid: `u-${object.metadata.name}`,
      resourceVersion: String(100 + index),
      ...(index === 0 ? { generation: 3 } : {}),
    },
  }));
  return change(worldOf(versioned, [shopPod, otherPod]));
}

function without(world: World, why: string): World {
  return { ...world, secrets: [], unknown: new Map([['Secret shop/shop-tls', why]]) };
}

describe('the inputs of a policy', () => {
  test('are the pod, its profile and what the profile refers to, with their versions', () => {
    const { inputs } = translate(clusterWorld());
    assert.deepEqual(inputs.get('shop/shop-1'), [
      { kind: 'ConfigMap', namespace: 'shop', name: 'partner-ca', uid: 'u-partner-ca', resourceVersion: '102' },
      { kind: 'Pod', namespace: 'shop', name: 'shop-1', uid: 'u-pod', resourceVersion: '7' },
      { kind: 'Secret', namespace: 'shop', name: 'shop-tls', uid: 'u-shop-tls', resourceVersion: '101' },
      {
        kind: 'SslProfile',
        namespace: 'shop',
        name: 'partners',
        uid: 'u-partners',
        resourceVersion: '100',
        generation: 3,
      },
    ]);
  });

  test('of a pod without a profile are the pod alone', () => {
    const { inputs } = translate(clusterWorld());
    assert.deepEqual(
      inputs.get('shop/other-1')?.map(({ kind }) => kind),
      ['Pod'],
    );
  });
});

describe('the references of a world', () => {
  test('are every Secret and ConfigMap that a profile looked for, there or not', () => {
    const { references } = translate(clusterWorld((world) => ({ ...world, secrets: [] })));
    assert.deepEqual([...references.keys()].sort(), ['ConfigMap shop/partner-ca', 'Secret shop/shop-tls']);
  });
});

describe('an object of which nothing is known', () => {
  test('stops the policies that depend on it, and no other', () => {
    const { unknown } = translate(clusterWorld((world) => without(world, 'not listed yet')));
    assert.deepEqual([...unknown], [['shop/shop-1', ['Secret shop/shop-tls']]]);
  });

  test('is told as unknown, not as missing', () => {
    const { conditions } = translate(clusterWorld((world) => without(world, '403 Forbidden')));
    assert.deepEqual(conditions.get('SslProfile shop/partners')?.[1], {
      type: 'ResolvedRefs',
      status: 'Unknown',
      reason: 'RefUnknown',
      message:
        'spec.certificateRefs[0]: Secret shop/shop-tls cannot be read (403 Forbidden); what is in force stays until it can.',
    });
  });

  test('stops nobody where it is known not to exist', () => {
    const { unknown, policies } = translate(clusterWorld((world) => ({ ...world, secrets: [], unknown: new Map() })));
    assert.equal(unknown.size, 0);
    assert.equal(policies.get('shop/shop-1')?.holds.length, 1);
  });
});
