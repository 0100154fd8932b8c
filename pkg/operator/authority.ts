import type { Cluster } from '../cluster/cluster.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { systemTimers, type Timers } from '../process/timers.ts';
import type { ServingCertificates } from '../push/certificates.ts';
import { keepCaConfigMaps } from './ca-config-map.ts';
import { CertificateMissing, type CertificateSource, type CertificateState } from './certificate-source.ts';
import { manageCa } from './managed-ca.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { serviceNames } from './serving-certificate.ts';
import { serveFromFiles } from './serving-files.ts';
import { keepWebhookBundle, type WebhookBundle } from './webhook-bundle.ts';

export interface AuthorityOptions {
  readonly cluster: Pick<Cluster, 'apply' | 'create' | 'patch' | 'replace' | 'watch'>;
  /** The operator's own namespace and Service: the serving certificate's names. */
  readonly namespace: string;
  readonly service: string;
  /** Of the ConfigMap with the CA in every namespace that has sidecars. */
  readonly configMapName: string;
  /** Where ConfigMaps are watched; everywhere when undefined. */
  readonly watchNamespaces: readonly string[] | undefined;
  readonly source:
    | { readonly kind: 'Secret'; readonly secretName: string; readonly webhookConfiguration: string }
    /** cert-manager's: no CA of the operator's own, and no caBundle written. */
    | { readonly kind: 'Files'; readonly directory: string };
  /** Whether this replica moves the CA on and writes what all share. Asked at every look. */
  leading(): boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Between two looks; 10 s by default. */
  readonly lookEveryMs?: number;
  readonly timers?: Timers;
}

/** What makes the operator known: its certificate, the bundle that verifies it, and the places where that bundle stands. */
export interface Authority {
  /** `current` @throws CertificateMissing before ready. */
  readonly certificates: ServingCertificates;
  /** Settles when there is a first certificate. Rejects with CertificateMissing if closed before. */
  ready(): Promise<ServingCertificates>;
  /** What verifies the operator; undefined until it is known. */
  caBundlePem(): string | undefined;
  /** Why the operator cannot serve, a line each; none while it has a valid certificate. */
  faults(): readonly string[];
  /** What does not work without doing harm yet, a line each. */
  warnings(): readonly string[];
  /** For metrics; undefined until there is a certificate. */
  state(): CertificateState | undefined;
  /** Settles when sidecars in the namespace can verify the operator. Any replica. @throws ApiError, and Error before the CA is known. */
  ensureIn(namespace: string): Promise<void>;
  /** The namespaces that have sidecars: the leader keeps their ConfigMaps up to date. */
  setNamespaces(namespaces: ReadonlySet<string>): void;
  /** Looks at everything once: after a change of leadership. Never rejects. */
  look(): Promise<void>;
  close(): void;
}

/**
 * Starts it. Every replica has a certificate of its own and follows the CA's Secret; the first one of all makes the CA.
 * Only the leader moves it on, writes the webhook's caBundle and updates ConfigMaps, so that no replica that is behind
 * takes a newer bundle back. Until there is a leader, the webhook cannot be called for the first time.
 */
export function startAuthority(options: AuthorityOptions): Authority {
  const { clock, log, cluster, namespace, service, source: from } = options;
  const timers = options.timers ?? systemTimers;
  let namespaces: ReadonlySet<string> = new Set();
  let failed: readonly string[] = [];
  let closed = false;
  let cancel: () => void = () => undefined;

  const lookAtSource = oneAtATime(sourceRound);
  const spread = oneAtATime(spreadRound);
  // Apart from each other: what cannot be written must not hold up a certificate.
  const look = async () => {
    await lookAtSource();
    await spread();
  };
  const onChange = () => void look();
  const configMaps = keepCaConfigMaps({
    cluster,
    name: options.configMapName,
    watchNamespaces: options.watchNamespaces,
    bundlePem: () => source.bundlePem(),
    onChange,
  });
  const webhook: WebhookBundle | undefined =
    from.kind === 'Secret'
      ? keepWebhookBundle({ cluster, name: from.webhookConfiguration, service: { namespace, name: service }, onChange })
      : undefined;
  const source: CertificateSource =
    from.kind === 'Files'
      ? serveFromFiles({ directory: from.directory, clock, log })
      : manageCa({
          cluster,
          namespace,
          secretName: from.secretName,
          names: serviceNames(service, namespace),
          leading: options.leading,
          isSpread: (pem) => webhook?.has(pem) === true && configMaps.have(namespaces, pem),
          onChange,
          clock,
          log,
        });
  const first = Promise.withResolvers<ServingCertificates>();
  // Nobody may be waiting.
  first.promise.catch(() => undefined);

  function sourceRound(): Promise<void> {
    return unlessClosed(async () => {
      await source.look();
      if (source.state() !== undefined) first.resolve(source.certificates);
    });
  }

  function spreadRound(): Promise<void> {
    return unlessClosed(async () => {
      const pem = source.bundlePem();
      const lines: string[] = [];
      if (pem !== undefined && options.leading()) {
        const [webhookLine, mapLines] = await Promise.all([webhook?.update(pem), configMaps.update(namespaces)]);
        lines.push(...(webhookLine === undefined ? [] : [webhookLine]), ...mapLines);
      }
      for (const why of lines) if (!failed.includes(why)) log.warn('operator CA is not everywhere', { why });
      failed = lines;
    });
  }

  async function unlessClosed(run: () => Promise<void>): Promise<void> {
    if (closed) return;
    try {
      await run();
    } catch (error) {
      log.error('authority failed', { err: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  function again(): void {
    cancel = timers.after(options.lookEveryMs ?? 10_000, () => {
      void look();
      again();
    });
  }

  void look();
  again();
  return {
    certificates: source.certificates,
    ready: () => first.promise,
    caBundlePem: () => source.bundlePem(),
    faults: () => source.faults(),
    warnings: () => [...source.warnings(), ...configMaps.warnings(), ...(webhook?.warnings() ?? []), ...failed],
    state: () => source.state(),
    ensureIn: (name) => configMaps.ensureIn(name),
    setNamespaces(names) {
      namespaces = new Set(names);
      void look();
    },
    look,
    close() {
      closed = true;
      cancel();
      source.close();
      configMaps.close();
      webhook?.close();
      first.reject(new CertificateMissing('closed before there was a serving certificate'));
    },
  };
}
