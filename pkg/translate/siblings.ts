import { canonicalJson } from '../policy/digest.ts';
import type { Claim, TranslatedProfile } from './profile.ts';
import { type Pod, podKey } from './world.ts';

/** Older first, then by namespace and name. One without a time (outside a cluster) counts as oldest. */
export function byAge(left: TranslatedProfile, right: TranslatedProfile): number {
  const [a, b] = [ageKey(left), ageKey(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Which of the profiles that select a pod may stand beside each other, by age; those that may not are told.
 * A loser is not held: two claims on one name would be served by chance.
 */
export function settle(pod: Pod, profiles: readonly TranslatedProfile[]): ReadonlySet<TranslatedProfile> {
  const ports = new Map<
    number,
    { owner: TranslatedProfile | undefined; tls: string; claims: Map<string, TranslatedProfile> }
  >();
  const standing = new Set<TranslatedProfile>();
  for (const profile of profiles) {
    const { claim } = profile;
    if (claim === undefined) {
      // What it claimed when it could be read is known to the sidecar alone.
      standing.add(profile);
      continue;
    }
    const port = claim.port ?? pod.port;
    const here = ports.get(port) ?? { owner: undefined, tls: '', claims: new Map<string, TranslatedProfile>() };
    ports.set(port, here);
    if (isConflicted(profile, claim, port, here)) continue;
    if (here.owner === undefined && claim.tls !== undefined) {
      here.owner = profile;
      here.tls = canonicalJson(claim.tls);
    }
    for (const name of claimedNames(claim)) here.claims.set(name, profile);
    if (claim.backend === String(port)) {
      profile.faults.onPod(
        'error',
        'spec.backend.port',
        `${port} is the port of the gate itself on pod ${podKey(pod)}; name the application's`,
        'Invalid',
      );
      continue;
    }
    if (port !== pod.port) {
      profile.faults.onPod(
        'warning',
        'spec.port',
        `pod ${podKey(pod)} declares port ${pod.port}; ${port} also listens, but nothing in the pod says so: remove port, or set lychgate.dev/port to it`,
        'PortNotDeclared',
      );
    }
    standing.add(profile);
  }
  for (const profile of weaker([...standing], pod)) standing.delete(profile);
  return standing;
}

function isConflicted(
  profile: TranslatedProfile,
  claim: Claim,
  port: number,
  here: { owner: TranslatedProfile | undefined; tls: string; claims: ReadonlyMap<string, TranslatedProfile> },
): boolean {
  if (here.owner !== undefined && claim.tls !== undefined && canonicalJson(claim.tls) !== here.tls) {
    profile.faults.onPod(
      'error',
      'spec.sslPolicy',
      `differs from that of ${nameOf(here.owner)}, which comes first (the older, then the name), on port ${port}; a port has one SSL policy: use the same or another port`,
      'Conflicted',
    );
    return true;
  }
  for (const name of claimedNames(claim)) {
    const holder = here.claims.get(name);
    if (holder === undefined) continue;
    profile.faults.onPod(
      'error',
      'spec.hostnames',
      name === ''
        ? `none: what no other profile on port ${port} claims already belongs to ${nameOf(holder)}, which comes first (the older, then the name); name hosts here or use another port`
        : `${name} on port ${port} belongs to ${nameOf(holder)}, which comes first (the older, then the name); remove it here or use another port`,
      'Conflicted',
    );
    return true;
  }
  return false;
}

/** Those that ask less than another one in front of the same application, without saying that this is meant. */
function weaker(profiles: readonly TranslatedProfile[], pod: Pod): readonly TranslatedProfile[] {
  return profiles.filter((profile) => {
    const { claim } = profile;
    if (claim === undefined || claim.weakerSibling === 'Allow') return false;
    const stronger = profiles.find(
      (other) =>
        other !== profile &&
        other.claim !== undefined &&
        other.claim.backend === claim.backend &&
        asksLess(claim, other.claim),
    );
    if (stronger === undefined) return false;
    profile.faults.onPod(
      'error',
      'spec.clientAuthConfiguration',
      `asks less than ${nameOf(stronger)} in front of the same application of pod ${podKey(pod)}, whose gate could be gone around; use the same mode and publicPaths, or set weakerSibling: Allow`,
      'WeakerSibling',
    );
    return true;
  });
}

function asksLess(one: Claim, other: Claim): boolean {
  const [rank, otherRank] = [modes.indexOf(one.mode), modes.indexOf(other.mode)];
  if (rank !== otherRank) return rank < otherRank;
  return one.publicPaths.some((path) => !other.publicPaths.includes(path));
}

function claimedNames({ hostnames }: Claim): readonly string[] {
  return hostnames.length === 0 ? [''] : hostnames;
}

function nameOf({ resource }: TranslatedProfile): string {
  return `${resource.namespace}/${resource.name}`;
}

function ageKey({ resource }: TranslatedProfile): string {
  // RFC 3339 in UTC, as the API server writes it, sorts as text.
  return `${resource.createdAt ?? ''} ${resource.namespace}/${resource.name}`;
}

/** The weakest first. */
const modes: readonly Claim['mode'][] = ['Off', 'Passthrough', 'Optional', 'Strict'];
