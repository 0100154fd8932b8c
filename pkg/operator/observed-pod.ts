import { sidecarContainerName, sidecarPortNames } from '../api/pod-names.ts';
import { type InjectLabel, readInjectLabel } from '../api/pod-settings.ts';
import { fieldOf, isRecord } from '../api/raw.ts';
import { defaultPort, type Pod } from '../translate/world.ts';

/** What is kept of a pod: a cluster has many, and most of what the API server says of each is of no use here. */
export interface ObservedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Finished: every container has ended for good. Terminating: deleted, and still there. */
  readonly phase: 'Finished' | 'Live' | 'Terminating';
  /** Whether it has our sidecar. */
  readonly injected: boolean;
  /** The declared port of its sidecar. */
  readonly port: number;
  /** What it says itself about a sidecar. */
  readonly asks: InjectLabel['kind'];
  /** As `kubectl rollout restart` takes it: `deployment/web`; undefined for a pod that nobody makes anew. */
  readonly workload: string | undefined;
}

/** Reads a pod as the API server has it; undefined for an object without an identity. Never throws. */
export function observePod(raw: unknown): ObservedPod | undefined {
  const metadata = fieldOf(raw, 'metadata');
  if (!isRecord(metadata)) return undefined;
  const { name, namespace, uid, resourceVersion, deletionTimestamp } = metadata;
  if (typeof name !== 'string' || typeof namespace !== 'string' || typeof uid !== 'string') return undefined;
  const labels = textMap(metadata['labels']);
  const phase = fieldOf(fieldOf(raw, 'status'), 'phase');
  const sidecar = listOf(fieldOf(fieldOf(raw, 'spec'), 'initContainers')).find(
    (container) => fieldOf(container, 'name') === sidecarContainerName,
  );
  return {
    namespace,
    name,
    uid,
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
    labels,
    phase:
      phase === 'Succeeded' || phase === 'Failed'
        ? 'Finished'
        : typeof deletionTimestamp === 'string'
          ? 'Terminating'
          : 'Live',
    injected: sidecar !== undefined,
    port: portOf(sidecar),
    asks: readInjectLabel(labels).kind,
    workload: workloadOf(metadata['ownerReferences'], labels),
  };
}

/** The pod as the translation sees it. */
export function translatedPod({ namespace, name, labels, port, uid, resourceVersion }: ObservedPod): Pod {
  return { namespace, name, labels, port, version: { uid, resourceVersion } };
}

function portOf(container: unknown): number {
  const tls = listOf(fieldOf(container, 'ports')).find((port) => fieldOf(port, 'name') === sidecarPortNames.tls);
  const port = fieldOf(tls, 'containerPort');
  return typeof port === 'number' ? port : defaultPort;
}

function workloadOf(references: unknown, labels: Readonly<Record<string, string>>): string | undefined {
  const owner = listOf(references).find((reference) => fieldOf(reference, 'controller') === true);
  const [kind, name] = [fieldOf(owner, 'kind'), fieldOf(owner, 'name')];
  if (typeof name !== 'string') return undefined;
  if (kind === 'DaemonSet' || kind === 'StatefulSet') return `${kind.toLowerCase()}/${name}`;
  // A Deployment's ReplicaSet is named after it, with the hash of the pod template behind.
  const hash = labels['pod-template-hash'];
  if (kind !== 'ReplicaSet' || hash === undefined || !name.endsWith(`-${hash}`)) return undefined;
  return `deployment/${name.slice(0, -hash.length - 1)}`;
}

function textMap(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
