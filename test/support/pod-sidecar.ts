import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { RelayProbe } from '../../pkg/relay/probe.ts';
import { freePort } from './free-port.ts';
import { pushPki } from './push.ts';
import { seriesIn, spawnSidecar } from './sidecar-process.ts';
import { until } from './until.ts';

/** The sidecar as it runs in a pod, in a process of its own; pod `shop/a`, as test/support/push.ts knows it. */
export interface PodSidecar {
  readonly pid: number;
  readonly probePort: number;
  readonly stateDir: string;
  /** Of the files that a pod mounts: `ca.crt`, `token`. */
  readonly directory: string;
  /** Status and text of an admin page. */
  admin(path: string): Promise<{ readonly status: number; readonly body: string }>;
  /** The value of a series in /metrics; undefined where it is not there. */
  metric(series: string): Promise<number | undefined>;
  /** Waits until its log has a line with that message. */
  logged(message: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  stderr(): string;
}

export interface PodSidecarOptions {
  /** Of the operator, on localhost. */
  readonly operatorPort: number;
  /** The one before it, whose files and state it takes over: a restart of the container. */
  readonly after?: PodSidecar;
  readonly args?: readonly string[];
  readonly probes?: readonly RelayProbe[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts it; it has all its ports open when it resolves. It ends with the test. @throws where it ends before that. */
export async function startPodSidecar(t: TestContext, options: PodSidecarOptions): Promise<PodSidecar> {
  const directory = options.after?.directory ?? mountedFiles(t);
  const adminPort = await freePort();
  const probePort = await freePort();
  const running = spawnSidecar(
    [
      ...[main, '--operator', `localhost:${options.operatorPort}`, '--operator-ca', join(directory, 'ca.crt')],
      ...['--token', join(directory, 'token'), '--state', directory, '--listen-address', '127.0.0.1'],
      ...['--port', '8443', '--admin-port', String(adminPort), '--probe-port', String(probePort)],
      ...(options.args ?? []),
    ],
    {
      ...{ POD_NAMESPACE: 'shop', POD_NAME: 'a', POD_UID: 'uid-a' },
      ...(options.probes === undefined ? {} : { LYCHGATE_PROBES: JSON.stringify(options.probes) }),
      ...options.environment,
    },
  );
  const { child, stdout, stderr } = running;
  const ended = running.ended.then(() => child.exitCode ?? child.signalCode);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const admin = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`);
    return { status: response.status, body: await response.text() };
  };
  const sidecar: PodSidecar = {
    pid: child.pid ?? 0,
    probePort,
    stateDir: directory,
    directory,
    admin,
    metric: async (series) => seriesIn((await admin('/metrics')).body, series),
    logged: async (message) => {
      await until(() => stdout().includes(`"msg":${JSON.stringify(message)}`) || undefined, `log line: ${message}`);
    },
    kill: (signal) => {
      child.kill(signal);
    },
    ended,
    stderr,
  };
  await until(() => {
    if (running.over()) throw new Error(`the sidecar ended: ${stderr()}${stdout()}`);
    return stdout().includes('"msg":"serving"') || undefined;
  }, 'the sidecar has started');
  return sidecar;
}

function mountedFiles(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-pod-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'ca.crt'), pushPki.root.certificate.pem);
  writeFileSync(join(directory, 'token'), 'pod:a\n');
  return directory;
}

const main = join(import.meta.dirname, '..', '..', 'cmd', 'sidecar', 'main.ts');
