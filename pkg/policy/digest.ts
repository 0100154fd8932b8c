import { createHash } from 'node:crypto';
import type { PodPolicy } from './policy.ts';

/* Apart from the reading of snapshots: whoever only serves a policy need not have the schema in memory. */

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
