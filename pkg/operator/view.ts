import { readInjectLabel } from '../api/pod-settings.ts';
import type { RewriteSet } from '../api/rewrite-set.ts';
import type { SslProfile } from '../api/ssl-profile.ts';
import type { FileObject, Resource, World } from '../translate/world.ts';
import { type ObservedPod, translatedPod } from './observed-pod.ts';

/** What is known of one namespace. Nothing in it refers to another, so that it can be translated by itself. */
export interface NamespaceView {
  readonly namespace: string;
  readonly sslProfiles: readonly Resource<SslProfile>[];
  readonly rewriteSets: readonly Resource<RewriteSet>[];
  readonly secrets: readonly FileObject[];
  readonly configMaps: readonly FileObject[];
  /** Every pod, also those without a sidecar. */
  readonly pods: readonly ObservedPod[];
  /** Referenced objects of which nothing is known, by fileKey, and why. */
  readonly unknown: ReadonlyMap<string, string>;
  /** What the namespace's own label says about sidecars; undefined where namespaces cannot be seen. */
  readonly asks: 'absent' | 'asked' | 'declined' | 'illegal' | undefined;
}

/** The part that a translation may see: of the pods, those with a sidecar. */
export function worldOf(view: NamespaceView): World {
  const { sslProfiles, rewriteSets, secrets, configMaps, unknown } = view;
  const pods = view.pods.filter(({ injected }) => injected).map(translatedPod);
  return { sslProfiles, rewriteSets, secrets, configMaps, pods, unknown };
}

/** Why nothing is known of an object that is being listed for the first time: that will be told in a moment. */
export const notListedYet = 'it has not been listed yet';

/** Whether the first list of a referenced object is still under way: no time to say anything of the namespace. */
export function isSettling(view: NamespaceView): boolean {
  return [...view.unknown.values()].includes(notListedYet);
}

/** Whether two views hold the very same objects: a watch keeps an object that has not changed. */
export function sameView(one: NamespaceView, other: NamespaceView): boolean {
  return (
    one.asks === other.asks &&
    lists.every((name) => sameMembers<unknown>(one[name], other[name])) &&
    one.unknown.size === other.unknown.size &&
    [...one.unknown].every(([key, why]) => other.unknown.get(key) === why)
  );
}

/** The pods that asked for a sidecar and have none. A pod's own word goes before its namespace's. */
export function podsWithoutSidecar(view: NamespaceView): readonly ObservedPod[] {
  return view.pods.filter(
    ({ injected, phase, asks }) =>
      !injected && phase === 'Live' && (asks === 'asked' || (asks === 'absent' && view.asks === 'asked')),
  );
}

/** What the label of a namespace says. */
export function namespaceAsks(labels: Readonly<Record<string, string>>): NonNullable<NamespaceView['asks']> {
  return readInjectLabel(labels).kind;
}

function sameMembers<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((member, index) => member === other[index]);
}

const lists = ['sslProfiles', 'rewriteSets', 'secrets', 'configMaps', 'pods'] as const;
