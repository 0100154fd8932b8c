import { z } from 'zod';
import { durationPattern } from '../../pkg/api/duration.ts';
import { logLevels } from '../../pkg/process/log.ts';

/*
 * The chart's values: names, types, bounds, defaults and what they mean. values.yaml, values.schema.json and the table in the
 * chart's README are made from it. Every leaf has an example that differs from its default; the tests of the chart set it,
 * and the render must change.
 */

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** One value with its default and an example of another. */
function leaf<T extends z.ZodType>(schema: T, fallback: z.output<T>, example: z.output<T>, description: string) {
  return schema.default(fallback as never).meta({ description, examples: [example] });
}

/** An object of values; a key that is not named here fails `helm install`. */
function group<T extends z.ZodRawShape>(description: string, shape: T) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ description });
}

/** What Kubernetes itself describes; handed on as it is. */
const kubernetesObject = z.looseObject({});
const strings = z.record(z.string(), z.string());
const text = z.string();
const label = z.string().regex(dnsLabel).max(63);
const optionalLabel = z
  .string()
  .regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$/)
  .max(63);
const quantity = z.string().regex(/^([0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?)?$/);
const duration = z.string().regex(durationPattern);
const prometheusDuration = z.string().regex(/^([0-9]+(ms|[smhdwy]))*$/);
const port = z.int().min(1024).max(65535);
const countOrShare = z.union([z.int().min(0), z.string().regex(/^[0-9]{1,3}%$/)]);
const digest = z.string().regex(/^(sha256:[0-9a-f]{64})?$/);
const secretNames = z.array(z.strictObject({ name: label }));
const exampleDigest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const logLevel = z.enum(logLevels);

function probe(description: string, periodSeconds: number, failureThreshold: number) {
  return group(description, {
    periodSeconds: leaf(z.int().min(1), periodSeconds, periodSeconds + 4, 'Seconds between two probes.'),
    timeoutSeconds: leaf(z.int().min(1), 3, 4, 'Seconds after which an unanswered probe has failed.'),
    failureThreshold: leaf(z.int().min(1), failureThreshold, failureThreshold + 4, 'How many must fail in a row.'),
  });
}

function monitor(description: string) {
  return group(description, {
    enabled: leaf(z.boolean(), false, true, 'Whether it is made.'),
    labels: leaf(strings, {}, { release: 'prometheus' }, 'Labels by which a Prometheus selects its monitors.'),
    annotations: leaf(strings, {}, { team: 'platform' }, 'Annotations of the monitor.'),
    interval: leaf(prometheusDuration, '', '15s', "How often it is scraped; empty: Prometheus' own default."),
    scrapeTimeout: leaf(prometheusDuration, '', '5s', "How long a scrape may take; empty: Prometheus' own default."),
    relabelings: leaf(
      z.array(kubernetesObject),
      [],
      [{ targetLabel: 'cluster', replacement: 'one' }],
      'Relabelings of the target.',
    ),
    metricRelabelings: leaf(
      z.array(kubernetesObject),
      [],
      [{ action: 'labeldrop', regex: 'version' }],
      'Relabelings of the samples.',
    ),
  });
}

const operator = group('The control plane.', {
  replicas: leaf(
    z.int().min(0).max(99).nullable(),
    2,
    3,
    'Replicas; all serve sidecars and the webhook, one writes status. `null` leaves the number out of the Deployment, for an autoscaler.',
  ),
  logLevel: leaf(logLevel, 'info', 'debug', 'Least severe log line that is written.'),
  statusInterval: leaf(duration, '2s', '5s', 'Shortest time between two writes of one status.'),
  caConfigMapName: leaf(
    optionalLabel,
    '',
    'gate-ca',
    "ConfigMap with the operator's CA, in every namespace with gated pods; empty: `lychgate-ca`. Gated pods mount it by name, so change it only with all of them.",
  ),
  resources: leaf(
    kubernetesObject,
    { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '512Mi' } },
    { requests: { cpu: '200m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    'Resources of the container. No CPU limit: throttled, it would answer the webhook late.',
  ),
  podSecurityContext: leaf(
    kubernetesObject,
    {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    { runAsUser: 1000 },
    'Security context of the pod; it passes the Pod Security Standard "restricted". Where the platform gives users (OpenShift), set the three numbers to `null`.',
  ),
  securityContext: leaf(
    kubernetesObject,
    { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    { readOnlyRootFilesystem: false },
    'Security context of the container.',
  ),
  startupProbe: probe('Until the process runs.', 1, 30),
  livenessProbe: probe('Whether the event loop turns; it does not depend on the API server.', 10, 3),
  readinessProbe: probe('Whether all lists are in and both ports listen.', 5, 2),
  shutdownDelay: leaf(
    duration,
    '5s',
    '8s',
    'How long webhook and push port stay open after SIGTERM, for whoever is still sent here.',
  ),
  terminationGracePeriodSeconds: leaf(
    z.int().min(15).max(600),
    30,
    60,
    'Seconds before the kubelet kills the pod; five less are left to what runs.',
  ),
  revisionHistoryLimit: leaf(z.int().min(0), 3, 5, 'ReplicaSets that are kept for a roll-back.'),
  minReadySeconds: leaf(z.int().min(0), 0, 10, 'Seconds for which a new pod must be ready.'),
  rollingUpdate: group('How pods are replaced.', {
    maxUnavailable: leaf(countOrShare, 0, 1, 'Pods that may be missing meanwhile.'),
    maxSurge: leaf(countOrShare, 1, 2, 'Pods that may be too many meanwhile.'),
  }),
  nodeSelector: leaf(
    strings,
    { 'kubernetes.io/os': 'linux' },
    { 'kubernetes.io/os': 'linux', pool: 'system' },
    'Labels of the nodes.',
  ),
  tolerations: leaf(
    z.array(kubernetesObject),
    [],
    [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
    'Taints that are tolerated.',
  ),
  affinity: leaf(
    kubernetesObject,
    {},
    { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    'Affinity of the pods.',
  ),
  topologySpreadConstraints: leaf(
    z.array(kubernetesObject),
    [
      { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
      { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
    ],
    [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' }],
    'How the replicas are spread; a constraint without `labelSelector` gets the one of the Deployment.',
  ),
  priorityClassName: leaf(
    text,
    '',
    'system-cluster-critical',
    'Priority class. `system-cluster-critical` keeps the webhook up where nodes are full; some clusters allow it in kube-system only.',
  ),
  runtimeClassName: leaf(text, '', 'gvisor', 'Runtime class.'),
  hostNetwork: leaf(
    z.boolean(),
    false,
    true,
    "On the node's network, where the API server cannot reach pods (EKS with another CNI). Needs another `ports.webhook` than 10250.",
  ),
  hostUsers: leaf(
    z.boolean().nullable(),
    null,
    false,
    "`false`: a user namespace of the pod's own, where nodes can; `null`: the cluster's default.",
  ),
  annotations: leaf(strings, {}, { team: 'platform' }, 'Annotations of the Deployment.'),
  podAnnotations: leaf(strings, {}, { team: 'platform' }, 'Annotations of the pods.'),
  podLabels: leaf(strings, {}, { team: 'platform' }, 'Labels of the pods.'),
  extraArgs: leaf(z.array(text), [], ['--admin-address=0.0.0.0'], 'Further arguments.'),
  extraEnv: leaf(z.array(kubernetesObject), [], [{ name: 'TZ', value: 'UTC' }], 'Further environment variables.'),
  extraVolumes: leaf(z.array(kubernetesObject), [], [{ name: 'more', emptyDir: {} }], 'Further volumes.'),
  extraVolumeMounts: leaf(z.array(kubernetesObject), [], [{ name: 'more', mountPath: '/more' }], 'Further mounts.'),
});

const sidecar = group('What is injected into pods that ask. A pod may say otherwise by annotations.', {
  image: group("The sidecar's image; what is empty is taken from `image`.", {
    registry: leaf(text, '', 'registry.example', 'Registry.'),
    repository: leaf(text, '', 'mirror/lychgate', 'Repository.'),
    tag: leaf(text, '', '0.0.9', 'Tag.'),
    digest: leaf(
      digest,
      '',
      exampleDigest,
      "Digest; `image.digest` counts only where the sidecar's image is the operator's.",
    ),
    pullPolicy: leaf(z.enum(['', 'Always', 'IfNotPresent', 'Never']), '', 'Always', 'Pull policy.'),
    pullSecrets: leaf(
      secretNames,
      [],
      [{ name: 'pull' }],
      "Pull secrets that injected pods name besides `image.pullSecrets`; they must exist in the pods' namespaces.",
    ),
  }),
  imageAnnotation: leaf(
    z.enum(['Allow', 'Deny']),
    'Deny',
    'Allow',
    'Whether the annotation lychgate.dev/image of a pod may name another image.',
  ),
  user: leaf(
    z.union([z.int().min(1), z.literal('namespace')]),
    65532,
    'namespace',
    'User and group of the sidecar; `namespace`: left out, where the platform gives every namespace a range of its own (OpenShift).',
  ),
  logLevel: leaf(logLevel, 'info', 'debug', 'Least severe log line that is written.'),
  audit: leaf(z.enum(['off', 'refusals', 'all']), 'refusals', 'all', 'Which decisions are logged.'),
  workers: leaf(
    z.union([z.literal('auto'), z.int().min(1).max(64)]),
    'auto',
    2,
    'Threads that serve; `auto`: one for each whole CPU of the CPU limit, one where there is none.',
  ),
  resources: group('Resources, so that quotas and autoscalers keep working.', {
    requests: group('What is set aside.', {
      cpu: leaf(quantity, '100m', '50m', 'CPU; empty: none.'),
      memory: leaf(quantity, '128Mi', '160Mi', 'Memory; empty: none.'),
    }),
    limits: group('What it may take at most.', {
      cpu: leaf(quantity, '', '2', 'CPU; empty: no limit, except in pods of the class Guaranteed.'),
      memory: leaf(quantity, '256Mi', '512Mi', 'Memory; empty: none.'),
    }),
  }),
});

const metrics = group('Metrics, alerts and the dashboard.', {
  scrapeAnnotations: leaf(
    z.boolean(),
    true,
    false,
    "`prometheus.io/scrape` on the operator's pods where there is no ServiceMonitor.",
  ),
  apiCheck: leaf(
    z.enum(['Enforce', 'Skip']),
    'Enforce',
    'Skip',
    'Whether monitors and rules are refused where the cluster does not have the kinds of the Prometheus Operator.',
  ),
  serviceMonitor: monitor('Scrapes the operator.'),
  podMonitor: monitor('Scrapes the sidecars, in all watched namespaces.'),
  prometheusRule: group('Alerts, each with a runbook.', {
    enabled: leaf(z.boolean(), false, true, 'Whether they are made.'),
    labels: leaf(strings, {}, { release: 'prometheus' }, 'Labels by which a Prometheus selects its rules.'),
    annotations: leaf(strings, {}, { team: 'platform' }, 'Annotations of the object.'),
    alertLabels: leaf(strings, {}, { team: 'platform' }, 'Labels of every alert.'),
    runbookBaseUrl: leaf(
      z.url(),
      'https://lychgate.dev/docs/runbooks',
      'https://wiki.example/runbooks',
      "Where the pages of docs/runbooks are; the alert's name is appended.",
    ),
    disabled: leaf(z.array(text), [], ['LychgateApplicationExposed'], 'Names of alerts that are left out.'),
  }),
  dashboards: group('Grafana dashboards in a ConfigMap, for its sidecar that looks for labels.', {
    enabled: leaf(z.boolean(), false, true, 'Whether it is made.'),
    namespace: leaf(optionalLabel, '', 'monitoring', "Where; empty: the release's namespace."),
    labels: leaf(strings, { grafana_dashboard: '1' }, { grafana_dashboard: 'yes' }, 'Labels that Grafana looks for.'),
    annotations: leaf(strings, {}, { grafana_folder: 'Lychgate' }, 'Annotations, such as the folder.'),
  }),
});

const networkPolicy = group(
  'Who may talk to the operator, and to whom it may talk. It is not about applications: see `lychgate networkpolicy`.',
  {
    enabled: leaf(z.boolean(), true, false, 'Whether it is made.'),
    metricsFrom: leaf(
      z.array(kubernetesObject),
      [{ namespaceSelector: {} }],
      [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      'Peers that may read metrics. The kubelet may in any case.',
    ),
    extraIngress: leaf(z.array(kubernetesObject), [], [{ from: [{ podSelector: {} }] }], 'Further rules.'),
    egress: group('Whom the operator may talk to: DNS, the API server, other replicas.', {
      enabled: leaf(z.boolean(), true, false, 'Whether it is limited.'),
      apiServerPorts: leaf(
        z.array(z.int().min(1).max(65535)).min(1),
        [443, 6443, 8443, 16443],
        [6443],
        "Ports of the API server itself, as `kubectl get endpointslices` names them; policies do not see the Service's.",
      ),
      extra: leaf(z.array(kubernetesObject), [], [{ to: [{ podSelector: {} }] }], 'Further rules.'),
    }),
  },
);

/** All values of the chart, in the order of values.yaml. */
export const chartValues = z
  .strictObject({
    global: z
      .looseObject({
        imageRegistry: leaf(text, '', 'registry.example', 'Registry of all images, over every other.'),
        imagePullSecrets: leaf(secretNames, [], [{ name: 'pull' }], 'Pull secrets of all pods.'),
      })
      .prefault({})
      .meta({ description: 'Shared with other charts of a release.' }),
    nameOverride: leaf(optionalLabel, '', 'gate', "Instead of the chart's name."),
    fullnameOverride: leaf(optionalLabel, '', 'gate', 'Instead of the name of all objects.'),
    namespaceOverride: leaf(optionalLabel, '', 'gates', "Instead of the release's namespace."),
    commonLabels: leaf(strings, {}, { team: 'platform' }, 'Labels of every object.'),
    image: group("The operator's image, and the sidecar's where that says nothing else.", {
      registry: leaf(text, 'ghcr.io', 'registry.example', 'Registry; empty: none.'),
      repository: leaf(z.string().min(1), 'lychgate/lychgate', 'mirror/lychgate', 'Repository.'),
      tag: leaf(text, '', '0.0.9', "Tag; empty: the chart's appVersion."),
      digest: leaf(digest, '', exampleDigest, 'Digest; it counts more than the tag.'),
      pullPolicy: leaf(z.enum(['Always', 'IfNotPresent', 'Never']), 'IfNotPresent', 'Always', 'Pull policy.'),
      pullSecrets: leaf(
        secretNames,
        [],
        [{ name: 'pull' }],
        'Pull secrets; injected pods name them too, so they must exist in their namespaces.',
      ),
    }),
    crds: group('The CustomResourceDefinitions. `helm upgrade` upgrades them.', {
      install: leaf(z.boolean(), true, false, 'Whether they are part of the release.'),
      keep: leaf(z.boolean(), true, false, 'Whether they, and with them all profiles, outlive the release.'),
    }),
    watchNamespaces: leaf(
      z.array(label),
      [],
      ['shop', 'stock'],
      'Namespaces that are served; none: all. With a list the operator has no rights in other namespaces.',
    ),
    operator,
    podDisruptionBudget: group('Keeps the webhook up while nodes are drained; only with two or more replicas.', {
      enabled: leaf(z.boolean(), true, false, 'Whether it is made.'),
      minAvailable: leaf(countOrShare.nullable(), null, 1, 'Pods that must stay; counts more than `maxUnavailable`.'),
      maxUnavailable: leaf(countOrShare.nullable(), 1, '50%', 'Pods that may be missing.'),
      unhealthyPodEvictionPolicy: leaf(
        z.enum(['AlwaysAllow', 'IfHealthyBudget']),
        'AlwaysAllow',
        'IfHealthyBudget',
        'Whether a pod that is not ready may always be evicted.',
      ),
    }),
    ports: group('Ports of the operator in its pods. The Service has 443 and 9443 whatever they are.', {
      webhook: leaf(
        port,
        10250,
        10260,
        'Webhook. 10250 is open from the API server in private clusters of GKE and EKS.',
      ),
      push: leaf(port, 9443, 9543, 'Policies to sidecars.'),
      admin: leaf(port, 9844, 9944, 'Health and metrics.'),
    }),
    service: group('The Service before webhook and push port.', {
      labels: leaf(strings, {}, { team: 'platform' }, 'Labels.'),
      annotations: leaf(strings, {}, { team: 'platform' }, 'Annotations.'),
      ipFamilyPolicy: leaf(
        z.enum(['', 'SingleStack', 'PreferDualStack', 'RequireDualStack']),
        '',
        'PreferDualStack',
        "Families of addresses; empty: the cluster's default.",
      ),
      ipFamilies: leaf(z.array(z.enum(['IPv4', 'IPv6'])).max(2), [], ['IPv6'], 'Their order.'),
    }),
    serviceAccount: group("The operator's account.", {
      create: leaf(z.boolean(), true, false, 'Whether it is made.'),
      name: leaf(optionalLabel, '', 'gatekeeper', "Name; empty: the release's."),
      annotations: leaf(strings, {}, { team: 'platform' }, 'Annotations.'),
    }),
    rbac: group("The operator's rights.", {
      create: leaf(z.boolean(), true, false, 'Whether roles and bindings are made.'),
      aggregateRoles: leaf(
        z.boolean(),
        true,
        false,
        'Whether the roles view, edit and admin of the cluster take in the two kinds.',
      ),
    }),
    sidecar,
    webhook: group('The injection webhook. It fails closed.', {
      timeoutSeconds: leaf(z.int().min(1).max(30), 5, 8, 'How long the API server waits for an answer.'),
      excludedNamespaces: leaf(
        z.array(label),
        [],
        ['kube-node-lease'],
        "Namespaces whose pods are never looked at, besides kube-system and the release's own; the admission policy leaves them out too.",
      ),
      annotations: leaf(strings, {}, { team: 'platform' }, 'Annotations of its configuration.'),
    }),
    admissionPolicy: group(
      'A ValidatingAdmissionPolicy: a pod that asked for a gate never starts without one, even when the webhook is gone.',
      {
        enabled: leaf(z.boolean(), true, false, 'Whether it is made.'),
        validationActions: leaf(
          z.array(z.enum(['Deny', 'Warn', 'Audit'])).min(1),
          ['Deny'],
          ['Deny', 'Audit'],
          'What follows from a breach.',
        ),
      },
    ),
    certManager: group('The serving certificate from cert-manager. Otherwise the operator makes and rotates its own.', {
      enabled: leaf(z.boolean(), false, true, 'Whether it is used.'),
      issuerRef: group('An issuer that puts its CA into the Secret as `ca.crt`: CA, Vault or self-signed, not ACME.', {
        name: leaf(text, '', 'platform-ca', 'Name; required.'),
        kind: leaf(text, 'ClusterIssuer', 'Issuer', 'Kind.'),
        group: leaf(text, 'cert-manager.io', 'issuers.example', 'API group.'),
      }),
      duration: leaf(duration, '2160h', '720h', 'How long a certificate is valid.'),
      renewBefore: leaf(duration, '720h', '240h', 'How long before its end it is renewed.'),
    }),
    networkPolicy,
    metrics,
    extraObjects: leaf(
      z.array(kubernetesObject),
      [],
      [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'more', namespace: '{{ .Release.Namespace }}' } }],
      'Further manifests; templates in them are filled in.',
    ),
  })
  .meta({ title: 'Values of the chart lychgate' });
