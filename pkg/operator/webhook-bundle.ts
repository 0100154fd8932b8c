import { isRecord } from '../api/raw.ts';
import { ApiError } from '../cluster/api-error.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { KubernetesObject } from '../cluster/object.ts';

export interface WebhookBundleOptions {
  readonly cluster: Pick<Cluster, 'patch' | 'watch'>;
  /** Of the MutatingWebhookConfiguration. */
  readonly name: string;
  /** The Service that the operator's webhooks call; entries for another one are left alone. */
  readonly service: { readonly namespace: string; readonly name: string };
  /** The configuration has changed: look again. */
  onChange(): void;
}

/** The caBundle by which the API server knows the operator's webhook. Everything else of the configuration is the chart's. */
export interface WebhookBundle {
  /** Puts the bundle where it is missing. Settles with a line if it could not be written. */
  update(bundlePem: string): Promise<string | undefined>;
  /** Whether every entry has exactly this bundle, as far as the watch knows; true of a configuration that is not there. */
  has(bundlePem: string): boolean;
  warnings(): readonly string[];
  close(): void;
}

/** Watches the configuration of that name. It is patched only by whoever calls update: the leader. */
export function keepWebhookBundle(options: WebhookBundleOptions): WebhookBundle {
  const { cluster, name, service } = options;
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const watched = cluster.watch<readonly Entry[]>(
    {
      path,
      fieldSelector: `metadata.name=${name}`,
      read: (raw) => (raw.metadata.name === name ? entriesOf(raw, service) : undefined),
    },
    options.onChange,
  );
  return {
    async update(pem) {
      const value = Buffer.from(pem).toString('base64');
      const patch = bundlePatch(watched.get(name) ?? [], value);
      if (patch.length === 0) return undefined;
      try {
        await cluster.patch(`${path}/${name}`, patch, 'json');
        return undefined;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return `caBundle of MutatingWebhookConfiguration ${name} could not be written: ${error.message}`;
      }
    },
    has(pem) {
      const value = Buffer.from(pem).toString('base64');
      return watched.listed && (watched.get(name) ?? []).every(({ caBundle }) => caBundle === value);
    },
    warnings() {
      if (watched.fault !== undefined) return [watched.fault];
      if (!watched.listed || watched.get(name) !== undefined) return [];
      return [`there is no MutatingWebhookConfiguration ${name}: no pod gets a sidecar; install the chart's`];
    },
    close: () => watched.close(),
  };
}

/** A JSON patch (RFC 6902) that touches an entry only where its name still is: the order may have changed meanwhile. */
function bundlePatch(entries: readonly Entry[], value: string): readonly object[] {
  return entries
    .filter(({ caBundle }) => caBundle !== value)
    .flatMap(({ index, name }) => [
      { op: 'test', path: `/webhooks/${index}/name`, value: name },
      { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value },
    ]);
}

/** One of the operator's own entries. */
interface Entry {
  readonly index: number;
  readonly name: string;
  /** Base64, as it stands. */
  readonly caBundle: string | undefined;
}

function entriesOf(raw: KubernetesObject, service: WebhookBundleOptions['service']): readonly Entry[] {
  const webhooks: readonly unknown[] = Array.isArray(raw['webhooks']) ? raw['webhooks'] : [];
  return webhooks.flatMap((webhook, index) => {
    if (!isRecord(webhook) || typeof webhook['name'] !== 'string' || !isRecord(webhook['clientConfig'])) return [];
    const { clientConfig, name } = webhook;
    const called = clientConfig['service'];
    if (!isRecord(called) || called['name'] !== service.name || called['namespace'] !== service.namespace) return [];
    const caBundle = clientConfig['caBundle'];
    return [{ index, name, caBundle: typeof caBundle === 'string' ? caBundle : undefined }];
  });
}
