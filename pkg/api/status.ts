import * as z from 'zod';

/** One condition, as metav1.Condition has it. */
export const StatusCondition = z.strictObject({
  type: z
    .string()
    .max(316)
    .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
    .describe('What the condition is about: Accepted, ResolvedRefs, Programmed, Exposed or Ready.'),
  status: z.enum(['False', 'True', 'Unknown']).describe('Whether it holds.'),
  observedGeneration: z
    .int()
    .min(0)
    .max(maxGeneration())
    .optional()
    .describe('The metadata.generation that was looked at.'),
  lastTransitionTime: z.iso.datetime().describe('When the status last changed.'),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .describe('Why, in one word that does not change between versions.'),
  message: z.string().max(32_768).describe('Why, and what to do next.'),
});
export type StatusCondition = z.infer<typeof StatusCondition>;

/** How far the policy has come. */
export const SidecarCounts = z.strictObject({
  selected: count('Pods with a sidecar that are to have it.'),
  programmed: count('Of these, those whose sidecar has it in force.'),
  rejected: count('Of these, those whose sidecar refused it; the condition Programmed says why.'),
  missing: count('Selected pods that asked for a sidecar and have none; restart their workload.'),
  summary: z
    .string()
    .max(32)
    .regex(/^[0-9]+\/[0-9]+$/)
    .optional()
    .describe('Programmed of selected, as kubectl get prints it: 2/3.'),
});
export type SidecarCounts = z.infer<typeof SidecarCounts>;

/** The conditions of a resource that no operator has looked at: `kubectl wait` waits instead of failing. */
export const pendingConditions: readonly StatusCondition[] = (
  ['Accepted', 'ResolvedRefs', 'Programmed', 'Ready'] as const
).map((type) => ({
  type,
  status: 'Unknown',
  lastTransitionTime: '1970-01-01T00:00:00Z',
  reason: 'Pending',
  message: 'Waiting for the operator; if this stays, look whether it runs.',
}));

/** What the operator says of an SslProfile. Below it is written by the operator alone. */
export const SslProfileStatus = z.strictObject({
  ...common(),
  certificate: z
    .strictObject({ notAfter: z.iso.datetime().optional().describe('When the first of them expires.') })
    .optional()
    .describe('The server certificates.'),
});
export type SslProfileStatus = z.infer<typeof SslProfileStatus>;

/** What the operator says of a RewriteSet. */
export const RewriteSetStatus = z.strictObject(common());
export type RewriteSetStatus = z.infer<typeof RewriteSetStatus>;

function common() {
  return {
    observedGeneration: z
      .int()
      .min(0)
      .max(maxGeneration())
      .optional()
      .describe('The metadata.generation that this status is about.'),
    conditions: z
      .array(StatusCondition)
      .max(16)
      .default([...pendingConditions])
      .describe('What holds, and what does not.'),
    sidecars: SidecarCounts.optional().describe('The pods, counted.'),
  };
}

function count(description: string) {
  return z.int().min(0).max(1_000_000).optional().describe(description);
}

/** Of a generation: beyond any that can be reached, and a whole number to JavaScript. */
function maxGeneration(): number {
  return 2 ** 53 - 2;
}
