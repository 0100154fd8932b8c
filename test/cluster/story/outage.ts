import assert from 'node:assert/strict';
import { join } from 'node:path';
import { killSidecar } from './changes.ts';
import { scaleOperators } from './release.ts';
import {
  apply,
  ask,
  condition,
  manifest,
  pods,
  podsReady,
  type Shop,
  sidecarSummary,
  versions,
  within,
} from './shop.ts';
import type { Chapter } from './steps.ts';
import { inWords, requireNoFailure, traffic } from './traffic.ts';

/** Rollouts, restarts, dead operators: what worked goes on. */
export function outage(shop: Shop): Chapter {
  const { cluster } = shop;
  return {
    name: 'Rollout and outage',
    steps: [
      {
        name: 'a rollout restart under load sees no failure, though the application exits at once on SIGTERM',
        run: async () => {
          const running = traffic(shop, 60, 100);
          await new Promise((resolve) => setTimeout(resolve, 2000));
          await cluster.kubectl(['-n', 'shop', 'rollout', 'restart', 'deployment/shop']);
          await podsReady(shop, 3);
          const counted = await running;
          requireNoFailure(counted);
          return inWords(counted);
        },
      },
      {
        name: 'the lease holder is killed: another takes over and counts go on, exact within 10 s of it',
        run: async () => {
          const holder = await leaseHolder(shop);
          await cluster.kubectl(['-n', 'lychgate-system', 'delete', 'pod', holder, '--grace-period=0', '--force']);
          await within(30_000, 'another holder', async () => {
            const now = await leaseHolder(shop);
            return now !== holder && now !== '' ? true : now;
          });
          await cluster.kubectl(['-n', 'shop', 'scale', 'deployment/shop', '--replicas=2']);
          const tookMs = await within(45_000, 'two of two', async () => {
            const summary = await sidecarSummary(shop);
            return summary === '2/2' ? true : summary;
          });
          await cluster.kubectl(['-n', 'shop', 'scale', 'deployment/shop', '--replicas=3']);
          await podsReady(shop, 3);
          await within(20_000, 'three of three', async () => {
            const summary = await sidecarSummary(shop);
            return summary === '3/3' ? true : summary;
          });
          return `${Math.round(tookMs)} ms to 2/2`;
        },
      },
      {
        name: 'without any operator traffic goes on, and a killed sidecar comes back with its last good policy',
        run: async () => {
          const before = await versions(shop);
          await scaleOperators(cluster, 0);
          assert.equal((await ask(shop, shop.good)).status, 200);
          const killed = await killSidecar(shop);
          await cluster.kubectl(['-n', 'shop', 'wait', '--for=condition=Ready', `pod/${killed}`, '--timeout=60s']);
          assert.deepEqual(await versions(shop), before);
          for (const { address } of await pods(shop)) {
            assert.equal((await ask(shop, shop.good, { host: address, port: 8443 })).status, 200);
            assert.equal((await ask(shop, shop.revoked, { host: address, port: 8443 })).status, 400);
          }
          return killed;
        },
      },
      {
        name: 'the operators return: every sidecar is in sync',
        run: async () => {
          await scaleOperators(cluster, 2);
          const tookMs = await within(60_000, 'Programmed and connected', async () => {
            const { status, message } = await condition(shop, 'sslp/partners', 'Programmed');
            const summary = await sidecarSummary(shop);
            if (status !== 'True' || summary !== '3/3') return `${status} ${summary} ${message}`;
            for (const { address } of await pods(shop)) {
              const { stdout } = await cluster.run('curl', ['-sS', `http://${address}:9844/metrics`]);
              if (!/^lychgate_control_plane_connected 1$/m.test(stdout)) return `${address} is not connected`;
            }
            return true;
          });
          return `${Math.round(tookMs)} ms`;
        },
      },
      {
        name: 'tokens of other pods, namespaces and audiences get nothing from the push port',
        run: async () => {
          const service = await cluster.kubectl([
            ...['-n', 'lychgate-system', 'get', 'service', 'lychgate', '-o', 'jsonpath={.spec.clusterIP}'],
          ]);
          const ca = await cluster.kubectl([
            '-n',
            'shop',
            'get',
            'configmap',
            'lychgate-ca',
            '-o',
            'jsonpath={.data.ca\\.crt}',
          ]);
          const tokens: [string, string][] = [
            ['not bound to a pod', await token(shop, 'shop', [])],
            ['of a pod without a gate', await tokenOfPlainPod(shop)],
            ['of another audience', await token(shop, 'shop', [], 'other.example')],
            ['made up', 'x.y.z'],
          ];
          const said: string[] = [];
          for (const [whose, text] of tokens) {
            const { stdout, stderr } = await cluster.run(
              process.execPath,
              [join(import.meta.dirname, '../load/subscribe-once.ts'), `${service}:9443`],
              { input: JSON.stringify({ ca, token: text }) },
            );
            assert.match(stdout, /^(UNAUTHENTICATED|PERMISSION_DENIED)/, `${whose}: ${stdout}${stderr}`);
            said.push(`${whose}: ${stdout.trim()}`);
          }
          await cluster.kubectl(['-n', 'labels-none', 'delete', 'pod', 'plain', '--wait=false']);
          return said.join('; ');
        },
      },
    ],
  };
}

async function leaseHolder(shop: Shop): Promise<string> {
  const identity = await shop.cluster.kubectl([
    ...['-n', 'lychgate-system', 'get', 'lease', 'lychgate-operator', '-o', 'jsonpath={.spec.holderIdentity}'],
  ]);
  // pod name, perhaps followed by its UID
  return identity.replace(/_.*$/, '');
}

function token(shop: Shop, namespace: string, more: readonly string[], audience = 'lychgate.dev'): Promise<string> {
  return shop.cluster
    .kubectl(['-n', namespace, 'create', 'token', 'default', `--audience=${audience}`, ...more])
    .then((text) => text.trim());
}

async function tokenOfPlainPod(shop: Shop): Promise<string> {
  const { kubectl } = shop.cluster;
  await apply(
    shop,
    manifest(shop, 'plain-pod.yaml', { NAME: 'plain', NAMESPACE: 'labels-none', LABELS: '{ app: plain }' }),
  );
  const uid = await kubectl(['-n', 'labels-none', 'get', 'pod', 'plain', '-o', 'jsonpath={.metadata.uid}']);
  return token(shop, 'labels-none', [
    '--bound-object-kind=Pod',
    '--bound-object-name=plain',
    `--bound-object-uid=${uid}`,
  ]);
}
