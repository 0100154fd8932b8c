import assert from 'node:assert/strict';
import { helm, type Release } from './release.ts';
import { apply, applyClientCa, applyServerSecret, ask, condition, manifest, podsReady, type Shop } from './shop.ts';
import type { Chapter } from './steps.ts';

/** From an empty cluster to a refused certificate, as README.md tells it. */
export function install(shop: Shop, release: Release): Chapter {
  const { cluster } = shop;
  return {
    name: 'Install and serve',
    steps: [
      {
        name: 'helm install brings two ready operators',
        run: async () => {
          await helm(cluster, [
            ...['install', 'lychgate', release.chart, '--namespace', 'lychgate-system', '--create-namespace'],
            ...[...release.values, '--wait', '--timeout', '120s'],
          ]);
          const ready = await cluster.kubectl([
            ...['-n', 'lychgate-system', 'get', 'deployments', '-o', 'jsonpath={.items[0].status.readyReplicas}'],
          ]);
          assert.equal(ready, '2');
          return undefined;
        },
      },
      {
        name: 'the application, its certificates, a profile and a rewrite set are applied; its pods come up ready',
        run: async () => {
          await apply(shop, manifest(shop, 'shop.yaml'));
          await applyServerSecret(shop);
          await applyClientCa(shop);
          await apply(shop, manifest(shop, 'profile.yaml'));
          await podsReady(shop, 3);
          const containers = await cluster.kubectl([
            ...['-n', 'shop', 'get', 'pods', '-l', 'app=shop'],
            ...['-o', 'jsonpath={.items[*].spec.initContainers[0].name}'],
          ]);
          assert.equal(containers, 'lychgate lychgate lychgate');
          return undefined;
        },
      },
      {
        name: 'kubectl wait sees both resources Ready',
        run: async () => {
          await cluster.kubectl([
            ...['-n', 'shop', 'wait', '--for=condition=Ready', 'sslp/partners', 'rws/client-cert', '--timeout=60s'],
          ]);
          const { message } = await condition(shop, 'sslp/partners', 'Programmed');
          return message;
        },
      },
      {
        name: 'the good certificate gets 200 through the Service, and the application has it in its header',
        run: async () => {
          const { status, body } = await ask(shop, shop.good);
          assert.equal(status, 200, body);
          assert.ok(
            body.toLowerCase().includes(`x-client-cert: ${encodeURIComponent(shop.good.pem).toLowerCase()}`),
            `no certificate header in what the application saw:\n${body}`,
          );
          return undefined;
        },
      },
      {
        name: 'the revoked certificate gets 400 and the reason',
        run: async () => {
          const { status, body } = await ask(shop, shop.revoked);
          assert.equal(status, 400, body);
          assert.match(body, /^client certificate refused: Revoked \(since .*keyCompromise\)/);
          return body.trim();
        },
      },
      {
        name: 'no certificate gets 400 NoCertificate',
        run: async () => {
          const { status, body } = await ask(shop, undefined);
          assert.equal(status, 400, body);
          assert.match(body, /NoCertificate/);
          return undefined;
        },
      },
      {
        name: 'openssl ocsp agrees about both',
        run: async () => {
          const say = async (crt: string) => {
            const { stdout, stderr } = await cluster.run('openssl', [
              ...['ocsp', '-issuer', shop.ca.crt, '-cert', crt, '-url', shop.ocspUrl, '-CAfile', shop.ca.bundle],
            ]);
            return `${stdout}${stderr}`;
          };
          const good = await say(shop.good.crt);
          assert.match(good, /Response verify OK/);
          assert.match(good, /good\.crt: good/);
          assert.match(await say(shop.revoked.crt), /revoked\.crt: revoked/);
          return undefined;
        },
      },
    ],
  };
}
