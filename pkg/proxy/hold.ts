import type { Listener, PodPolicy, ProfilePolicy } from '../policy/policy.ts';
import { type Certificate, isSelfSigned } from '../x509/certificate.ts';
import { certificatesFromPem } from '../x509/pem.ts';

/**
 * Puts the last good copy of every held profile in place of what is missing: a fault never takes down what worked. CA
 * bundles that are gone are gone from the copy too: a withdrawal of trust takes effect at once.
 */
export function mergeHolds(policy: PodPolicy, lastGood: PodPolicy | undefined): PodPolicy {
  if (policy.holds.length === 0 || lastGood === undefined) return policy;
  const listeners = new Map<number, Listener>(policy.listeners.map((listener) => [listener.port, listener]));
  for (const hold of policy.holds) {
    for (const before of lastGood.listeners) {
      const copy = before.profiles.find(
        (profile) => profile.namespace === hold.namespace && profile.name === hold.name,
      );
      if (copy === undefined) continue;
      const listener = listeners.get(before.port) ?? { ...before, profiles: [] };
      const claimed = new Set(
        listener.profiles.flatMap((profile) => (profile.hostnames.length === 0 ? [''] : profile.hostnames)),
      );
      const names = copy.hostnames.length === 0 ? [''] : copy.hostnames;
      // What another profile has validly claimed meanwhile is its own.
      if (names.some((name) => claimed.has(name))) continue;
      listeners.set(before.port, { ...listener, profiles: [...listener.profiles, withTrust(copy, hold.trustedCas)] });
    }
  }
  return { ...policy, listeners: [...listeners.values()] };
}

/** By certificate, not by bundle: one that joins or leaves a file takes no other with it. */
function withTrust(profile: ProfilePolicy, trustedCas: readonly string[] | null): ProfilePolicy {
  const auth = profile.clientAuth;
  if (trustedCas === null || (auth.mode !== 'Strict' && auth.mode !== 'Optional')) return profile;
  const there = new Set(trustedCas.flatMap(read).map(({ sha256 }) => sha256));
  const left = auth.trustedCas.flatMap((bundle) => {
    const before = read(bundle);
    const kept = before.filter(({ sha256 }) => there.has(sha256));
    if (kept.length === before.length) return [bundle];
    // Without a root a bundle trusts nobody, and could not be compiled.
    return kept.some(isSelfSigned) ? [kept.map(({ pem }) => pem).join('')] : [];
  });
  return { ...profile, clientAuth: { ...auth, trustedCas: left } };
}

/** What cannot be read is not there. */
function read(bundle: string): readonly Certificate[] {
  try {
    return certificatesFromPem(bundle);
  } catch {
    return [];
  }
}
