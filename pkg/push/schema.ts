import { encodeSnapshot, snapshotDigest } from '../policy/digest.ts';
import type { PodPolicy } from '../policy/policy.ts';
import { decodeSnapshot, maxSnapshotLength } from '../policy/snapshot.ts';
import { type Feature, features, featuresOf } from './features.ts';
import type { Hello } from './messages.ts';
import type { Offer } from './offer.ts';

/** One version of the snapshot's shape, both ways. Versions of the last four minors are kept; golden snapshots of each must decode for ever. */
export interface Schema {
  readonly version: number;
  /** Canonical JSON. Undefined: this version has no words for it. */
  encode(policy: PodPolicy): string | undefined;
  /** Strict. @throws SnapshotMalformed. */
  decode(text: string): PodPolicy;
}

/** Newest first. */
export const schemas: readonly Schema[] = [{ version: 1, encode: encodeSnapshot, decode: decodeSnapshot }];

/** What an offer is to one sidecar. */
export type Encoding =
  | { readonly kind: 'Encoded'; readonly schema: number; readonly digest: string; readonly text: () => string }
  | { readonly kind: 'Outdated'; readonly reason: OutdatedReason; readonly message: string };
export type OutdatedReason = 'MissingFeatures' | 'TooLarge' | 'UnsupportedSchema';

/** A policy in that schema, with its digest. Undefined: the table has no such schema, or the schema no words for it. */
export function encodeFor(
  schema: number,
  policy: PodPolicy,
  table: readonly Schema[] = schemas,
): { readonly text: string; readonly digest: string } | undefined {
  const text = table.find(({ version }) => version === schema)?.encode(policy);
  return text === undefined ? undefined : { text, digest: snapshotDigest(text) };
}

/** An offer as this sidecar can read it, in the newest schema that both know and that has words for it. */
export function encodeOffer(
  offer: Offer,
  hello: Pick<Hello, 'features' | 'schemas'>,
  table: readonly Schema[] = schemas,
  known: readonly Feature[] = features,
): Encoding {
  const shared = table.filter(({ version }) => hello.schemas.includes(version));
  if (shared.length === 0) {
    return {
      kind: 'Outdated',
      reason: 'UnsupportedSchema',
      message: `the sidecar reads snapshot schemas ${hello.schemas.join(', ')}, the operator writes ${table.map(({ version }) => version).join(', ')}; restart the pod to get the current sidecar`,
    };
  }
  const missing = featuresOf(offer.policy, known).filter((name) => !hello.features.includes(name));
  if (missing.length > 0) {
    return {
      kind: 'Outdated',
      reason: 'MissingFeatures',
      message: `the policy needs ${missing.join(', ')}, which the sidecar does not have; restart the pod to get the current sidecar`,
    };
  }
  for (const schema of shared) {
    const encoded = encodedOnce(schema, offer, table);
    if (encoded === undefined) continue;
    if (encoded.length > maxSnapshotLength) {
      return {
        kind: 'Outdated',
        reason: 'TooLarge',
        message: `the policy has ${encoded.length} characters, limit ${maxSnapshotLength}; use smaller bundles`,
      };
    }
    return { kind: 'Encoded', schema: schema.version, digest: encoded.digest, text: encoded.text };
  }
  return {
    kind: 'Outdated',
    reason: 'UnsupportedSchema',
    message: `the policy cannot be said in snapshot schema ${shared.map(({ version }) => version).join(', ')}; restart the pod to get the current sidecar`,
  };
}

/** What stays of an encoding: its text is made again when it is sent, which is seldom, so that it need not stay in memory. */
interface Measured {
  readonly digest: string;
  readonly length: number;
}

function encodedOnce(
  schema: Schema,
  offer: Offer,
  table: readonly Schema[],
): (Measured & { text: () => string }) | undefined {
  let perSchema = measured.get(offer.policy);
  if (perSchema === undefined) {
    perSchema = new Map();
    measured.set(offer.policy, perSchema);
  }
  if (!perSchema.has(schema)) {
    const encoded = encodeFor(schema.version, offer.policy, table);
    perSchema.set(schema, encoded === undefined ? undefined : { digest: encoded.digest, length: encoded.text.length });
  }
  const known = perSchema.get(schema);
  return known === undefined ? undefined : { ...known, text: () => schema.encode(offer.policy) ?? '' };
}

const measured = new WeakMap<PodPolicy, Map<Schema, Measured | undefined>>();
