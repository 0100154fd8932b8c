import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../support/until.ts';
import { startPrometheus } from './prometheus.ts';
import { apply, ask, manifest, pods, type Shop, within } from './shop.ts';
import type { Chapter } from './steps.ts';

/** What shows it: Prometheus by the chart's configuration, the bytes at the application, the API server's audit log. */
export function observe(shop: Shop, chart: string): Chapter {
  const { cluster } = shop;
  return {
    name: 'Observation',
    steps: [
      {
        name: 'a real Prometheus scrapes operators and sidecars by the chart’s configuration and answers the dashboard',
        run: async () => {
          const prometheus = await startPrometheus(cluster, shop.folder, join(chart, 'files/prometheus-scrape.yaml'));
          try {
            await within(60_000, 'every target is up', async () => {
              const up = await prometheus.query('count by (job) (up == 1)');
              const jobs = new Map(up.map(({ labels, value }) => [labels['job'] ?? '', value]));
              const seen = [...jobs].map(([job, count]) => `${job}=${count}`).join(' ');
              return (jobs.get('lychgate-operator') ?? 0) >= 2 && (jobs.get('lychgate-sidecar') ?? 0) >= 3
                ? true
                : seen;
            });
            for (let index = 0; index < 10; index += 1) await ask(shop, index % 2 === 0 ? shop.good : shop.revoked);
            // The webhook is called, and a status written.
            const seen = { NAME: 'seen', NAMESPACE: 'fresh', LABELS: '{ app: seen }' };
            await apply(shop, manifest(shop, 'plain-pod.yaml', seen));
            const value = '/spec/rewriteRules/0/actionSet/requestHeaderConfigurations/1/headerValue';
            await cluster.kubectl([
              ...['-n', 'shop', 'patch', 'rws/client-cert', '--type=json'],
              ...['-p', JSON.stringify([{ op: 'replace', path: value, value: 'seen' }])],
            ]);
            const silent: string[] = [];
            const queries = dashboardQueries(chart);
            await within(45_000, 'rates have two samples', async () => {
              silent.length = 0;
              for (const query of queries) if ((await prometheus.query(query)).length === 0) silent.push(query);
              const unexpected = silent.filter((query) => !maySayNothing.some((part) => query.includes(part)));
              return unexpected.length === 0 ? true : unexpected.join(' | ');
            });
            return `${queries.length} queries, ${silent.length} of them with nothing to show`;
          } finally {
            await prometheus.stop();
          }
        },
      },
      {
        name: 'a capture at the application shows the header as it was sent',
        run: async () => {
          const [pod] = await pods(shop);
          assert.ok(pod !== undefined);
          const capture = await cluster.serveInPod({ namespace: 'shop', name: pod.name }, 'tcpdump', [
            ...['-i', 'lo', '-A', '-s', '0', '-U', '-l', 'tcp dst port 8080'],
          ]);
          let captured = '';
          capture.process.stdout.setEncoding('latin1').on('data', (text: string) => {
            captured += text;
          });
          let said = '';
          capture.process.stderr.setEncoding('utf8').on('data', (text: string) => {
            said += text;
          });
          await until(() => said.includes('listening on') || undefined, 'tcpdump listens');
          const { status } = await ask(shop, shop.good, { host: pod.address, port: 8443 });
          assert.equal(status, 200);
          await until(() => captured.includes('X-Client-Cert: ') || undefined, 'the header in the capture', 5000);
          await capture.stop();
          assert.ok(
            captured.includes(`X-Client-Cert: ${encodeURIComponent(shop.good.pem)}`),
            `no certificate header in the capture of ${captured.length} characters`,
          );
          return undefined;
        },
      },
    ],
  };
}

/** Series of what has not happened here: labels of a counter are there from the first time on. */
const maySayNothing: readonly string[] = [
  'lychgate_operator_resources{condition="Ready", status="False"}',
  'lychgate_operator_relists_total',
  'lychgate_operator_stream_auth_failures_total',
  'lychgate_operator_watch_failures_total',
  'lychgate_proxy_backend_failures_total',
  'lychgate_proxy_client_certificate_reports_total',
  'lychgate_proxy_connections_closed_total',
  'lychgate_proxy_crl_fetches_total',
  'lychgate_proxy_malformed_requests_total',
  // The pods here have one thread.
  'lychgate_worker_',
  'result="unavailable"',
];

function dashboardQueries(chart: string): readonly string[] {
  const queries: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, field] of Object.entries(value)) {
      if (key === 'expr' && typeof field === 'string') queries.push(withoutVariables(field));
      else walk(field);
    }
  };
  walk(JSON.parse(readFileSync(join(chart, 'dashboards/lychgate.json'), 'utf8')));
  assert.ok(queries.length > 0);
  return queries;
}

/** What Grafana fills in. */
function withoutVariables(query: string): string {
  return query
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '5m')
    .replaceAll(/\$\{?[a-z_]+\}?/g, '.*');
}
