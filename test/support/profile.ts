import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import type { RevocationChecker } from '../../pkg/crl/revocation.ts';
import { loadFolder } from '../../pkg/manifests/load.ts';
import { silentLog } from '../../pkg/process/log.ts';
import { Gate } from '../../pkg/proxy/gate.ts';
import { createProxyMetrics } from '../../pkg/proxy/metrics.ts';
import { translate } from '../../pkg/translate/translate.ts';
import { podKey, standalonePod } from '../../pkg/translate/world.ts';
import { freePort } from './free-port.ts';
import { connectTo, FakeOcsp, ManualClock, okApp, type RawApp, startRawApp } from './gate.ts';
import { writeManifests } from './manifests.ts';
import type { Identity } from './pki.ts';
import { pki, Talk } from './talk.ts';

/** A gate whose policy came all the way from manifests: the folder is read, the world translated, the policy put in force. */

/** Fields of an SslProfile's spec in YAML, over `plainSpec`; an undefined one is left out. */
export type SpecText = Readonly<Record<string, string | undefined>>;

export interface ManifestsOptions {
  readonly spec?: SpecText;
  /** Further manifests. */
  readonly documents?: readonly string[];
  /** What `$NAME` stands for in the spec and the documents, beside `$app`, the application's port. */
  readonly names?: Readonly<Record<string, string | number>>;
  readonly respond?: (text: string, socket: Socket) => string | undefined;
  readonly clock?: ManualClock;
  /** Good for everybody unless given. */
  readonly revocation?: (clock: ManualClock) => RevocationChecker;
}

/** A request, and who sends it how. */
export interface AskOptions {
  /** The good client unless given; null for no certificate. */
  readonly identity?: Identity | null;
  readonly path?: string;
  readonly host?: string;
  /** Field lines, each with its CRLF. */
  readonly fields?: string;
  readonly method?: string;
  readonly body?: string;
  readonly tls?: ConnectionOptions;
  /** Another port than the pod's own. */
  readonly port?: number;
}

export interface ManifestsGate {
  readonly gate: Gate;
  readonly app: RawApp;
  readonly port: number;
  readonly clock: ManualClock;
  /** `FIELD: MESSAGE` of every error of the translation. */
  readonly faults: readonly string[];
  connect(options?: AskOptions): Promise<Talk>;
  /** One request on a connection of its own: the whole answer, or `no handshake`. */
  ask(options?: AskOptions): Promise<string>;
  /** The same, short: the status, and the reason where the body names one. */
  outcome(options?: AskOptions): Promise<string>;
}

/** Strict, without revocation, in front of the test's application. */
export const plainSpec: SpecText = {
  selector: '{matchLabels: {app: shop}}',
  certificateRefs: '[{name: server}]',
  trustedClientCertificates: '[{kind: ConfigMap, name: partner-ca}]',
  clientAuthConfiguration: '{verifyClientRevocation: None}',
  backend: '{port: $app}',
};

/** Starts an application and a gate before it for one test; both end with it. */
export async function gateFromManifests(t: TestContext, options: ManifestsOptions = {}): Promise<ManifestsGate> {
  const app = await startRawApp(options.respond ?? okApp);
  const port = await freePort();
  const clock = options.clock ?? new ManualClock();
  const gate = new Gate({
    log: silentLog,
    clock,
    metrics: createProxyMetrics('test'),
    ocsp: options.revocation?.(clock) ?? new FakeOcsp(),
    audit: 'off',
    listenAddress: '127.0.0.1',
    handshakeMs: 10_000,
    maxConnections: 0,
  });
  const talks: Talk[] = [];
  t.after(async () => {
    for (const talk of talks) talk.socket.destroy();
    await gate.stop(AbortSignal.abort());
    await app.close();
  });
  const folder = mkdtempSync(join(tmpdir(), 'lychgate-manifests-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const names: Readonly<Record<string, string | number>> = { app: app.port, ...options.names };
  const named = (text: string) => text.replace(/\$([a-z]+)/gi, (whole, name: string) => String(names[name] ?? whole));
  writeManifests(
    folder,
    'shop.yaml',
    [
      profileText('partners', options.spec),
      secretText('server', pki.server),
      configMapText('partner-ca', { 'ca.crt': pki.caPem }),
      ...(options.documents ?? []),
    ].map(named),
  );
  const pod = { ...standalonePod, port };
  const loaded = await loadFolder(folder, [pod]);
  const unreadable = loaded.faults.find(({ severity }) => severity === 'error');
  if (unreadable !== undefined) throw new Error(`the manifests are broken: ${unreadable.message}`);
  const translation = translate(loaded.world);
  const policy = translation.policies.get(podKey(pod));
  if (policy === undefined) throw new Error('the pod has no policy');
  await gate.apply(policy);
  const connect = async ({ identity, tls, port: other }: AskOptions = {}): Promise<Talk> => {
    const shown = identity === null ? undefined : (identity ?? pki.client('good'));
    const talk = new Talk(await connectTo(other ?? port, pki, shown, tls));
    talks.push(talk);
    return talk;
  };
  const ask = async (asked: AskOptions = {}): Promise<string> => {
    let talk: Talk;
    try {
      talk = await connect(asked);
    } catch {
      return 'no handshake';
    }
    talk.send(requestText(asked));
    return talk.rest();
  };
  return {
    gate,
    app,
    port,
    clock,
    faults: translation.faults
      .filter(({ severity }) => severity === 'error')
      .map(({ field, message }) => `${field}: ${message}`),
    connect,
    ask,
    outcome: async (asked) => outcomeOf(await ask(asked)),
  };
}

/** `200`, `400 Revoked`, `no handshake`, or `closed` where nothing came. */
export function outcomeOf(answer: string): string {
  if (answer === 'no handshake') return answer;
  if (answer === '') return 'closed';
  const status = answer.slice(9, 12);
  const [, reason] = /client certificate refused: ([A-Za-z]+)/.exec(answer) ?? [];
  return reason === undefined ? status : `${status} ${reason}`;
}

/** A request that ends its connection. */
export function requestText({ path = '/', host = 'localhost', fields = '', method = 'GET', body }: AskOptions): string {
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}${length}Connection: close\r\n\r\n${body ?? ''}`;
}

/** An SslProfile: `spec` over `plainSpec`. */
export function profileText(name: string, spec: SpecText = {}): string {
  const fields = Object.entries({ ...plainSpec, ...spec }).filter(([, text]) => text !== undefined);
  return objectText('SslProfile', name, `spec:\n${fields.map(([field, text]) => `  ${field}: ${text}\n`).join('')}`);
}

/** A RewriteSet; `rules` is a list in flow or block style, indented by two. */
export function rewriteSetText(name: string, rules: string): string {
  return objectText('RewriteSet', name, `spec:\n  rewriteRules: ${rules}\n`);
}

/** A Secret of type kubernetes.io/tls. */
export function secretText(name: string, { chainPem, keyPem }: Pick<Identity, 'chainPem' | 'keyPem'>): string {
  return `apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: shop}
type: kubernetes.io/tls
stringData: ${JSON.stringify({ 'tls.crt': chainPem, 'tls.key': keyPem })}
`;
}

/** A ConfigMap, or a Secret of no particular type. */
export function configMapText(
  name: string,
  files: Readonly<Record<string, string>>,
  kind: 'ConfigMap' | 'Secret' = 'ConfigMap',
): string {
  const field = kind === 'ConfigMap' ? 'data' : 'stringData';
  return `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: shop}\n${field}: ${JSON.stringify(files)}\n`;
}

/** One field in two settings: the same question, and what comes of it with each. */
export interface FieldRow {
  readonly name: string;
  /** For both. */
  readonly options?: ManifestsOptions;
  readonly specs: readonly SpecText[];
  readonly question: (gate: ManifestsGate) => Promise<string>;
  readonly want: readonly string[];
}

/** A test for every row: what the field does, seen from outside the gate. */
export function testFields(rows: readonly FieldRow[]): void {
  for (const { name, options, specs, question, want } of rows) {
    test(name, async (t) => {
      const got: string[] = [];
      for (const spec of specs) {
        const gate = await gateFromManifests(t, { ...options, spec: { ...options?.spec, ...spec } });
        got.push(await question(gate));
      }
      assert.deepEqual(got, want);
      assert.ok(new Set(got).size > 1, 'the field must make a difference');
    });
  }
}

function objectText(kind: string, name: string, rest: string): string {
  return `apiVersion: lychgate.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: shop}\n${rest}`;
}
