import type { Peer } from './compose.ts';
import type { Snapshot } from './snapshot.ts';

/** Whose requests repeat each other: a peer under the snapshot in force. */
export type SnapshotPeer = Peer & { readonly snapshot: Snapshot };

/** What a connection keeps only to be quick it keeps for so long without a request, in milliseconds. */
export const repeatsKeptMs = 1000;
