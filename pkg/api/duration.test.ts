import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationMs, durationText } from './duration.ts';

describe('a Go duration', () => {
  const cases: readonly { name: string; text: string; want: number | undefined }[] = [
    { name: 'counts seconds', text: '2s', want: 2000 },
    { name: 'adds its parts', text: '1m30s', want: 90_000 },
    { name: 'has fractions', text: '1.5h', want: 5_400_000 },
    { name: 'of small units may be whole milliseconds', text: '3000us', want: 3 },
    { name: 'of small units with a fraction may be whole', text: '0.5s500000µs', want: 1000 },
    { name: 'may be nothing without a unit', text: '0', want: 0 },
    { name: 'may be nothing with one', text: '0s', want: 0 },
    { name: 'below a millisecond is refused', text: '1us', want: undefined },
    { name: 'with a part of a nanosecond is refused', text: '0.1ns', want: undefined },
    { name: 'without a unit is refused', text: '5', want: undefined },
    { name: 'below zero is refused', text: '-1s', want: undefined },
    { name: 'with white space is refused', text: '1 s', want: undefined },
    { name: 'of an unknown unit is refused', text: '1d', want: undefined },
    { name: 'of nothing is refused', text: '', want: undefined },
    { name: 'over 2^53 milliseconds is refused', text: '9999999999999h', want: undefined },
  ];
  for (const { name, text, want } of cases) test(name, () => assert.equal(durationMs(text), want));

  test('is written in its largest units', () => {
    assert.deepEqual([0, 100, 90_000, 5_400_001].map(durationText), ['0s', '100ms', '1m30s', '1h30m1ms']);
  });
});
