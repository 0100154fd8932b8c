import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { createCrlChecker } from '../../pkg/crl/checker.ts';
import { createRevocationChecker } from '../../pkg/crl/revocation.ts';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import { redactedPolicy } from '../../pkg/policy/snapshot.ts';
import { startAdmin } from '../../pkg/process/admin.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { requireSafeEnvironment } from '../../pkg/process/env.ts';
import { takeOverLifecycle } from '../../pkg/process/lifecycle.ts';
import { createLog } from '../../pkg/process/log.ts';
import { registerProcessMetrics } from '../../pkg/process/process-metrics.ts';
import { Gate } from '../../pkg/proxy/gate.ts';
import { createProxyMetrics, recordCrl, recordOcsp, registerOcspGauges } from '../../pkg/proxy/metrics.ts';
import { parseOptions } from './options.ts';
import { startStandalone } from './standalone.ts';
import { version } from './version.ts';

const options = parseOptions(process.argv);
const clock = systemClock;
const log = createLog({ level: options.logLevel, clock });

try {
  requireSafeEnvironment(process.env);
  const lifecycle = takeOverLifecycle({ log, stopDeadlineMs: options.shutdownMs, beforeExit: () => log.flush() });
  const metrics = createProxyMetrics(version);
  const stopProcessMetrics = registerProcessMetrics(metrics.registry, clock);
  const ocsp = createOcspChecker({
    now: () => clock.wallMs(),
    monotonicNow: () => clock.monotonicMs(),
    lookup: (host) => lookup(host, { all: true }),
    random: (bytes) => randomBytes(bytes),
    onEvent: (event) => recordOcsp(metrics, event),
  });
  registerOcspGauges(metrics, ocsp);
  const crl = createCrlChecker({
    now: () => clock.wallMs(),
    monotonicNow: () => clock.monotonicMs(),
    lookup: (host) => lookup(host, { all: true }),
    random: (bytes) => randomBytes(bytes),
    onEvent: (event) => recordCrl(metrics, event),
  });
  const gate = new Gate({
    log,
    clock,
    metrics,
    ocsp: createRevocationChecker(ocsp, crl),
    audit: options.audit,
    listenAddress: options.listenAddress,
    handshakeMs: options.handshakeMs,
    maxConnections: options.maxConnections,
  });
  const standalone = await startStandalone(options.manifests, options.pod, gate, log);
  const admin = await startAdmin({
    host: options.adminAddress,
    port: options.adminPort,
    registry: metrics.registry,
    alive: () => [],
    ready: () => gate.notReady(),
    config: () =>
      gate.snapshot === undefined
        ? null
        : { version: gate.snapshot.version, policy: redactedPolicy(gate.snapshot.policy) },
    log,
  });
  lifecycle.onStop('admin', () => admin.close());
  lifecycle.onStop('metrics', stopProcessMetrics);
  lifecycle.onStop('ocsp', () => ocsp.close());
  lifecycle.onStop('crl', () => crl.close());
  lifecycle.onStop('gate', (signal) => gate.stop(signal));
  lifecycle.onStop('manifests', () => standalone.close());
  log.info('serving', {
    ports: [...(gate.snapshot?.listeners.keys() ?? [])],
    admin: `${admin.host}:${admin.port}`,
    policy: gate.snapshot?.version,
  });
} catch (error) {
  process.stderr.write(`sidecar: ${error instanceof Error ? error.message : String(error)}\n`);
  log.flush();
  process.exit(1);
}
