import { gracePeriodSeconds, type PodSpec, runsToCompletion } from './pod.ts';

/**
 * Gives containers without a preStop hook a sleep, so that they still answer while the gate finishes what clients began:
 * both hooks begin at once, and the gate takes connections for the first seconds. 10 s, and always less than half of the
 * grace period. None for pods that run to completion, whose containers end by themselves.
 */
export function delayStop(spec: PodSpec): PodSpec {
  const seconds = Math.min(10, Math.ceil(gracePeriodSeconds(spec) / 2) - 1);
  if (seconds < 1 || runsToCompletion(spec)) return spec;
  return {
    ...spec,
    containers: spec.containers.map((container) => {
      const preStop = container.lifecycle?.preStop;
      if (preStop !== undefined && preStop !== null) return container;
      return { ...container, lifecycle: { ...container.lifecycle, preStop: { sleep: { seconds } } } };
    }),
  };
}
