import { PodPolicy } from './policy.ts';

/** Largest snapshot that is read, in characters: above the largest legal one (16 bundles, 4 chains, 16 sets a profile). */
export const maxSnapshotLength = 33_554_432;

/** A text that is no snapshot of this schema version; the message has every fault. */
export class SnapshotMalformed extends Error {
  readonly code = 'SNAPSHOT_MALFORMED';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'SnapshotMalformed';
  }
}

/** Reads a snapshot strictly: an unknown field or enum value refuses the whole. @throws SnapshotMalformed. */
export function decodeSnapshot(text: string): PodPolicy {
  if (text.length > maxSnapshotLength) {
    throw new SnapshotMalformed(`snapshot of ${text.length} characters, limit ${maxSnapshotLength}`);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    // JSON.parse quotes its input, and the input has private keys.
    throw new SnapshotMalformed('snapshot is not JSON');
  }
  const result = PodPolicy.safeParse(raw);
  if (!result.success) {
    // Paths and rules only, for the same reason.
    const faults = result.error.issues.map(
      (issue) => `${issue.path.map(String).join('.') || 'snapshot'}: ${issue.message}`,
    );
    throw new SnapshotMalformed(faults.join('; '));
  }
  return result.data;
}

/** A policy for people: the same shape, every private key as `[redacted]`. What `/config` shows. */
export function redactedPolicy(policy: PodPolicy): PodPolicy {
  return {
    ...policy,
    listeners: policy.listeners.map((listener) => ({
      ...listener,
      profiles: listener.profiles.map((profile) => ({
        ...profile,
        certificates: profile.certificates.map(({ chainPem }) => ({ chainPem, keyPem: redacted })),
      })),
    })),
  };
}

/** What stands in place of a private key. */
export const redacted = '[redacted]';
