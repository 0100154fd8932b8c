import type { PodPolicy, ProfilePolicy } from '../policy/policy.ts';

/**
 * A part of a schema that not every build of it can serve. A new field or value within a schema comes with a feature,
 * and then a sidecar without it is told that it is outdated instead of getting what it must refuse.
 */
export interface Feature {
  readonly name: string;
  neededBy(policy: PodPolicy): boolean;
}

/** What this build can serve. */
export const features: readonly Feature[] = [
  { name: 'crl', neededBy: anyProfile((profile) => ['crl', 'ocspThenCrl'].includes(revocationOf(profile))) },
  { name: 'h2c', neededBy: anyProfile(({ backend }) => backend.protocol === 'H2C') },
  { name: 'hold', neededBy: ({ holds }) => holds.length > 0 },
  { name: 'ocsp', neededBy: anyProfile((profile) => revocationOf(profile) !== 'none') },
  { name: 'rewrite', neededBy: anyProfile(({ rewriteSets }) => rewriteSets.length > 0) },
  { name: 'unix-socket', neededBy: anyProfile(({ backend }) => 'socket' in backend.target) },
];

/** Names of the features a policy cannot be served without, sorted. */
export function featuresOf(policy: PodPolicy, known: readonly Feature[] = features): readonly string[] {
  return known
    .filter(({ neededBy }) => neededBy(policy))
    .map(({ name }) => name)
    .toSorted();
}

function anyProfile(test: (profile: ProfilePolicy) => boolean): (policy: PodPolicy) => boolean {
  return ({ listeners }) => listeners.some(({ profiles }) => profiles.some(test));
}

function revocationOf({ clientAuth }: ProfilePolicy): string {
  return 'revocation' in clientAuth ? clientAuth.revocation.kind : 'none';
}
