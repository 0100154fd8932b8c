import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { replicaTokenAudience, sidecarTokenAudience } from '../../pkg/api/pod-names.ts';
import { connectCluster } from '../../pkg/cluster/connect.ts';
import { createEventRecorder } from '../../pkg/cluster/events.ts';
import { type LeaderElection, startLeaderElection } from '../../pkg/cluster/leader.ts';
import { createTokenReviewer } from '../../pkg/cluster/token-review.ts';
import { reviewPod } from '../../pkg/inject/review.ts';
import { startAuthority } from '../../pkg/operator/authority.ts';
import { createPodIdentifier, createReplicaIdentifier } from '../../pkg/operator/identify.ts';
import { createOperatorMetrics, recordClusterEvent, registerOperatorGauges } from '../../pkg/operator/metrics.ts';
import { createNamespaceFacts } from '../../pkg/operator/namespace-facts.ts';
import { countFailures, recordReport } from '../../pkg/operator/push-metrics.ts';
import { createReadiness } from '../../pkg/operator/readiness.ts';
import { createReconciler } from '../../pkg/operator/reconcile.ts';
import { createReplicaLink } from '../../pkg/operator/replica-link.ts';
import { createReports } from '../../pkg/operator/reports.ts';
import { createStatusLoop } from '../../pkg/operator/status-loop.ts';
import { createStatusWriter } from '../../pkg/operator/status-writer.ts';
import { startWebhookServer, type WebhookServer } from '../../pkg/operator/webhook-server.ts';
import { startWorldWatch } from '../../pkg/operator/world-watch.ts';
import { startAdmin } from '../../pkg/process/admin.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { requireSafeEnvironment } from '../../pkg/process/env.ts';
import { takeOverLifecycle } from '../../pkg/process/lifecycle.ts';
import { createLog } from '../../pkg/process/log.ts';
import { registerProcessMetrics } from '../../pkg/process/process-metrics.ts';
import { systemTimers } from '../../pkg/process/timers.ts';
import { startReplicaReporter } from '../../pkg/push/replicas.ts';
import { type PushServer, startPushServer } from '../../pkg/push/server.ts';
import { parseOptions } from './options.ts';
import { version } from './version.ts';

const options = parseOptions(process.argv, process.env);
const clock = systemClock;
const timers = systemTimers;
const log = createLog({ level: options.logLevel, clock });
const { random } = Math;

try {
  // The API server is trusted by the CA of the service account, sidecars by our own: nothing else may add to that.
  requireSafeEnvironment(process.env);
  const lifecycle = takeOverLifecycle({ log, stopDeadlineMs: options.shutdownMs, beforeExit: () => log.flush() });
  const metrics = createOperatorMetrics(version);
  const stopProcessMetrics = registerProcessMetrics(metrics.registry, clock);
  const cluster = connectCluster({
    log,
    clock,
    random,
    userAgent: `lychgate-operator/${version}`,
    onEvent: (event) => recordClusterEvent(metrics, event),
  });

  let push: PushServer | undefined;
  let election: LeaderElection | undefined;
  let webhook: WebhookServer | undefined;
  const watch = startWorldWatch({
    cluster,
    namespaces: options.watchNamespaces,
    onChange: () => reconciler.touch(),
  });
  const reports = createReports(clock);
  const reconciler = createReconciler({
    watch,
    clock,
    timers,
    log,
    metrics,
    onPodGone: (podUid) => push?.closePod(podUid),
    onTranslated: () => {
      const pods = [...reconciler.namespaces.values()].flatMap(({ view }) =>
        view.pods.filter(({ injected }) => injected),
      );
      authority.setNamespaces(new Set(pods.map(({ namespace }) => namespace)));
      link.forget(reports.keepOnly(new Set(pods.map(({ uid }) => uid))));
      status.touch();
    },
  });
  const events = createEventRecorder({
    cluster,
    component: 'lychgate.dev/operator',
    instance: options.podName,
    clock,
    log,
  });
  const writer = createStatusWriter({
    cluster,
    events,
    clock,
    timers,
    intervalMs: options.statusIntervalMs,
    log,
    metrics,
  });
  const status = createStatusLoop({ reconciler, reports, writer, clock, timers, metrics });

  const ownToken = async (): Promise<string> => (await readFile(options.replicaToken, 'utf8')).trim();
  const authority = startAuthority({
    cluster,
    namespace: options.namespace,
    service: options.service,
    configMapName: options.caConfigMap,
    watchNamespaces: options.watchNamespaces.length === 0 ? undefined : options.watchNamespaces,
    source:
      options.servingCertificate === undefined
        ? { kind: 'Secret', secretName: options.caSecret, webhookConfiguration: options.webhookConfiguration }
        : { kind: 'Files', directory: options.servingCertificate },
    leading: () => election?.leading ?? false,
    clock,
    log,
  });
  registerOperatorGauges(metrics, {
    connectedSidecars: () => push?.streams ?? 0,
    servingCertificateNotAfterMs: () => authority.state()?.servingNotAfterMs,
  });
  // A process that was started anew in the same pod must not take itself for the one before.
  const identity = `${options.podName}_${randomBytes(4).toString('hex')}`;
  const link = createReplicaLink({
    identity,
    reports,
    start: ({ address }) =>
      startReplicaReporter({
        address,
        caPem: () => authority.caBundlePem() ?? '',
        serverName: `${options.service}.${options.namespace}.svc`,
        token: ownToken,
        identity: options.podName,
        log,
        clock,
        random,
      }),
  });
  const lease = startLeaderElection({
    cluster,
    namespace: options.namespace,
    name: options.lease,
    identity,
    address: `${options.podIp.includes(':') ? `[${options.podIp}]` : options.podIp}:${options.pushPort}`,
    clock,
    random,
    log,
    onChange: () => {
      if (lease.leading) status.lead();
      else status.follow();
      link.follow(lease);
      void authority.look();
    },
  });

  election = lease;
  const ready = createReadiness({
    clock,
    certificateFaults: () => authority.faults(),
    ports: () => [
      ['the webhook port', webhook !== undefined],
      ['the push port', push !== undefined],
    ],
    watchFaults: () => watch.faults,
    listed: () => watch.listed,
    stopping: lifecycle.stopping,
  });
  const admin = await startAdmin({
    ...(options.adminAddress === undefined ? {} : { host: options.adminAddress }),
    port: options.adminPort,
    registry: metrics.registry,
    alive: () => [],
    ready,
    config: () => ({
      version,
      leading: lease.leading,
      leader: lease.holder?.identity ?? null,
      warnings: [...watch.faults, ...authority.warnings()],
    }),
    log,
  });

  // Stopped in the opposite order: the lease first, so that another replica takes over while this one ends.
  lifecycle.onStop('admin', () => admin.close());
  lifecycle.onStop('metrics', stopProcessMetrics);
  lifecycle.onStop('cluster', () => cluster.close());
  lifecycle.onStop('events', () => events.close());
  lifecycle.onStop('watches', () => {
    reconciler.close();
    watch.close();
  });
  lifecycle.onStop('authority', () => authority.close());
  lifecycle.onStop('push', () => push?.close());
  lifecycle.onStop('webhook', (signal) => webhook?.close(signal));
  lifecycle.onStop('endpoints', async (signal) => {
    // Until nobody is sent here any more: the webhook must answer whoever still is.
    await sleep(options.shutdownDelayMs, undefined, { signal }).catch(() => undefined);
  });
  lifecycle.onStop('lease', async () => {
    await lease.release();
    link.close();
    status.close();
  });

  const { certificates } = authority;
  webhook = await startWebhookServer({
    port: options.webhookPort,
    certificates,
    review: (request, entry, namespace) =>
      reviewPod(
        request,
        { ...options.sidecar, newSecret: () => randomBytes(24).toString('base64url') },
        entry,
        namespace,
      ),
    namespaceFacts: createNamespaceFacts(watch, cluster),
    ensureCa: (namespace) => authority.ensureIn(namespace),
    onRequest: (result) => metrics.webhookRequests.inc({ result: result.toLowerCase() }),
    log,
    clock,
  });
  const first = await authority.ready().catch((cause: unknown) => {
    // Told to stop before there was a certificate: the stop ends the process.
    if (!lifecycle.stopping.aborted) throw cause;
    return undefined;
  });
  if (first !== undefined)
    push = await startPushServer({
      port: options.pushPort,
      certificates,
      authenticate: countFailures(
        metrics,
        createPodIdentifier({
          review: createTokenReviewer({ cluster, audience: sidecarTokenAudience, clock }),
          watch,
          cluster,
        }),
      ),
      authenticateReplica: countFailures(
        metrics,
        createReplicaIdentifier({
          review: createTokenReviewer({ cluster, audience: replicaTokenAudience, clock }),
          ownToken,
        }),
      ),
      offers: reconciler,
      onReport: (report) => {
        recordReport(metrics, report, reports.of(report.podUid), reconciler, clock);
        reports.addOwn(report);
        link.send(report);
        status.touch();
      },
      onReplicaReports: (others) => {
        reports.addOthers(others);
        status.touch();
      },
      log,
      clock,
      random,
      // Sidecars dial again after this, so that the load spreads over replicas.
      maxConnectionAgeMs: 30 * 60_000,
    });
  log.info('serving', { webhook: webhook.port, push: push?.port, admin: `${admin.host}:${admin.port}` });
} catch (error) {
  process.stderr.write(`operator: ${error instanceof Error ? error.message : String(error)}\n`);
  log.flush();
  process.exit(1);
}
