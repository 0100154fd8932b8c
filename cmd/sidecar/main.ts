import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { join } from 'node:path';
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
import { drainGate, listenForDrain } from './drain-socket.ts';
import { parseOptions } from './options.ts';
import type { Source } from './source.ts';
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
  const gate: Gate = new Gate({
    log,
    clock,
    metrics,
    ocsp: createRevocationChecker(ocsp, crl, { onRevoked: ({ sha256 }) => gate.doubt(sha256) }),
    audit: options.audit,
    listenAddress: options.listenAddress,
    handshakeMs: options.handshakeMs,
    maxConnections: options.maxConnections,
  });
  let source: Source | undefined;
  const admin = await startAdmin({
    host: options.adminAddress,
    port: options.adminPort,
    registry: metrics.registry,
    alive: () => [],
    ready: () => source?.notReady() ?? ['starting'],
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
  const probes = process.env['LYCHGATE_PROBES'];
  if (probes !== undefined && probes !== '') {
    // What one pod does not use is no memory of it: the relay, the folder, the operator's stream are loaded when needed.
    const { startRelay } = await import('../../pkg/relay/relay.ts');
    const { parseProbes } = await import('../../pkg/relay/probe.ts');
    const relay = await startRelay({ port: options.probePort, probes: parseProbes(probes), log });
    lifecycle.onStop('relay', () => relay.close());
  }
  lifecycle.onStop('gate', (signal) => gate.stop(signal));
  if (options.source.kind === 'cluster') {
    const { podIdentity, startCluster } = await import('./cluster.ts');
    const identity = podIdentity(process.env, version);
    const drain = () =>
      drainGate({
        gate,
        delayMs: options.drainDelayMs,
        limitMs: options.shutdownMs,
        stopping: lifecycle.stopping,
        log,
      });
    const socket = await listenForDrain(join(options.source.stateDir, 'drain.sock'), drain, log);
    lifecycle.onStop('drain socket', () => socket.close());
    const started = await startCluster(options.source, identity, gate, {
      registry: metrics.registry,
      log,
      clock,
      random: Math.random,
    });
    lifecycle.onStop('operator', () => started.close());
    source = started;
  } else {
    const { startStandalone } = await import('./standalone.ts');
    const started = await startStandalone(options.source, gate, log);
    lifecycle.onStop('manifests', () => started.close());
    source = started;
  }
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
