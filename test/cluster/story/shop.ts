import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOpensslCa, type OpensslCa, type OpensslIdentity, responderExtensions } from '../../support/openssl.ts';
import { until } from '../../support/until.ts';
import type { TestCluster } from '../cluster.ts';

/** The shop of the story: an application behind a gate in three pods, its certificates, its clients, its responder. */
export interface Shop {
  readonly cluster: TestCluster;
  /** A folder for certificates and other files, gone afterwards. */
  readonly folder: string;
  readonly ca: OpensslCa;
  readonly server: OpensslIdentity;
  readonly responder: OpensslIdentity;
  readonly good: OpensslIdentity;
  readonly revoked: OpensslIdentity;
  readonly ocspUrl: string;
  readonly appImage: string;
}

/** The name in the server certificate, and what clients ask for. */
export const hostname = 'shop.example.test';

/** Makes the certificates; the responder is not started yet. */
export async function makeShop(cluster: TestCluster, folder: string, appImage: string): Promise<Shop> {
  const ocspUrl = `http://${cluster.address}:8889/`;
  const ca = await makeOpensslCa(folder, 'partner');
  const server = await ca.issue('server', {
    extensions: ['extendedKeyUsage=serverAuth', `subjectAltName=DNS:${hostname}`],
  });
  const responder = await ca.issue('responder', { extensions: responderExtensions });
  const good = await ca.issue('good', { ocspUrl });
  const revoked = await ca.issue('revoked', { ocspUrl });
  ca.revoke(revoked);
  return { cluster, folder, ca, server, responder, good, revoked, ocspUrl, appImage };
}

/** A manifest of this folder with its `${NAME}`s filled in. */
export function manifest(shop: Shop, name: string, names: Readonly<Record<string, string>> = {}): string {
  const all: Readonly<Record<string, string>> = {
    APP_IMAGE: shop.appImage,
    NODE_ADDRESS: shop.cluster.address,
    ...names,
  };
  const text = readFileSync(join(import.meta.dirname, 'manifests', name), 'utf8');
  // A map stands alone in its quotes: it must come out as a map.
  return text.replace(/"\$\{LABELS\}"|\$\{([A-Z_]+)\}/g, (_whole, key = 'LABELS') => {
    const value = all[String(key)];
    assert.ok(value !== undefined, `${name} wants ${key}`);
    return value;
  });
}

/** `kubectl apply -f -`. */
export async function apply(shop: Shop, yaml: string): Promise<void> {
  await shop.cluster.kubectl(['apply', '-f', '-'], { input: yaml });
}

/** The Secret of the server certificate and the ConfigMap of the clients' CA, as `kubectl create` makes them. */
export async function applyServerSecret(shop: Shop, server: OpensslIdentity = shop.server): Promise<void> {
  const { cluster } = shop;
  const secret = await cluster.kubectl([
    ...['-n', 'shop', 'create', 'secret', 'tls', 'shop-tls', `--cert=${server.chain}`, `--key=${server.key}`],
    ...['--dry-run=client', '-o', 'yaml'],
  ]);
  await apply(shop, secret);
}

export async function applyClientCa(shop: Shop): Promise<void> {
  const map = await shop.cluster.kubectl([
    ...['-n', 'shop', 'create', 'configmap', 'partner-ca', `--from-file=ca.crt=${shop.ca.bundle}`],
    ...['--dry-run=client', '-o', 'yaml'],
  ]);
  await apply(shop, map);
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request by curl on a connection of its own, to the Service unless an address is given. */
export async function ask(
  shop: Shop,
  identity: OpensslIdentity | undefined,
  address?: { readonly host: string; readonly port: number },
): Promise<Answer> {
  const { host, port } = address ?? { host: await serviceAddress(shop), port: 443 };
  const { code, stdout, stderr } = await shop.cluster.run('curl', [
    ...['-sS', '--max-time', '10', '--cacert', shop.ca.bundle, '--resolve', `${hostname}:${port}:${host}`],
    ...(identity === undefined ? [] : ['--cert', identity.chain, '--key', identity.key]),
    ...['-w', '\n%{http_code}', `https://${hostname}:${port}/`],
  ]);
  if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`);
  const cut = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(cut + 1)), body: stdout.slice(0, cut) };
}

export async function serviceAddress(shop: Shop): Promise<string> {
  return shop.cluster.kubectl(['-n', 'shop', 'get', 'service', 'shop', '-o', 'jsonpath={.spec.clusterIP}']);
}

export interface PodPlace {
  readonly name: string;
  readonly address: string;
}

/** The shop's pods that are not on their way out. */
export async function pods(shop: Shop, selector = 'app=shop'): Promise<readonly PodPlace[]> {
  const listed: unknown = JSON.parse(
    await shop.cluster.kubectl(['-n', 'shop', 'get', 'pods', '-l', selector, '-o', 'json']),
  );
  return itemsOf(listed).flatMap(({ metadata, status }) =>
    metadata.deletionTimestamp === undefined && status?.podIP !== undefined
      ? [{ name: metadata.name, address: status.podIP }]
      : [],
  );
}

interface PodLike {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly podIP?: string };
}

function itemsOf(listed: unknown): readonly PodLike[] {
  assert.ok(typeof listed === 'object' && listed !== null && 'items' in listed && Array.isArray(listed.items));
  // What kubectl prints as JSON has the API's shape.
  return listed.items as readonly PodLike[];
}

/** Text of one page of a sidecar's admin port, as anybody in the cluster reads it. */
export async function adminPage(shop: Shop, pod: PodPlace, path: string): Promise<Answer> {
  const { stdout } = await shop.cluster.run('curl', [
    ...['-sS', '--max-time', '5', '-w', '\n%{http_code}', `http://${pod.address}:9844${path}`],
  ]);
  const cut = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(cut + 1)), body: stdout.slice(0, cut) };
}

/** The version of the policy in force in every pod, by pod. */
export async function versions(shop: Shop): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const pod of await pods(shop)) {
    const { body } = await adminPage(shop, pod, '/metrics');
    found.set(pod.name, /^lychgate_policy_info\{version="([^"]+)"\} 1$/m.exec(body)?.[1] ?? '');
  }
  return found;
}

/** A condition of a resource of ours in the shop's namespace. */
export async function condition(
  shop: Shop,
  resource: string,
  type: string,
): Promise<{ readonly status: string; readonly reason: string; readonly message: string }> {
  const text = await shop.cluster.kubectl([
    ...['-n', 'shop', 'get', resource, '-o', `jsonpath={.status.conditions[?(@.type=="${type}")]}`],
  ]);
  const found: unknown = text === '' ? {} : JSON.parse(text);
  assert.ok(typeof found === 'object' && found !== null);
  const field = (name: string) => String(Reflect.get(found, name) ?? '');
  return { status: field('status'), reason: field('reason'), message: field('message') };
}

/** Of the profile: sidecars that have it in force, of those that are to have it, as `2/3`. */
export function sidecarSummary({ cluster }: Shop): Promise<string> {
  return cluster.kubectl(['-n', 'shop', 'get', 'sslp/partners', '-o', 'jsonpath={.status.sidecars.summary}']);
}

/** Waits until the profile is Ready, milliseconds from now. */
export function profileReady(shop: Shop, limitMs: number): Promise<number> {
  return within(limitMs, 'the profile is Ready', async () => {
    const { status, message } = await condition(shop, 'sslp/partners', 'Ready');
    return status === 'True' ? true : `${status}: ${message}`;
  });
}

/** Waits until something holds, in milliseconds from now. @throws after the limit, with what was seen last. */
export async function within(limitMs: number, what: string, holds: () => Promise<true | string>): Promise<number> {
  const begun = performance.now();
  let last = '';
  for (;;) {
    const seen = await holds().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    const tookMs = performance.now() - begun;
    if (seen === true) return tookMs;
    last = seen;
    if (tookMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}; last seen: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function podsReady(shop: Shop, count: number): Promise<void> {
  await shop.cluster.kubectl(['-n', 'shop', 'rollout', 'status', 'deployment/shop', '--timeout=180s'], {
    timeoutMs: 190_000,
  });
  await until(async () => ((await pods(shop)).length === count ? true : undefined), `${count} pods of the shop`);
}
