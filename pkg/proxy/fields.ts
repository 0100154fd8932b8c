import { foldName, hopByHopNames, isForwardableName, NameTable } from '../http1/names.ts';

/**
 * Which header fields get through. Hop-by-hop fields and framing belong to one connection (RFC 9110 7.6.1) and are made
 * anew; proofs (guarded names) and forwarding facts are ours to say.
 */

/** What the sidecar says of the client and the original request; a client's own are replaced (design section 4). */
const forwarding: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'x-request-id',
]);
const forwardingPrefixes = ['x-forwarded-', 'x-original-', 'x-rewrite-'];

/** What is known of a field by its name as received. */
export interface FieldName {
  readonly lower: string;
  readonly action: 'drop' | 'forwarding' | 'pass';
  /** Neither hop-by-hop nor framing: an answer's field that goes through. */
  readonly endToEnd: boolean;
  /** A proof of the client certificate: never taken from a client, nor shown to one by the application. */
  readonly guarded: boolean;
}

/** By name as received. */
export type FieldTable = NameTable<FieldName>;

/** One table per snapshot, since what is guarded is a snapshot's. */
export function createFieldTable(isGuarded: (folded: string) => boolean): FieldTable {
  return new NameTable((name) => {
    const lower = name.toLowerCase();
    const guarded = isGuarded(foldName(name));
    const endToEnd = !hopByHopNames.has(lower) && lower !== 'content-length';
    // Names outside letters, digits and hyphen are dropped, as Azure does: applications map `_` and `.` to `-`.
    const dropped = !isForwardableName(name) || guarded || !endToEnd || madeAnew.has(lower);
    if (dropped) return { lower, action: 'drop', endToEnd, guarded };
    const isForwarding = forwarding.has(lower) || forwardingPrefixes.some((prefix) => lower.startsWith(prefix));
    return { lower, action: isForwarding ? 'forwarding' : 'pass', endToEnd, guarded };
  });
}

const madeAnew: ReadonlySet<string> = new Set(['content-length', 'expect', 'host']);
