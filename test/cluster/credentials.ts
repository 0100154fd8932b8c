import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { oids } from '../../pkg/x509/extensions.ts';
import { makeAuthority } from '../support/pki.ts';
import { apiServiceAddress, type Layout, nodeAddress, nodeName } from './layout.ts';

/**
 * Writes the cluster's CA, a certificate and a kubeconfig for each of its programs (`admin.kubeconfig` is the person's),
 * and the key that signs service account tokens. Valid for thirty days; the keys never leave the node's folder.
 */
export function writeCredentials(layout: Layout, nowMs: number): void {
  mkdirSync(layout.pki, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(layout.pki, name), text, { mode: 0o600 });
  const authority = makeAuthority('cluster-ca', 'CN=cluster-ca', nowMs);
  write('ca.crt', authority.certificate.pem);
  for (const { name, subject, dns = [], ip = [] } of holders) {
    const { certificate, keyPem } = authority.issue({
      subject,
      extendedKeyUsage: [oids.serverAuth, oids.clientAuth],
      san: { dns: [name, ...dns], ip },
    });
    write(`${name}.crt`, certificate.pem);
    write(`${name}.key`, keyPem);
    writeFileSync(layout.kubeconfig(name), kubeconfig(layout, name), { mode: 0o600 });
  }
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  write('service-accounts.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  write('service-accounts.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString());
}

function kubeconfig({ pki }: Layout, user: string): string {
  const cluster = { server: `https://${nodeAddress}:6443`, 'certificate-authority': join(pki, 'ca.crt') };
  const credentials = { 'client-certificate': join(pki, `${user}.crt`), 'client-key': join(pki, `${user}.key`) };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lychgate', cluster }],
    users: [{ name: user, user: credentials }],
    contexts: [{ name: 'lychgate', context: { cluster: 'lychgate', user } }],
    'current-context': 'lychgate',
  });
}

interface Holder {
  readonly name: string;
  /** User and groups, as the API server reads them from a certificate. */
  readonly subject: string;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

const holders: readonly Holder[] = [
  {
    name: 'apiserver',
    subject: 'CN=kube-apiserver,O=system:masters',
    dns: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'],
    ip: ['127.0.0.1', apiServiceAddress, nodeAddress],
  },
  { name: 'admin', subject: 'CN=admin,O=system:masters' },
  { name: 'kubelet', subject: `CN=system:node:${nodeName},O=system:nodes`, dns: [nodeName], ip: [nodeAddress] },
  { name: 'controllers', subject: 'CN=system:kube-controller-manager' },
  { name: 'scheduler', subject: 'CN=system:kube-scheduler' },
  { name: 'proxy', subject: 'CN=system:kube-proxy' },
  { name: 'dns', subject: 'CN=coredns,O=system:masters' },
];
