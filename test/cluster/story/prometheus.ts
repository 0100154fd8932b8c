import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../../pkg/api/raw.ts';
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
 * Debian's Prometheus on the node's address, with the given scrape configuration. It runs outside a pod, so that the
 * API server is named to it, and it asks as the administrator; a scrape takes place every five seconds.
 */
export async function startPrometheus(cluster: TestCluster, folder: string, scrape: string): Promise<Prometheus> {
  const data = join(folder, 'prometheus');
  mkdirSync(data, { recursive: true });
  const file = join(folder, 'prometheus.yaml');
  const configuration = readFileSync(scrape, 'utf8')
    .replaceAll(/^( *)(-? *)role: (\w+)$/gm, (_line, space: string, dash: string, role: string) => {
      const under = `${space}${dash.replaceAll(/./g, ' ')}`;
      return `${space}${dash}role: ${role}\n${under}kubeconfig_file: ${cluster.kubeconfig}`;
    })
    .replace(/^global:\n/m, '')
    .replace(/^  scrape_interval: .*\n/m, '');
  writeFileSync(file, `global: { scrape_interval: 5s, scrape_timeout: 4s }\n${configuration}`);
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
