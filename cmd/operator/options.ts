import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { durationMs } from '../../pkg/api/duration.ts';
import { caConfigMap } from '../../pkg/api/pod-names.ts';
import { readWorkers, workersValues } from '../../pkg/api/workers-value.ts';
import { defaultSidecarResources, defaultSidecarUser, type InjectSettings } from '../../pkg/inject/settings.ts';
import { type LogLevel, logLevels } from '../../pkg/process/log.ts';
import { version } from './version.ts';

export interface OperatorOptions {
  /** The operator's own namespace. */
  readonly namespace: string;
  /** This replica's name: its pod's. */
  readonly podName: string;
  /** Where other replicas reach this one. */
  readonly podIp: string;
  readonly service: string;
  /** Empty: the whole cluster. */
  readonly watchNamespaces: readonly string[];
  readonly webhookConfiguration: string;
  readonly webhookPort: number;
  readonly pushPort: number;
  readonly adminAddress: string | undefined;
  readonly adminPort: number;
  readonly lease: string;
  readonly caSecret: string;
  readonly caConfigMap: string;
  /** A folder that cert-manager fills; undefined: the operator is its own CA. */
  readonly servingCertificate: string | undefined;
  readonly replicaToken: string;
  readonly statusIntervalMs: number;
  readonly shutdownMs: number;
  /** How long the webhook answers on after SIGTERM. */
  readonly shutdownDelayMs: number;
  readonly logLevel: LogLevel;
  readonly sidecar: Omit<InjectSettings, 'newSecret'>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the command line; prints help or what is wrong with it and ends the process where it cannot go on. */
export function parseOptions(argv: readonly string[], environment: Environment): OperatorOptions {
  const program = new Command('lychgate-operator')
    .description(
      'The Lychgate control plane: watches SslProfiles and RewriteSets, gives sidecars their policy, injects them, writes status.',
    )
    .version(version)
    .addOption(
      new Option('--namespace <name>', "the operator's own namespace").env('POD_NAMESPACE').makeOptionMandatory(),
    )
    .addOption(new Option('--pod-name <name>', 'name of this replica').env('POD_NAME').default(hostname()))
    .addOption(new Option('--pod-ip <ip>', 'where other replicas reach this one').env('POD_IP').default('127.0.0.1'))
    .option(
      '--service <name>',
      "the operator's Service: the name in its certificate, and what sidecars dial",
      'lychgate',
    )
    .option(
      '--watch-namespaces <a,b>',
      'only these namespaces, with rights in them alone; all unless given',
      parseList,
      [],
    )
    .option('--webhook-configuration <name>', 'the MutatingWebhookConfiguration whose caBundle is kept', 'lychgate')
    .option('--webhook-port <number>', 'port of the webhook', parsePort, 10_250)
    .option('--push-port <number>', 'port that sidecars and other replicas dial', parsePort, 9443)
    .option('--admin-address <ip>', 'address of the admin port; every address unless given')
    .option('--admin-port <number>', '/livez, /readyz, /metrics', parsePort, 9844)
    .option('--lease <name>', 'the Lease whose holder writes status', 'lychgate-operator')
    .option('--ca-secret <name>', "the Secret with the operator's own CA", 'lychgate-ca')
    .option(
      '--ca-config-map <name>',
      "the ConfigMap with the operator's CA in every namespace with sidecars",
      caConfigMap.name,
    )
    .option(
      '--serving-certificate <dir>',
      'folder with tls.crt, tls.key, ca.crt, as cert-manager fills it; the operator is then no CA, and caBundle is not written',
    )
    .option('--replica-token <file>', "this pod's token for the other replicas", '/var/run/lychgate/replica/token')
    .option('--sidecar-image <image>', 'image of injected sidecars', 'lychgate')
    .addOption(new Option('--sidecar-image-pull-policy <policy>').choices(['Always', 'IfNotPresent', 'Never']))
    .option('--sidecar-image-pull-secrets <a,b>', "Secrets in the pods' namespaces", parseList, [])
    .addOption(
      new Option(
        '--sidecar-image-annotation <word>',
        'whether the annotation lychgate.dev/image may name another image',
      )
        .choices(['Allow', 'Deny'])
        .default('Deny'),
    )
    .addOption(new Option('--sidecar-log-level <level>').choices([...logLevels]).default('info'))
    .addOption(
      new Option('--sidecar-audit <what>', 'requests in the log of sidecars: none, refused ones, or all')
        .choices(['off', 'refusals', 'all'])
        .default('refusals'),
    )
    .option(
      '--sidecar-workers <number>',
      'threads of a sidecar that serve; auto by its CPU limit',
      parseWorkers,
      'auto',
    )
    .option('--sidecar-cpu-request <quantity>', "'' for none", requests.cpu ?? '')
    .option('--sidecar-cpu-limit <quantity>', "'' for none", limits.cpu ?? '')
    .option('--sidecar-memory-request <quantity>', "'' for none", requests.memory ?? '')
    .option('--sidecar-memory-limit <quantity>', "'' for none", limits.memory ?? '')
    .option(
      '--sidecar-user <id>',
      'user and group of sidecars, or `namespace` where the platform gives every namespace its own range',
      parseUser,
      defaultSidecarUser,
    )
    .option('--status-interval <duration>', 'between two writes of the status of one object', parseTime, 2000)
    .option('--shutdown-timeout <duration>', 'how long SIGTERM waits for what runs', parseTime, 25_000)
    .option(
      '--shutdown-delay <duration>',
      'how long SIGTERM leaves the ports open for whoever is still sent here',
      parseTime,
      3000,
    )
    .addOption(new Option('--log-level <level>').choices([...logLevels]).default('info'));
  // Only what was handed in counts as the environment.
  for (const option of program.options) {
    const value = option.envVar === undefined ? undefined : environment[option.envVar];
    if (value !== undefined && value !== '') program.setOptionValueWithSource(option.attributeName(), value, 'env');
  }
  program.parse([...argv]);
  const given = program.opts<Given>();
  return {
    namespace: given.namespace,
    podName: given.podName,
    podIp: given.podIp,
    service: given.service,
    watchNamespaces: given.watchNamespaces,
    webhookConfiguration: given.webhookConfiguration,
    webhookPort: given.webhookPort,
    pushPort: given.pushPort,
    adminAddress: given.adminAddress,
    adminPort: given.adminPort,
    lease: given.lease,
    caSecret: given.caSecret,
    caConfigMap: given.caConfigMap,
    servingCertificate: given.servingCertificate,
    replicaToken: given.replicaToken,
    statusIntervalMs: given.statusInterval,
    shutdownMs: given.shutdownTimeout,
    shutdownDelayMs: given.shutdownDelay,
    logLevel: given.logLevel,
    sidecar: {
      image: given.sidecarImage,
      imagePullPolicy: given.sidecarImagePullPolicy,
      imagePullSecrets: given.sidecarImagePullSecrets,
      imageAnnotation: given.sidecarImageAnnotation,
      operatorAddress: `${given.service}.${given.namespace}.svc:9443`,
      caConfigMap: given.caConfigMap,
      resources: {
        requests: { cpu: quantity(given.sidecarCpuRequest), memory: quantity(given.sidecarMemoryRequest) },
        limits: { cpu: quantity(given.sidecarCpuLimit), memory: quantity(given.sidecarMemoryLimit) },
      },
      logLevel: given.sidecarLogLevel,
      audit: given.sidecarAudit,
      workers: given.sidecarWorkers,
      version,
      user: given.sidecarUser,
    },
  };
}

/** What is used as it is given, and what is put together of what is given. */
interface Given extends Omit<OperatorOptions, 'shutdownDelayMs' | 'shutdownMs' | 'sidecar' | 'statusIntervalMs'> {
  readonly sidecarImage: string;
  readonly sidecarImagePullPolicy: InjectSettings['imagePullPolicy'];
  readonly sidecarImagePullSecrets: readonly string[];
  readonly sidecarImageAnnotation: InjectSettings['imageAnnotation'];
  readonly sidecarLogLevel: LogLevel;
  readonly sidecarAudit: string;
  readonly sidecarWorkers: InjectSettings['workers'];
  readonly sidecarCpuRequest: string;
  readonly sidecarCpuLimit: string;
  readonly sidecarMemoryRequest: string;
  readonly sidecarMemoryLimit: string;
  readonly sidecarUser: InjectSettings['user'];
  readonly statusInterval: number;
  readonly shutdownTimeout: number;
  readonly shutdownDelay: number;
}

function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function parsePort(text: string): number {
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('a port is needed: 0 to 65535');
  return Number(text);
}

function parseUser(text: string): InjectSettings['user'] {
  if (text === 'namespace') return text;
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new InvalidArgumentError('a user id above 0, or `namespace`, is needed');
  return Number(text);
}

function parseWorkers(text: string): InjectSettings['workers'] {
  const workers = readWorkers(text);
  if (workers === undefined) throw new InvalidArgumentError(`${workersValues}, is needed`);
  return workers;
}

function parseTime(text: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('a duration such as 10s or 1m30s is needed');
  return milliseconds;
}

function quantity(text: string): string | undefined {
  return text === '' ? undefined : text;
}

const { requests, limits } = defaultSidecarResources;
