import { Counter, Gauge, type Registry } from 'prom-client';

/** What is known of the operator when the metrics are read. */
export interface ControlPlaneState {
  readonly connected: boolean;
  /** When what is in force came from the operator, Unix milliseconds; undefined where nothing is in force. */
  readonly inForceSinceMs: number | undefined;
  /** No operator has confirmed since the start what is in force. */
  readonly fromLastGood: boolean;
}

export interface ControlPlaneMetrics {
  /** Counts a policy that was refused. */
  refused(reason: string): void;
}

/** The series of a sidecar that follows an operator; a standalone one has none of them. */
export function registerControlPlaneMetrics(registry: Registry, read: () => ControlPlaneState): ControlPlaneMetrics {
  const registers = [registry];
  new Gauge({
    name: 'lychgate_control_plane_connected',
    help: '1 where a stream to the operator is open, 0 where the policy in force serves on without one.',
    registers,
    collect() {
      this.set(read().connected ? 1 : 0);
    },
  });
  new Gauge({
    name: 'lychgate_policy_last_good_timestamp_seconds',
    help: 'When the policy in force came from the operator; 0 where none is in force.',
    registers,
    collect() {
      this.set((read().inForceSinceMs ?? 0) / 1000);
    },
  });
  new Gauge({
    name: 'lychgate_policy_from_last_good',
    help: '1 where the policy in force was read back after a restart, and no operator has confirmed it since.',
    registers,
    collect() {
      this.set(read().fromLastGood ? 1 : 0);
    },
  });
  const nacks = new Counter({
    name: 'lychgate_policy_nacks_total',
    help: 'Policies of the operator that were refused, by reason; the one before serves on.',
    labelNames: ['reason'],
    registers,
  });
  return { refused: (reason) => nacks.inc({ reason }) };
}
