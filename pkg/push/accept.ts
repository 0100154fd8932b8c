import { snapshotDigest } from '../policy/digest.ts';
import type { Input } from '../policy/input.ts';
import type { PodPolicy } from '../policy/policy.ts';
import { SnapshotMalformed } from '../policy/snapshot.ts';
import { type NackReason, type SnapshotMessage, shorten } from './messages.ts';
import { type Schema, schemas } from './schema.ts';
import { nextTombstones, staleInput, type Tombstone } from './stale.ts';

/** What a sidecar has in force of the operator's, and what it needs to tell an older offer. */
export interface InForce {
  /** Of the offer as it was sent. */
  readonly digest: string;
  readonly inputs: readonly Input[];
  readonly tombstones: readonly Tombstone[];
}

export type Acceptance =
  /** To be applied; `next` is in force once that has succeeded. */
  | { readonly kind: 'Accepted'; readonly policy: PodPolicy; readonly next: InForce }
  /** In force already. */
  | { readonly kind: 'Same'; readonly next: InForce }
  | { readonly kind: 'Refused'; readonly reason: NackReason; readonly message: string };

/** Judges a snapshot before anything of it is used. Pure. `nowMs`: Unix milliseconds. */
export function acceptSnapshot(
  message: SnapshotMessage,
  inForce: InForce | undefined,
  nowMs: number,
  table: readonly Schema[] = schemas,
): Acceptance {
  const schema = table.find(({ version }) => version === message.schema);
  if (schema === undefined) {
    const known = table.map(({ version }) => version).join(', ');
    return refused('UnsupportedSchema', `snapshot schema ${message.schema}, this sidecar reads ${known}`);
  }
  let policy: PodPolicy;
  try {
    policy = schema.decode(message.policy);
  } catch (error) {
    if (error instanceof SnapshotMalformed) return refused('Malformed', error.message);
    throw error;
  }
  // Of the canonical form: a text that says the same in another way is not what the digest was made of.
  const digest = snapshotDigest(schema.encode(policy) ?? '');
  if (digest !== message.digest) {
    return refused('DigestMismatch', `the policy has digest ${digest}, the message says ${message.digest}`);
  }
  if (inForce === undefined)
    return { kind: 'Accepted', policy, next: { digest, inputs: message.inputs, tombstones: [] } };
  if (inForce.digest === digest) return { kind: 'Same', next: withVersions(inForce, message.inputs, nowMs) };
  const older = staleInput(message.inputs, inForce.inputs, inForce.tombstones, nowMs);
  if (older !== undefined) return refused('Stale', older);
  return { kind: 'Accepted', policy, next: following(inForce, digest, message.inputs, nowMs) };
}

/** What is in force is also made of these versions. Older ones change nothing. */
export function withVersions(inForce: InForce, inputs: readonly Input[], nowMs: number): InForce {
  if (staleInput(inputs, inForce.inputs, inForce.tombstones, nowMs) !== undefined) return inForce;
  return following(inForce, inForce.digest, inputs, nowMs);
}

function following(before: InForce, digest: string, inputs: readonly Input[], nowMs: number): InForce {
  return { digest, inputs, tombstones: nextTombstones(before.tombstones, before.inputs, inputs, nowMs) };
}

function refused(reason: NackReason, message: string): Acceptance {
  return { kind: 'Refused', reason, message: shorten(message) };
}
