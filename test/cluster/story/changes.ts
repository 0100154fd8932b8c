import assert from 'node:assert/strict';
import { succeed } from '../../support/command.ts';
import { layoutOf } from '../layout.ts';
import type { Span } from './audit.ts';
import { openClient } from './open-client.ts';
import { restartOperators } from './release.ts';
import {
  apply,
  applyClientCa,
  applyServerSecret,
  ask,
  condition,
  hostname,
  manifest,
  pods,
  profileReady,
  type Shop,
  serviceAddress,
  versions,
  within,
} from './shop.ts';
import type { Chapter } from './steps.ts';
import { inWords, requireNoFailure, traffic } from './traffic.ts';

/** Changes take effect at once and without loss; faults take nothing down; withdrawals refuse at once. */
export function changes(shop: Shop, denied: Span[]): Chapter {
  const { cluster } = shop;
  return {
    name: 'Change, fault and withdrawal',
    steps: [
      {
        name: 'an edited header is in force in every pod within 2 s of the API server’s answer',
        run: async () => `${Math.round(await editHeader(shop, 'second'))} ms`,
      },
      {
        name: 'a minute of 200 requests a second, half of them on new connections, sees no failure while it changes',
        run: async () => {
          const running = traffic(shop, 60);
          for (const edition of ['third', 'fourth', 'fifth']) {
            await new Promise((resolve) => setTimeout(resolve, 12_000));
            await editHeader(shop, edition);
          }
          const counted = await running;
          requireNoFailure(counted);
          return inWords(counted);
        },
      },
      {
        name: 'control: kill -9 of a sidecar under the same load is seen as failures',
        run: async () => {
          const running = traffic(shop, 15);
          await new Promise((resolve) => setTimeout(resolve, 3000));
          await killSidecar(shop);
          const counted = await running;
          assert.ok(counted.failures > 0, 'the load notices nothing: its green proves nothing');
          await cluster.kubectl([
            '-n',
            'shop',
            'wait',
            '--for=condition=Ready',
            'pod',
            '-l',
            'app=shop',
            '--timeout=60s',
          ]);
          return inWords(counted);
        },
      },
      {
        name: 'a rotated server Secret is seen by new handshakes, and open connections live',
        run: async () => {
          const client = await openClient(shop, await serviceAddress(shop));
          try {
            const rotated = await shop.ca.issue('server-2', {
              extensions: ['extendedKeyUsage=serverAuth', `subjectAltName=DNS:${hostname}`],
            });
            await applyServerSecret(shop, rotated);
            const tookMs = await within(5000, 'every pod shows the new certificate', async () => {
              for (const { address } of await pods(shop)) {
                const { stdout } = await cluster.run('sh', [
                  '-c',
                  `openssl s_client -connect ${address}:8443 -servername ${hostname} </dev/null 2>/dev/null | openssl x509 -noout -serial`,
                ]);
                if (!stdout.includes(rotated.serial)) return `${address} shows ${stdout.trim()}`;
              }
              return true;
            });
            assert.equal(await client.ask(), 200);
            return `${Math.round(tookMs)} ms`;
          } finally {
            client.close();
          }
        },
      },
      {
        name: 'a broken profile is told in its condition, and traffic goes on',
        run: async () => {
          await cluster.kubectl([
            ...['-n', 'shop', 'patch', 'sslp/partners', '--type=merge'],
            ...['-p', '{"spec":{"certificateRefs":[{"name":"not-there"}]}}'],
          ]);
          await within(10_000, 'the condition is False', async () => {
            const { status } = await condition(shop, 'sslp/partners', 'ResolvedRefs');
            return status === 'False' ? true : status;
          });
          const { reason, message } = await condition(shop, 'sslp/partners', 'ResolvedRefs');
          assert.equal((await ask(shop, shop.good)).status, 200);
          await apply(shop, manifest(shop, 'profile.yaml'));
          await profileReady(shop, 10_000);
          return `${reason}: ${message}`;
        },
      },
      {
        name: 'a deleted CA refuses everybody within 2 s, on open connections too; put back, it serves again',
        run: async () => {
          const client = await openClient(shop, await serviceAddress(shop));
          try {
            assert.equal(await client.ask(), 200);
            await cluster.kubectl(['-n', 'shop', 'delete', 'configmap', 'partner-ca']);
            const newMs = await within(2000, 'new connections are refused in every pod', async () => {
              for (const { address } of await pods(shop)) {
                const { status, body } = await ask(shop, shop.good, { host: address, port: 8443 });
                if (status !== 400 || !body.includes('TrustWithdrawn')) return `${status} ${body}`;
              }
              return true;
            });
            const answered = await client.ask().catch(() => 'closed');
            assert.notEqual(answered, 200, 'an open connection is still served');
            await applyClientCa(shop);
            await within(10_000, 'served again', async () => {
              const { status } = await ask(shop, shop.good);
              return status === 200 ? true : String(status);
            });
            return `${Math.round(newMs)} ms; open connection: ${answered}`;
          } finally {
            client.close();
          }
        },
      },
      {
        name: 'without the server Secret, after both operators restarted and a sidecar was killed, traffic goes on',
        run: async () => {
          const name = 'shop-tls';
          await cluster.kubectl(['-n', 'shop', 'delete', 'secret', name]);
          await restartOperators(cluster);
          await killSidecar(shop);
          await cluster.kubectl([
            '-n',
            'shop',
            'wait',
            '--for=condition=Ready',
            'pod',
            '-l',
            'app=shop',
            '--timeout=60s',
          ]);
          for (const { address } of await pods(shop)) {
            assert.equal((await ask(shop, shop.good, { host: address, port: 8443 })).status, 200);
          }
          await applyServerSecret(shop);
          await profileReady(shop, 20_000);
          return undefined;
        },
      },
      {
        name: 'operators that may not list Secrets change nothing in any sidecar',
        run: async () => {
          const before = await versions(shop);
          const role = 'lychgate-system-lychgate';
          const rules = await cluster.kubectl(['get', 'clusterrole', role, '-o', 'json']);
          const fromMs = Date.now();
          await cluster.kubectl(['replace', '-f', '-'], { input: withoutSecrets(rules) });
          await restartOperators(cluster);
          // Longer than any debounce and first round of lists.
          await new Promise((resolve) => setTimeout(resolve, 10_000));
          assert.deepEqual(await versions(shop), before);
          assert.equal((await ask(shop, shop.good)).status, 200);
          const { status, message } = await condition(shop, 'sslp/partners', 'ResolvedRefs');
          await cluster.kubectl(['replace', '--force', '-f', '-'], { input: rules });
          await restartOperators(cluster);
          denied.push({ fromMs, toMs: Date.now() });
          return `ResolvedRefs=${status}: ${message}`;
        },
      },
    ],
  };
}

/** Changes the value of X-Edition and waits until every pod sends it on; milliseconds from the API server's answer. */
async function editHeader(shop: Shop, edition: string): Promise<number> {
  // As kubectl edit does: the whole object comes back with one line changed.
  const editor = `sed -i -E 's/(headerValue: )(first|second|third|fourth|fifth)$/\\1${edition}/'`;
  const { code, stderr } = await shop.cluster.run('sh', [
    ...['-c', 'KUBE_EDITOR="$1" kubectl -n shop edit rws/client-cert', 'sh', editor],
  ]);
  assert.equal(code, 0, stderr);
  return within(2000, `every pod sends X-Edition: ${edition}`, async () => {
    for (const { name, address } of await pods(shop)) {
      const { body } = await ask(shop, shop.good, { host: address, port: 8443 });
      if (!body.toLowerCase().includes(`x-edition: ${edition}`)) return `${name} sends another`;
    }
    return true;
  });
}

/** SIGKILL from outside for the sidecar of the first pod, as the kernel's OOM killer gives it; the kubelet starts it again. */
export async function killSidecar(shop: Shop): Promise<string> {
  const { cluster } = shop;
  const [pod] = await pods(shop);
  assert.ok(pod !== undefined);
  const before = await sidecarOf(shop, pod.name);
  const { containerdSocket } = layoutOf(cluster.directory);
  await succeed('ctr', ['-a', containerdSocket, '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', before.id]);
  await within(60_000, `the sidecar of ${pod.name} was started again`, async () => {
    const { restarts } = await sidecarOf(shop, pod.name);
    return restarts > before.restarts ? true : `${restarts} restarts`;
  });
  return pod.name;
}

async function sidecarOf(shop: Shop, pod: string): Promise<{ readonly id: string; readonly restarts: number }> {
  const text = await shop.cluster.kubectl([
    ...['-n', 'shop', 'get', 'pod', pod, '-o'],
    'jsonpath={.status.initContainerStatuses[0].containerID} {.status.initContainerStatuses[0].restartCount}',
  ]);
  const [id = '', restarts = ''] = text.replace('containerd://', '').split(' ');
  return { id, restarts: Number(restarts) };
}

function withoutSecrets(clusterRole: string): string {
  const role: unknown = JSON.parse(clusterRole);
  assert.ok(typeof role === 'object' && role !== null && 'rules' in role && Array.isArray(role.rules));
  const rules = role.rules.filter((rule: unknown) => !JSON.stringify(rule).includes('"secrets"'));
  assert.ok(rules.length < role.rules.length, 'the role does not grant Secrets at all');
  return JSON.stringify({ ...role, rules });
}
