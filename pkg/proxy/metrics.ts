import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CrlEvent } from '../crl/store.ts';
import type { OcspEvent, RunningOcspChecker } from '../ocsp/checker.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import { HistogramFamily, NumberFamily, type NumberTally } from './tally.ts';

/** Every series of the sidecar. Labels come from closed sets or from the configuration, never from a request. */
export interface ProxyMetrics {
  readonly registry: Registry;
  readonly requests: NumberFamily;
  readonly requestDuration: HistogramFamily;
  readonly backendDuration: HistogramFamily;
  readonly backendFailures: Counter<'cause' | 'profile'>;
  readonly rejections: Counter<'profile' | 'reason'>;
  readonly reports: Counter<'profile' | 'reason'>;
  readonly malformed: Counter<'code'>;
  readonly misdirected: Counter;
  readonly handshakes: NumberFamily;
  /** Those that were completed, by version. */
  readonly completedHandshakes: ReadonlyMap<string, NumberTally>;
  readonly connections: NumberFamily;
  readonly closed: Counter<'cause'>;
  readonly ocspAnswers: NumberFamily;
  /** The usual answer: good, from the cache. */
  readonly ocspGoodHits: NumberTally;
  readonly ocspDuration: Histogram;
  readonly crlFetches: Counter<'reason' | 'result'>;
  readonly policyInfo: Gauge<'version'>;
  readonly policyApplied: Gauge;
  readonly policyApplySucceeded: Gauge;
  readonly certificateExpiry: Gauge<'profile'>;
  readonly exposed: Gauge<'profile'>;
}

/** Makes a fresh registry with every handle. */
export function createProxyMetrics(version: string): ProxyMetrics {
  const registry = new Registry();
  const registers = [registry];
  const info = new Gauge({
    name: 'lychgate_build_info',
    help: 'Version of the running sidecar; always 1.',
    labelNames: ['version'],
    aggregator: 'max',
    registers,
  });
  info.set({ version }, 1);
  const handshakes = new NumberFamily(
    registry,
    { name: 'lychgate_proxy_tls_handshakes_total', help: 'TLS handshakes, by result and protocol version.' },
    'counter',
  );
  const ocspAnswers = new NumberFamily(
    registry,
    { name: 'lychgate_proxy_ocsp_answers_total', help: 'OCSP questions answered, by result and reason.' },
    'counter',
  );
  return {
    registry,
    requests: new NumberFamily(
      registry,
      {
        name: 'lychgate_proxy_requests_total',
        help: 'Requests answered, by profile, protocol and class of the status code.',
      },
      'counter',
    ),
    requestDuration: new HistogramFamily(
      registry,
      {
        name: 'lychgate_proxy_request_duration_seconds',
        help: 'From the whole request head to the last byte of the answer.',
      },
      latencyBuckets,
    ),
    backendDuration: new HistogramFamily(
      registry,
      {
        name: 'lychgate_proxy_backend_duration_seconds',
        help: "From the request's handing over to the head of the application's answer.",
      },
      latencyBuckets,
    ),
    backendFailures: new Counter({
      name: 'lychgate_proxy_backend_failures_total',
      help: 'Requests that the application did not answer properly, by cause.',
      labelNames: ['profile', 'cause'],
      registers,
    }),
    rejections: new Counter({
      name: 'lychgate_proxy_client_certificate_rejections_total',
      help: 'Requests refused for their client certificate, by reason.',
      labelNames: ['profile', 'reason'],
      registers,
    }),
    reports: new Counter({
      name: 'lychgate_proxy_client_certificate_reports_total',
      help: 'Requests forwarded under `enforcement: Report` that would have been refused, by reason.',
      labelNames: ['profile', 'reason'],
      registers,
    }),
    malformed: new Counter({
      name: 'lychgate_proxy_malformed_requests_total',
      help: 'Requests that are no unambiguous HTTP, by the status code of the answer.',
      labelNames: ['code'],
      registers,
    }),
    misdirected: new Counter({
      name: 'lychgate_proxy_misdirected_requests_total',
      help: 'Requests whose authority belongs to another profile than the server name of their connection (421).',
      registers,
    }),
    handshakes,
    completedHandshakes: new Map(
      ['TLSv1.2', 'TLSv1.3'].map((version) => [version, handshakes.of({ result: 'completed', version })]),
    ),
    connections: new NumberFamily(
      registry,
      { name: 'lychgate_proxy_connections', help: 'Open client connections by protocol.' },
      'gauge',
    ),
    closed: new Counter({
      name: 'lychgate_proxy_connections_closed_total',
      help: 'Client connections that the sidecar closed, by cause.',
      labelNames: ['cause'],
      registers,
    }),
    ocspAnswers,
    ocspGoodHits: ocspAnswers.of({ result: 'good', reason: '', cached: 'true' }),
    ocspDuration: new Histogram({
      name: 'lychgate_proxy_ocsp_duration_seconds',
      help: 'How long OCSP questions took that were not answered from the cache.',
      buckets: latencyBuckets,
      registers,
    }),
    crlFetches: new Counter({
      name: 'lychgate_proxy_crl_fetches_total',
      help: 'CRLs fetched from distribution points, by result and reason.',
      labelNames: ['result', 'reason'],
      registers,
    }),
    policyInfo: new Gauge({
      name: 'lychgate_proxy_policy_info',
      help: 'Version (digest) of the policy in force; always 1.',
      labelNames: ['version'],
      aggregator: 'max',
      registers,
    }),
    policyApplied: new Gauge({
      name: 'lychgate_proxy_policy_last_applied_timestamp_seconds',
      help: 'When the policy in force was applied.',
      aggregator: 'max',
      registers,
    }),
    policyApplySucceeded: new Gauge({
      name: 'lychgate_proxy_policy_last_apply_successful',
      help: '1 where the last policy that arrived is in force, 0 where it was refused and the one before serves on.',
      aggregator: 'max',
      registers,
    }),
    certificateExpiry: new Gauge({
      name: 'lychgate_proxy_certificate_expiration_timestamp_seconds',
      help: 'When the first of the server certificates of a profile expires.',
      labelNames: ['profile'],
      aggregator: 'min',
      registers,
    }),
    exposed: new Gauge({
      name: 'lychgate_proxy_backend_exposed',
      help: "1 where the application also answers on one of the pod's own addresses, so that the gate can be gone around.",
      labelNames: ['profile'],
      aggregator: 'max',
      registers,
    }),
  };
}

/** Counts one handshake, or one connection that came to none. */
export function recordHandshake(
  metrics: ProxyMetrics,
  result: 'completed' | 'failed' | 'over-limit' | 'refused',
  version: string,
): void {
  const usual = result === 'completed' ? metrics.completedHandshakes.get(version) : undefined;
  const tally = usual ?? metrics.handshakes.of({ result, version });
  tally.value += 1;
}

/** Counts one question, from the cache or not. */
export function recordOcsp(metrics: ProxyMetrics, event: OcspEvent): void {
  countOcsp(metrics, event.result, event.reason, event.cached);
  if (!event.cached) metrics.ocspDuration.observe(event.durationMs / 1000);
}

/** Counts one question that a worker answered from what the owner of the answers had told it. */
export function recordOcspHit(metrics: ProxyMetrics, status: RevocationStatus): void {
  countOcsp(metrics, status.kind, status.kind === 'unavailable' ? status.cause : '', true);
}

function countOcsp(metrics: ProxyMetrics, result: string, reason: string, cached: boolean): void {
  const isUsual = cached && result === 'good';
  const tally = isUsual ? metrics.ocspGoodHits : metrics.ocspAnswers.of({ result, reason, cached: String(cached) });
  tally.value += 1;
}

/** Counts one fetch of a CRL. */
export function recordCrl(metrics: ProxyMetrics, event: CrlEvent): void {
  metrics.crlFetches.inc({ result: event.result, reason: event.reason });
}

/** What the OCSP checker holds, read when the metrics are. */
export function registerOcspGauges(metrics: ProxyMetrics, checker: RunningOcspChecker): void {
  const registers = [metrics.registry];
  new Gauge({
    name: 'lychgate_proxy_ocsp_cache_entries',
    help: 'Certificates whose revocation status is remembered.',
    registers,
    collect() {
      this.set(checker.snapshot().entries);
    },
  });
  new Gauge({
    name: 'lychgate_proxy_ocsp_questions_waiting',
    help: 'OCSP questions that are being asked or wait for their turn.',
    registers,
    collect() {
      const { running, queued } = checker.snapshot();
      this.set(running + queued);
    },
  });
  new Gauge({
    name: 'lychgate_proxy_ocsp_oldest_answer_timestamp_seconds',
    help: 'thisUpdate of the oldest answer in use; 0 where there is none.',
    registers,
    collect() {
      this.set((checker.snapshot().oldestThisUpdateMs ?? 0) / 1000);
    },
  });
  new Gauge({
    name: 'lychgate_proxy_ocsp_breakers_open',
    help: 'Responders that are not asked for a while because they failed.',
    registers,
    collect() {
      this.set(checker.snapshot().breakers.filter(({ state }) => state === 'open').length);
    },
  });
}

/** From a cached answer on loopback (0.5 ms) to the default time-outs. */
const latencyBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
