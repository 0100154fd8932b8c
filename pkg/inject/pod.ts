/*
 * A pod as far as injection looks at it. Everything else stays as it is: values are copied by spread, so that fields
 * that this version does not know survive. Null counts as absent, as it does for the API server.
 */

type Maybe<T> = T | null | undefined;

/** A pod, or the template of one. */
export interface Pod {
  readonly metadata?: Maybe<PodMetadata>;
  readonly spec: PodSpec;
}

export interface PodMetadata {
  readonly name?: Maybe<string>;
  readonly generateName?: Maybe<string>;
  readonly namespace?: Maybe<string>;
  readonly labels?: Maybe<Readonly<Record<string, string>>>;
  readonly annotations?: Maybe<Readonly<Record<string, string>>>;
}

export interface PodSpec {
  readonly hostNetwork?: Maybe<boolean>;
  readonly shareProcessNamespace?: Maybe<boolean>;
  readonly restartPolicy?: Maybe<string>;
  readonly terminationGracePeriodSeconds?: Maybe<number>;
  readonly os?: Maybe<{ readonly name?: Maybe<string> }>;
  readonly nodeSelector?: Maybe<Readonly<Record<string, string>>>;
  readonly imagePullSecrets?: Maybe<readonly { readonly name?: Maybe<string> }[]>;
  readonly volumes?: Maybe<readonly Volume[]>;
  readonly initContainers?: Maybe<readonly Container[]>;
  readonly containers: readonly Container[];
  readonly ephemeralContainers?: Maybe<readonly { readonly name: string }[]>;
  readonly resources?: Maybe<Resources>;
}

export interface Volume {
  readonly name: string;
  readonly projected?: Maybe<{
    readonly sources?: Maybe<
      readonly { readonly serviceAccountToken?: Maybe<{ readonly audience?: Maybe<string> }> }[]
    >;
  }>;
}

export interface Container {
  readonly name: string;
  /** `Always` in an init container makes it a native sidecar. */
  readonly restartPolicy?: Maybe<string>;
  readonly ports?: Maybe<readonly ContainerPort[]>;
  readonly resources?: Maybe<Resources>;
  readonly startupProbe?: Maybe<Probe>;
  readonly readinessProbe?: Maybe<Probe>;
  readonly livenessProbe?: Maybe<Probe>;
  readonly lifecycle?: Maybe<{ readonly postStart?: Maybe<Handler>; readonly preStop?: Maybe<Handler> }>;
}

export interface ContainerPort {
  readonly name?: Maybe<string>;
  readonly containerPort: number;
  readonly protocol?: Maybe<string>;
}

export interface Resources {
  readonly requests?: Maybe<Readonly<Record<string, number | string>>>;
  readonly limits?: Maybe<Readonly<Record<string, number | string>>>;
}

/** What a probe or a lifecycle hook does; the API server sees to it that there is one. */
export interface Handler {
  readonly httpGet?: Maybe<HttpGet>;
  readonly tcpSocket?: Maybe<{ readonly port: number | string; readonly host?: Maybe<string> }>;
  readonly grpc?: Maybe<{ readonly port: number; readonly service?: Maybe<string> }>;
  readonly exec?: Maybe<object>;
  readonly sleep?: Maybe<object>;
}

export interface HttpGet {
  readonly path?: Maybe<string>;
  readonly port: number | string;
  readonly host?: Maybe<string>;
  readonly scheme?: Maybe<string>;
  readonly httpHeaders?: Maybe<readonly { readonly name: string; readonly value?: Maybe<string> }[]>;
}

export interface Probe extends Handler {
  readonly timeoutSeconds?: Maybe<number>;
}

/** Init containers that run beside the application: native sidecars. */
export function nativeSidecars(spec: PodSpec): readonly Container[] {
  return (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
}

/** Init containers and containers, in the order in which they start. */
export function everyContainer(spec: PodSpec): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}

/** Seconds from the pod's deletion to SIGKILL. */
export function gracePeriodSeconds(spec: PodSpec): number {
  return spec.terminationGracePeriodSeconds ?? 30;
}

/** Jobs, their pods and others that end: the sidecar ends after them by itself. */
export function runsToCompletion(spec: PodSpec): boolean {
  return spec.restartPolicy === 'Never' || spec.restartPolicy === 'OnFailure';
}
