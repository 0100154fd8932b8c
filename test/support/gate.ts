import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { RevocationChecker } from '../../pkg/crl/revocation.ts';
import type { RevocationStatus } from '../../pkg/ocsp/status.ts';
import type {
  Backend,
  ClientAuth,
  ForwardedCertificate,
  PodPolicy,
  ProfilePolicy,
  RewriteSetPolicy,
} from '../../pkg/policy/policy.ts';
import { predefinedSslPolicy } from '../../pkg/policy/ssl-policy.ts';
import { type Clock, systemClock } from '../../pkg/process/clock.ts';
import { type Log, silentLog } from '../../pkg/process/log.ts';
import type { AuditLevel } from '../../pkg/proxy/deps.ts';
import { Gate } from '../../pkg/proxy/gate.ts';
import { createProxyMetrics, type ProxyMetrics } from '../../pkg/proxy/metrics.ts';
import { freePort } from './free-port.ts';
import type { Identity, Pki } from './pki.ts';

/** A gate in this process, and an application that keeps every byte it receives. */

/** An application of raw sockets: what came in, byte for byte, and answers by a script. */
export interface RawApp {
  readonly port: number;
  /** Everything received on each connection, in the order the connections came. */
  readonly received: readonly string[];
  /** How many of its connections are open now. */
  open(): number;
  close(): Promise<void>;
}

/**
 * `respond` is called whenever a connection has received more bytes, with all of them as Latin-1 text; what it returns
 * is written, and `undefined` waits for more.
 */
export async function startRawApp(respond: (text: string, socket: Socket) => string | undefined): Promise<RawApp> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const index = received.push('') - 1;
    let answered = 0;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      received[index] += chunk.toString('latin1');
      const text = (received[index] ?? '').slice(answered);
      const answer = respond(text, socket);
      if (answer === undefined) return;
      answered += text.length;
      if (answer !== '') socket.write(answer, 'latin1');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers every request that has no body with 200 and `ok`, as soon as its head is whole. */
export function okApp(text: string): string | undefined {
  return text.endsWith('\r\n\r\n') ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' : undefined;
}

export const defaultBackend: Omit<Backend, 'target'> = {
  protocol: 'HTTP',
  whenExposed: 'Warn',
  timeouts: { connectMs: 5000, responseMs: 60_000, idleMs: 60_000, headMs: 10_000, requestMs: 0, connectionAgeMs: 0 },
  limits: { requestBodyBytes: 0, headBytes: 32_768, headerCount: 100, connections: 0 },
  trustedProxies: [],
};

export const urlEncodedPem: ForwardedCertificate = {
  header: 'X-Client-Cert',
  format: 'UrlEncodedPem',
  unverified: 'Deny',
};

export function strictAuth(
  pki: Pki,
  changes: Partial<Extract<ClientAuth, { mode: 'Optional' | 'Strict' }>> = {},
): ClientAuth {
  return {
    mode: 'Strict',
    trustedCas: [pki.caPem],
    verifyIssuerDn: true,
    revocation: { kind: 'none' },
    allow: [],
    publicPaths: [],
    advertiseTrustedCas: true,
    refusal: { status: 400, detail: 'Reason' },
    enforcement: 'Enforce',
    ...changes,
  };
}

export interface ProfileChanges {
  readonly name?: string;
  readonly hostnames?: readonly string[];
  readonly clientAuth?: ClientAuth;
  readonly forwardedCertificate?: ForwardedCertificate | undefined;
  readonly rewriteSets?: readonly RewriteSetPolicy[];
  readonly backend?: Partial<Backend>;
  readonly server?: Identity;
}

export function profileOf(pki: Pki, appPort: number, changes: ProfileChanges = {}): ProfilePolicy {
  const server = changes.server ?? pki.server;
  const forwarded = 'forwardedCertificate' in changes ? changes.forwardedCertificate : urlEncodedPem;
  return {
    namespace: 'shop',
    name: changes.name ?? 'partners',
    hostnames: [...(changes.hostnames ?? [])],
    certificates: [{ chainPem: server.chainPem, keyPem: server.keyPem }],
    clientAuth: changes.clientAuth ?? strictAuth(pki),
    ...(forwarded === undefined ? {} : { forwardedCertificate: forwarded }),
    rewriteSets: [...(changes.rewriteSets ?? [])],
    backend: { ...defaultBackend, target: { port: appPort }, ...changes.backend },
  };
}

export function policyOf(port: number, profiles: readonly ProfilePolicy[]): PodPolicy {
  const tls = predefinedSslPolicy('AppGwSslPolicy20220101S');
  if (tls?.kind !== 'settings') throw new Error('the default SSL policy is gone');
  return { schema: 1, listeners: [{ port, tls: tls.tls, profiles: [...profiles] }], holds: [] };
}

/** A checker whose answers a test gives; `good` for an hour by default. */
export class FakeOcsp implements RevocationChecker {
  answer: (serial: string) => RevocationStatus | Promise<RevocationStatus> = () => goodStatus(Date.now() + 3_600_000);
  asked = 0;

  check(certificate: { readonly serialHex: string }): RevocationStatus | Promise<RevocationStatus> {
    this.asked += 1;
    return this.answer(certificate.serialHex);
  }
}

export function goodStatus(freshUntilMs: number): RevocationStatus {
  return { kind: 'good', answer: someAnswer, freshUntilMs };
}

export const someAnswer = {
  source: 'ocsp',
  responderUrl: 'http://ocsp.example.test/',
  signer: 'CN=Responder',
  signedBy: 'issuer',
  producedAtMs: 0,
  thisUpdateMs: 0,
  nextUpdateMs: undefined,
} as const;

/** Revoked for good. */
export const revokedStatus: RevocationStatus = {
  kind: 'revoked',
  answer: someAnswer,
  revokedAtMs: Date.UTC(2026, 10, 20, 10),
  reason: 'keyCompromise',
  freshUntilMs: Number.MAX_SAFE_INTEGER,
};

/** A clock that a test sets. */
export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 1_000_000;

  constructor(wallMs: number = Date.now()) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Both clocks go on. */
  advance(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  /** The calendar alone is set. */
  setWall(ms: number): void {
    this.#wallMs = ms;
  }
}

/** Resolves when `condition` holds; fails after five seconds with what was waited for. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface TestGate {
  readonly gate: Gate;
  readonly port: number;
  readonly metrics: ProxyMetrics;
  readonly ocsp: FakeOcsp;
  apply(profiles: readonly ProfilePolicy[]): Promise<void>;
  close(): Promise<void>;
}

export interface TestGateOptions {
  readonly audit?: AuditLevel;
  readonly ocsp?: FakeOcsp;
  readonly handshakeMs?: number;
  readonly maxConnections?: number;
  readonly clock?: Clock;
  readonly log?: Log;
}

export async function startGate(profiles: readonly ProfilePolicy[], options: TestGateOptions = {}): Promise<TestGate> {
  const port = await freePort();
  const metrics = createProxyMetrics('test');
  const ocsp = options.ocsp ?? new FakeOcsp();
  const gate = new Gate({
    log: options.log ?? silentLog,
    clock: options.clock ?? systemClock,
    metrics,
    ocsp,
    audit: options.audit ?? 'off',
    listenAddress: '127.0.0.1',
    handshakeMs: options.handshakeMs ?? 10_000,
    maxConnections: options.maxConnections ?? 0,
  });
  await gate.apply(policyOf(port, profiles));
  return {
    gate,
    port,
    metrics,
    ocsp,
    apply: async (next) => {
      await gate.apply(policyOf(port, next));
    },
    close: () => gate.stop(AbortSignal.abort()),
  };
}

/** A TLS client that presents `identity`, after its handshake. */
export async function connectTo(
  port: number,
  pki: Pki,
  identity?: Identity,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = tlsConnect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: [pki.root.certificate.pem],
    ALPNProtocols: ['http/1.1'],
    ...(identity === undefined ? {} : { cert: identity.chainPem, key: identity.keyPem }),
    ...options,
  });
  socket.on('error', () => undefined);
  await Promise.race([
    once(socket, 'secureConnect'),
    once(socket, 'close').then(() => {
      throw new Error('the connection was closed during the handshake');
    }),
  ]);
  return socket;
}

/** Sends bytes as they are and returns all that comes until the peer closes, or until `until` says it is enough. */
export async function exchange(
  socket: TLSSocket,
  bytes: string | Buffer,
  until?: (text: string) => boolean,
): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const finish = () => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (until?.(text) === true) finish();
    });
    socket.on('close', finish);
    socket.write(bytes);
  });
}
