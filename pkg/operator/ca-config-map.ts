import { isRecord } from '../api/raw.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import { certificatesFromPem } from '../x509/pem.ts';

export interface CaConfigMapsOptions {
  readonly cluster: Pick<Cluster, 'apply' | 'watch'>;
  /** Of the ConfigMap, the same in every namespace. */
  readonly name: string;
  /** Where to watch; everywhere when undefined. */
  readonly watchNamespaces: readonly string[] | undefined;
  /** What the ConfigMaps shall say; undefined while it is not known. */
  bundlePem(): string | undefined;
  /** A ConfigMap of that name has changed: keep them up to date. */
  onChange(): void;
}

/** The ConfigMap with the operator's CA, from which sidecars know the operator, in every namespace that has some. */
export interface CaConfigMaps {
  /**
   * Settles when the namespace's ConfigMap has everything that verifies the operator now. Any replica may ask: one that
   * already has today's bundle, or a newer one with it, is left alone. @throws ApiError, and Error without a bundle.
   */
  ensureIn(namespace: string): Promise<void>;
  /** Gives the ConfigMap of each of these namespaces exactly today's bundle. Settles with a line for each that could not be written; after eight of them it stops. */
  update(namespaces: ReadonlySet<string>): Promise<readonly string[]>;
  /** Whether each of these namespaces has exactly this bundle, as far as watches know. */
  have(namespaces: ReadonlySet<string>, bundlePem: string): boolean;
  /** Why ConfigMaps cannot be watched. */
  warnings(): readonly string[];
  close(): void;
}

/**
 * ConfigMaps are written by server-side apply with force: the name is the operator's, and one that somebody else made
 * under it is taken over (its other keys stay). They are watched, so that one that was changed or deleted is put right.
 * None is ever deleted: a pod may still mount it.
 */
export function keepCaConfigMaps(options: CaConfigMapsOptions): CaConfigMaps {
  const { cluster, name } = options;
  const paths = options.watchNamespaces?.map(pathIn) ?? ['/api/v1/configmaps'];
  const watches = paths.map((path) =>
    cluster.watch<string>(
      { path, fieldSelector: `metadata.name=${name}`, read: (raw) => contentOf(raw, name) },
      options.onChange,
    ),
  );
  const underWay = new Map<string, { readonly pem: string; readonly done: Promise<unknown> }>();

  function contentIn(namespace: string): string | undefined {
    for (const watch of watches) {
      const content = watch.get(`${namespace}/${name}`);
      if (content !== undefined) return content;
    }
    return undefined;
  }

  /** One request at a time for the same content: a Deployment's pods come all at once. */
  async function write(namespace: string, pem: string): Promise<void> {
    const same = underWay.get(namespace);
    if (same?.pem === pem) {
      await same.done;
      return;
    }
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': fieldManager } },
      data: { [caKey]: pem },
    };
    const done = cluster.apply(`${pathIn(namespace)}/${name}`, body, { fieldManager, force: true });
    const entry = { pem, done };
    underWay.set(namespace, entry);
    try {
      await done;
    } finally {
      if (underWay.get(namespace) === entry) underWay.delete(namespace);
    }
  }

  return {
    async ensureIn(namespace) {
      const pem = options.bundlePem();
      if (pem === undefined) throw new Error('the operator does not know its own CA yet');
      const content = contentIn(namespace);
      if (content === undefined || !includesAll(content, pem)) await write(namespace, pem);
    },
    async update(namespaces) {
      const pem = options.bundlePem();
      // Before the first list nobody knows what is there: all would be written at every start.
      if (pem === undefined || watches.some(({ listed }) => !listed)) return [];
      const stale = [...namespaces].filter((namespace) => contentIn(namespace) !== pem).toSorted();
      const failed: string[] = [];
      const next = stale.values();
      const worker = async () => {
        for (const namespace of next) {
          // The API server is away, or refuses all: the rest waits for the next time.
          if (failed.length >= maxFailures) return;
          try {
            await write(namespace, pem);
          } catch (error) {
            const why = error instanceof Error ? error.message : String(error);
            failed.push(`ConfigMap ${namespace}/${name} could not be written: ${why}`);
          }
        }
      };
      await Promise.all(Array.from({ length: concurrentWrites }, worker));
      return failed.toSorted();
    },
    have: (namespaces, pem) =>
      watches.every(({ listed }) => listed) && [...namespaces].every((namespace) => contentIn(namespace) === pem),
    warnings: () => watches.map(({ fault }) => fault).filter((fault) => fault !== undefined),
    close() {
      for (const watch of watches) watch.close();
    },
  };
}

function contentOf(raw: KubernetesObject, name: string): string | undefined {
  if (raw.metadata.name !== name) return undefined;
  const data = raw['data'];
  const content = isRecord(data) ? data[caKey] : undefined;
  return typeof content === 'string' ? content : '';
}

/** A replica that is behind must not take a newer bundle back that has its own certificates, too. */
function includesAll(content: string, pem: string): boolean {
  if (content === pem) return true;
  try {
    const there = new Set(certificatesFromPem(content).map(({ sha256 }) => sha256));
    return certificatesFromPem(pem).every(({ sha256 }) => there.has(sha256));
  } catch {
    // Not a bundle: to be written.
    return false;
  }
}

function pathIn(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps`;
}

const caKey = 'ca.crt';
const fieldManager = 'lychgate-operator';
const concurrentWrites = 8;
const maxFailures = 8;
