import { ApiError } from '../cluster/api-error.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { bundlePem, type CaState, makeCa, nextCaStep } from './ca.ts';
import { type CaSecret, caSecretObject, readCaSecret } from './ca-secret.ts';
import { type CertificateSource, holdCertificate } from './certificate-source.ts';
import { type IssuedCertificate, isServingDue, issueServingCertificate } from './serving-certificate.ts';

export interface ManagedCaOptions {
  readonly cluster: Pick<Cluster, 'create' | 'replace' | 'watch'>;
  readonly namespace: string;
  readonly secretName: string;
  /** SANs of the serving certificate. */
  readonly names: readonly string[];
  /** Whether this replica may move the CA on. Anyone may make the first one. */
  leading(): boolean;
  /** Whether every place that the bundle is written to has this one now. */
  isSpread(bundlePem: string): boolean;
  /** The Secret has changed, or a watch of it: look again. */
  onChange(): void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The operator's own CA, in a Secret that every replica watches, and a serving certificate of this replica's own, in
 * memory. Only what the watch brings counts as the CA, never what this replica has just written: so all replicas go
 * the same way, and of two that write at once the API server lets one win. Without the API server the certificate is
 * renewed from the CA last seen.
 */
export function manageCa(options: ManagedCaOptions): CertificateSource {
  const { cluster, namespace, secretName, clock, log } = options;
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const holder = holdCertificate();
  let state: CaState | undefined;
  let serving: IssuedCertificate | undefined;
  let secretFault: string | undefined;
  let writeFault: string | undefined;
  /** Since when, by the monotonic clock, today's next CA is announced, and its bundle everywhere. */
  let announced: { readonly sha256: string; readonly sinceMs: number } | undefined;
  let spreadSinceMs: number | undefined;

  const watched = cluster.watch<{ readonly raw: KubernetesObject; readonly secret: CaSecret }>(
    {
      path,
      fieldSelector: `metadata.name=${secretName}`,
      read: (raw) => (raw.metadata.name === secretName ? { raw, secret: readCaSecret(raw) } : undefined),
    },
    options.onChange,
  );

  async function look(): Promise<void> {
    if (watched.listed) {
      const found = watched.get(`${namespace}/${secretName}`);
      const secret: CaSecret = found?.secret ?? { kind: 'Empty' };
      secretFault = secret.kind === 'Fault' ? secret.message : undefined;
      if (secret.kind === 'State') adopt(secret.state);
      if (secret.kind === 'Empty') await write(undefined, found?.raw);
      if (secret.kind === 'State' && options.leading()) await write(secret.state, found?.raw);
    }
    serve();
  }

  function adopt(seen: CaState): void {
    if (state === undefined || bundlePem(seen) !== bundlePem(state)) {
      log.info('operator CA in force', {
        current: seen.current.certificate.sha256,
        next: seen.next?.certificate.sha256,
        retired: seen.retired.length,
        notAfter: new Date(seen.current.certificate.notAfterMs).toISOString(),
      });
      spreadSinceMs = undefined;
    }
    state = seen;
    const next = seen.next?.certificate.sha256;
    if (next === undefined) announced = undefined;
    else if (announced?.sha256 !== next) announced = { sha256: next, sinceMs: clock.monotonicMs() };
    spreadSinceMs = options.isSpread(bundlePem(seen)) ? (spreadSinceMs ?? clock.monotonicMs()) : undefined;
  }

  async function write(seen: CaState | undefined, raw: KubernetesObject | undefined): Promise<void> {
    const forMs = (sinceMs: number | undefined) => (sinceMs === undefined ? 0 : clock.monotonicMs() - sinceMs);
    const nowMs = clock.wallMs();
    const situation = { nowMs, announcedForMs: forMs(announced?.sinceMs), spreadForMs: forMs(spreadSinceMs) };
    const step = nextCaStep(seen, situation, () => makeCa(nowMs));
    writeFault = undefined;
    if (step === undefined) return;
    const body = caSecretObject(step.state, { namespace, name: secretName }, raw);
    try {
      await (raw === undefined ? cluster.create(path, body) : cluster.replace(`${path}/${secretName}`, body));
      log.info('operator CA written', { change: step.change, secret: `${namespace}/${secretName}` });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Another replica was quicker: what it wrote comes by the watch.
      if (error.status === 409) return;
      writeFault = `operator CA could not be written (${step.change}): ${error.message}`;
      log.warn('operator CA could not be written', { change: step.change, err: error });
    }
  }

  function serve(): void {
    const nowMs = clock.wallMs();
    if (state === undefined) return;
    const { certificate: ca } = state.current;
    const due = serving === undefined || isServingDue(serving, state.current, nowMs);
    if (due && ca.notAfterMs > nowMs) {
      serving = issueServingCertificate(state.current, options.names, nowMs);
      log.info('serving certificate issued', { ca: ca.sha256, notAfter: new Date(serving.notAfterMs).toISOString() });
    }
    if (serving !== undefined) holder.set({ ...serving, caPem: bundlePem(state) });
  }

  return {
    certificates: holder,
    bundlePem: () => (state === undefined ? undefined : bundlePem(state)),
    faults() {
      if (serving !== undefined && serving.notAfterMs > clock.wallMs()) return [];
      const why = secretFault ?? writeFault ?? watched.fault;
      const what = serving === undefined ? 'no serving certificate' : 'the serving certificate has expired';
      return [`${what}: ${why ?? `the Secret ${namespace}/${secretName} has not been read yet`}`];
    },
    warnings: () => [secretFault, writeFault, watched.fault].filter((fault) => fault !== undefined),
    state: () =>
      state === undefined || serving === undefined
        ? undefined
        : {
            caNotAfterMs: state.current.certificate.notAfterMs,
            servingNotAfterMs: serving.notAfterMs,
            rotation: state.next === undefined ? 'Idle' : 'Announced',
          },
    look,
    close: () => watched.close(),
  };
}
