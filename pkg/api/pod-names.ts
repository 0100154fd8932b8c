/*
 * Names that stand in pods and that operator, sidecar, injection and chart must agree on. What users set is in
 * pod-settings.ts.
 */

/** Labels of pods; `inject` stands on namespaces too. */
export const podLabels = {
  /** `"true"` asks for a sidecar, `"false"` for none; a pod's wins over its namespace's. */
  inject: 'lychgate.dev/inject',
  /** Set by us, always `injected`: what selects pods that have a sidecar. */
  sidecar: 'lychgate.dev/sidecar',
} as const;

/** The one value of the label `lychgate.dev/sidecar`. */
export const injectedLabelValue = 'injected';

/** Prefix of every label and annotation of ours. */
export const podPrefix = 'lychgate.dev/';

/** Annotation set by us: the version that made the pod. */
export const injectedVersionAnnotation = 'lychgate.dev/injected-version';

/** Name of the container, the first of `initContainers`. */
export const sidecarContainerName = 'lychgate';

/** Names of the sidecar's ports. Services point at `tls` by `targetPort`. */
export const sidecarPortNames = { tls: 'lychgate-tls', admin: 'lychgate-admin', probe: 'lychgate-probe' } as const;

/** Volumes of the sidecar, mounted in no other container. */
export const sidecarVolumeNames = { token: 'lychgate-token', ca: 'lychgate-ca', state: 'lychgate-state' } as const;

/** Audience of the tokens by which sidecars prove which pod they run in. */
export const sidecarTokenAudience = 'lychgate.dev';

/** Audience of the tokens by which the operator's replicas prove themselves to each other. */
export const replicaTokenAudience = 'lychgate.dev/replicas';

/** ConfigMap with the operator's CA in every namespace that has injected pods, unless a flag says otherwise; and its key. */
export const caConfigMap = { name: 'lychgate-ca', key: 'ca.crt' } as const;
