import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ClusterEvent } from '../cluster/watched.ts';

/** Every series of the operator. Labels come from closed sets or name resources; never a pod. */
export interface OperatorMetrics {
  readonly registry: Registry;
  readonly leader: Gauge;
  readonly watchFailures: Counter<'resource'>;
  readonly relists: Counter<'reason' | 'resource'>;
  readonly translations: Counter<'result'>;
  readonly translateDuration: Histogram;
  readonly pushes: Counter<'result'>;
  readonly pushDuration: Histogram;
  readonly snapshotBytes: Histogram;
  readonly streamAuthFailures: Counter<'reason'>;
  readonly resources: Gauge<'condition' | 'kind' | 'status'>;
  readonly sidecars: Gauge<'state'>;
  readonly certificateExpiry: Gauge<'namespace' | 'profile'>;
  readonly webhookRequests: Counter<'result'>;
  readonly statusWrites: Counter<'result'>;
}

/** What is read when the metrics are. */
export interface OperatorGauges {
  /** Sidecars with an open stream to this replica. */
  connectedSidecars(): number;
  /** When the operator's own serving certificate expires, Unix milliseconds; undefined where there is none yet. */
  servingCertificateNotAfterMs(): number | undefined;
}

/** Makes a fresh registry with every handle. */
export function createOperatorMetrics(version: string): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'lychgate_operator_build_info',
    help: 'Version of the running operator; always 1.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  return {
    registry,
    leader: new Gauge({
      name: 'lychgate_operator_leader',
      help: '1 where this replica holds the lease and writes status.',
      registers,
    }),
    watchFailures: new Counter({
      name: 'lychgate_operator_watch_failures_total',
      help: 'Lists and watches that failed, by resource.',
      labelNames: ['resource'],
      registers,
    }),
    relists: new Counter({
      name: 'lychgate_operator_relists_total',
      help: 'Lists after the first one, by resource and reason.',
      labelNames: ['resource', 'reason'],
      registers,
    }),
    translations: new Counter({
      name: 'lychgate_operator_translations_total',
      help: 'Namespaces translated to policies, by result. A failure is a bug: what was offered before stays.',
      labelNames: ['result'],
      registers,
    }),
    translateDuration: new Histogram({
      name: 'lychgate_operator_translate_duration_seconds',
      help: 'How long the translation of one namespace took.',
      buckets: durationBuckets,
      registers,
    }),
    pushes: new Counter({
      name: 'lychgate_operator_pushes_total',
      help: 'Answers of sidecars connected here to what they were offered, by result.',
      labelNames: ['result'],
      registers,
    }),
    pushDuration: new Histogram({
      name: 'lychgate_operator_push_duration_seconds',
      help: 'From an offer to the answer of the sidecar that has it in force.',
      buckets: durationBuckets,
      registers,
    }),
    snapshotBytes: new Histogram({
      name: 'lychgate_operator_snapshot_bytes',
      help: 'Size of the policies that were offered.',
      buckets: [1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6, 32e6],
      registers,
    }),
    streamAuthFailures: new Counter({
      name: 'lychgate_operator_stream_auth_failures_total',
      help: 'Streams that were refused, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    resources: new Gauge({
      name: 'lychgate_operator_resources',
      help: 'SslProfiles and RewriteSets, by condition and its status.',
      labelNames: ['kind', 'condition', 'status'],
      registers,
    }),
    sidecars: new Gauge({
      name: 'lychgate_operator_sidecars',
      help: 'Pods with a sidecar, by what became of their policy; and pods that asked for one and have none (missing).',
      labelNames: ['state'],
      registers,
    }),
    certificateExpiry: new Gauge({
      name: 'lychgate_operator_certificate_expiry_timestamp_seconds',
      help: 'When the first of the server certificates of a profile expires.',
      labelNames: ['namespace', 'profile'],
      registers,
    }),
    webhookRequests: new Counter({
      name: 'lychgate_operator_webhook_requests_total',
      help: 'Pods that the webhook was asked about, by result.',
      labelNames: ['result'],
      registers,
    }),
    statusWrites: new Counter({
      name: 'lychgate_operator_status_writes_total',
      help: 'Writes of status, by result.',
      labelNames: ['result'],
      registers,
    }),
  };
}

/** Registers what is read when the metrics are. */
export function registerOperatorGauges({ registry }: OperatorMetrics, gauges: OperatorGauges): void {
  new Gauge({
    name: 'lychgate_operator_connected_sidecars',
    help: 'Sidecars with an open stream to this replica.',
    registers: [registry],
    collect() {
      this.set(gauges.connectedSidecars());
    },
  });
  new Gauge({
    name: 'lychgate_operator_serving_certificate_expiry_timestamp_seconds',
    help: "When the certificate of the operator's webhook and push port expires; 0 where there is none.",
    registers: [registry],
    collect() {
      this.set((gauges.servingCertificateNotAfterMs() ?? 0) / 1000);
    },
  });
}

/** Counts what happened to a watch. */
export function recordClusterEvent(metrics: OperatorMetrics, event: ClusterEvent): void {
  const resource = event.path.split('/').at(-1) ?? '';
  if ((event.kind === 'List' || event.kind === 'Watch') && event.result === 'failed') {
    metrics.watchFailures.inc({ resource });
  }
  if (event.kind === 'Relist') metrics.relists.inc({ resource, reason: event.reason });
}

const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
