import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RowReport } from './details.ts';
import { jsonReport, markdownReport, type RunFacts } from './report.ts';
import type { Figure, Sample } from './row.ts';

const facts: RunFacts = {
  date: '2026-11-29T10:00:00.000Z',
  commit: 'abc1234',
  machine: '2 x Some CPU',
  command: 'npm run bench -- --repeats 3',
  repeats: 3,
  minutes: 1.25,
  peers: [
    { name: 'nginx', version: '1.22.1', about: 'escapes the PEM' },
    { name: 'envoy', version: '1.40.0', about: '' },
    { name: 'lychgate', version: '0.1.0', about: 'everything on' },
  ],
  skipped: [{ name: 'haproxy', missing: 'apt-get install haproxy' }],
  variants: [
    { name: 'nginx-no-header', of: 'nginx', what: 'nginx without the header' },
    { name: 'lychgate-rules', of: 'lychgate', what: 'Lychgate with 20 rules' },
    { name: 'lychgate-not-here', of: 'lychgate', what: 'never measured' },
  ],
};

const cpu: Figure = { what: 'CPU us', more: false, read: ({ cpuMicros }) => cpuMicros };
const rate: Figure = { what: 'requests a second', more: true, read: ({ value }) => value };
const resident: Figure = { what: 'MiB', more: false, read: ({ value }) => value };

function samples(values: readonly number[], micros: readonly number[], more: Partial<Sample> = {}): Sample[] {
  const cores = { proxyCores: 1, loadCores: 0.5, otherCores: 0.01 };
  return values.map((value, i) => ({ value, cpuMicros: micros[i] ?? 0, ...cores, errors: 0, ...more }));
}

const keepalive: RowReport = {
  row: { name: 'keepalive', about: 'kept connections', unit: 'req/s', more: true, figures: [cpu, rate] },
  samples: new Map([
    ['nginx', samples([40000, 42000, 41000], [24, 25, 24.5])],
    ['nginx-no-header', samples([50000], [20])],
    ['envoy', samples([16000, 17000], [60, 62])],
    ['lychgate', samples([36000, 35000, 37000], [28, 29, 28.5])],
    ['lychgate-bare', samples([39000], [26])],
    ['lychgate-rules', samples([34000], [30], { errors: 2, firstError: 'EOF', otherCores: 0.3 })],
  ]),
};

const memory: RowReport = {
  row: { name: 'memory', about: 'idle connections', unit: 'MiB', more: false, figures: [resident] },
  samples: new Map([
    ['nginx', [{ value: 20, errors: 0, also: { 'KiB a connection': 30 } }]],
    ['lychgate', [{ value: 60, errors: 0 }]],
  ]),
};

const golden = `\`npm run bench -- --repeats 3\` on 2026-11-29T10:00:00.000Z, 1.3 minutes; commit abc1234; 2 x Some CPU; medians of 3; strangers used 0.01 cores in the median sample and 0.30 in the most disturbed one.

- nginx 1.22.1: escapes the PEM
- envoy 1.40.0
- lychgate 0.1.0: everything on
- **skipped: haproxy** is not installed (apt-get install haproxy)

| what, less is better | nginx | Envoy | Lychgate (bare) | x nginx | x Envoy |
| --- | ---: | ---: | ---: | ---: | ---: |
| kept connections: CPU us | 24.5 | 61.0 | 28.5 (26.0) | 1.16 | 0.47 |
| kept connections; nginx without the header: CPU us | 20.0 | 61.0 | 28.5 (26.0) | 1.43 | 0.47 |
| kept connections; Lychgate with 20 rules: CPU us | 24.5 | 61.0 | 30.0 | 1.22 | 0.49 |
| idle connections: MiB | 20.0 |  | 60.0 | 3.00 |  |

| what, more is better | nginx | Envoy | Lychgate (bare) | x nginx | x Envoy |
| --- | ---: | ---: | ---: | ---: | ---: |
| kept connections: requests a second | 41000 | 16500 | 36000 (39000) | 0.88 | 2.18 |

**keepalive**: kept connections (more is better)

| proxy | req/s | x nginx | x envoy | us CPU a request | CPU x nginx | CPU x envoy | cores: proxy, load, others | also |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| nginx | 41000 [40000-42000] | 1.00 | 2.48 | 24.5 [24.0-25.0] | 1.00 | 0.40 | 1.00, 0.50, 0.01 |  |
| nginx-no-header | 50000 | 1.22 | 3.03 | 20.0 | 0.82 | 0.33 | 1.00, 0.50, 0.01 |  |
| envoy | 16500 [16000-17000] | 0.40 | 1.00 | 61.0 [60.0-62.0] | 2.49 | 1.00 | 1.00, 0.50, 0.01 |  |
| lychgate | 36000 [35000-37000] | 0.88 | 2.18 | 28.5 [28.0-29.0] | 1.16 | 0.47 | 1.00, 0.50, 0.01 |  |
| lychgate-bare | 39000 | 0.95 | 2.36 | 26.0 | 1.06 | 0.43 | 1.00, 0.50, 0.01 |  |
| lychgate-rules | 34000 | 0.83 | 2.06 | 30.0 | 1.22 | 0.49 | 1.00, 0.50, 0.30 | **2 errors**: EOF |

**memory**: idle connections (less is better)

| proxy | MiB | x nginx | x envoy | also |
| --- | ---: | ---: | ---: | ---: |
| nginx | 20.0 | 1.00 |  | KiB a connection 30.0 |
| lychgate | 60.0 | 3.00 |  |  |
`;

describe('the report of a run', () => {
  test('has how it was made, the summary with its variants, then all that is known of each row', () => {
    assert.equal(markdownReport(facts, [keepalive, memory]), golden);
  });

  test('has the same figures as JSON, with spread and ratios, and every sample', () => {
    const json = JSON.parse(JSON.stringify(jsonReport(facts, [memory])));
    const { variants: _, ...told } = facts;
    assert.deepEqual(json, {
      ...told,
      summary: [
        {
          row: 'memory',
          what: 'idle connections: MiB',
          more: false,
          values: { nginx: { median: 20, least: 20, most: 20 }, lychgate: { median: 60, least: 60, most: 60 } },
          ratios: { nginx: 3 },
        },
      ],
      rows: [
        {
          ...{ name: 'memory', about: 'idle connections', unit: 'MiB', more: false },
          samples: Object.fromEntries(memory.samples),
        },
      ],
    });
  });

  test('has no table of figures that there are none of', () => {
    assert.doesNotMatch(markdownReport(facts, [memory]), /more is better/);
  });
});
