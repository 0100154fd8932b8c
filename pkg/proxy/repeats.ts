import type { Peer } from './compose.ts';
import type { Snapshot } from './snapshot.ts';

/** Whose requests repeat each other: a peer under the snapshot in force. */
export type SnapshotPeer = Peer & { readonly snapshot: Snapshot };

/** What a connection keeps only to be quick it keeps for so long without a request, in milliseconds. */
export const repeatsKeptMs = 1000;

/** Whether two lists say the same; most often they are one object. */
export function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((text, i) => text === other[i]));
}
