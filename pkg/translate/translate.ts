import type { LabelSelector } from '../api/ssl-profile.ts';
import type { Input } from '../policy/input.ts';
import type { Hold, Listener, PodPolicy } from '../policy/policy.ts';
import { type Condition, conditionsOf, type Fault } from './fault.ts';
import { inputsOf } from './inputs.ts';
import { type TranslatedProfile, translateProfile } from './profile.ts';
import { type Files, indexFiles } from './references.ts';
import { translateRewriteSet } from './rewrite-set.ts';
import { selects } from './select.ts';
import { byAge, settle } from './siblings.ts';
import { type FileRef, type Pod, podKey, resourceKey, type World } from './world.ts';

/** What a world comes to. */
export interface Translation {
  /** By pod (see podKey): every pod of the world, also those without a profile. */
  readonly policies: ReadonlyMap<string, PodPolicy>;
  /** By resource (see resourceKey). */
  readonly conditions: ReadonlyMap<string, readonly Condition[]>;
  readonly faults: readonly Fault[];
  /** By resource: when the first server certificate of a profile expires, Unix milliseconds. */
  readonly certificateExpiries: ReadonlyMap<string, number>;
  /** By fileKey: every Secret and ConfigMap that a profile looked for, whether or not it is there. */
  readonly references: ReadonlyMap<string, FileRef>;
  /** By pod: the unknown objects that its policy depends on. A pod that is here must go on with what it has. */
  readonly unknown: ReadonlyMap<string, readonly string[]>;
  /** By pod: the objects that its policy was made of; empty outside a cluster. */
  readonly inputs: ReadonlyMap<string, readonly Input[]>;
  /** By pod: the profiles that are for it, also those that lost to a sibling or are held (see resourceKey). */
  readonly selections: ReadonlyMap<string, readonly string[]>;
  /** By resource: whom a profile is for; one whose selector cannot be read is not there. */
  readonly selectors: ReadonlyMap<string, LabelSelector>;
}

/** Translates a world into one policy a pod. Pure; never throws; one bad resource harms no other. */
export function translate(world: World): Translation {
  const files = indexFiles(world);
  const sets = new Map(
    world.rewriteSets.map((resource) => [`${resource.namespace}/${resource.name}`, translateRewriteSet(resource)]),
  );
  const profiles = world.sslProfiles
    .map((resource) => translateProfile(resource, files, (namespace, name) => sets.get(`${namespace}/${name}`)))
    .sort(byAge);
  const rewriteSets = new Map(world.rewriteSets.map((resource) => [resourceKey(resource), resource]));
  const policies = new Map<string, PodPolicy>();
  const unknown = new Map<string, readonly string[]>();
  const inputs = new Map<string, readonly Input[]>();
  const selections = new Map<string, readonly string[]>();
  for (const pod of world.pods) {
    const key = podKey(pod);
    const { policy, selected, used } = podPolicy(pod, profiles);
    policies.set(key, policy);
    selections.set(
      key,
      selected.map(({ resource }) => resourceKey(resource)),
    );
    inputs.set(key, inputsOf(pod, new Set([...selected, ...used]), rewriteSets, files));
    const missing = unknownTo(used, files);
    if (missing.length > 0) unknown.set(key, missing);
  }
  const conditions = new Map<string, readonly Condition[]>();
  const expiries = new Map<string, number>();
  for (const { resource, faults, certificateNotAfterMs } of profiles) {
    const accepted = {
      type: 'Accepted',
      status: 'True',
      reason: 'Accepted',
      message: 'The profile can be used.',
    } as const;
    const readable = resource.parsed.value !== undefined;
    conditions.set(resourceKey(resource), conditionsOf(faults.all, readable, accepted));
    if (certificateNotAfterMs !== undefined) expiries.set(resourceKey(resource), certificateNotAfterMs);
  }
  const referenced = new Set(
    profiles.flatMap(({ resource, rewriteSetNames }) => rewriteSetNames.map((name) => `${resource.namespace}/${name}`)),
  );
  for (const resource of world.rewriteSets) {
    const key = `${resource.namespace}/${resource.name}`;
    const accepted: Condition = referenced.has(key)
      ? { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The rewrite set can be used.' }
      : { type: 'Accepted', status: 'True', reason: 'NotReferenced', message: 'No profile refers to it.' };
    const readable = resource.parsed.value !== undefined;
    conditions.set(resourceKey(resource), conditionsOf(sets.get(key)?.faults.all ?? [], readable, accepted));
  }
  const faults = [...profiles, ...sets.values()].flatMap((translated) => translated.faults.all);
  const references = new Map(profiles.flatMap((profile) => [...profile.references]));
  const selectors = new Map(
    profiles.flatMap(({ resource, selector }) =>
      selector === undefined ? [] : [[resourceKey(resource), selector] as const],
    ),
  );
  return {
    ...{ policies, conditions, faults, certificateExpiries: expiries },
    ...{ references, unknown, inputs, selections, selectors },
  };
}

/** Unknown objects that these profiles need. */
function unknownTo(profiles: readonly TranslatedProfile[], files: Files): string[] {
  const references = new Map(profiles.flatMap((profile) => [...profile.references]));
  return [...references].flatMap(([key, ref]) => (files.whyUnknown(ref) === undefined ? [] : [key])).sort();
}

interface PodTranslation {
  readonly policy: PodPolicy;
  /** Profiles that are for this pod, by age. */
  readonly selected: readonly TranslatedProfile[];
  /** Of these, what the policy has or holds; and profiles that may be for this pod. */
  readonly used: readonly TranslatedProfile[];
}

function podPolicy(pod: Pod, profiles: readonly TranslatedProfile[]): PodTranslation {
  const selected = profiles.filter(
    ({ resource, selector }) => selector !== undefined && selects(selector, resource.namespace, pod),
  );
  const standing = settle(pod, selected);
  const listeners = new Map<number, Listener>();
  const holds: Hold[] = [];
  const used: TranslatedProfile[] = [...standing];
  for (const profile of profiles) {
    const { namespace, name } = profile.resource;
    if (!standing.has(profile)) {
      // Unreadable selectors may be anybody's in the namespace; those without a copy pass over it.
      const perhaps = profile.selector === undefined && (pod.namespace ?? namespace) === namespace;
      // Outside a cluster every selector matches, whatever it says.
      const certain = pod.labels === undefined;
      if (!perhaps) continue;
      used.push(profile);
      holds.push({ namespace, name, selected: certain ? 'Yes' : 'Perhaps', trustedCas: casOf(profile) });
      continue;
    }
    if (profile.usable === undefined) {
      holds.push({ namespace, name, selected: 'Yes', trustedCas: casOf(profile) });
      continue;
    }
    const port = profile.claim?.port ?? pod.port;
    const listener = listeners.get(port) ?? { port, tls: profile.usable.tls, profiles: [] };
    listener.profiles.push(profile.usable.policy);
    listeners.set(port, listener);
  }
  const sorted = [...listeners.values()].sort((left, right) => left.port - right.port);
  for (const listener of sorted) listener.profiles.sort(byName);
  return { policy: { schema: 1, listeners: sorted, holds: holds.sort(byName) }, selected, used };
}

function casOf({ remainingCas }: TranslatedProfile): string[] | null {
  return remainingCas === null ? null : [...remainingCas];
}

/** By code units: the order is part of the digest, so it must not depend on a locale. */
function byName(left: { namespace: string; name: string }, right: { namespace: string; name: string }): number {
  const [a, b] = [`${left.namespace}/${left.name}`, `${right.namespace}/${right.name}`];
  return a < b ? -1 : a > b ? 1 : 0;
}
