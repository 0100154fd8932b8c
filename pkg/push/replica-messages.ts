import * as z from 'zod';
import { faultsOf } from './messages.ts';
import { SidecarReport } from './report.ts';

/** What a replica of the operator tells the lease holder; the first message has its name. Closed, as messages.ts. */
export const FromReplica = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('replica'), from: z.string().min(1).max(253) }),
  z.strictObject({ type: z.literal('reports'), reports: z.array(SidecarReport).max(1000) }),
  /** Nothing new; the stream lives. */
  z.strictObject({ type: z.literal('heartbeat') }),
]);
export type FromReplica = z.infer<typeof FromReplica>;

export function encodeFromReplica(message: FromReplica): Buffer {
  return Buffer.from(JSON.stringify(message));
}

/** Reads strictly; a text says what is wrong. Never throws. */
export function decodeFromReplica(bytes: Buffer): FromReplica | string {
  let raw: unknown;
  try {
    raw = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'not JSON';
  }
  const result = FromReplica.safeParse(raw);
  return result.success ? result.data : faultsOf(result.error);
}
