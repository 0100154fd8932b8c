import { inspect } from 'node:util';
import { type Parsed, parseRewriteSet, parseSslProfile } from '../api/parse.ts';
import type { RewriteSet } from '../api/rewrite-set.ts';
import type { SslProfile } from '../api/ssl-profile.ts';

/** Everything that a translation may see. */
export interface World {
  readonly sslProfiles: readonly Resource<SslProfile>[];
  readonly rewriteSets: readonly Resource<RewriteSet>[];
  readonly secrets: readonly FileObject[];
  readonly configMaps: readonly FileObject[];
  readonly pods: readonly Pod[];
  /**
   * Secrets and ConfigMaps of which nothing is known, by fileKey, and why. What is neither here nor among the objects
   * does not exist. Absent outside a cluster.
   */
  readonly unknown?: ReadonlyMap<string, string>;
}

/** Which object of a cluster this was, and which state of it. */
export interface ObjectVersion {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Of kinds that count it. */
  readonly generation?: number;
}

/** A Secret or ConfigMap that a profile names. */
export interface FileRef {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly namespace: string;
  readonly name: string;
}

/** How a Secret or ConfigMap is named in maps: `Secret shop/shop-tls`. */
export function fileKey({ kind, namespace, name }: FileRef): string {
  return `${kind} ${namespace}/${name}`;
}

/** A custom resource as it stands, whether or not it can be read. */
export interface Resource<T> {
  readonly kind: 'RewriteSet' | 'SslProfile';
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339; undefined outside a cluster. */
  readonly createdAt: string | undefined;
  /** Undefined outside a cluster. */
  readonly version: ObjectVersion | undefined;
  readonly parsed: Parsed<T>;
  /** What was parsed: an unreadable profile's selector and CA references may still be readable. */
  readonly raw: unknown;
}

/** A pod with a gate. */
export interface Pod {
  /** Undefined only outside a cluster: the pod is in every namespace. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** Undefined only outside a cluster: every selector matches. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** The declared port; what profiles without `port` listen on. */
  readonly port: number;
  /** Absent outside a cluster. */
  readonly version?: ObjectVersion;
}

/** The port of a pod that declares none. */
export const defaultPort = 8443;

/** The pod of a sidecar outside a cluster: every profile is for it. */
export const standalonePod: Pod = { namespace: undefined, name: 'standalone', labels: undefined, port: defaultPort };

/** How a pod is named in a Translation: `shop/web-1`, or `standalone`. */
export function podKey(pod: Pick<Pod, 'name' | 'namespace'>): string {
  return pod.namespace === undefined ? pod.name : `${pod.namespace}/${pod.name}`;
}

/** How a resource is named in faults and conditions: `SslProfile shop/partners`. */
export function resourceKey(resource: { kind: string; namespace: string; name: string }): string {
  return `${resource.kind} ${resource.namespace}/${resource.name}`;
}

/** A Secret or ConfigMap with its files. Printing it shows the keys, never the contents. */
export class FileObject {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly namespace: string;
  readonly name: string;
  /** Of a Secret; empty for a ConfigMap. */
  readonly type: string;
  /** Undefined outside a cluster. */
  readonly version: ObjectVersion | undefined;
  readonly #files: ReadonlyMap<string, string>;

  constructor(
    kind: 'ConfigMap' | 'Secret',
    metadata: { readonly namespace: string; readonly name: string; readonly version?: ObjectVersion | undefined },
    files: Iterable<readonly [string, string]>,
    type = '',
  ) {
    this.kind = kind;
    this.namespace = metadata.namespace;
    this.name = metadata.name;
    this.version = metadata.version;
    this.type = type;
    this.#files = new Map(files);
  }

  get keys(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** The text of one file; undefined where there is none. */
  file(key: string): string | undefined {
    return this.#files.get(key);
  }

  toJSON(): unknown {
    const { kind, namespace, name, type, keys } = this;
    return { kind, namespace, name, type, keys };
  }

  [inspect.custom](): unknown {
    return this.toJSON();
  }
}

/** An SslProfile of the world; the raw object's name and namespace must be readable. */
export function sslProfileResource(raw: ObjectLike): Resource<SslProfile> {
  return { kind: 'SslProfile', ...identity(raw), parsed: parseSslProfile(raw), raw };
}

/** A RewriteSet of the world; the raw object's name and namespace must be readable. */
export function rewriteSetResource(raw: ObjectLike): Resource<RewriteSet> {
  return { kind: 'RewriteSet', ...identity(raw), parsed: parseRewriteSet(raw), raw };
}

/** An object of which the identity is known, and nothing else. */
export interface ObjectLike {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly creationTimestamp?: unknown;
    readonly uid?: unknown;
    readonly resourceVersion?: unknown;
    readonly generation?: unknown;
  };
}

/** The version that an object's metadata tells; undefined where it tells none, as in a manifest. */
export function versionOf(metadata: ObjectLike['metadata']): ObjectVersion | undefined {
  const { uid, resourceVersion, generation } = metadata;
  if (typeof uid !== 'string' || typeof resourceVersion !== 'string') return undefined;
  return { uid, resourceVersion, ...(typeof generation === 'number' ? { generation } : {}) };
}

function identity({ metadata }: ObjectLike): Pick<Resource<unknown>, 'createdAt' | 'name' | 'namespace' | 'version'> {
  const { name, namespace = 'default', creationTimestamp } = metadata;
  return {
    name,
    namespace,
    createdAt: typeof creationTimestamp === 'string' ? creationTimestamp : undefined,
    version: versionOf(metadata),
  };
}
