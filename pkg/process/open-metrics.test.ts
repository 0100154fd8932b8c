import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toOpenMetrics } from './open-metrics.ts';

test('OpenMetrics text names counter families without _total, escapes quotes in help and ends with EOF', () => {
  const prometheus = [
    '# HELP a_total Counts "a" things.',
    '# TYPE a_total counter',
    'a_total{x="# TYPE b_total counter"} 1',
    '',
    '# HELP b_total A gauge whose name misleads.',
    '# TYPE b_total gauge',
    'b_total 2',
    '',
    '# HELP c_seconds Times.',
    '# TYPE c_seconds histogram',
    'c_seconds_bucket{le="+Inf"} 0',
    'c_seconds_sum 0',
    'c_seconds_count 0',
    '',
  ].join('\n');
  assert.equal(
    toOpenMetrics(prometheus),
    [
      '# HELP a Counts \\"a\\" things.',
      '# TYPE a counter',
      'a_total{x="# TYPE b_total counter"} 1',
      '# HELP b_total A gauge whose name misleads.',
      '# TYPE b_total gauge',
      'b_total 2',
      '# HELP c_seconds Times.',
      '# TYPE c_seconds histogram',
      'c_seconds_bucket{le="+Inf"} 0',
      'c_seconds_sum 0',
      'c_seconds_count 0',
      '# EOF',
      '',
    ].join('\n'),
  );
});
