import { durationText } from '../api/duration.ts';
import {
  caConfigMap,
  sidecarContainerName,
  sidecarPortNames,
  sidecarTokenAudience,
  sidecarVolumeNames,
} from '../api/pod-names.ts';
import type { PodSettings } from '../api/pod-settings.ts';
import type { RelayProbe } from '../relay/probe.ts';
import { gracePeriodSeconds, type PodSpec, type Resources } from './pod.ts';
import type { InjectSettings, PodNamespace } from './settings.ts';

/** What the sidecar's container depends on. */
export interface SidecarInput {
  readonly spec: PodSpec;
  readonly settings: PodSettings;
  readonly operator: InjectSettings;
  readonly namespace: PodNamespace;
  readonly resources: Resources;
  readonly probes: readonly RelayProbe[];
}

/** The sidecar: an init container that stays, so that the application starts after it and ends before it. */
export function sidecarContainer(input: SidecarInput): Readonly<Record<string, unknown>> {
  const { settings, operator, resources, probes } = input;
  return {
    name: sidecarContainerName,
    image: settings.image ?? operator.image,
    ...(operator.imagePullPolicy === undefined ? {} : { imagePullPolicy: operator.imagePullPolicy }),
    restartPolicy: 'Always',
    args: sidecarArguments(input),
    env: [
      fieldVariable('POD_NAMESPACE', 'metadata.namespace'),
      fieldVariable('POD_NAME', 'metadata.name'),
      fieldVariable('POD_UID', 'metadata.uid'),
      ...(probes.length === 0 ? [] : [{ name: 'LYCHGATE_PROBES', value: withoutReferences(JSON.stringify(probes)) }]),
    ],
    ports: [
      { name: sidecarPortNames.tls, containerPort: settings.port, protocol: 'TCP' },
      { name: sidecarPortNames.admin, containerPort: settings.adminPort, protocol: 'TCP' },
      ...(probes.length === 0
        ? []
        : [{ name: sidecarPortNames.probe, containerPort: settings.probePort, protocol: 'TCP' }]),
    ],
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    // The application waits for it: short steps, and time enough for a start with little CPU.
    startupProbe: adminProbe('/livez', { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 120 }),
    readinessProbe: adminProbe('/readyz', { periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 }),
    // A busy event loop is no dead one: only half a minute of silence is.
    livenessProbe: adminProbe('/livez', { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 }),
    lifecycle: { preStop: { exec: { command: ['node', '/app/drain.js', `${directories.state}/drain.sock`] } } },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: securityContext(input),
    volumeMounts: [
      { name: sidecarVolumeNames.token, mountPath: directories.token, readOnly: true },
      { name: sidecarVolumeNames.ca, mountPath: directories.ca, readOnly: true },
      { name: sidecarVolumeNames.state, mountPath: directories.state },
      // Only a mount in its place keeps the pod's API token out: the ServiceAccount admission runs again after webhooks.
      { name: sidecarVolumeNames.ca, mountPath: apiTokenDirectory, readOnly: true },
    ],
  };
}

/** The sidecar's volumes: its proof of which pod it is, the operator's CA, and memory for the last good policy. */
export function sidecarVolumes({
  caConfigMap: configMap,
}: InjectSettings): readonly Readonly<Record<string, unknown>>[] {
  return [
    {
      name: sidecarVolumeNames.token,
      projected: {
        // The kubelet narrows it to the one user where all containers have the same, or to fsGroup where there is one;
        // otherwise the sidecar reads it by this, and only the sidecar mounts it.
        defaultMode: 0o644,
        sources: [{ serviceAccountToken: { audience: sidecarTokenAudience, expirationSeconds: 3600, path: 'token' } }],
      },
    },
    {
      name: sidecarVolumeNames.ca,
      // Optional, and the whole directory: it may come later, and it changes.
      configMap: {
        name: configMap,
        optional: true,
        defaultMode: 0o644,
        items: [{ key: caConfigMap.key, path: caConfigMap.key }],
      },
    },
    { name: sidecarVolumeNames.state, emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
  ];
}

function sidecarArguments({ spec, settings, operator }: SidecarInput): string[] {
  const workers = settings.workers ?? operator.workers;
  const graceSeconds = gracePeriodSeconds(spec);
  const shutdownMs = settings.shutdownTimeoutMs ?? Math.max(1, graceSeconds - 5) * 1000;
  return [
    '--operator',
    operator.operatorAddress,
    '--operator-ca',
    `${directories.ca}/${caConfigMap.key}`,
    '--token',
    `${directories.token}/token`,
    '--state',
    directories.state,
    '--admin-address',
    '::',
    '--admin-port',
    `${settings.adminPort}`,
    '--port',
    `${settings.port}`,
    '--probe-port',
    `${settings.probePort}`,
    '--log-level',
    settings.logLevel ?? operator.logLevel,
    '--audit',
    settings.audit ?? operator.audit,
    '--shutdown-timeout',
    durationText(shutdownMs),
    '--drain-delay',
    durationText(drainDelaySeconds(spec) * 1000),
    ...(settings.maxConnections === undefined ? [] : ['--max-connections', `${settings.maxConnections}`]),
    // Left out where it is the sidecar's own default: an older image does not know it.
    ...(workers === 'auto' ? [] : ['--workers', `${workers}`]),
    ...(settings.readyWithoutPolicy ? ['--ready-without-policy'] : []),
  ];
}

/** How long a pod that ends still takes connections, until Services have noticed: 5 s, or less of a short grace period. */
function drainDelaySeconds(spec: PodSpec): number {
  return Math.min(5, Math.floor(gracePeriodSeconds(spec) / 6));
}

function adminProbe(path: string, times: Readonly<Record<string, number>>) {
  return { httpGet: { path, port: sidecarPortNames.admin, scheme: 'HTTP' }, ...times };
}

function fieldVariable(name: string, fieldPath: string) {
  return { name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } };
}

/** `$(NAME)` in a value is a reference for the kubelet, and `$$` a dollar. */
function withoutReferences(value: string): string {
  return value.replaceAll('$', '$$$$');
}

/** As Pod Security's "restricted" wants it, and a root file system that nobody writes to. */
function securityContext({ operator, namespace }: SidecarInput) {
  const ranged = namespace.annotations?.[uidRangeAnnotation] !== undefined;
  const user = operator.user === 'namespace' || ranged ? undefined : operator.user;
  return {
    runAsNonRoot: true,
    ...(user === undefined ? {} : { runAsUser: user, runAsGroup: user }),
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

const directories = {
  token: '/var/run/lychgate/token',
  ca: '/var/run/lychgate/ca',
  state: '/var/run/lychgate/state',
} as const;

const apiTokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** OpenShift's: there every namespace has user ids of its own, and a container that names another is refused. */
const uidRangeAnnotation = 'openshift.io/sa.scc.uid-range';
