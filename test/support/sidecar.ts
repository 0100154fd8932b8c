import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { seriesIn, spawnSidecar } from './sidecar-process.ts';
import { until } from './until.ts';

/** One line of its log, parsed. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Page {
  readonly status: number;
  readonly body: string;
}

/** The real sidecar in a process of its own. */
export interface Sidecar {
  readonly pid: number;
  readonly port: number;
  /** All that it has logged so far. */
  log(): readonly LogLine[];
  /** Waits for a line that is there or still to come. */
  logged(wanted: (line: LogLine) => boolean, what: string): Promise<LogLine>;
  admin(path: string, accept?: string): Promise<Page>;
  /** The value of a series by its name with labels as it stands in /metrics; 0 where it is not there. */
  metric(series: string): Promise<number>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
  /** SIGKILL where it still runs. */
  stop(): Promise<void>;
}

export interface SidecarOptions {
  /** What the runtime is given before the sidecar's own arguments: flags and the file; the source by default. */
  readonly program?: readonly string[];
  readonly port?: number;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** False where it is not to become ready: then it is waited for until it says that it serves. */
  readonly ready?: boolean;
}

/** Starts the sidecar on a folder and waits until it is ready. @throws with what it wrote, where it ends instead. */
export async function startSidecar(manifests: string, options: SidecarOptions = {}): Promise<Sidecar> {
  const port = options.port ?? (await freePort());
  const adminPort = await freePort();
  const running = launch(manifests, port, adminPort, options.args ?? [], options.program, options.environment);
  try {
    await until(async () => {
      if (running.over()) throw new Error('ended');
      // Its admin port answers from early on: what it says before it serves is that it starts.
      if (options.ready === false) return running.log().some(({ msg }) => msg === 'serving') || undefined;
      try {
        return (await running.admin('/readyz')).status === 200 || undefined;
      } catch {
        return undefined;
      }
    }, 'the sidecar is ready');
  } catch (cause) {
    await running.stop();
    const { stdout, stderr } = await running.ended;
    throw new Error(`the sidecar did not start:\n${stderr}${stdout}`, { cause });
  }
  return running;
}

/** Runs a sidecar that is expected to end by itself. */
export async function runSidecar(manifests: string, args: readonly string[] = []): Promise<Ended> {
  const running = launch(manifests, await freePort(), await freePort(), args);
  const guard = setTimeout(() => running.kill('SIGKILL'), 60_000);
  const ended = await running.ended;
  clearTimeout(guard);
  return ended;
}

function launch(
  manifests: string,
  port: number,
  adminPort: number,
  args: readonly string[],
  program: readonly string[] = [main],
  environment: Readonly<Record<string, string>> = {},
): Sidecar & { over(): boolean } {
  const running = spawnSidecar(
    [
      ...[...program, '--manifests', manifests, '--listen-address', '127.0.0.1', '--port', String(port)],
      ...['--admin-port', String(adminPort), ...args],
    ],
    environment,
  );
  const { child, stdout, stderr, over } = running;
  const ended = running.ended.then(
    (): Ended => ({ code: child.exitCode, signal: child.signalCode, stdout: stdout(), stderr: stderr() }),
  );
  const log = () =>
    stdout()
      .slice(0, stdout().lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
      .map(parseLine);
  const admin = async (path: string, accept = '*/*') => {
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`, { headers: { accept } });
    return { status: response.status, body: await response.text() };
  };
  return {
    pid: child.pid ?? 0,
    port,
    log,
    logged: (wanted, what) => until(() => log().find(wanted), `log line: ${what}`),
    admin,
    metric: async (series) => seriesIn((await admin('/metrics')).body, series) ?? 0,
    kill: (signal) => {
      child.kill(signal);
    },
    ended,
    over,
    stop: async () => {
      if (!over()) child.kill('SIGKILL');
      await ended;
    },
  };
}

function parseLine(text: string): LogLine {
  const line: LogLine = JSON.parse(text);
  return line;
}

/** Its source. */
export const main = join(import.meta.dirname, '..', '..', 'cmd', 'sidecar', 'main.ts');
