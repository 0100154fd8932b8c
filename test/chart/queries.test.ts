import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Registry } from 'prom-client';
import { parse } from 'yaml';
import { z } from 'zod';
import type { RunningOcspChecker } from '../../pkg/ocsp/checker.ts';
import { createOperatorMetrics, registerOperatorGauges } from '../../pkg/operator/metrics.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { registerProcessMetrics } from '../../pkg/process/process-metrics.ts';
import { createProxyMetrics, registerOcspGauges } from '../../pkg/proxy/metrics.ts';
import { registerWorkerMetrics } from '../../pkg/workers/worker-metrics.ts';
import { type CommandResult, command } from '../support/command.ts';
import { filesUnder, readSource, root } from '../support/source-files.ts';
import { alerts, dashboard, metricsOf, queries } from './queries.ts';

const rulesFile = join(root, 'charts/lychgate/files/prometheus-rules.yaml');

describe('alerts and dashboard', () => {
  test('name only metrics that there are', async () => {
    const known = await seriesNames();
    const unknown = queries().flatMap(({ place, expr }) =>
      metricsOf(expr).flatMap((metric) => (known.has(metric) ? [] : [`${place}: ${metric}`])),
    );
    assert.deepEqual(unknown, []);
    assert.deepEqual(
      queries().filter(({ expr }) => metricsOf(expr).length === 0),
      [],
    );
  });

  test('show every metric of sidecar and operator somewhere', async () => {
    const shown = new Set(
      queries()
        .flatMap(({ expr }) => metricsOf(expr))
        .map(family),
    );
    const hidden = [...(await seriesNames())].map(family).filter((name) => !shown.has(name));
    assert.deepEqual([...new Set(hidden)], notShown);
  });

  test('are all PromQL', async (context) => {
    const rules = queries().map(({ expr }, index) => ({ record: `lychgate:query:${index}`, expr }));
    await withFile(JSON.stringify({ groups: [{ name: 'queries', rules }] }), async (file) => {
      await promtool(context, ['check', 'rules', file]);
    });
  });

  test('the panels of the dashboard have titles of their own, say what they show, and do not overlap', () => {
    const { panels } = dashboard();
    const drawn = panels.filter(({ type }) => type !== 'row');
    assert.ok(drawn.length > 20);
    assert.deepEqual(
      drawn.filter(({ description, targets }) => description === undefined || targets === undefined),
      [],
    );
    for (const key of ['id', 'title'] as const) {
      assert.equal(new Set(panels.map((panel) => panel[key])).size, panels.length, `two panels have one ${key}`);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)}:${y + Math.floor(index / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
  });

  test('every variable of a query is one of the dashboard', () => {
    const { panels, templating } = dashboard();
    const variables = new Set(['__rate_interval', ...templating.list.map(({ name }) => name)]);
    const used = JSON.stringify(panels).match(/(?<=\$\{?)[a-z_]+/g) ?? [];
    assert.deepEqual(
      used.filter((name) => !variables.has(name)),
      [],
    );
  });
});

describe('alerts', () => {
  test('each has a runbook, and no runbook is without an alert', () => {
    const names = alerts().map(({ alert }) => alert);
    for (const { alert, annotations } of alerts()) {
      assert.equal(annotations.runbook_url, `https://lychgate.dev/docs/runbooks/${alert}`);
      assert.ok(existsSync(join(root, `docs/runbooks/${alert}.md`)), `docs/runbooks/${alert}.md does not exist`);
    }
    const pages = filesUnder(['docs/runbooks']).map((path) => path.slice('docs/runbooks/'.length, -'.md'.length));
    assert.deepEqual(pages.filter((page) => page !== 'README').toSorted(), names.toSorted());
  });

  test('each has a test in which it fires and one in which it is silent', () => {
    const cases = z
      .looseObject({
        tests: z.array(
          z.looseObject({
            alert_rule_test: z.array(
              z.looseObject({ alertname: z.string(), exp_alerts: z.array(z.unknown()).optional() }),
            ),
          }),
        ),
      })
      .parse(parse(readSource('test/chart/alerts.yaml')))
      .tests.flatMap(({ alert_rule_test: list }) => list);
    for (const { alert } of alerts()) {
      const own = cases.filter(({ alertname }) => alertname === alert);
      assert.ok(
        own.some((one) => (one.exp_alerts ?? []).length > 0),
        `nothing makes ${alert} fire`,
      );
      assert.ok(
        own.some((one) => (one.exp_alerts ?? []).length === 0),
        `nothing keeps ${alert} silent`,
      );
    }
  });

  test('promtool finds no fault in the rules', async (context) => {
    await promtool(context, ['check', 'rules', rulesFile]);
  });

  test('fire when they should', async (context) => {
    await promtool(context, ['test', 'rules', join(root, 'test/chart/alerts.yaml')]);
  });

  // Debian's Prometheus is built without discovery in Kubernetes; the rest of the configuration is what it reads.
  test('the configuration for a plain Prometheus is one', async (context) => {
    const text = readSource('charts/lychgate/files/prometheus-scrape.yaml').replaceAll(
      /kubernetes_sd_configs:\n( +)- role: pod/g,
      'file_sd_configs:\n$1- files: [targets.json]',
    );
    assert.ok(!text.includes('kubernetes_sd_configs'));
    await withFile(text.replaceAll('prometheus-rules.yaml', rulesFile), async (file) => {
      await promtool(context, ['check', 'config', file]);
    });
  });
});

/** Every name under which Prometheus has a series of ours. */
async function seriesNames(): Promise<ReadonlySet<string>> {
  const proxy = createProxyMetrics('0.0.0');
  // Nothing is read here: only names count.
  registerOcspGauges(proxy, {
    snapshot: () => ({ entries: 0, running: 0, queued: 0, breakers: [] }),
  } as unknown as RunningOcspChecker);
  const operator = createOperatorMetrics('0.0.0');
  registerOperatorGauges(operator, { connectedSidecars: () => 0, servingCertificateNotAfterMs: () => undefined });
  registerProcessMetrics(proxy.registry, systemClock)();
  registerWorkerMetrics(proxy.registry, 2, () => 0);
  return new Set([...(await namesIn(proxy.registry)), ...(await namesIn(operator.registry))]);
}

async function namesIn(registry: Registry): Promise<readonly string[]> {
  const text = await registry.metrics();
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  );
}

function family(series: string): string {
  return series.replace(/_(bucket|sum|count)$/, '');
}

/** Must end well. Where promtool is not installed the test is skipped. */
async function promtool(context: TestContext, args: readonly string[]): Promise<void> {
  let result: CommandResult;
  try {
    result = await command('promtool', args);
  } catch {
    context.skip('promtool is not installed (Debian: prometheus); .ci/run installs it');
    return;
  }
  assert.equal(result.code, 0, result.stdout + result.stderr);
}

async function withFile(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lychgate-queries-'));
  try {
    const file = join(folder, 'file.yaml');
    writeFileSync(file, text);
    await use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of no use on a screen. */
const notShown: readonly string[] = ['lychgate_proxy_policy_info', 'process_start_time_seconds'];
