import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LabelSelector } from '../api/ssl-profile.ts';
import { cidrOf } from './cidr.ts';
import { FaultList } from './fault.ts';
import { checkSelector, foldHostname, hostnamesOf, selects } from './select.ts';
import { type Pod, standalonePod } from './world.ts';

const pod: Pod = { namespace: 'shop', name: 'web', labels: { app: 'shop', tier: 'web' }, port: 8443 };

describe('a selector', () => {
  const cases: readonly { name: string; selector: LabelSelector; want: boolean }[] = [
    { name: 'selects by every label', selector: { matchLabels: { app: 'shop', tier: 'web' } }, want: true },
    {
      name: 'selects nothing where one label differs',
      selector: { matchLabels: { app: 'shop', tier: 'db' } },
      want: false,
    },
    { name: 'selects no inherited name', selector: { matchLabels: { toString: 'x' } }, want: false },
    { name: 'that is empty selects nothing', selector: { matchLabels: {}, matchExpressions: [] }, want: false },
    {
      name: 'selects by In',
      selector: { matchExpressions: [{ key: 'tier', operator: 'In', values: ['db', 'web'] }] },
      want: true,
    },
    {
      name: 'does not select by In without the label',
      selector: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] },
      want: false,
    },
    {
      name: 'selects by NotIn without the label',
      selector: { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] },
      want: true,
    },
    {
      name: 'does not select by NotIn with it',
      selector: { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['web'] }] },
      want: false,
    },
    { name: 'selects by Exists', selector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, want: true },
    {
      name: 'selects by DoesNotExist',
      selector: { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] },
      want: true,
    },
    {
      name: 'needs both labels and expressions',
      selector: { matchLabels: { app: 'shop' }, matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
      want: false,
    },
  ];
  for (const { name, selector, want } of cases) test(name, () => assert.equal(selects(selector, 'shop', pod), want));

  test('selects in its own namespace only', () =>
    assert.equal(selects({ matchLabels: { app: 'shop' } }, 'other', pod), false));
  test('outside a cluster selects whatever it says', () =>
    assert.equal(selects({ matchLabels: { app: 'x' } }, 'any', standalonePod), true));

  test('is told what is wrong with it', () => {
    const faults = new FaultList('a');
    checkSelector(
      {
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'b', operator: 'Exists', values: ['x'] },
        ],
      },
      faults,
    );
    checkSelector({}, faults);
    assert.deepEqual(
      faults.all.map(({ field, message }) => `${field}: ${message}`),
      [
        'spec.selector.matchExpressions[0].values: In needs at least one value',
        'spec.selector.matchExpressions[1].values: Exists takes no values; remove them',
        'spec.selector: it is empty and selects no pod; name the labels of the pods it is for',
      ],
    );
  });
});

describe('host names', () => {
  test('are folded: case and one trailing dot', () => {
    assert.deepEqual(['SHOP.Example.com.', '*.Example.COM', 'a'].map(foldHostname), [
      'shop.example.com',
      '*.example.com',
      'a',
    ]);
  });

  test('count once, and never are addresses or too long', () => {
    const faults = new FaultList('a');
    assert.deepEqual(hostnamesOf(['a.b', 'A.B.'], faults), ['a.b']);
    hostnamesOf(['10.0.0.1', `${'a'.repeat(64)}.b`], faults);
    assert.deepEqual(
      faults.all.map(({ field }) => field),
      ['spec.hostnames[0]', 'spec.hostnames[1]'],
    );
  });
});

describe('a CIDR', () => {
  const cases: readonly [string, string | undefined][] = [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.1', '10.0.0.1/32'],
    ['::1', '::1/128'],
    ['fd00::/8', 'fd00::/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.0.0.0/33', undefined],
    ['10.0.0.0/08', undefined],
    ['10.0.0.0/', undefined],
    ['10.0.0.0/8/8', undefined],
    ['10.1', undefined],
    ['fe80::1%eth0', undefined],
    ['host', undefined],
  ];
  for (const [text, want] of cases) test(`${text} is ${want ?? 'refused'}`, () => assert.equal(cidrOf(text), want));
});
