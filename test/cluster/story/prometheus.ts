import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { fieldOf, isRecord } from '../../../pkg/api/raw.ts';
import type { TestCluster } from '../cluster.ts';

/** A series of an answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** An instant query. @throws with what Prometheus says against it. */
  query(expression: string): Promise<readonly Sample[]>;
  stop(): Promise<void>;
}

/**
 * Debian's Prometheus on the node's address, with the given scrape configuration. Debian builds it without discovery in
 * Kubernetes: the pods are listed once, by kubectl, and handed over in a file with the very labels that discovery gives
 * them. What the configuration makes of these labels is its own. A scrape takes place every five seconds.
 */
export async function startPrometheus(cluster: TestCluster, folder: string, scrape: string): Promise<Prometheus> {
  const data = join(folder, 'prometheus');
  mkdirSync(data, { recursive: true });
  const targets = join(folder, 'pods.json');
  writeFileSync(targets, JSON.stringify(await discoveredPods(cluster)));
  const configuration: unknown = parse(readFileSync(scrape, 'utf8'));
  assert.ok(isRecord(configuration) && Array.isArray(configuration['scrape_configs']));
  const jobs = configuration['scrape_configs'].map((job: unknown) => {
    assert.ok(isRecord(job));
    const { kubernetes_sd_configs: discovery, ...rest } = job;
    assert.deepEqual(discovery, [{ role: 'pod' }]);
    return { ...rest, file_sd_configs: [{ files: [targets] }] };
  });
  const file = join(folder, 'prometheus.json');
  const global = { scrape_interval: '5s', scrape_timeout: '4s' };
  writeFileSync(file, JSON.stringify({ global, scrape_configs: jobs }));
  const address = `${cluster.address}:9090`;
  const running = cluster.serve('prometheus', [
    ...[`--config.file=${file}`, `--storage.tsdb.path=${data}`, `--web.listen-address=${address}`],
    '--log.level=warn',
  ]);
  let said = '';
  running.process.stdout.resume();
  running.process.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return {
    query: async (expression) => {
      const { code, stdout } = await cluster.run('curl', [
        ...['-sS', '--max-time', '5', '--data-urlencode', `query=${expression}`, `http://${address}/api/v1/query`],
      ]);
      if (code !== 0) throw new Error(`Prometheus does not answer: ${said}`);
      return samplesOf(JSON.parse(stdout), expression);
    },
    stop: () => running.stop(),
  };
}

/** As `role: pod` gives them: a target for every declared port, of init containers too. */
async function discoveredPods(cluster: TestCluster): Promise<readonly object[]> {
  const listed: unknown = JSON.parse(await cluster.kubectl(['get', 'pods', '-A', '-o', 'json']));
  const items = fieldOf(listed, 'items');
  assert.ok(Array.isArray(items));
  return items.flatMap((pod: unknown) => {
    const metadata = fieldOf(pod, 'metadata');
    const address = fieldOf(fieldOf(pod, 'status'), 'podIP');
    if (typeof address !== 'string') return [];
    const labels = Object.entries(fieldOf(metadata, 'labels') ?? {}).map(
      ([name, value]) =>
        [`__meta_kubernetes_pod_label_${name.replaceAll(/[^A-Za-z0-9_]/g, '_')}`, String(value)] as const,
    );
    const common = {
      __meta_kubernetes_namespace: String(fieldOf(metadata, 'namespace')),
      __meta_kubernetes_pod_name: String(fieldOf(metadata, 'name')),
      __meta_kubernetes_pod_phase: String(fieldOf(fieldOf(pod, 'status'), 'phase')),
      ...Object.fromEntries(labels),
    };
    const containers = ['initContainers', 'containers'].flatMap((list) => arrayOf(fieldOf(fieldOf(pod, 'spec'), list)));
    return containers.flatMap((container) =>
      arrayOf(fieldOf(container, 'ports')).map((port) => ({
        targets: [`${address}:${String(fieldOf(port, 'containerPort'))}`],
        labels: { ...common, __meta_kubernetes_pod_container_port_name: fieldOf(port, 'name') ?? '' },
      })),
    );
  });
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function samplesOf(answer: unknown, expression: string): readonly Sample[] {
  assert.ok(isRecord(answer));
  if (answer['status'] !== 'success') throw new Error(`${expression}: ${String(answer['error'])}`);
  const data = answer['data'];
  assert.ok(isRecord(data) && Array.isArray(data['result']));
  return data['result'].flatMap((series: unknown) => {
    if (!isRecord(series) || !isRecord(series['metric']) || !Array.isArray(series['value'])) return [];
    const labels = Object.fromEntries(Object.entries(series['metric']).map(([name, value]) => [name, String(value)]));
    return [{ labels, value: Number(series['value'][1]) }];
  });
}
