import { join } from 'node:path';
import { redactedPolicy } from '../../pkg/policy/snapshot.ts';
import { startAdmin } from '../../pkg/process/admin.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { requireSafeEnvironment } from '../../pkg/process/env.ts';
import { takeOverLifecycle } from '../../pkg/process/lifecycle.ts';
import { createLog } from '../../pkg/process/log.ts';
import { registerProcessMetrics } from '../../pkg/process/process-metrics.ts';
import { createProxyMetrics } from '../../pkg/proxy/metrics.ts';
import { startDataPlane } from './data-plane.ts';
import { drainGate, listenForDrain } from './drain-socket.ts';
import { parseOptions } from './options.ts';
import { settle } from './settle.ts';
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
  const { plane, workers, metricsText, close } = await startDataPlane(options, {
    ...{ log, clock, metrics, lifecycle, version },
  });
  let source: Source | undefined;
  const admin = await startAdmin({
    host: options.adminAddress,
    port: options.adminPort,
    registry: { metrics: metricsText },
    alive: () => [],
    ready: () => source?.notReady() ?? ['starting'],
    config: () =>
      plane.inForce === undefined
        ? null
        : { version: plane.inForce.version, policy: redactedPolicy(plane.inForce.policy) },
    log,
  });
  lifecycle.onStop('admin', () => admin.close());
  lifecycle.onStop('metrics', stopProcessMetrics);
  lifecycle.onStop('revocation', close);
  const probes = process.env['LYCHGATE_PROBES'];
  if (probes !== undefined && probes !== '') {
    // What one pod does not use is no memory of it: the relay, the folder, the operator's stream are loaded when needed.
    const { startRelay } = await import('../../pkg/relay/relay.ts');
    const { parseProbes } = await import('../../pkg/relay/probe.ts');
    const relay = await startRelay({ port: options.probePort, probes: parseProbes(probes), log });
    lifecycle.onStop('relay', () => relay.close());
  }
  lifecycle.onStop('gate', (signal) => plane.stop(signal));
  if (options.source.kind === 'cluster') {
    const { podIdentity, startCluster } = await import('./cluster.ts');
    const identity = podIdentity(process.env, version);
    const drain = () =>
      drainGate({
        gate: plane,
        delayMs: options.drainDelayMs,
        limitMs: options.shutdownMs,
        stopping: lifecycle.stopping,
        log,
      });
    const socket = await listenForDrain(join(options.source.stateDir, 'drain.sock'), drain, log);
    lifecycle.onStop('drain socket', () => socket.close());
    const started = await startCluster(options.source, identity, plane, {
      registry: metrics.registry,
      log,
      clock,
      random: Math.random,
    });
    lifecycle.onStop('operator', () => started.close());
    settle();
    source = started;
  } else {
    const { startStandalone } = await import('./standalone.ts');
    const started = await startStandalone(options.source, plane, log);
    lifecycle.onStop('manifests', () => started.close());
    settle();
    source = started;
  }
  log.info('serving', {
    ports: plane.inForce?.policy.listeners.map(({ port }) => port) ?? [],
    admin: `${admin.host}:${admin.port}`,
    policy: plane.inForce?.version,
    workers,
  });
} catch (error) {
  process.stderr.write(`sidecar: ${error instanceof Error ? error.message : String(error)}\n`);
  log.flush();
  process.exit(1);
}
