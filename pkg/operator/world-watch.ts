import { apiVersion } from '../api/metadata.ts';
import type { RewriteSet } from '../api/rewrite-set.ts';
import type { SslProfile } from '../api/ssl-profile.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import type { Watched } from '../cluster/watched.ts';
import {
  type FileObject,
  type FileRef,
  fileKey,
  type Resource,
  rewriteSetResource,
  sslProfileResource,
} from '../translate/world.ts';
import { fileObjectOf } from './file-object.ts';
import { type ObservedPod, observePod } from './observed-pod.ts';
import { type NamespaceView, namespaceAsks, notListedYet } from './view.ts';

/** Everything that the API server says and a policy or a status depends on, kept current. */
export interface WorldWatch {
  /** Whether every kind has listed once, in every namespace that is watched. */
  readonly listed: boolean;
  /** What has not listed or cannot be watched now, each a line that names the next step; none where all is well. */
  readonly faults: readonly string[];
  /** By name: the namespaces with anything in them. One whose kinds have not all listed is not there. */
  views(): ReadonlyMap<string, NamespaceView>;
  /** By `namespace/name`; undefined where nothing is known of it. */
  pod(key: string): ObservedPod | undefined;
  /** Undefined where nothing is known of it. */
  namespace(name: string): ObservedNamespace | undefined;
  /** Whether the pods of a namespace are watched at all. */
  watches(namespace: string): boolean;
  /**
   * Watches exactly these Secrets and ConfigMaps of a namespace, each by its name: RBAC cannot say "the referenced
   * ones", but no other is read. @returns the keys of those opened now: a view of before says nothing of them.
   */
  follow(namespace: string, references: ReadonlyMap<string, FileRef>): readonly string[];
  close(): void;
}

/** What is kept of a namespace. */
export interface ObservedNamespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly asks: NonNullable<NamespaceView['asks']>;
}

export interface WorldWatchOptions {
  readonly cluster: Pick<Cluster, 'watch'>;
  /** Empty: the whole cluster. */
  readonly namespaces: readonly string[];
  /** Called after every change; views() then has it. */
  readonly onChange: () => void;
}

/** Opens the watches on the kinds; those on Secrets and ConfigMaps come with `follow`. */
export function startWorldWatch({ cluster, namespaces, onChange }: WorldWatchOptions): WorldWatch {
  const kinds = (namespaces.length === 0 ? [undefined] : namespaces).map((namespace) =>
    watchKinds(cluster, namespace, onChange),
  );
  // Namespaced rights reach no namespace object: there only the pods' own labels count.
  const labels =
    namespaces.length > 0 ? undefined : cluster.watch({ path: '/api/v1/namespaces', read: namespaceOf }, onChange);
  const files = new Map<string, Map<string, FollowedFile>>();

  function follow(namespace: string, references: ReadonlyMap<string, FileRef>): readonly string[] {
    const followed = files.get(namespace) ?? new Map<string, FollowedFile>();
    files.set(namespace, followed);
    const opened: string[] = [];
    for (const [key, ref] of references) {
      // Only the profile's own namespace: whoever writes profiles must not read what they may not read themselves.
      if (ref.namespace !== namespace || followed.has(key)) continue;
      followed.set(key, { ref, watched: watchFile(cluster, ref, onChange) });
      opened.push(key);
    }
    for (const [key, { watched }] of followed) {
      if (references.has(key)) continue;
      watched.close();
      followed.delete(key);
    }
    if (followed.size === 0) files.delete(namespace);
    return opened;
  }

  function views(): ReadonlyMap<string, NamespaceView> {
    const drafts = new Map<string, Draft>();
    if (labels !== undefined && !labels.listed) return drafts;
    for (const kind of kinds) {
      if (!isListed(kind)) continue;
      for (const profile of kind.sslProfiles.values()) draftOf(drafts, profile.namespace).sslProfiles.push(profile);
      for (const set of kind.rewriteSets.values()) draftOf(drafts, set.namespace).rewriteSets.push(set);
      for (const pod of kind.pods.values()) draftOf(drafts, pod.namespace).pods.push(pod);
    }
    for (const draft of drafts.values()) {
      draft.asks = labels?.get(draft.namespace)?.asks ?? (labels === undefined ? undefined : 'absent');
      for (const [key, { ref, watched }] of files.get(draft.namespace) ?? []) {
        if (!watched.listed) draft.unknown.set(key, watched.fault ?? notListedYet);
        for (const object of watched.values()) (ref.kind === 'Secret' ? draft.secrets : draft.configMaps).push(object);
      }
    }
    return drafts;
  }

  function all(): readonly (readonly [what: string, watched: Watched<unknown>])[] {
    return [
      ...kinds.flatMap((kind) => {
        const where = kind.namespace === undefined ? '' : ` of namespace ${kind.namespace}`;
        return [
          [`SslProfiles${where}`, kind.sslProfiles],
          [`RewriteSets${where}`, kind.rewriteSets],
          [`Pods${where}`, kind.pods],
        ] as const;
      }),
      ...(labels === undefined ? [] : [['Namespaces', labels] as const]),
    ];
  }

  return {
    get listed() {
      return all().every(([, { listed }]) => listed);
    },
    get faults() {
      return all().flatMap(([what, { listed, fault }]) =>
        fault !== undefined
          ? [`${what} cannot be watched: ${fault}; look at the operator's role and at the API server`]
          : listed
            ? []
            : [`${what} have not been listed yet`],
      );
    },
    views,
    pod: (key) => kinds.map(({ pods }) => pods.get(key)).find((pod) => pod !== undefined),
    namespace: (name) => labels?.get(name),
    watches: (namespace) => namespaces.length === 0 || namespaces.includes(namespace),
    follow,
    close() {
      for (const [, watched] of all()) watched.close();
      for (const followed of files.values()) for (const { watched } of followed.values()) watched.close();
      files.clear();
    },
  };
}

interface WatchedKinds {
  readonly namespace: string | undefined;
  readonly sslProfiles: Watched<Resource<SslProfile>>;
  readonly rewriteSets: Watched<Resource<RewriteSet>>;
  readonly pods: Watched<ObservedPod>;
}

interface FollowedFile {
  readonly ref: FileRef;
  readonly watched: Watched<FileObject>;
}

/** A NamespaceView while it is put together. */
interface Draft {
  readonly namespace: string;
  readonly sslProfiles: Resource<SslProfile>[];
  readonly rewriteSets: Resource<RewriteSet>[];
  readonly secrets: FileObject[];
  readonly configMaps: FileObject[];
  readonly pods: ObservedPod[];
  readonly unknown: Map<string, string>;
  asks: NamespaceView['asks'];
}

function watchKinds(
  cluster: Pick<Cluster, 'watch'>,
  namespace: string | undefined,
  onChange: () => void,
): WatchedKinds {
  const within = namespace === undefined ? '' : `namespaces/${namespace}/`;
  return {
    namespace,
    sslProfiles: cluster.watch(
      { path: `/apis/${apiVersion}/${within}sslprofiles`, read: sslProfileResource },
      onChange,
    ),
    rewriteSets: cluster.watch(
      { path: `/apis/${apiVersion}/${within}rewritesets`, read: rewriteSetResource },
      onChange,
    ),
    pods: cluster.watch({ path: `/api/v1/${within}pods`, read: observePod }, onChange),
  };
}

function watchFile(cluster: Pick<Cluster, 'watch'>, ref: FileRef, onChange: () => void): Watched<FileObject> {
  const plural = ref.kind === 'Secret' ? 'secrets' : 'configmaps';
  return cluster.watch(
    {
      path: `/api/v1/namespaces/${ref.namespace}/${plural}`,
      fieldSelector: `metadata.name=${ref.name}`,
      // A server that passes over the selector must not hand in what was not asked for.
      read: (raw) => {
        const object = fileObjectOf(ref.kind, raw);
        return fileKey(object) === fileKey(ref) ? object : undefined;
      },
    },
    onChange,
  );
}

function isListed({ sslProfiles, rewriteSets, pods }: WatchedKinds): boolean {
  return sslProfiles.listed && rewriteSets.listed && pods.listed;
}

function draftOf(drafts: Map<string, Draft>, namespace: string): Draft {
  const draft = drafts.get(namespace) ?? {
    namespace,
    sslProfiles: [],
    rewriteSets: [],
    secrets: [],
    configMaps: [],
    pods: [],
    unknown: new Map<string, string>(),
    asks: undefined,
  };
  drafts.set(namespace, draft);
  return draft;
}

function namespaceOf({ metadata: { name, labels = {}, annotations = {} } }: KubernetesObject): ObservedNamespace {
  return { name, labels, annotations, asks: namespaceAsks(labels) };
}
