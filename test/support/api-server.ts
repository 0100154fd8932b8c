import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError } from '../../pkg/cluster/api-error.ts';
import { connectCluster } from '../../pkg/cluster/connect.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { silentLog } from '../../pkg/process/log.ts';
import { oids } from '../../pkg/x509/extensions.ts';
import { toolPath } from '../cluster/tools.ts';
import { freePort } from './free-port.ts';
import { makeAuthority } from './pki.ts';
import { until } from './until.ts';

/** The real API server with its etcd on loopback, without a node: objects are stored, webhooks are called, no pod runs. */
export interface RealApiServer {
  /** A kubeconfig document of an administrator. */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

/** Starts both in a folder of their own. @throws with the end of their logs where they do not become ready. */
export async function startRealApiServer(): Promise<RealApiServer> {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-api-'));
  const file = (name: string, content = '') => {
    const path = join(directory, name);
    if (content !== '') writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const ca = makeAuthority('api', 'CN=API', Date.now());
  const serving = ca.issue({ subject: 'CN=api', extendedKeyUsage: [oids.serverAuth], san: { ip: ['127.0.0.1'] } });
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const children = [
    start(directory, 'etcd', [
      ...['--data-dir', file('etcd'), '--unsafe-no-fsync'],
      ...[
        '--listen-client-urls',
        `http://127.0.0.1:${client}`,
        '--advertise-client-urls',
        `http://127.0.0.1:${client}`,
      ],
      ...[
        '--listen-peer-urls',
        `http://127.0.0.1:${peer}`,
        '--initial-advertise-peer-urls',
        `http://127.0.0.1:${peer}`,
      ],
      ...['--initial-cluster', `default=http://127.0.0.1:${peer}`],
    ]),
    start(directory, 'kube-apiserver', [
      ...['--etcd-servers', `http://127.0.0.1:${client}`, '--bind-address', '127.0.0.1', '--secure-port', `${secure}`],
      ...[
        '--tls-cert-file',
        file('tls.crt', serving.chainPem),
        '--tls-private-key-file',
        file('tls.key', serving.keyPem),
      ],
      ...['--token-auth-file', file('tokens.csv', 'admin-token,admin,1,system:masters\n')],
      ...['--authorization-mode', 'RBAC', '--service-cluster-ip-range', '10.96.0.0/16'],
      ...['--service-account-issuer', 'https://kubernetes.default.svc'],
      ...['--service-account-key-file', file('sa.pub', pem(publicKey.export({ type: 'spki', format: 'pem' })))],
      ...[
        '--service-account-signing-key-file',
        file('sa.key', pem(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
      ],
      // No controller makes the default service account, and nobody dials this address.
      ...['--disable-admission-plugins', 'ServiceAccount', '--endpoint-reconciler-type', 'none'],
      ...['--advertise-address', '192.0.2.1'],
    ]),
  ];
  const kubeconfig = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'a',
        cluster: {
          server: `https://127.0.0.1:${secure}`,
          'certificate-authority-data': Buffer.from(ca.certificate.pem).toString('base64'),
        },
      },
    ],
    users: [{ name: 'a', user: { token: 'admin-token' } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  });
  const close = async () => {
    await Promise.all(children.map(stop));
    rmSync(directory, { recursive: true });
  };
  try {
    await waitUntilReady(kubeconfig);
  } catch (cause) {
    const logs = ['etcd', 'kube-apiserver'].map((name) => readFileSync(file(`${name}.log`), 'utf8').slice(-3000));
    await close();
    throw new Error(`the API server did not become ready:\n${logs.join('\n')}`, { cause });
  }
  return { kubeconfig, close };
}

async function waitUntilReady(kubeconfig: string): Promise<void> {
  const cluster = connectCluster({
    log: silentLog,
    clock: systemClock,
    random: Math.random,
    userAgent: 'lychgate-test',
    kubeconfig,
  });
  try {
    await until(
      async () => {
        try {
          return await cluster.get('/api/v1/namespaces/default');
        } catch (error) {
          if (error instanceof ApiError) return undefined;
          throw error;
        }
      },
      'the default namespace',
      120_000,
    );
  } finally {
    cluster.close();
  }
}

function start(directory: string, name: 'etcd' | 'kube-apiserver', args: readonly string[]): ChildProcess {
  const log = openSync(join(directory, `${name}.log`), 'a');
  try {
    return spawn(toolPath(name), [...args], { stdio: ['ignore', log, log], cwd: directory });
  } finally {
    closeSync(log);
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

function pem(key: Buffer | string): string {
  return key.toString();
}
