import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from '../cluster/tools.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

/** A Kubernetes API server with its etcd on loopback, without controllers and nodes: admission is what counts here. */
export interface ApiServer {
  /** The status and the body of an answer. Refusals are answers too. */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<ApiAnswer>;
  stop(): Promise<void>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** @throws Error with the end of its log where it does not become ready. */
export async function startApiServer(): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'lychgate-apiserver-'));
  const token = 'test';
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeFileSync(join(folder, 'account.key'), privateKey);
  writeFileSync(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`);
  const programs = [
    start(folder, 'etcd', [
      `--data-dir=${folder}/etcd`,
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      '--unsafe-no-fsync',
    ]),
    start(folder, 'kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${client}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${secure}`,
      `--cert-dir=${folder}/tls`,
      `--token-auth-file=${folder}/tokens.csv`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${folder}/account.key`,
      `--service-account-signing-key-file=${folder}/account.key`,
      '--service-cluster-ip-range=10.96.0.0/16',
    ]),
  ];
  const ask: ApiServer['ask'] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const call = request(
        {
          ...{ host: '127.0.0.1', port: secure, method, path, timeout: 30_000 },
          // Its certificate is made by itself at its start; it is this test's own, on loopback.
          ca: readFileSync(join(folder, 'tls/apiserver.crt')),
          checkServerIdentity: () => undefined,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({ status: answer.statusCode ?? 0, body: text.startsWith('{') ? JSON.parse(text) : text });
          });
        },
      );
      call.on('timeout', () => call.destroy(new Error(`no answer to ${method} ${path} within 30 s`)));
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const stop = async (): Promise<void> => {
    for (const program of programs.toReversed()) await end(program);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const ready = async (): Promise<true | undefined> => {
      try {
        return (await ask('GET', '/readyz')).status === 200 ? true : undefined;
      } catch {
        return undefined;
      }
    };
    await until(ready, 'the API server', 90_000);
  } catch (error) {
    const log = readFileSync(join(folder, 'kube-apiserver.log'), 'utf8').slice(-2000);
    await stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log}`, { cause: error });
  }
  return { ask, stop };
}

function start(folder: string, name: 'etcd' | 'kube-apiserver', args: readonly string[]): ChildProcess {
  const child = spawn(toolPath(name), [...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  const log = createWriteStream(join(folder, `${name}.log`));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.on('error', (error) => log.write(`${error.message}\n`));
  return child;
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
}
