import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withoutUnsafeVariables } from '../../pkg/process/env.ts';
import type { FakeApiServer } from './fake-api-server.ts';
import { freePort } from './free-port.ts';
import { servingCertificate } from './push.ts';
import { until } from './until.ts';

/** The real operator in a process of its own, with a certificate for localhost from files. */
export interface OperatorProcess {
  readonly pushPort: number;
  /** PEM, for whoever dials it. */
  readonly caPem: string;
  admin(path: string): Promise<{ readonly status: number; readonly body: string }>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  /** SIGKILL where it still runs; removes its files. */
  stop(): Promise<void>;
}

export interface OperatorProcessOptions {
  readonly args?: readonly string[];
  /** Over the test's own, without what the operator refuses. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it in namespace `lychgate-system`; does not wait until it is ready. */
export async function startOperator(
  server: Pick<FakeApiServer, 'kubeconfig'>,
  { args = [], env = {} }: OperatorProcessOptions = {},
): Promise<OperatorProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'operator-'));
  const { certPem, keyPem, caPem } = servingCertificate();
  const files = { 'tls.crt': certPem, 'tls.key': keyPem, 'ca.crt': caPem, kubeconfig: server.kubeconfig };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const [pushPort, adminPort] = [await freePort(), await freePort()];
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, '../../cmd/operator/main.ts'),
      ...['--namespace', 'lychgate-system', '--pod-name', 'operator-0', '--serving-certificate', directory],
      ...['--webhook-port', '0', '--push-port', String(pushPort)],
      ...['--admin-address', '127.0.0.1', '--admin-port', String(adminPort), '--shutdown-delay', '0s', ...args],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...withoutUnsafeVariables(process.env), KUBECONFIG: join(directory, 'kubeconfig'), ...env },
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, output }));
  return {
    pushPort,
    caPem,
    admin: async (path) => {
      const response = await fetch(`http://127.0.0.1:${adminPort}${path}`);
      return { status: response.status, body: await response.text() };
    },
    kill: (signal) => child.kill(signal),
    ended,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

/** Waits until its readiness page says so. @throws with what it wrote, where it ends instead. */
export async function operatorReady(operator: OperatorProcess): Promise<void> {
  const over = operator.ended.then(({ output }) => Promise.reject(new Error(`the operator ended:\n${output}`)));
  // Where it ends later, nobody waits any more.
  over.catch(() => undefined);
  const ready = until(async () => {
    const page = await operator.admin('/readyz').catch(() => undefined);
    return page?.status === 200 || undefined;
  }, 'the operator is ready');
  await Promise.race([ready, over]);
}
