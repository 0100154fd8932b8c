import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Point, type Spread, shown, slopeOf, spreadOf } from './statistics.ts';

describe('the spread of samples', () => {
  const cases: readonly { name: string; values: readonly (number | undefined)[]; want: Spread | undefined }[] = [
    {
      name: 'has its median in the middle of an odd number',
      values: [9, 1, 2],
      want: { median: 2, least: 1, most: 9 },
    },
    {
      name: 'has it between the two middle ones of an even number',
      values: [10, 4, 1, 2],
      want: { median: 3, least: 1, most: 10 },
    },
    { name: 'leaves out what was not measured', values: [undefined, 5], want: { median: 5, least: 5, most: 5 } },
    { name: 'is not there without a value', values: [undefined], want: undefined },
  ];
  for (const { name, values, want } of cases) test(name, () => assert.deepEqual(spreadOf(values), want));
});

describe('the slope of a line through points', () => {
  const points = (...values: readonly number[]): Point[] => values.map((y, x) => ({ x, y }));
  const cases: readonly { name: string; points: readonly Point[]; slope: number; standardError: number }[] = [
    { name: 'is exact for points on a line', points: points(1, 3, 5, 7), slope: 2, standardError: 0 },
    { name: 'is nought for points that go nowhere', points: points(5, 5, 5), slope: 0, standardError: 0 },
    // By hand: 0.6 x + 0.6 leaves 0.4, -0.2, -0.8 and 0.6, whose squares are 1.2, over two degrees of freedom; x has 5.
    {
      name: 'has a standard error by what the points are off the line',
      points: points(1, 1, 1, 3),
      slope: 0.6,
      standardError: Math.sqrt(1.2 / 2 / 5),
    },
    { name: 'has none for two points', points: points(1, 2), slope: 1, standardError: Number.NaN },
    { name: 'is not a number for one', points: points(1), slope: Number.NaN, standardError: Number.NaN },
  ];
  for (const { name, points: given, slope, standardError } of cases) {
    test(name, () => {
      const found = slopeOf(given);
      assert.equal(found.slope.toFixed(12), slope.toFixed(12));
      assert.equal(found.standardError.toFixed(12), standardError.toFixed(12));
    });
  }
});

describe('a number in a table', () => {
  const cases: readonly { name: string; value: number | undefined; want: string }[] = [
    { name: 'is whole from a hundred on', value: 1697.6, want: '1698' },
    { name: 'has one digit behind the point from ten on', value: 39.61, want: '39.6' },
    { name: 'has two below', value: 0.955, want: '0.95' },
    { name: 'is empty where nothing was measured', value: undefined, want: '' },
  ];
  for (const { name, value, want } of cases) test(name, () => assert.equal(shown(value), want));
});
