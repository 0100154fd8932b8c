import { Command, InvalidArgumentError, Option } from 'commander';
import { durationMs } from '../../pkg/api/duration.ts';
import { type LogLevel, logLevels } from '../../pkg/process/log.ts';
import type { AuditLevel } from '../../pkg/proxy/deps.ts';
import { defaultPort, type Pod, standalonePod } from '../../pkg/translate/world.ts';
import { version } from './version.ts';

export interface SidecarOptions {
  readonly manifests: string;
  readonly pod: Pod;
  readonly listenAddress: string | undefined;
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly logLevel: LogLevel;
  readonly audit: AuditLevel;
  readonly handshakeMs: number;
  readonly shutdownMs: number;
  readonly maxConnections: number;
}

/** Reads the command line; prints help or what is wrong with it and ends the process where it cannot go on. */
export function parseOptions(argv: readonly string[]): SidecarOptions {
  const program = new Command('lychgate-sidecar')
    .description(
      'The Lychgate data plane: terminates mutual TLS, judges client certificates, forwards to the application.',
    )
    .version(version)
    .requiredOption(
      '--manifests <dir>',
      'folder of manifests (SslProfile, RewriteSet, Secret, ConfigMap), as `kubectl apply -f DIR` takes it',
    )
    .option('--namespace <name>', 'only profiles of this namespace, as in a pod of it; every namespace unless given')
    .option(
      '--labels <k=v,...>',
      'labels of this pod: only profiles whose selector matches; every selector unless given',
      parseLabels,
    )
    .option('--listen-address <ip>', 'address of the TLS ports; every address, IPv4 and IPv6, unless given')
    .option('--port <number>', 'TLS port of profiles that name none', parseCount, defaultPort)
    .option('--admin-address <ip>', 'address of the admin port', '127.0.0.1')
    .option('--admin-port <number>', '/livez, /readyz, /metrics, /config; 0 takes a free port', parseCount, 9844)
    .addOption(new Option('--log-level <level>').choices([...logLevels]).default('info'))
    .addOption(
      new Option('--audit <what>', 'requests in the log: none, refused ones, or all')
        .choices(['off', 'refusals', 'all'])
        .default('refusals'),
    )
    .option(
      '--handshake-timeout <duration>',
      'from the TCP connection to the end of the TLS handshake',
      parseTime,
      10_000,
    )
    .option('--shutdown-timeout <duration>', 'how long SIGTERM waits for running requests', parseTime, 25_000)
    .option('--max-connections <number>', 'client connections at once, over all ports; 0 for no limit', parseCount, 0)
    .parse([...argv]);
  const given = program.opts<{
    manifests: string;
    namespace?: string;
    labels?: Record<string, string>;
    listenAddress?: string;
    port: number;
    adminAddress: string;
    adminPort: number;
    logLevel: LogLevel;
    audit: AuditLevel;
    handshakeTimeout: number;
    shutdownTimeout: number;
    maxConnections: number;
  }>();
  return {
    manifests: given.manifests,
    pod: { ...standalonePod, namespace: given.namespace, labels: given.labels, port: given.port },
    listenAddress: given.listenAddress,
    adminAddress: given.adminAddress,
    adminPort: given.adminPort,
    logLevel: given.logLevel,
    audit: given.audit,
    handshakeMs: given.handshakeTimeout,
    shutdownMs: given.shutdownTimeout,
    maxConnections: given.maxConnections,
  };
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

function parseTime(text: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('a duration such as 10s or 1m30s is needed');
  return milliseconds;
}
