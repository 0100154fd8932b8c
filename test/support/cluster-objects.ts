import { injectedLabelValue, podLabels, sidecarContainerName, sidecarPortNames } from '../../pkg/api/pod-names.ts';
import type { Identity, Pki } from './pki.ts';

/** Objects as the API server has them, for tests of the operator. Namespace `shop` unless given. */

export interface PodText {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the Deployment that made it; none unless given. */
  readonly deployment?: string;
  /** Whether it has our sidecar; it has unless given. */
  readonly injected?: boolean;
  readonly phase?: string;
  readonly deletionTimestamp?: string;
}

/** A running pod with label `app: shop` and our sidecar. */
export function podObject(text: PodText): Record<string, unknown> & {
  metadata: Record<string, unknown> & { name: string };
} {
  const { name, namespace = 'shop', uid = `uid-${name}`, deployment, injected = true, phase = 'Running' } = text;
  const hash = deployment === undefined ? {} : { 'pod-template-hash': '5d4f' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid,
      labels: {
        app: 'shop',
        ...hash,
        ...(injected ? { [podLabels.sidecar]: injectedLabelValue } : {}),
        ...text.labels,
      },
      ...(text.deletionTimestamp === undefined ? {} : { deletionTimestamp: text.deletionTimestamp }),
      ...(deployment === undefined
        ? {}
        : {
            ownerReferences: [
              { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${deployment}-5d4f`, uid: 'rs', controller: true },
            ],
          }),
    },
    spec: {
      initContainers: injected
        ? [{ name: sidecarContainerName, ports: [{ name: sidecarPortNames.tls, containerPort: 8443 }] }]
        : [],
      containers: [{ name: 'app' }],
    },
    status: { phase },
  };
}

export interface ProfileObjectText {
  readonly name?: string;
  readonly namespace?: string;
  readonly generation?: number;
  /** Over the plain one's fields. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A profile for pods with label `app: shop`, with Secret `shop-tls` and ConfigMap `partner-ca`. */
export function profileObject({ name = 'partners', namespace = 'shop', generation = 1, spec }: ProfileObjectText = {}) {
  return {
    apiVersion: 'lychgate.dev/v1alpha1',
    kind: 'SslProfile',
    metadata: { name, namespace, uid: `uid-${name}`, generation },
    spec: {
      selector: { matchLabels: { app: 'shop' } },
      certificateRefs: [{ name: 'shop-tls' }],
      trustedClientCertificates: [{ kind: 'ConfigMap', name: 'partner-ca' }],
      backend: { port: 8080 },
      ...spec,
    },
  };
}

/** A Secret of type kubernetes.io/tls. */
export function tlsSecretObject(identity: Identity, name = 'shop-tls', namespace = 'shop') {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name, namespace, uid: `uid-${name}` },
    data: { 'tls.crt': base64(identity.chainPem), 'tls.key': base64(identity.keyPem) },
  };
}

/** A ConfigMap with the PKI's CAs under `ca.crt`. */
export function caConfigMapObject(pki: Pki, name = 'partner-ca', namespace = 'shop') {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, uid: `uid-${name}` },
    data: { 'ca.crt': pki.caPem },
  };
}
