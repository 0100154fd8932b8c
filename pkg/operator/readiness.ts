import type { Clock } from '../process/clock.ts';

export interface ReadinessOptions {
  readonly clock: Clock;
  /** Why the operator's certificate cannot be served. */
  readonly certificateFaults: () => readonly string[];
  /** The ports that must be open, and whether each is. */
  readonly ports: () => readonly (readonly [name: string, open: boolean])[];
  /** What has not been listed yet or cannot be watched. */
  readonly watchFaults: () => readonly string[];
  readonly listed: () => boolean;
  readonly stopping: AbortSignal;
}

/**
 * Why nobody should come here, a line each. The webhook is what counts: without a ready replica no pod that asks for a
 * gate can start. So a list that is refused keeps a replica out only while it starts, when an older one may still know
 * more; later it is told on /metrics and in the log, and what is offered stays.
 */
export function createReadiness(options: ReadinessOptions): () => readonly string[] {
  const { clock, certificateFaults, ports, watchFaults, listed, stopping } = options;
  const startMs = clock.monotonicMs();
  let seen = false;
  return () => {
    seen ||= listed();
    const starting = clock.monotonicMs() - startMs < graceMs;
    return [
      ...(stopping.aborted ? ['the operator is stopping'] : []),
      ...certificateFaults(),
      ...ports().flatMap(([name, open]) => (open ? [] : [`${name} is not open yet`])),
      ...(!seen && starting ? watchFaults() : []),
    ];
  };
}

/** From then on a replica that cannot list is as good as any other. */
const graceMs = 30_000;
