import assert from 'node:assert/strict';
import { nextImage } from './next-image.ts';
import { helm, type Release } from './release.ts';
import { ask, condition, pods, podsReady, type Shop, sidecarSummary, within } from './shop.ts';
import type { Chapter } from './steps.ts';
import { inWords, requireNoFailure, traffic } from './traffic.ts';

/** Operators and sidecars of different releases beside each other, and what stays when all of it goes. */
export function upgrade(shop: Shop, release: Release, next: Release): Chapter {
  const { cluster } = shop;
  const upgradeTo = ({ chart, values }: Release, program?: string) =>
    helm(
      cluster,
      ['upgrade', 'lychgate', chart, '--namespace', 'lychgate-system', ...values, '--wait', '--timeout', '150s'],
      program,
    );
  const inSync = () =>
    within(60_000, 'three of three', async () => {
      const summary = await sidecarSummary(shop);
      const { status, message } = await condition(shop, 'sslp/partners', 'Ready');
      return summary === '3/3' && status === 'True' ? true : `${summary} ${status} ${message}`;
    });
  const caBundle = () =>
    cluster.kubectl([
      ...['get', 'mutatingwebhookconfiguration', 'lychgate', '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}'],
    ]);
  /** As docs/operator.md forces a new CA: the first replica that sees no Secret makes one. Returns what was before. */
  const rotateCa = async (): Promise<string> => {
    const before = await caBundle();
    await cluster.kubectl(['-n', 'lychgate-system', 'delete', 'secret', 'lychgate-ca']);
    await within(30_000, 'the webhook has the new CA', async () => {
      const now = await caBundle();
      return now !== before && now !== '' ? true : 'the old one';
    });
    return before;
  };
  return {
    name: 'Upgrade and uninstall',
    steps: [
      {
        name: 'helm upgrade to an image with another snapshot schema leaves old pods untouched and in sync',
        run: async () => {
          const before = await restartsByPod(shop);
          const running = traffic(shop, 30, 50);
          await upgradeTo(next);
          await inSync();
          assert.deepEqual(await restartsByPod(shop), before);
          const counted = await running;
          requireNoFailure(counted);
          assert.equal((await ask(shop, shop.revoked)).status, 400);
          return inWords(counted);
        },
      },
      {
        name: 'new pods get the new sidecar and are in sync',
        run: async () => {
          await cluster.kubectl(['-n', 'shop', 'rollout', 'restart', 'deployment/shop']);
          await podsReady(shop, 3);
          const images = new Set<string>();
          for (const { name } of await pods(shop)) {
            const field = 'jsonpath={.spec.initContainers[0].image}';
            images.add(await cluster.kubectl(['-n', 'shop', 'get', 'pod', name, '-o', field]));
          }
          assert.deepEqual([...images], [nextImage]);
          await inSync();
          assert.equal((await ask(shop, shop.good)).status, 200);
          return undefined;
        },
      },
      {
        name: 'back to the release before, after the operator’s CA was rotated: sidecars of the newer one stay in sync',
        run: async () => {
          const before = await restartsByPod(shop);
          const old = await rotateCa();
          await upgradeTo(release);
          assert.notEqual(await caBundle(), old);
          await inSync();
          assert.deepEqual(await restartsByPod(shop), before);
          assert.equal((await ask(shop, shop.good)).status, 200);
          assert.equal((await ask(shop, shop.revoked)).status, 400);
          return undefined;
        },
      },
      {
        name: 'helm test passes',
        run: async () => {
          const said = await helm(cluster, ['test', 'lychgate', '--namespace', 'lychgate-system', '--timeout', '60s']);
          return /Phase: *(\S+)/.exec(said)?.[1];
        },
      },
      {
        name: 'helm uninstall leaves CRDs, resources and running applications',
        run: async () => {
          const before = await restartsByPod(shop);
          await helm(cluster, [
            'uninstall',
            'lychgate',
            '--namespace',
            'lychgate-system',
            '--wait',
            '--timeout',
            '90s',
          ]);
          await cluster.kubectl(['get', 'crd', 'sslprofiles.lychgate.dev', 'rewritesets.lychgate.dev']);
          await cluster.kubectl(['-n', 'shop', 'get', 'sslp/partners', 'rws/client-cert']);
          assert.deepEqual(await restartsByPod(shop), before);
          assert.equal((await ask(shop, shop.good)).status, 200);
          assert.equal((await ask(shop, shop.revoked)).status, 400);
          return undefined;
        },
      },
      {
        name: 'helm 3 installs again over what stayed, and everything is in sync',
        run: async () => {
          await helm(
            cluster,
            [
              ...['install', 'lychgate', release.chart, '--namespace', 'lychgate-system', ...release.values],
              ...['--wait', '--timeout', '120s'],
            ],
            'helm3',
          );
          await inSync();
          return undefined;
        },
      },
      {
        name: 'helm 3 upgrades after the operator’s CA was rotated, and sidecars trust the new one',
        run: async () => {
          const old = await rotateCa();
          await upgradeTo(release, 'helm3');
          assert.notEqual(await caBundle(), old);
          await inSync();
          await cluster.kubectl(['-n', 'shop', 'rollout', 'restart', 'deployment/shop']);
          await podsReady(shop, 3);
          await inSync();
          return undefined;
        },
      },
    ],
  };
}

/** Restarts of every container, by pod that stays: equal before and after where nothing was touched. */
async function restartsByPod(shop: Shop): Promise<readonly string[]> {
  const staying = new Set((await pods(shop)).map(({ name }) => name));
  const text = await shop.cluster.kubectl([
    ...['-n', 'shop', 'get', 'pods', '-l', 'app=shop', '-o'],
    'jsonpath={range .items[*]}{.metadata.name} {.status.initContainerStatuses[*].restartCount} {.status.containerStatuses[*].restartCount}{"\\n"}{end}',
  ]);
  return text
    .trim()
    .split('\n')
    .filter((line) => staying.has(line.split(' ')[0] ?? ''))
    .toSorted();
}
