import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { canonicalJson, snapshotDigest } from '../policy/digest.ts';
import { Input } from '../policy/input.ts';
import type { PodPolicy } from '../policy/policy.ts';
import { maxSnapshotLength } from '../policy/snapshot.ts';
import type { InForce } from './accept.ts';
import { faultsOf } from './messages.ts';
import { encodeFor, schemas } from './schema.ts';
import { Tombstone } from './stale.ts';

/** The last good policy of one pod. It has private keys. */
export interface LastGood {
  readonly podUid: string;
  /** Of the operator's offer; `policy` may hold more: profiles that were kept. */
  readonly inForce: InForce;
  readonly policy: PodPolicy;
  /** Unix milliseconds: when it was written. */
  readonly atMs: number;
}

/** A last good policy that is not used; the message says why. Nothing of it is in the message. */
export class LastGoodUnusable extends Error {
  readonly code = 'LAST_GOOD_UNUSABLE';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LastGoodUnusable';
  }
}

/** Replaces the last good policy, whole or not at all, readable by this user alone. @throws the file system's errors. */
export async function writeLastGood(directory: string, lastGood: LastGood): Promise<void> {
  const [schema] = schemas;
  const encoded = schema === undefined ? undefined : encodeFor(schema.version, lastGood.policy);
  if (schema === undefined || encoded === undefined) throw new Error('no snapshot schema has words for the policy');
  const { podUid, inForce, atMs } = lastGood;
  const head = { format: 1, podUid, atMs, schema: schema.version, policyDigest: encoded.digest, ...inForce };
  const next = join(directory, `${fileName}.next`);
  // A file that stands there may have other rights.
  await rm(next, { force: true });
  const file = await open(next, 'wx', 0o600);
  try {
    // Two lines: as a string in JSON the policy would double.
    await file.writeFile(`${canonicalJson(head)}\n${encoded.text}\n`);
  } finally {
    await file.close();
  }
  await rename(next, join(directory, fileName));
}

/** Reads this pod's last good policy. Undefined: there is none. @throws LastGoodUnusable. */
export async function readLastGood(directory: string, podUid: string): Promise<LastGood | undefined> {
  const text = await readPrivate(join(directory, fileName));
  if (text === undefined) return undefined;
  const [headLine = '', policyText = '', rest] = text.split('\n');
  if (rest !== '') throw new LastGoodUnusable('it is cut off');
  let raw: unknown;
  try {
    raw = JSON.parse(headLine);
  } catch {
    throw new LastGoodUnusable('its head is not JSON');
  }
  const head = Head.safeParse(raw);
  if (!head.success) throw new LastGoodUnusable(`its head cannot be read: ${faultsOf(head.error)}`);
  const { podUid: owner, digest, inputs, tombstones, atMs } = head.data;
  if (owner !== podUid) throw new LastGoodUnusable(`it is of pod ${owner}, this is pod ${podUid}`);
  if (snapshotDigest(policyText) !== head.data.policyDigest)
    throw new LastGoodUnusable('its policy is not what was written');
  const schema = schemas.find(({ version }) => version === head.data.schema);
  if (schema === undefined) throw new LastGoodUnusable(`it is in snapshot schema ${head.data.schema}`);
  try {
    const policy = schema.decode(policyText);
    return { podUid, inForce: { digest, inputs, tombstones }, policy, atMs };
  } catch (cause) {
    throw new LastGoodUnusable(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function readPrivate(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r');
    const { mode, size } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new LastGoodUnusable(`others may read or write it (mode ${(mode & 0o777).toString(8)})`);
    }
    if (size > maxFileBytes) throw new LastGoodUnusable(`it has ${size} bytes, limit ${maxFileBytes}`);
    return await file.readFile('utf8');
  } catch (cause) {
    if (cause instanceof LastGoodUnusable) throw cause;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return undefined;
    throw new LastGoodUnusable(`it cannot be opened: ${String(code)}`, cause);
  }
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const Head = z.strictObject({
  format: z.literal(1),
  podUid: z.string(),
  atMs: z.number(),
  schema: z.int(),
  policyDigest: digest,
  digest,
  inputs: z.array(Input),
  tombstones: z.array(Tombstone),
});
const fileName = 'last-good.json';
const maxFileBytes = 4 * maxSnapshotLength;
