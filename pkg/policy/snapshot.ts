import { createHash } from 'node:crypto';
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

/** Canonical JSON: fields sorted, nothing absent written, no white space. Equal policies give equal text. Has private keys: never log it. */
export function encodeSnapshot(policy: PodPolicy): string {
  return canonicalJson(policy);
}

/** The version of a policy: the digest of its canonical JSON. */
export function policyDigest(policy: PodPolicy): string {
  return snapshotDigest(encodeSnapshot(policy));
}

/** SHA-256 of a snapshot's text, lower-case hexadecimal. */
export function snapshotDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
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

/** Canonical JSON of any plain value: fields sorted, nothing absent written. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      // Code units, as RFC 8785 3.2.3 sorts; never the locale.
      .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
