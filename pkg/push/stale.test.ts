import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Input } from '../policy/input.ts';
import { nextTombstones, orderOf, staleInput } from './stale.ts';

const nowMs = 1_000_000;
const profile = { kind: 'SslProfile', namespace: 'shop', name: 'p', uid: 'p1', generation: 4, resourceVersion: '100' };
const ca = { kind: 'ConfigMap', namespace: 'shop', name: 'ca', uid: 'c1', resourceVersion: '90' };
const buried = [{ input: ca, removedAtMs: nowMs - 1_000 }];

suite('one version of an input against another', () => {
  const cases: readonly { name: string; offered: Partial<Input>; known?: Partial<Input>; want: string }[] = [
    { name: 'the same object in a later generation', offered: { generation: 5 }, want: 'newer' },
    {
      name: 'the same object in an earlier generation',
      offered: { generation: 3, resourceVersion: '999' },
      want: 'older',
    },
    { name: 'the same generation, whatever the resource version', offered: { resourceVersion: '1' }, want: 'same' },
    {
      name: 'another object of that name, later',
      offered: { uid: 'p2', generation: 1, resourceVersion: '101' },
      want: 'newer',
    },
    {
      name: 'another object of that name, earlier',
      offered: { uid: 'p0', generation: 9, resourceVersion: '99' },
      want: 'older',
    },
    {
      name: 'numbers beyond 2^53',
      offered: { uid: 'p2', resourceVersion: '9007199254740993' },
      known: { resourceVersion: '9007199254740992' },
      want: 'newer',
    },
    {
      name: 'a longer number that is smaller as text',
      offered: { uid: 'p2', resourceVersion: '1000' },
      known: { resourceVersion: '999' },
      want: 'newer',
    },
    { name: 'a resource version that is no number', offered: { uid: 'p2', resourceVersion: 'abc' }, want: 'unknown' },
    { name: 'an empty resource version', offered: { uid: 'p2', resourceVersion: '' }, want: 'unknown' },
  ];
  for (const { name, offered, known, want } of cases) {
    test(name, () => assert.equal(orderOf({ ...profile, ...offered }, { ...profile, ...known }), want));
  }
  test('without a generation on one side the resource version tells', () => {
    const { generation, ...without } = profile;
    assert.equal(orderOf({ ...without, resourceVersion: '99' }, profile), 'older');
    assert.equal(generation, 4);
  });
});

suite('an offer is old', () => {
  const cases: readonly {
    readonly name: string;
    readonly offered: readonly Input[];
    readonly inForce?: readonly Input[];
    readonly tombstones?: typeof buried;
    readonly want: RegExp | undefined;
  }[] = [
    { name: 'not when nothing has changed', offered: [profile, ca], want: undefined },
    {
      name: 'not when everything is newer',
      offered: [
        { ...profile, generation: 5 },
        { ...ca, resourceVersion: '91' },
      ],
      want: undefined,
    },
    {
      name: 'when one input is older, though another is newer',
      offered: [
        { ...profile, generation: 5 },
        { ...ca, resourceVersion: '89' },
      ],
      want: /^ConfigMap shop\/ca is offered in version 89, in force is 90$/,
    },
    { name: 'not when an input is gone', offered: [profile], want: undefined },
    {
      name: 'not when an input is new',
      offered: [profile, ca, { ...ca, name: 'ca2', uid: 'c2', resourceVersion: '1' }],
      want: undefined,
    },
    {
      name: 'not when a version cannot be compared',
      offered: [profile, { ...ca, resourceVersion: 'x' }],
      want: undefined,
    },
    {
      name: 'when an input that had left comes back and nothing is newer',
      offered: [profile, ca],
      inForce: [profile],
      tombstones: buried,
      want: /^ConfigMap shop\/ca had left the policy, and comes back in version 90 with nothing newer$/,
    },
    {
      name: 'when it comes back older than it left',
      offered: [profile, { ...ca, resourceVersion: '80' }],
      inForce: [profile],
      tombstones: buried,
      want: /had left/,
    },
    {
      name: 'not when it comes back newer',
      offered: [profile, { ...ca, resourceVersion: '91' }],
      inForce: [profile],
      tombstones: buried,
      want: undefined,
    },
    {
      name: 'not when the profile that names it again is newer',
      offered: [{ ...profile, generation: 5 }, ca],
      inForce: [profile],
      tombstones: buried,
      want: undefined,
    },
    {
      name: 'not when it comes back after ten minutes',
      offered: [profile, ca],
      inForce: [profile],
      tombstones: [{ input: ca, removedAtMs: nowMs - 600_000 }],
      want: undefined,
    },
  ];
  for (const { name, offered, inForce = [profile, ca], tombstones = [], want } of cases) {
    test(name, () => {
      const found = staleInput(offered, inForce, tombstones, nowMs);
      if (want === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', want);
    });
  }
});

suite('what left the policy', () => {
  test('is remembered, and forgotten when it is back', () => {
    const left = nextTombstones([], [profile, ca], [profile], nowMs);
    assert.deepEqual(left, [{ input: ca, removedAtMs: nowMs }]);
    assert.deepEqual(nextTombstones(left, [profile], [profile], nowMs + 1), left);
    assert.deepEqual(nextTombstones(left, [profile], [profile, ca], nowMs + 1), []);
  });

  test('is remembered for ten minutes', () => {
    const left = nextTombstones([], [ca], [], nowMs);
    assert.equal(nextTombstones(left, [], [], nowMs + 599_999).length, 1);
    assert.equal(nextTombstones(left, [], [], nowMs + 600_000).length, 0);
  });

  test('is remembered 256 times, the newest', () => {
    const many = Array.from({ length: 300 }, (_, index) => ({ ...ca, uid: `c${index}` }));
    const left = nextTombstones(buried, many, [], nowMs);
    assert.equal(left.length, 256);
    assert.equal(left[0]?.input.uid, 'c44');
  });

  test('is an object: another one of its name does not bring it back', () => {
    const left = nextTombstones([], [profile, ca], [profile, { ...ca, uid: 'c2' }], nowMs);
    assert.deepEqual(
      left.map(({ input }) => input.uid),
      ['c1'],
    );
  });
});
