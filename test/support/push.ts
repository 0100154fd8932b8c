import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { policyDigest } from '../../pkg/policy/digest.ts';
import type { Input } from '../../pkg/policy/input.ts';
import type { PodPolicy } from '../../pkg/policy/policy.ts';
import { createLog, type Log } from '../../pkg/process/log.ts';
import { type PodCaller, Unauthenticated } from '../../pkg/push/caller.ts';
import type { ServingCertificate } from '../../pkg/push/certificates.ts';
import type { Offer } from '../../pkg/push/offer.ts';
import type { SidecarReport } from '../../pkg/push/report.ts';
import { type PushServer, type PushServerOptions, startPushServer } from '../../pkg/push/server.ts';
import { type Subscriber, type SubscriberOptions, startSubscriber } from '../../pkg/push/subscriber.ts';
import { type Authority, makePki, testKey } from './pki.ts';
import { plainPolicy } from './plain-policy.ts';
import { until } from './until.ts';

/* An operator's end and a sidecar's end on loopback, with everything between them that a test may want to bend. */

export const pushPki = makePki({ nowMs: Date.now() });

/** A serving certificate for localhost by that authority. */
export function servingCertificate(authority: Authority = pushPki.root): ServingCertificate {
  const { chainPem, keyPem } = authority.issue(
    { subject: 'CN=operator', extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'], san: { dns: ['localhost'] } },
    testKey('operator'),
  );
  return { certPem: chainPem, keyPem, caPem: authority.certificate.pem };
}

/** A policy that differs from others by its port alone, and has a private key. */
export function policyOf(port: number): PodPolicy {
  return plainPolicy(port, pushPki.server);
}

export function inputOf(name: string, generation: number, uid = `${name}-1`): Input {
  return { kind: 'SslProfile', namespace: 'shop', name, uid, generation, resourceVersion: String(100 + generation) };
}

/** An offer of `policyOf(port)`, made of one profile in that generation. */
export function offerOf(port: number, generation = port): Offer {
  const policy = policyOf(port);
  return { policy, digest: policyDigest(policy), inputs: [inputOf('partners', generation)] };
}

export function callerOf(name: string, expiresAtMs = Date.now() + 3_600_000): PodCaller {
  return { namespace: 'shop', name, uid: `uid-${name}`, expiresAtMs };
}

export interface Operator {
  readonly server: PushServer;
  readonly reports: SidecarReport[];
  /** Every log line of this end. */
  readonly lines: string[];
  /** Changes what is offered to every pod. */
  offer(offer: Offer | undefined): void;
  /** Changes the serving certificate. */
  serve(certificate: ServingCertificate): void;
  /** Waits for a report; those before it count too. */
  reported(wanted: Partial<SidecarReport>): Promise<SidecarReport>;
}

/** Tokens are `pod:NAME` unless `authenticate` is given. */
export async function startOperator(t: TestContext, options: Partial<PushServerOptions> = {}): Promise<Operator> {
  const reports: SidecarReport[] = [];
  const lines: string[] = [];
  const listeners = new Set<(podKeys: ReadonlySet<string>) => void>();
  const rotations = new Set<() => void>();
  let offered: Offer | undefined;
  let certificate = servingCertificate();
  const server = await startPushServer({
    host: '127.0.0.1',
    port: 0,
    certificates: { current: () => certificate, onChange: (listener) => subscribe(rotations, listener) },
    authenticate: podByToken,
    authenticateReplica: async (token) => {
      if (token !== 'replica') throw new Unauthenticated('not a replica');
    },
    offers: { offerFor: () => offered, onChange: (listener) => subscribe(listeners, listener) },
    onReport: (report) => reports.push(report),
    log: logTo(lines),
    clock: { wallMs: Date.now, monotonicMs: () => performance.now() },
    random: () => 0.5,
    maxConnectionAgeMs: 3_600_000,
    ...options,
  });
  t.after(() => server.close());
  return {
    server,
    reports,
    lines,
    offer(offer) {
      offered = offer;
      for (const listener of listeners) listener(new Set(['shop/a', 'shop/b']));
    },
    serve(next) {
      certificate = next;
      for (const listener of rotations) listener();
    },
    reported: (wanted) =>
      until(
        () => reports.find((report) => Object.entries(wanted).every(([name, value]) => Object(report)[name] === value)),
        `report ${JSON.stringify(wanted)} among ${JSON.stringify(reports)}`,
        10_000,
      ),
  };
}

/** `pod:NAME` is a token of that pod. */
export async function podByToken(token: string): Promise<PodCaller> {
  if (!token.startsWith('pod:')) throw new Unauthenticated('no token of ours');
  return callerOf(token.slice(4));
}

export interface Sidecar {
  readonly subscriber: Subscriber;
  /** Ports of the policies that were applied, in order. */
  readonly applied: number[];
  readonly lines: string[];
}

/** A sidecar of pod `a` that dials that port; every policy with port 6666 is unusable to it. */
export async function startSidecar(
  t: TestContext,
  port: number,
  options: Partial<SubscriberOptions> = {},
): Promise<Sidecar> {
  const applied: number[] = [];
  const lines: string[] = [];
  const subscriber = await startSubscriber({
    address: `localhost:${port}`,
    ca: async () => pushPki.root.certificate.pem,
    token: async () => 'pod:a',
    identity: { namespace: 'shop', name: 'a', uid: 'uid-a', version: '1.2.3' },
    apply: async (policy) => {
      const [listener] = policy.listeners;
      if (listener?.port === 6666) throw new Error('port 6666 cannot be opened');
      applied.push(listener?.port ?? 0);
      return policy;
    },
    exposed: () => [],
    stateDir: temporaryDirectory(t),
    clock: { wallMs: Date.now, monotonicMs: () => performance.now() },
    random: () => 0,
    log: logTo(lines),
    timing: { backoff: { minMs: 20, maxMs: 40 }, housekeepingMs: 20 },
    ...options,
  });
  t.after(() => subscriber.close());
  return { subscriber, applied, lines };
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-push-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function logTo(lines: string[]): Log {
  return createLog({
    level: 'debug',
    clock: { wallMs: () => 0, monotonicMs: () => 0 },
    write: (line) => lines.push(line),
  });
}

function subscribe<T>(set: Set<T>, entry: T): () => void {
  set.add(entry);
  return () => set.delete(entry);
}
