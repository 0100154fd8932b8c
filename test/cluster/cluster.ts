import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandOptions, type CommandResult, command } from '../support/command.ts';
import { createControlGroups, removeControlGroups } from './cgroup.ts';
import { writeConfiguration } from './configuration.ts';
import { writeCredentials } from './credentials.ts';
import { requireHostPrograms } from './host-programs.ts';
import { buildImage } from './images.ts';
import { type Layout, layoutOf, nodeAddress } from './layout.ts';
import { firstPid, inNetwork, startInside } from './namespaces.ts';
import { buildTools, nodeTools, toolFolders } from './tools.ts';

/** One real Kubernetes node, in namespaces of its own: no address of it can be reached from outside, and none outside from it. */
export interface TestCluster {
  /** Everything the node writes; `log/` has a file for each of its processes. */
  readonly directory: string;
  /** Of the administrator. Works for programs that `run`, `kubectl` and `serve` start. */
  readonly kubeconfig: string;
  /** The node's address. A server that `serve` starts on it is reached by pods. */
  readonly address: string;
  /** Runs kubectl as the administrator. @returns what it printed @throws with what it wrote to standard error, unless it ended with 0. */
  kubectl(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Creates or changes objects by server-side apply, as YAML or JSON text. @throws as `kubectl` does. */
  apply(manifests: string): Promise<string>;
  /**
   * Runs a program of the host to its end in the node's network: helm, curl, openssl, `node` with a script. Service and pod
   * addresses work, cluster names do not (use a pod). KUBECONFIG and PATH are set; `env` is added to the environment.
   */
  run(program: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** What to spawn in order to run a command as `run` does; a signal to it reaches the command. Give it `environment` too. */
  commandInside(command: readonly string[]): readonly string[];
  /** What `run` gives every program: this process's environment with KUBECONFIG and a longer PATH. */
  readonly environment: NodeJS.ProcessEnv;
  /** The same in the network of a running pod: `curl` to its loopback, tcpdump on its eth0. @throws where there is no such pod. */
  runInPod(pod: PodName, program: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Starts a program that goes on in the node's network, such as a responder on `address`, until it is stopped or the cluster is. */
  serve(program: string, args: readonly string[]): RunningProgram;
  /** The same in a pod's network: `tcpdump -i any -w FILE`. */
  serveInPod(pod: PodName, program: string, args: readonly string[]): Promise<RunningProgram>;
  /** Makes a name, such as `ocsp.example.test`, mean an address for every pod, within a second. */
  addName(name: string, address: string): void;
  /** Loads a docker-archive tar: pods find its image by name with imagePullPolicy Never or IfNotPresent. */
  loadImage(tar: string): Promise<void>;
  /** The requests so far of every service account but those of kube-system, oldest first, once each, when they were complete. */
  auditLog(): readonly AuditEvent[];
  /** Ends everything inside and, unless the cluster was started with `keep`, removes its folder. May be called twice. */
  stop(): Promise<void>;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** A program that runs until it is stopped. Both outputs have to be read, or be small. */
export interface RunningProgram {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** Sends the signal (SIGTERM unless given) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** audit.k8s.io/v1, level Metadata: what is used here of it. */
export interface AuditEvent {
  /** RFC 3339. */
  readonly requestReceivedTimestamp: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ClusterOptions {
  /** A folder for everything, made new; a temporary one unless given. Not below /run, /var/lib or /var/log. */
  readonly directory?: string;
  /** Leaves the folder, with all logs, where it is. */
  readonly keep?: boolean;
  /** docker-archive tars of images to load, besides the pause image. */
  readonly images?: readonly string[];
  readonly log?: (line: string) => void;
}

/**
 * Starts a node and waits until pods can be created, some ten seconds where the programs have been built before.
 * Any number of nodes may run beside each other. When this process ends, however it does, the node ends too.
 * @throws where this process is not root, a program of the system is missing (the message has the apt-get line), a build
 *   fails, or a process of the node ends (the message names its log).
 */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const log = options.log ?? (() => undefined);
  await requireHostPrograms(log);
  await buildTools(nodeTools, log);
  const images = [await buildImage('pause', log), ...(options.images ?? [])];
  const layout = layoutOf(makeDirectory(options.directory));
  mkdirSync(layout.logs, { recursive: true });
  writeCredentials(layout, Date.now());
  writeConfiguration(layout);
  writeFileSync(hostsFile(layout), '');

  const groups = createControlGroups();
  const env = environment(layout);
  const inside = startInside(layout, groups, env);
  const ended = new Promise<void>((resolve) => inside.on('close', () => resolve()));
  inside.on('error', () => undefined);
  const serving = new Set<RunningProgram>();
  let stopped: Promise<void> | undefined;

  async function stopAll(): Promise<void> {
    await Promise.all([...serving].map((one) => one.stop('SIGKILL')));
    // The first process alone: the kernel ends all others of its PID namespace with it.
    if (inside.exitCode === null && existsSync(layout.pidFile)) killIfAlive(firstPid(layout));
    inside.kill('SIGKILL');
    await ended;
    await removeAll(groups, layout.pidFile, options.keep === true ? undefined : layout.directory);
  }
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };

  const nodeNetwork = () => `/proc/${firstPid(layout)}/ns/net`;
  const run = (network: string, program: string, args: readonly string[], more: CommandOptions = {}) => {
    const entered = inNetwork(network, program, args);
    return command(entered.program, entered.args, { ...more, env: { ...env, ...more.env } });
  };
  const serve = (network: string, program: string, args: readonly string[]): RunningProgram => {
    const entered = inNetwork(network, program, args);
    const child = spawn(entered.program, [...entered.args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = new Promise<void>((resolve) => child.on('close', () => resolve()).on('error', () => resolve()));
    const running: RunningProgram = {
      process: child,
      async stop(signal = 'SIGTERM') {
        child.kill(signal);
        await closed;
      },
    };
    serving.add(running);
    void closed.then(() => serving.delete(running));
    return running;
  };
  const ctr = (...args: readonly string[]) =>
    succeed(
      command('ctr', ['-a', layout.containerdSocket, '-n', 'k8s.io', ...args], { timeoutMs: 120_000 }),
      'ctr',
      args,
    );
  const podNetwork = async ({ namespace, name }: PodName) => {
    const filter = `labels."io.cri-containerd.kind"==sandbox,labels."io.kubernetes.pod.namespace"==${namespace},labels."io.kubernetes.pod.name"==${name}`;
    const ids = (await ctr('containers', 'ls', '-q', filter)).split('\n').filter((id) => id !== '');
    for (const id of ids) {
      const path = networkPath(await ctr('containers', 'info', id));
      if (path !== undefined && existsSync(`/proc/${firstPid(layout)}/root${path}`)) {
        return `/proc/${firstPid(layout)}/root${path}`;
      }
    }
    throw new Error(`no running pod ${namespace}/${name} on the node: kubectl get pods -A`);
  };
  const cluster: TestCluster = {
    directory: layout.directory,
    kubeconfig: layout.kubeconfig('admin'),
    address: nodeAddress,
    kubectl: (args, more) => succeed(run(nodeNetwork(), 'kubectl', args, more), 'kubectl', args),
    apply: (manifests) =>
      cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: manifests }),
    run: (program, args, more) => run(nodeNetwork(), program, args, more),
    environment: env,
    commandInside([program = 'true', ...args]) {
      const entered = inNetwork(nodeNetwork(), program, args);
      return [entered.program, ...entered.args];
    },
    runInPod: async (pod, program, args, more) => run(await podNetwork(pod), program, args, more),
    serve: (program, args) => serve(nodeNetwork(), program, args),
    serveInPod: async (pod, program, args) => serve(await podNetwork(pod), program, args),
    addName(name, address) {
      writeFileSync(hostsFile(layout), `${address} ${name}\n`, { flag: 'a' });
    },
    loadImage: async (tar) => {
      await ctr('images', 'import', tar);
    },
    auditLog: () => readAuditLog(layout),
    stop,
  };
  try {
    await untilExists(layout.containerdSocket, layout, inside);
    for (const tar of images) await cluster.loadImage(tar);
    await untilExists(layout.readyFile, layout, inside);
    return cluster;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What programs of a node, and those that use it, get as environment: its programs first in PATH, its kubeconfig. */
export function environment(layout: Layout): NodeJS.ProcessEnv {
  const path = [...toolFolders(), process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(':');
  return { ...process.env, PATH: path, KUBECONFIG: layout.kubeconfig('admin') };
}

function makeDirectory(wanted: string | undefined): string {
  if (wanted === undefined) return mkdtempSync(join(tmpdir(), 'lychgate-cluster-'));
  const { pidFile } = layoutOf(wanted);
  if (existsSync(pidFile) && existsSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}`)) {
    throw new Error(`a node runs in ${wanted}: stop it, or choose another folder`);
  }
  rmSync(wanted, { recursive: true, force: true });
  mkdirSync(wanted, { recursive: true });
  return wanted;
}

async function untilExists(path: string, { faultFile, logs }: Layout, inside: { exitCode: number | null }) {
  while (!existsSync(path)) {
    if (existsSync(faultFile)) throw new Error(`the node did not start: ${readFileSync(faultFile, 'utf8')}`);
    if (inside.exitCode !== null) throw new Error(`the node did not start: exit code ${inside.exitCode}; see ${logs}`);
    await sleep(50);
  }
}

/** Processes that have just been killed hold their groups and mounts for a moment. */
async function removeAll(groups: readonly string[], pidFile: string, directory: string | undefined): Promise<void> {
  for (let attempt = 0; attempt < 50 && groups.some((group) => existsSync(group)); attempt++) {
    removeControlGroups(groups);
    await sleep(20);
  }
  rmSync(pidFile, { force: true });
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function succeed(result: Promise<CommandResult>, program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await result;
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}: ${stderr}`);
  return stdout;
}

/** The path, inside, of the network namespace that a sandbox was started with. */
function networkPath(info: string): string | undefined {
  const { Spec } = JSON.parse(info) as {
    readonly Spec?: { readonly linux?: { readonly namespaces?: readonly { type: string; path?: string }[] } };
  };
  // /var/run is a link to /run, and would be followed on the host.
  return Spec?.linux?.namespaces?.find(({ type }) => type === 'network')?.path?.replace(/^\/var\/run\//, '/run/');
}

function readAuditLog({ auditLog }: Layout): readonly AuditEvent[] {
  if (!existsSync(auditLog)) return [];
  const lines = readFileSync(auditLog, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as AuditEvent);
}

function hostsFile({ directory }: Layout): string {
  return join(directory, 'hosts');
}
