import * as z from 'zod';
import { Input } from '../policy/input.ts';
import { maxSnapshotLength } from '../policy/snapshot.ts';

/**
 * The envelopes of the push channel, one JSON text in each gRPC message. Closed both ways: an unknown field refuses the
 * message. A new field or message is sent only to a peer whose hello names the feature.
 */

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const nonce = z.string().min(1).max(32);
const inputs = z.array(Input).max(4096).readonly();
const exposed = z.array(z.string().max(512)).max(256).readonly();

/** What a sidecar is and has; the first message of a stream. */
export const Hello = z.strictObject({
  type: z.literal('hello'),
  /** Must be the token's pod: a wrong token is told at once. It proves nothing. */
  podUid: z.string().max(128),
  /** Snapshot schemas that this build reads. */
  schemas: z.array(z.int().min(1)).min(1).max(16).readonly(),
  features: z.array(z.string().max(63)).max(64).readonly(),
  version: z.string().max(63),
  /** The last offer that was accepted, also from the disk. */
  inForce: z.strictObject({ digest, inputs }).optional(),
  exposed,
});
export type Hello = z.infer<typeof Hello>;

/** Why a sidecar refuses a snapshot; the one before it serves on. */
export const NackReason = z.enum(['DigestMismatch', 'Malformed', 'PolicyUnusable', 'Stale', 'UnsupportedSchema']);
export type NackReason = z.infer<typeof NackReason>;

export const FromSidecar = z.discriminatedUnion('type', [
  Hello,
  z.strictObject({ type: z.literal('ack'), nonce, digest }),
  z.strictObject({
    type: z.literal('nack'),
    nonce,
    /** As it was sent; empty where it could not be read. */
    digest: z.union([digest, z.literal('')]),
    reason: NackReason,
    message: z.string().max(1024),
  }),
  /** Which applications answer beside the gate now. */
  z.strictObject({ type: z.literal('exposure'), exposed }),
  /** A newer token of the same pod, before the one in use expires. */
  z.strictObject({ type: z.literal('token'), token: z.string().min(1).max(16_384) }),
]);
export type FromSidecar = z.infer<typeof FromSidecar>;

/** A whole policy. It has private keys: never log it. */
export const SnapshotMessage = z.strictObject({
  type: z.literal('snapshot'),
  nonce,
  schema: z.int().min(1),
  /** SHA-256 of `policy`. */
  digest,
  /** Canonical JSON text in that schema. */
  policy: z.string().max(maxSnapshotLength),
  inputs,
});
export type SnapshotMessage = z.infer<typeof SnapshotMessage>;

export const FromOperator = z.discriminatedUnion('type', [
  SnapshotMessage,
  /** What the sidecar's hello has in force is what is offered; the versions that it is now made of. Not answered. */
  z.strictObject({ type: z.literal('current'), digest, inputs }),
]);
export type FromOperator = z.infer<typeof FromOperator>;

/** A message that could not be read, with what is needed to answer it. No text of it is in `message`. */
export interface Unreadable {
  readonly type: 'unreadable';
  readonly nonce: string | undefined;
  readonly digest: string;
  readonly message: string;
}

/** One message as bytes of UTF-8. */
export function encodeMessage(message: FromOperator | FromSidecar): Buffer {
  return Buffer.from(JSON.stringify(message));
}

/** Reads a sidecar's message strictly. Never throws. */
export function decodeFromSidecar(bytes: Buffer): FromSidecar | Unreadable {
  return decode(FromSidecar, bytes);
}

/** Reads an operator's message strictly. Never throws. */
export function decodeFromOperator(bytes: Buffer): FromOperator | Unreadable {
  return decode(FromOperator, bytes);
}

/** The faults of a message, without any text of it. */
export function faultsOf(error: z.ZodError): string {
  const faults = error.issues.map(({ path, code }) => `${path.map(String).join('.') || 'message'}: ${code}`);
  return shorten(faults.join('; '));
}

/** A text that fits a NACK. */
export function shorten(text: string): string {
  return text.length > 1024 ? `${text.slice(0, 1023)}…` : text;
}

function decode<T>(schema: z.ZodType<T>, bytes: Buffer): T | Unreadable {
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { type: 'unreadable', nonce: undefined, digest: '', message: 'not JSON in UTF-8' };
  }
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const head = Head.safeParse(raw);
  return {
    type: 'unreadable',
    nonce: head.data?.nonce,
    digest: head.data?.digest ?? '',
    message: faultsOf(result.error),
  };
}

const Head = z.object({ nonce, digest: digest.optional() });

/** Largest message to an operator, bytes: a hello with 4096 inputs. */
export const maxFromSidecarBytes = 8 * 1024 * 1024;
/** Largest message to a sidecar, bytes: a character of the largest snapshot takes at most three, in UTF-8 or escaped; then its inputs. */
export const maxFromOperatorBytes = 3 * maxSnapshotLength + maxFromSidecarBytes;
