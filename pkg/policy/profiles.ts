import type { PodPolicy, ProfilePolicy } from './policy.ts';

/** Under what a profile is known in logs, metrics and limits: `namespace/name`. */
export function profileId({ namespace, name }: Pick<ProfilePolicy, 'name' | 'namespace'>): string {
  return `${namespace}/${name}`;
}

/** The profiles of all ports, in the policy's order. */
export function profilesOf({ listeners }: PodPolicy): readonly ProfilePolicy[] {
  return listeners.flatMap(({ profiles }) => profiles);
}
