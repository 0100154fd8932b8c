import { Command, InvalidArgumentError, Option } from 'commander';
import { durationMs } from '../../pkg/api/duration.ts';
import { readWorkers, workersValues } from '../../pkg/api/workers-value.ts';
import { type LogLevel, logLevels } from '../../pkg/process/log.ts';
import type { AuditLevel } from '../../pkg/proxy/deps.ts';
import type { ClusterSource } from './cluster.ts';
import type { StandaloneSource } from './standalone.ts';
import { version } from './version.ts';

export interface SidecarOptions {
  readonly source: ClusterSource | StandaloneSource;
  readonly listenAddress: string | undefined;
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly probePort: number;
  readonly logLevel: LogLevel;
  readonly audit: AuditLevel;
  readonly handshakeMs: number;
  readonly shutdownMs: number;
  readonly drainDelayMs: number;
  readonly maxConnections: number;
  readonly workers: number | 'auto';
}

/** Reads the command line; prints help or what is wrong with it and ends the process where it cannot go on. */
export function parseOptions(argv: readonly string[]): SidecarOptions {
  const program = new Command('lychgate-sidecar')
    .description(
      'The Lychgate data plane: terminates mutual TLS, judges client certificates, forwards to the application.',
    )
    .version(version)
    .addOption(
      new Option(
        '--manifests <dir>',
        'standalone: folder of manifests (SslProfile, RewriteSet, Secret, ConfigMap), as `kubectl apply -f DIR` takes it',
      ).conflicts('operator'),
    )
    .addOption(standaloneOnly('--namespace <name>', 'only profiles of this namespace; every namespace unless given'))
    .addOption(
      standaloneOnly(
        '--labels <k=v,...>',
        'labels of this pod: only profiles whose selector matches; every selector unless given',
      ).argParser(parseLabels),
    )
    .addOption(
      inPodOnly('--operator <host:port>', 'in a pod: the operator that says what to serve').argParser(parseAddress),
    )
    .addOption(inPodOnly('--operator-ca <file>', "PEM bundle that the operator's certificate must lead to"))
    .addOption(inPodOnly('--token <file>', "this pod's token for the operator"))
    .addOption(
      inPodOnly(
        '--state <dir>',
        'folder in memory, of this container alone: last good policy, socket of the preStop hook',
      ),
    )
    .addOption(inPodOnly('--ready-without-policy', 'ready although no profile is for this pod: for Jobs'))
    .option('--listen-address <ip>', 'address of the TLS ports; every address, IPv4 and IPv6, unless given')
    .option('--port <number>', 'TLS port of profiles that name none; 8443 unless given', parseCount)
    .option('--admin-address <ip>', 'address of the admin port', '127.0.0.1')
    .option('--admin-port <number>', '/livez, /readyz, /metrics, /config; 0 takes a free port', parseCount, 9844)
    .option('--probe-port <number>', 'probes of the application, where LYCHGATE_PROBES has any', parseCount, 9845)
    .addOption(new Option('--log-level <level>').choices([...logLevels]).default('info'))
    .addOption(
      new Option('--audit <what>', 'requests in the log: none, refused ones, or all')
        .choices(['off', 'refusals', 'all'])
        .default('refusals'),
    )
    .option(
      '--handshake-timeout <duration>',
      'TLS handshake; in a storm also the wait for the turn to begin it',
      parseLimit,
      10_000,
    )
    .option(
      '--shutdown-timeout <duration>',
      'how long SIGTERM, or the preStop hook, waits for running requests',
      parseTime,
      25_000,
    )
    .option(
      '--drain-delay <duration>',
      'how long the preStop hook lets new connections in, until all the cluster knows that the pod ends',
      parseTime,
      5000,
    )
    .option('--max-connections <number>', 'client connections at once, over all ports; 0 for no limit', parseCount, 0)
    .option(
      '--workers <number>',
      "threads that serve; auto: one for each whole CPU of the container's limit, one where it has none",
      parseWorkers,
      'auto' as const,
    )
    .parse([...argv]);
  const given = program.opts<Given>();
  return {
    source: sourceOf(given, program),
    listenAddress: given.listenAddress,
    adminAddress: given.adminAddress,
    adminPort: given.adminPort,
    probePort: given.probePort,
    logLevel: given.logLevel,
    audit: given.audit,
    handshakeMs: given.handshakeTimeout,
    shutdownMs: given.shutdownTimeout,
    drainDelayMs: given.drainDelay,
    maxConnections: given.maxConnections,
    workers: given.workers,
  };
}

interface Given {
  readonly manifests?: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly operator?: string;
  readonly operatorCa?: string;
  readonly token?: string;
  readonly state?: string;
  readonly readyWithoutPolicy?: boolean;
  readonly listenAddress?: string;
  readonly port?: number;
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly probePort: number;
  readonly logLevel: LogLevel;
  readonly audit: AuditLevel;
  readonly handshakeTimeout: number;
  readonly shutdownTimeout: number;
  readonly drainDelay: number;
  readonly maxConnections: number;
  readonly workers: number | 'auto';
}

function sourceOf(given: Given, program: Command): ClusterSource | StandaloneSource {
  const { manifests, operator, operatorCa, token, state } = given;
  if (manifests !== undefined) {
    return {
      kind: 'standalone',
      folder: manifests,
      namespace: given.namespace,
      labels: given.labels,
      port: given.port,
    };
  }
  if (operator === undefined) {
    return program.error('error: --operator (in a pod) or --manifests (standalone) is needed, to say what to serve');
  }
  if (operatorCa === undefined || token === undefined || state === undefined) {
    return program.error('error: --operator needs --operator-ca, --token and --state too');
  }
  return {
    kind: 'cluster',
    operator,
    caFile: operatorCa,
    tokenFile: token,
    stateDir: state,
    readyWithoutPolicy: given.readyWithoutPolicy === true,
  };
}

function standaloneOnly(flags: string, description: string): Option {
  return new Option(flags, description).conflicts('operator');
}

function inPodOnly(flags: string, description: string): Option {
  return new Option(flags, description).conflicts('manifests');
}

function parseAddress(text: string): string {
  const [, port] = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new InvalidArgumentError('host:port is needed, such as lychgate.lychgate-system.svc:9443');
  return text;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new InvalidArgumentError(`'${pair}' is not of the form key=value`);
    labels[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return labels;
}

function parseCount(text: string): number {
  if (!/^[0-9]{1,7}$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
}

function parseWorkers(text: string): number | 'auto' {
  const workers = readWorkers(text);
  if (workers === undefined) throw new InvalidArgumentError(`${workersValues}, is needed`);
  return workers;
}

function parseTime(text: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('a duration such as 10s or 1m30s is needed');
  return milliseconds;
}

/** Without an end, whoever connects and says nothing would stay. */
function parseLimit(text: string): number {
  const milliseconds = parseTime(text);
  if (milliseconds === 0) throw new InvalidArgumentError('a duration above 0 is needed');
  return milliseconds;
}
