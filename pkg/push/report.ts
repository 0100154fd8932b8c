import * as z from 'zod';

/** What one sidecar last said, as the operator's replicas tell each other. Its texts are the sidecar's: shown, never obeyed. */
export const SidecarReport = z.strictObject({
  podUid: z.string().max(128),
  namespace: z.string().max(253),
  name: z.string().max(253),
  /** Of the offer as the operator has it; of what the sidecar says to have in force where that is no offer of ours. Empty: none. */
  digest: z.string().max(64),
  /** The snapshot schema that is spoken with it. */
  schema: z.int().min(0),
  features: z.array(z.string().max(63)).max(64).readonly(),
  version: z.string().max(63),
  /**
   * Connected: said hello, has not answered the offer yet. Ack: it is in force. Nack: refused, the one before it serves
   * on. Outdated: the offer cannot be said to this sidecar (`reason` is UnsupportedSchema, MissingFeatures or TooLarge).
   */
  result: z.enum(['Ack', 'Connected', 'Nack', 'Outdated']),
  reason: z.string().max(63).optional(),
  message: z.string().max(1024).optional(),
  /** Profiles whose application answers beside the gate: `namespace/profile address:port`. */
  exposed: z.array(z.string().max(512)).max(256).readonly(),
  /** Unix milliseconds, by the clock of the replica that has the stream. */
  atMs: z.number(),
});
export type SidecarReport = z.infer<typeof SidecarReport>;
