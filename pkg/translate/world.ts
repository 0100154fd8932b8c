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
}

/** A custom resource as it stands, whether or not it can be read. */
export interface Resource<T> {
  readonly kind: 'RewriteSet' | 'SslProfile';
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339; undefined outside a cluster. */
  readonly createdAt: string | undefined;
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
  readonly #files: ReadonlyMap<string, string>;

  constructor(
    kind: 'ConfigMap' | 'Secret',
    metadata: { readonly namespace: string; readonly name: string },
    files: Iterable<readonly [string, string]>,
    type = '',
  ) {
    this.kind = kind;
    this.namespace = metadata.namespace;
    this.name = metadata.name;
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
  };
}

function identity({ metadata }: ObjectLike): { namespace: string; name: string; createdAt: string | undefined } {
  const { name, namespace = 'default', creationTimestamp } = metadata;
  return { name, namespace, createdAt: typeof creationTimestamp === 'string' ? creationTimestamp : undefined };
}
