import * as z from 'zod';

/**
 * One object that a policy was made of, as it was then. With these a sidecar tells an older policy from a newer one:
 * operators that lag must not roll it back. Not part of the digest: a new version with equal effect changes nothing.
 */
export const Input = z.strictObject({
  kind: z.string().max(63),
  namespace: z.string().max(253),
  name: z.string().max(253),
  uid: z.string().max(128),
  /** Of kinds that count it (custom resources): changes of status and metadata do not count. */
  generation: z.int().min(0).optional(),
  resourceVersion: z.string().max(128),
});
export type Input = z.infer<typeof Input>;
