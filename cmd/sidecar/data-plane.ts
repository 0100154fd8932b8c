import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { createCrlChecker } from '../../pkg/crl/checker.ts';
import { createRevocationChecker } from '../../pkg/crl/revocation.ts';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import type { Clock } from '../../pkg/process/clock.ts';
import type { Lifecycle } from '../../pkg/process/lifecycle.ts';
import type { RootLog } from '../../pkg/process/log.ts';
import type { DataPlane } from '../../pkg/proxy/data-plane.ts';
import { Gate } from '../../pkg/proxy/gate.ts';
import { type ProxyMetrics, recordCrl, recordOcsp, registerOcspGauges } from '../../pkg/proxy/metrics.ts';
import { containerResources, workerCount } from '../../pkg/workers/count.ts';
import type { WorkerPool } from '../../pkg/workers/pool.ts';
import type { SidecarOptions } from './options.ts';

export interface DataPlaneDeps {
  readonly log: RootLog;
  readonly clock: Clock;
  readonly metrics: ProxyMetrics;
  readonly lifecycle: Lifecycle;
  readonly version: string;
}

export interface RunningDataPlane {
  readonly plane: DataPlane;
  readonly workers: number;
  /** The series of all threads, as Prometheus reads them. */
  metricsText(): Promise<string>;
  /** Closes idle connections to responders; the data plane itself is stopped by `plane.stop`. */
  close(): void;
}

/**
 * Starts what serves: on this thread alone, or on as many workers as the options or the container's CPU limit say. The
 * one checker that responders are asked by is on this thread in either case. @throws WorkerEnded.
 */
export async function startDataPlane(options: SidecarOptions, deps: DataPlaneDeps): Promise<RunningDataPlane> {
  const { log, clock, metrics, lifecycle, version } = deps;
  let gate: Gate | undefined;
  let pool: WorkerPool | undefined;
  const network = {
    now: () => clock.wallMs(),
    monotonicNow: () => clock.monotonicMs(),
    lookup: (host: string) => lookup(host, { all: true }),
    random: (bytes: number) => randomBytes(bytes),
  };
  const ocsp = createOcspChecker({
    ...network,
    onEvent: (event) => recordOcsp(metrics, event),
    onRefreshed: (certificate) => pool?.refreshed(certificate),
  });
  registerOcspGauges(metrics, ocsp);
  const crl = createCrlChecker({
    ...network,
    onEvent: (event) => {
      recordCrl(metrics, event);
      if (event.result === 'fetched') pool?.listsChanged();
    },
  });
  const checker = createRevocationChecker(ocsp, crl, { onRevoked: ({ sha256 }) => gate?.doubt(sha256) });
  const { audit, logLevel, listenAddress, handshakeMs, maxConnections } = options;
  const settings = { audit, listenAddress, handshakeMs, maxConnections };
  const close = () => {
    ocsp.close();
    crl.close();
  };
  const workers = workerCount(options.workers, containerResources());
  if (workers === 1) {
    gate = new Gate({ ...settings, log, clock, metrics, ocsp: checker });
    return { plane: gate, workers, metricsText: () => metrics.registry.metrics(), close };
  }
  // What a process on one thread does not use is no memory of it.
  const { WorkerPool: Pool } = await import('../../pkg/workers/pool.ts');
  const started = await Pool.start({
    ...settings,
    ...{ workers, version, logLevel, log, clock, metrics, checker },
    // Beside this file: the source where that runs, the bundle's own file else.
    entry: new URL(import.meta.url.endsWith('.ts') ? 'worker.ts' : 'worker.js', import.meta.url),
    writeLines: (lines) => {
      for (const line of lines) log.write(line);
    },
    onBroken: (why) => void lifecycle.stop(why, 1),
  });
  pool = started;
  return { plane: started, workers, metricsText: () => started.metricsText(), close };
}
