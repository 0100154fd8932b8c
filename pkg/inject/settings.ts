/** What the operator's administrator decides about every sidecar; annotations of a pod override some of it. */
export interface InjectSettings {
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  /** Names of Secrets that must be in the pod's namespace. */
  readonly imagePullSecrets: readonly string[];
  /** Whether `lychgate.dev/image` may name another image. */
  readonly imageAnnotation: 'Allow' | 'Deny';
  /** Where sidecars dial: `lychgate.lychgate-system.svc:9443`. */
  readonly operatorAddress: string;
  /** The ConfigMap with the operator's CA, in the pod's namespace. */
  readonly caConfigMap: string;
  readonly resources: SidecarResources;
  readonly logLevel: string;
  readonly audit: string;
  readonly workers: number | 'auto';
  /** Of this operator, written to the pod. */
  readonly version: string;
  /** The sidecar's user and group; `namespace` where the platform gives every namespace its own range. */
  readonly user: number | 'namespace';
  /** A new secret, 16 to 128 of `[A-Za-z0-9_-]`: by it the kubelet may run an application's hooks, and nobody else. */
  readonly newSecret: () => string;
}

/** Kubernetes quantities; undefined for none. */
export interface SidecarResources {
  readonly requests: ResourceAmounts;
  readonly limits: ResourceAmounts;
}

/** Quantities by resource. */
export interface ResourceAmounts {
  readonly cpu: string | undefined;
  readonly memory: string | undefined;
}

/** What is known of the pod's namespace. */
export interface PodNamespace {
  readonly name: string;
  /** Undefined where they are not known; then the namespace counts as one that asks for sidecars. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** For the range of user ids that some platforms write there, and what meshes read. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Requests, so that HPAs and quotas work, and a memory limit, so that a fault is the sidecar's own; no CPU limit. */
export const defaultSidecarResources: SidecarResources = {
  requests: { cpu: '100m', memory: '128Mi' },
  limits: { cpu: undefined, memory: '256Mi' },
};

/** The user and group of the image. */
export const defaultSidecarUser = 65_532;
