import { type SidecarCounts, SslProfileStatus, type StatusCondition } from '../api/status.ts';

/** The status that stands in an object, as far as it can be read. */
export interface FoundStatus {
  readonly observedGeneration: number | undefined;
  readonly conditions: readonly StatusCondition[];
  readonly sidecars: SidecarCounts | undefined;
  readonly certificate: SslProfileStatus['certificate'];
}

/** Reads it; whatever cannot be read counts as nothing, and is written over. Never throws. */
export function foundStatus(raw: unknown): FoundStatus {
  const status = typeof raw === 'object' && raw !== null && 'status' in raw ? raw.status : undefined;
  const read = SslProfileStatus.safeParse(status);
  if (!read.success)
    return { observedGeneration: undefined, conditions: [], sidecars: undefined, certificate: undefined };
  const { observedGeneration, conditions, sidecars, certificate } = read.data;
  return { observedGeneration, conditions, sidecars, certificate };
}
