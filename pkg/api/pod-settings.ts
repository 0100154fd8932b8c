import { nearest } from './distance.ts';
import { durationMs } from './duration.ts';
import { injectedVersionAnnotation, podLabels, podPrefix } from './pod-names.ts';
import { quantityNano } from './quantity.ts';
import { wholeNumber } from './whole-number.ts';
import { readWorkers, workersValues } from './workers-value.ts';

/** What a pod's annotations say about its sidecar; what they leave out, the operator's settings decide. */
export interface PodSettings {
  readonly port: number;
  readonly adminPort: number;
  readonly probePort: number;
  readonly logLevel: string | undefined;
  readonly audit: string | undefined;
  readonly cpuRequest: string | undefined;
  readonly cpuLimit: string | undefined;
  readonly memoryRequest: string | undefined;
  readonly memoryLimit: string | undefined;
  readonly readyWithoutPolicy: boolean;
  readonly shutdownTimeoutMs: number | undefined;
  readonly maxConnections: number | undefined;
  readonly workers: number | 'auto' | undefined;
  readonly image: string | undefined;
  readonly imagePullSecret: string | undefined;
}

/** One annotation that users may set. */
export interface PodSetting<T> {
  /** With its prefix. */
  readonly annotation: string;
  /** Legal values, for people. */
  readonly values: string;
  /** What holds without it, for people. */
  readonly default: string;
  /** Markdown, a sentence or two. */
  readonly meaning: string;
  /** Its value; undefined where the text is not legal. Never throws. */
  read(text: string): T | undefined;
}

/** What was read of a pod's annotations. */
export interface ReadPodSettings {
  /** With defaults where there are faults. */
  readonly settings: PodSettings;
  /** Sentences that name annotation, value and rule. */
  readonly faults: readonly string[];
  /** Sentences about annotations with our prefix that mean nothing. */
  readonly warnings: readonly string[];
}

/** What the label `lychgate.dev/inject` says. */
export type InjectLabel =
  | { readonly kind: 'absent' }
  | { readonly kind: 'asked' }
  | { readonly kind: 'declined' }
  | { readonly kind: 'illegal'; readonly message: string };

/** Reads the label `lychgate.dev/inject` of a pod or namespace. */
export function readInjectLabel(labels: Readonly<Record<string, string>>): InjectLabel {
  const value = labels[podLabels.inject];
  switch (value) {
    case undefined:
      return { kind: 'absent' };
    case 'true':
      return { kind: 'asked' };
    case 'false':
      return { kind: 'declined' };
    default:
      return {
        kind: 'illegal',
        message: `label ${podLabels.inject} is ${JSON.stringify(value)}; legal: "true", "false"`,
      };
  }
}

/** Reads the annotations of a pod; every fault at once. Never throws. */
export function readPodSettings(annotations: Readonly<Record<string, string>>): ReadPodSettings {
  const faults: string[] = [];
  function value<T>(setting: PodSetting<T>): T | undefined {
    const text = annotations[setting.annotation];
    if (text === undefined) return undefined;
    const read = setting.read(text);
    if (read === undefined) faults.push(`annotation ${setting.annotation} is ${shown(text)}; legal: ${setting.values}`);
    return read;
  }
  const settings: PodSettings = {
    port: value(podSettings.port) ?? defaultPodPorts.port,
    adminPort: value(podSettings.adminPort) ?? defaultPodPorts.adminPort,
    probePort: value(podSettings.probePort) ?? defaultPodPorts.probePort,
    logLevel: value(podSettings.logLevel),
    audit: value(podSettings.audit),
    cpuRequest: value(podSettings.cpuRequest),
    cpuLimit: value(podSettings.cpuLimit),
    memoryRequest: value(podSettings.memoryRequest),
    memoryLimit: value(podSettings.memoryLimit),
    readyWithoutPolicy: value(podSettings.readyWithoutPolicy) ?? false,
    shutdownTimeoutMs: value(podSettings.shutdownTimeout),
    maxConnections: value(podSettings.maxConnections),
    workers: value(podSettings.workers),
    image: value(podSettings.image),
    imagePullSecret: value(podSettings.imagePullSecret),
  };
  faults.push(...samePorts(settings));
  return { settings, faults, warnings: Object.keys(annotations).flatMap(unknownWarning) };
}

function samePorts({ port, adminPort, probePort }: PodSettings): string[] {
  const ports = [
    [podSettings.port.annotation, port],
    [podSettings.adminPort.annotation, adminPort],
    [podSettings.probePort.annotation, probePort],
  ] as const;
  return ports.flatMap(([name, number], index) =>
    ports
      .slice(0, index)
      .filter(([, other]) => other === number)
      .map(([other]) => `annotations ${other} and ${name} are both ${number}; give them different ports`),
  );
}

function unknownWarning(name: string): string[] {
  if (!name.startsWith(podPrefix) || knownNames.includes(name)) return [];
  if (name === podLabels.inject || name === podLabels.sidecar) {
    return [`annotation ${name} means nothing; it is a label`];
  }
  const near = nearest(
    name.slice(podPrefix.length),
    knownNames.map((known) => known.slice(podPrefix.length)),
  );
  return [
    `annotation ${shown(name)} means nothing${near === undefined ? `; known: ${knownNames.join(', ')}` : `; did you mean ${podPrefix}${near}?`}`,
  ];
}

function portSetting(name: string, port: number, meaning: string): PodSetting<number> {
  return {
    annotation: `${podPrefix}${name}`,
    values: '1024 to 65535',
    default: `${port}`,
    meaning,
    read: (text) => wholeNumber(text, 1024, 65_535),
  };
}

function choiceSetting(
  name: string,
  values: readonly string[],
  byDefault: string,
  meaning: string,
): PodSetting<string> {
  return {
    annotation: `${podPrefix}${name}`,
    values: values.join(', '),
    default: byDefault,
    meaning,
    read: (text) => (values.includes(text) ? text : undefined),
  };
}

function quantitySetting(name: string, least: string, example: string, meaning: string): PodSetting<string> {
  const leastNano = quantityNano(least) ?? 0n;
  return {
    annotation: `${podPrefix}${name}`,
    values: `a quantity such as ${example}, at least ${least}`,
    default: "the operator's",
    meaning,
    read: (text) => {
      const nano = quantityNano(text);
      return nano === undefined || nano < leastNano ? undefined : text;
    },
  };
}

/** For a message: one line, at most 80 characters. */
function shown(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length > 80 ? `${quoted.slice(0, 77)}..."` : quoted;
}

/** Ports of a pod that declares none. */
export const defaultPodPorts = { port: 8443, adminPort: 9844, probePort: 9845 } as const;

/** Every annotation that users may set, in the order of the reference page. */
export const podSettings = {
  port: portSetting(
    'port',
    defaultPodPorts.port,
    'The port that the sidecar terminates mutual TLS on, for every profile that names no other; declared as `lychgate-tls`.',
  ),
  adminPort: portSetting(
    'admin-port',
    defaultPodPorts.adminPort,
    "The port of the sidecar's own probes and of `/metrics`; declared as `lychgate-admin`.",
  ),
  probePort: portSetting(
    'probe-port',
    defaultPodPorts.probePort,
    "The port on which the sidecar relays the kubelet's probes of the application; declared as `lychgate-probe` where there are any.",
  ),
  logLevel: choiceSetting(
    'log-level',
    ['debug', 'info', 'warn', 'error'],
    "the operator's (`info`)",
    "The sidecar's log.",
  ),
  audit: choiceSetting(
    'audit',
    ['off', 'refusals', 'all'],
    "the operator's (`refusals`)",
    'Requests in the log: none, refused ones, or all.',
  ),
  cpuRequest: quantitySetting('cpu-request', '1m', '100m', 'CPU that the sidecar is guaranteed.'),
  cpuLimit: quantitySetting('cpu-limit', '10m', '500m', 'CPU that the sidecar may use at most.'),
  memoryRequest: quantitySetting('memory-request', '64Mi', '128Mi', 'Memory that the sidecar is guaranteed.'),
  memoryLimit: quantitySetting('memory-limit', '64Mi', '256Mi', 'Memory at which the sidecar is killed.'),
  readyWithoutPolicy: {
    annotation: `${podPrefix}ready-without-policy`,
    values: 'true, false',
    default: '`false`',
    meaning:
      '`true`: the pod may be ready before any profile is in force. For Jobs and other pods that call and are not called; nothing is served without a policy in any case.',
    read: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  } satisfies PodSetting<boolean>,
  shutdownTimeout: {
    annotation: `${podPrefix}shutdown-timeout`,
    values: 'a duration such as 25s or 1m30s, 1s to 1h',
    default: '5 s less than `terminationGracePeriodSeconds`',
    meaning: 'How long running requests may take to finish when the pod ends.',
    read: (text) => {
      const milliseconds = durationMs(text);
      return milliseconds !== undefined && milliseconds >= 1000 && milliseconds <= 3_600_000 ? milliseconds : undefined;
    },
  } satisfies PodSetting<number>,
  maxConnections: {
    annotation: `${podPrefix}max-connections`,
    values: '0 (no limit) to 1000000',
    default: '0',
    meaning: "Client connections at once, over all of the pod's ports; the profiles' own limits hold besides.",
    read: (text) => wholeNumber(text, 0, 1_000_000),
  } satisfies PodSetting<number>,
  workers: {
    annotation: `${podPrefix}workers`,
    values: workersValues,
    default: "the operator's (`auto`)",
    meaning:
      "Threads of the sidecar that serve. `auto`: one for each whole CPU of the sidecar's CPU limit, as far as its memory limit has room for them; one where there is no CPU limit.",
    read: readWorkers,
  } satisfies PodSetting<number | 'auto'>,
  image: {
    annotation: `${podPrefix}image`,
    values: 'an image reference without white space, at most 512 characters',
    default: "the operator's",
    meaning: "Another image of the sidecar. Denied unless the operator's administrator allows it.",
    read: (text) => (/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}$/.test(text) ? text : undefined),
  } satisfies PodSetting<string>,
  imagePullSecret: {
    annotation: `${podPrefix}image-pull-secret`,
    values: 'the name of a Secret',
    default: "the operator's, if any",
    meaning: "A Secret of the pod's namespace with which the sidecar's image is pulled, added to the pod's.",
    read: (text) =>
      text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
        ? text
        : undefined,
  } satisfies PodSetting<string>,
} as const;

const knownNames: readonly string[] = [
  ...Object.values(podSettings).map(({ annotation }) => annotation),
  injectedVersionAnnotation,
];
