import * as z from 'zod';
import { Input } from '../policy/input.ts';

/** An input that left the policy. Kept for a while, so that a replica that lags cannot bring it back. */
export const Tombstone = z.strictObject({ input: Input, removedAtMs: z.number() });
export type Tombstone = z.infer<typeof Tombstone>;

/**
 * Whether an offer is older than what is in force, and by which input. One older input is enough. One that had left and
 * comes back in no newer version is old too, unless something else is newer (a profile names its CA again). Undefined:
 * not older.
 */
export function staleInput(
  offered: readonly Input[],
  inForce: readonly Input[],
  tombstones: readonly Tombstone[],
  nowMs: number,
): string | undefined {
  const known = new Map(inForce.map((input) => [keyOf(input), input]));
  const gone = new Map(
    tombstones.filter((tombstone) => isFresh(tombstone, nowMs)).map(({ input }) => [input.uid, input]),
  );
  let returned: Input | undefined;
  let somethingNewer = false;
  for (const input of offered) {
    const before = known.get(keyOf(input));
    const order = before === undefined ? undefined : orderOf(input, before);
    if (before !== undefined && order === 'older') {
      return `${keyOf(input)} is offered in version ${versionOf(input)}, in force is ${versionOf(before)}`;
    }
    const removed = before === undefined ? gone.get(input.uid) : undefined;
    if (removed !== undefined && orderOf(input, removed) !== 'newer') returned ??= input;
    else if (order === undefined || order === 'newer') somethingNewer = true;
  }
  if (returned === undefined || somethingNewer) return undefined;
  return `${keyOf(returned)} had left the policy, and comes back in version ${versionOf(returned)} with nothing newer`;
}

/** The tombstones after a change of inputs: at most 256, at most ten minutes old. */
export function nextTombstones(
  tombstones: readonly Tombstone[],
  before: readonly Input[],
  after: readonly Input[],
  nowMs: number,
): readonly Tombstone[] {
  const present = new Set(after.map(({ uid }) => uid));
  const left = before.filter(({ uid }) => !present.has(uid)).map((input) => ({ input, removedAtMs: nowMs }));
  const kept = tombstones.filter((tombstone) => isFresh(tombstone, nowMs) && !present.has(tombstone.input.uid));
  return [...kept, ...left].slice(-maxTombstones);
}

/**
 * How one version of an object stands to another. Of one object the generation tells, where both have it: changes of
 * status do not count. Else the resource version, as a number (KEP-5504); where either is none nothing can be said.
 */
export function orderOf(offered: Input, known: Input): 'newer' | 'older' | 'same' | 'unknown' {
  if (offered.uid === known.uid && offered.generation !== undefined && known.generation !== undefined) {
    return order(BigInt(offered.generation), BigInt(known.generation));
  }
  if (!decimal.test(offered.resourceVersion) || !decimal.test(known.resourceVersion)) return 'unknown';
  return order(BigInt(offered.resourceVersion), BigInt(known.resourceVersion));
}

function order(left: bigint, right: bigint): 'newer' | 'older' | 'same' {
  return left < right ? 'older' : left > right ? 'newer' : 'same';
}

/** A clock that went back makes a tombstone no older than it is: it counts until its time has passed again. */
function isFresh({ removedAtMs }: Tombstone, nowMs: number): boolean {
  return nowMs - removedAtMs < tombstoneMs;
}

function keyOf({ kind, namespace, name }: Input): string {
  return `${kind} ${namespace}/${name}`;
}

function versionOf({ generation, resourceVersion }: Input): string {
  return generation === undefined ? resourceVersion : `${resourceVersion} (generation ${generation})`;
}

const decimal = /^\d{1,39}$/;
const maxTombstones = 256;
/** Far above what a replica lags. A limit, because an offer that only looked old must not be refused for ever. */
const tombstoneMs = 600_000;
