import assert from 'node:assert/strict';
import { helm, type Release } from './release.ts';
import { adminPage, apply, manifest, pods, type Shop, within } from './shop.ts';
import type { Chapter } from './steps.ts';

/** Who gets a gate, who is refused, and what a pod with a gate gives away. */
export function admission(shop: Shop, release: Release): Chapter {
  const { cluster } = shop;
  return {
    name: 'Admission and pods',
    steps: [
      {
        name: 'every combination of labels on namespace and pod gets what the documentation says',
        run: async () => {
          const wrong: string[] = [];
          for (const [namespaceLabel, podLabel, want] of combinations) {
            const namespace = `labels-${namespaceLabel ?? 'none'}`;
            const labels = namespaceLabel === undefined ? '' : `lychgate.dev/inject: "${namespaceLabel}"`;
            await apply(shop, `{apiVersion: v1, kind: Namespace, metadata: {name: ${namespace}, labels: {${labels}}}}`);
            const got = await createdPod(shop, namespace, podLabel);
            const row = `namespace ${namespaceLabel ?? '-'}, pod ${podLabel ?? '-'}`;
            if (got !== want) wrong.push(`${row}: ${got}, must be ${want}`);
          }
          assert.deepEqual(wrong, []);
          return `${combinations.length} combinations`;
        },
      },
      {
        name: 'the first pod of a new namespace starts',
        run: async () => {
          await apply(
            shop,
            '{apiVersion: v1, kind: Namespace, metadata: {name: fresh, labels: {lychgate.dev/inject: "true"}}}',
          );
          await apply(
            shop,
            manifest(shop, 'plain-pod.yaml', { NAME: 'first', NAMESPACE: 'fresh', LABELS: '{ app: first }' }),
          );
          const tookMs = await within(30_000, 'its application runs', async () => {
            const started = await cluster.kubectl([
              ...['-n', 'fresh', 'get', 'pod', 'first', '-o', 'jsonpath={.status.containerStatuses[0].started}'],
            ]);
            return started === 'true' ? true : `started: ${started}`;
          });
          const reason = await cluster.run('sh', [
            '-c',
            `curl -sS --max-time 5 http://$(kubectl -n fresh get pod first -o jsonpath={.status.podIP}):9844/readyz`,
          ]);
          return `${Math.round(tookMs)} ms; not ready without a profile: ${reason.stdout.trim().replaceAll('\n', ' ')}`;
        },
      },
      {
        name: 'a Job with a sidecar completes',
        run: async () => {
          await apply(shop, manifest(shop, 'job.yaml'));
          await cluster.kubectl(['-n', 'shop', 'wait', '--for=condition=Complete', 'job/once', '--timeout=60s']);
          const logs = await cluster.kubectl(['-n', 'shop', 'logs', 'job/once', '-c', 'work']);
          assert.equal(logs.trim(), 'done');
          return undefined;
        },
      },
      {
        name: 'from another pod the application’s port, the configuration and the drain give nothing away',
        run: async () => {
          const [pod] = await pods(shop);
          assert.ok(pod !== undefined);
          const application = await cluster.run('curl', ['-sS', '--max-time', '3', `http://${pod.address}:8080/`]);
          assert.notEqual(application.code, 0, 'the application answers around the gate');
          const config = await adminPage(shop, pod, '/config');
          assert.equal(config.status, 403);
          const metrics = await adminPage(shop, pod, '/metrics');
          assert.ok(!/BEGIN|PRIVATE/.test(`${config.body}${metrics.body}`));
          const relay = await cluster.run('curl', [
            ...['-sS', '--max-time', '3', '-w', '%{http_code}', `http://${pod.address}:9845/`],
          ]);
          assert.match(relay.stdout, /404$/);
          return undefined;
        },
      },
      {
        name: 'while the webhook is gone a pod that asks for a gate is refused, another is untouched',
        run: async () => {
          await cluster.kubectl(['delete', 'mutatingwebhookconfiguration', 'lychgate']);
          try {
            const said = await within(10_000, 'the policy refuses', async () => {
              const got = await createdPod(shop, 'fresh', 'true');
              return got === 'Denied' ? true : got;
            });
            assert.ok(said >= 0);
            assert.equal(await createdPod(shop, 'labels-none', undefined), 'Untouched');
          } finally {
            await helm(cluster, [
              ...['upgrade', 'lychgate', release.chart, '--namespace', 'lychgate-system'],
              ...[...release.values, '--wait', '--timeout', '120s'],
            ]);
          }
          await within(15_000, 'injection works again', async () => {
            const got = await createdPod(shop, 'fresh', 'true');
            return got === 'Injected' ? true : got;
          });
          return undefined;
        },
      },
    ],
  };
}

type Outcome = 'Denied' | 'Injected' | 'Untouched';

/** Namespace label, pod label, what comes of it: the table of docs/injection.md. */
const combinations: readonly (readonly [string | undefined, string | undefined, Outcome])[] = [
  [undefined, undefined, 'Untouched'],
  [undefined, 'true', 'Injected'],
  [undefined, 'false', 'Untouched'],
  [undefined, 'yes', 'Denied'],
  ['true', undefined, 'Injected'],
  ['true', 'true', 'Injected'],
  ['true', 'false', 'Untouched'],
  ['true', 'yes', 'Denied'],
  ['false', undefined, 'Untouched'],
  ['false', 'true', 'Injected'],
  ['false', 'false', 'Untouched'],
  ['false', 'yes', 'Denied'],
  ['yes', undefined, 'Denied'],
  ['yes', 'false', 'Untouched'],
];

/** Creates a pod as a dry run on the server: admission runs whole, and nothing stays. */
async function createdPod(shop: Shop, namespace: string, label: string | undefined): Promise<string> {
  const labels = label === undefined ? '{ app: probe }' : `{ app: probe, lychgate.dev/inject: "${label}" }`;
  const { code, stdout, stderr } = await shop.cluster.run(
    'kubectl',
    ['create', '--dry-run=server', '-o', 'jsonpath={.spec.initContainers[*].name}', '-f', '-'],
    { input: manifest(shop, 'plain-pod.yaml', { NAME: 'probe', NAMESPACE: namespace, LABELS: labels }) },
  );
  if (code === 0) return stdout.includes('lychgate') ? 'Injected' : 'Untouched';
  // Refusals of ours name the label or the gate; anything else is trouble of the cluster.
  return /lychgate/.test(stderr) && /denied|forbidden/i.test(stderr) ? 'Denied' : stderr.trim();
}
