import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Manifests as a user writes them. */

export interface ProfileText {
  readonly name?: string;
  readonly namespace?: string;
  /** Of the selector; `shop` by default. */
  readonly app?: string;
  /** In flow or block style, indented by two below `spec:`. */
  readonly spec: string;
}

/** An SslProfile with its selector; the rest of its spec as text. */
export function sslProfile({ name = 'partners', namespace = 'shop', app = 'shop', spec }: ProfileText): string {
  return `apiVersion: lychgate.dev/v1alpha1
kind: SslProfile
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: ${app}}}
${spec.replace(/^\n/, '').trimEnd()}
`;
}

/** A Secret of type kubernetes.io/tls from two files, as `kubectl create secret tls` makes it. */
export function tlsSecret(name: string, chainFile: string, keyFile: string, namespace = 'shop'): string {
  const base64 = (file: string) => readFileSync(file).toString('base64');
  return `apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: ${namespace}}
type: kubernetes.io/tls
data:
  tls.crt: ${base64(chainFile)}
  tls.key: ${base64(keyFile)}
`;
}

/** A ConfigMap with the CA files, one after the other, under `ca.crt`. */
export function caConfigMap(name: string, files: readonly string[], namespace = 'shop'): string {
  const pem = files.map((file) => readFileSync(file, 'utf8')).join('');
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${namespace}}
data:
  ca.crt: |
${pem.trimEnd().replaceAll(/^/gm, '    ')}
`;
}

/** Writes one file of several documents, by renaming: a reader sees the old or the new. */
export function writeManifests(folder: string, file: string, documents: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, file);
  writeFileSync(`${path}.new`, documents.join('---\n'));
  renameSync(`${path}.new`, path);
}
