import type { PodPolicy } from '../policy/policy.ts';
import { profileId, profilesOf } from '../policy/profiles.ts';
import type { ExposureWatch } from './exposure.ts';

/** What is said of a gate without a policy, and of a policy without a profile; undefined where that is no reason. */
export interface Absence {
  readonly policy: string | undefined;
  readonly profiles: string | undefined;
}

export interface ReadinessFacts {
  readonly ending: boolean;
  readonly policy: PodPolicy | undefined;
  /** Why the last policy is not in force. */
  readonly fault: string | undefined;
  readonly exposure: ExposureWatch;
}

/** Why no traffic should come to a data plane; empty when all is well. */
export function reasonsAgainstReadiness(
  { ending, policy, fault, exposure }: ReadinessFacts,
  absence: Absence = { policy: 'no policy yet', profiles: undefined },
): readonly string[] {
  const reasons: string[] = [];
  if (ending) reasons.push('shutting down');
  if (policy === undefined) {
    if (fault !== undefined) reasons.push(`no usable policy: ${fault}`);
    else if (absence.policy !== undefined) reasons.push(absence.policy);
  }
  const profiles = policy === undefined ? [] : profilesOf(policy);
  const served = new Set(profiles.map(profileId));
  for (const { selected, ...held } of policy?.holds ?? []) {
    const id = profileId(held);
    if (selected === 'Yes' && !served.has(id))
      reasons.push(`${id}: the profile cannot be used, and no earlier version of it is here; see its conditions`);
  }
  if (policy !== undefined && served.size === 0 && reasons.length === 0 && absence.profiles !== undefined)
    reasons.push(absence.profiles);
  for (const profile of profiles) {
    const reason = exposure.reasonAgainst(profile);
    if (reason !== undefined) reasons.push(reason);
  }
  return reasons;
}
