import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customResourceDefinitions } from '../../pkg/api/crd.ts';
import { parseRewriteSet, parseSslProfile } from '../../pkg/api/parse.ts';
import { pendingConditions } from '../../pkg/api/status.ts';
import { judge } from './judge.ts';
import { profile, rewriteSet } from './resources.ts';

test('the API server takes both definitions without an error or a warning', async () => {
  assert.deepEqual((await judge([])).crds, [
    { name: 'sslprofiles.lychgate.dev', errors: [], warnings: [] },
    { name: 'rewritesets.lychgate.dev', errors: [], warnings: [] },
  ]);
});

test('the judge can refuse a definition: one with a list of no bounded length under a rule', async () => {
  const [definition] = customResourceDefinitions();
  const broken: unknown = JSON.parse(JSON.stringify(definition).replaceAll(/"maxItems":\d+,/g, ''));
  const { crds } = await judge([], [broken]);
  assert.match(String(crds[0]?.errors), /estimated rule cost/);
});

test('the defaults that the API server fills in are those that the parser fills in', async () => {
  const { resources } = await judge([{ object: profile() }, { object: rewriteSet() }]);
  const [stored, storedSet] = resources.map(({ object }) => specOf(object));
  assert.deepEqual(stored, parseSslProfile(profile()).value?.spec);
  assert.deepEqual(storedSet, parseRewriteSet(rewriteSet()).value?.spec);
});

test('a resource that no operator has seen waits: every condition is Unknown, of reason Pending', async () => {
  const { resources } = await judge([{ object: profile() }, { object: rewriteSet() }]);
  for (const { object } of resources) assert.deepEqual(fieldOf(object, 'status'), { conditions: pendingConditions });
});

test('the operator can write a whole status, and no part of it is lost', async () => {
  const status = {
    observedGeneration: 3,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        observedGeneration: 3,
        lastTransitionTime: '2026-11-24T12:00:00Z',
        reason: 'Ready',
        message: 'In force in all 2 pods.',
      },
    ],
    sidecars: { selected: 2, programmed: 2, rejected: 0, missing: 0, summary: '2/2' },
    certificate: { notAfter: '2027-11-24T12:00:00Z' },
  };
  const old = { ...profile(), metadata: { ...profile().metadata, resourceVersion: '1' } };
  const { resources } = await judge([
    { object: { ...old, status }, old, subresource: 'status' },
    {
      object: { ...old, status: { conditions: [...status.conditions, ...status.conditions] } },
      old,
      subresource: 'status',
    },
  ]);
  assert.deepEqual(resources[0]?.errors, []);
  assert.deepEqual(fieldOf(resources[0]?.object, 'status'), status);
  assert.deepEqual(resources[1]?.errors, ['status.conditions[1]: Duplicate value: {"type":"Ready"}']);
});

function specOf(object: unknown): unknown {
  return fieldOf(object, 'spec');
}

function fieldOf(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined;
}
