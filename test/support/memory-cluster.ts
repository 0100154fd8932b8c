import { ApiError } from '../../pkg/cluster/api-error.ts';
import type { Cluster } from '../../pkg/cluster/cluster.ts';
import type { KubernetesObject } from '../../pkg/cluster/object.ts';
import type { Watched, WatchTarget } from '../../pkg/cluster/watched.ts';
import { isSelected, type Json, keyOf, ObjectStore, Refusal, type StoredObject } from './fake-api-store.ts';

/** An API server in memory without a network: requests are done at once, watches deliver at once or when told. */
export interface MemoryCluster {
  connect(): MemoryReplica;
  /** Creates or replaces. */
  put(path: string, object: Json): void;
  at(path: string): StoredObject | undefined;
  remove(path: string): void;
}

/** One client of it, with a view of its own. */
export interface MemoryReplica extends Cluster {
  /** Its watches of paths that end like this ('' for all) stand still until it is undefined; what was missed is then delivered. */
  lagging: string | undefined;
  /** What every request meets instead of its answer; undefined lets it through. */
  refuse: ((method: string, path: string) => ApiError | undefined) | undefined;
  /** Method and path of every request that was not refused, in order. */
  readonly written: readonly string[];
}

export function createMemoryCluster(): MemoryCluster {
  const views = new Set<() => void>();
  const store = new ObjectStore(() => {
    for (const deliver of views) deliver();
  });
  return {
    connect: () => connect(store, views),
    put(path, object) {
      const { resource, namespace, key } = parse(path);
      if (store.find(resource, key) === undefined) store.create(resource, namespace, object);
      else store.replace(resource, key, object, undefined);
    },
    at: (path) => {
      const { resource, key } = parse(path);
      return store.find(resource, key);
    },
    remove: (path) => {
      const { resource, key } = parse(path);
      store.remove(resource, key);
    },
  };
}

function connect(store: ObjectStore, views: Set<() => void>): MemoryReplica {
  const written: string[] = [];
  const own = new Map<() => void, string>();
  let lagging: string | undefined;
  const deliver = () => {
    for (const [refresh, path] of own) if (lagging === undefined || !path.endsWith(lagging)) queueMicrotask(refresh);
  };
  views.add(deliver);

  async function ask(method: string, path: string, act: (target: Target) => StoredObject): Promise<KubernetesObject> {
    // Answers never come within the call.
    await Promise.resolve();
    const refusal = replica.refuse?.(method, path);
    if (refusal !== undefined) throw refusal;
    written.push(`${method} ${path}`);
    try {
      return structuredClone(act(parse(path)));
    } catch (error) {
      if (error instanceof Refusal) throw new ApiError(error.status, error.reason, error.message);
      throw error;
    }
  }

  const replica: MemoryReplica = {
    refuse: undefined,
    written,
    get lagging() {
      return lagging;
    },
    set lagging(value) {
      lagging = value;
      deliver();
    },
    get: (path) => ask('GET', path, ({ resource, key }) => store.get(resource, key)),
    create: (path, body) =>
      ask('POST', path, ({ resource, namespace }) => store.create(resource, namespace, body as Json)),
    replace: (path, body) =>
      ask('PUT', path, ({ resource, key }) => store.replace(resource, key, body as Json, undefined)),
    apply: (path, body, { fieldManager }) =>
      ask('APPLY', path, ({ resource, namespace, key }) =>
        store.apply(resource, namespace, key, body as Json, fieldManager, undefined),
      ),
    patch: (path, body, kind) =>
      ask('PATCH', path, ({ resource, key }) =>
        kind === 'json'
          ? store.jsonPatch(resource, key, body as Json[], undefined)
          : store.mergePatch(resource, key, body as Json, undefined),
      ),
    watch: (target, onChange) => watch(store, target, onChange, own),
    close: () => {
      own.clear();
      views.delete(deliver);
    },
  };
  return replica;
}

function watch<T>(
  store: ObjectStore,
  target: WatchTarget<T>,
  onChange: () => void,
  own: Map<() => void, string>,
): Watched<T> {
  const { resource, namespace } = parse(`${target.path}/-`);
  let seen = new Map<string, { readonly version: string; readonly value: T }>();
  let listed = false;
  const refresh = () => {
    const chosen = store
      .list(resource, namespace)
      .filter((object) => isSelected(object, target.labelSelector ?? null, target.fieldSelector ?? null));
    const next = new Map<string, { readonly version: string; readonly value: T }>();
    for (const object of chosen) {
      const value = target.read(structuredClone(object) as unknown as KubernetesObject);
      if (value !== undefined) next.set(keyOf(object), { version: object.metadata.resourceVersion, value });
    }
    const same =
      listed && next.size === seen.size && [...next].every(([key, { version }]) => seen.get(key)?.version === version);
    seen = next;
    listed = true;
    if (!same) onChange();
  };
  own.set(refresh, target.path);
  queueMicrotask(refresh);
  return {
    get listed() {
      return listed;
    },
    fault: undefined,
    values: () => [...seen.values()].map(({ value }) => value).values(),
    get: (key) => seen.get(key)?.value,
    close: () => own.delete(refresh),
  };
}

interface Target {
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly key: string;
}

/** `/api/v1/namespaces/shop/secrets/a`, and a collection to create in. */
function parse(path: string): Target {
  const match = /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (match === null) throw new Refusal(404, 'NotFound', `no such path: ${path}`);
  const [, group, version, namespace, plural, name = ''] = match;
  return {
    resource: `${group === undefined ? '' : `${group}/`}${version}/${plural}`,
    namespace,
    key: namespace === undefined ? name : `${namespace}/${name}`,
  };
}
