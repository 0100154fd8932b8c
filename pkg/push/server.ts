import { Server } from '@grpc/grpc-js';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { authenticationStatus, bearerToken, type Call, endCall, sendHead } from './call.ts';
import { type PodCaller, Unavailable } from './caller.ts';
import { rotatingCredentials, type ServingCertificates } from './certificates.ts';
import { maxFromOperatorBytes, maxFromSidecarBytes } from './messages.ts';
import type { OfferSource } from './offer.ts';
import { PodStream } from './pod-stream.ts';
import { ReplicaStream } from './replica-stream.ts';
import type { SidecarReport } from './report.ts';
import { pushService } from './service.ts';

export interface PushServerOptions {
  /** Every address, both families, unless given. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly certificates: ServingCertificates;
  /** @throws Unauthenticated, PermissionDenied or Unavailable; anything else counts as Unavailable. */
  authenticate(token: string): Promise<PodCaller>;
  /** The same for another replica of the operator. */
  authenticateReplica(token: string): Promise<void>;
  readonly offers: OfferSource;
  onReport(report: SidecarReport): void;
  /** What another replica's sidecars said; `from` is the name it gives itself. */
  onReplicaReports?(reports: readonly SidecarReport[], from: string): void;
  /** That replica has no stream any more: what it reported stays as it was until another one reports it. */
  onReplicaGone?(from: string): void;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** A stream ends after 0.8 to 1.2 of that and its sidecar dials again, so that load spreads over new replicas. */
  readonly maxConnectionAgeMs: number;
}

export interface PushServer {
  readonly port: number;
  /** Streams of sidecars that are open now. */
  readonly streams: number;
  /** Ends that pod's stream: the pod was deleted. */
  closePod(podUid: string): void;
  /** Ends every stream and stops listening. */
  close(): Promise<void>;
}

/** Listens for sidecars and for the other replicas. @throws when the port cannot be had. */
export async function startPushServer(options: PushServerOptions): Promise<PushServer> {
  const service = new PushService(options);
  const server = new Server({
    'grpc.max_receive_message_length': maxFromSidecarBytes,
    'grpc.max_send_message_length': maxFromOperatorBytes,
    'grpc.keepalive_time_ms': keepAliveMs,
    'grpc.keepalive_timeout_ms': keepAliveTimeoutMs,
    'grpc.max_concurrent_streams': 4,
    'grpc.max_connection_idle_ms': 60_000,
    // Streams end by themselves, earlier: this is for connections that ignore it.
    'grpc.max_connection_age_ms': 2 * options.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': 10_000,
    'grpc.enable_channelz': 0,
  });
  server.addService(pushService, {
    follow: (call: Call) => void service.follow(call),
    report: (call: Call) => void service.report(call),
  });
  const port = await bind(server, `${bracketed(options.host ?? '::')}:${options.port}`, options);
  // The certificate comes in the next turn of the event loop; a handshake before that would fail.
  await new Promise((resolve) => setImmediate(resolve));
  return {
    port,
    get streams() {
      return service.streams;
    },
    closePod: (podUid) => service.closePod(podUid),
    close: () => close(server, service),
  };
}

/** Every stream of the server, and its one timer. */
class PushService {
  readonly #options: PushServerOptions;
  readonly #pods = new Map<string, PodStream>();
  readonly #byKey = new Map<string, Set<PodStream>>();
  readonly #replicas = new Set<ReplicaStream>();
  readonly #replicaStreams = new Map<string, ReplicaStream>();
  readonly #unsubscribe: () => void;
  readonly #ticker: NodeJS.Timeout;
  #authenticating = 0;
  #closing = false;

  constructor(options: PushServerOptions) {
    this.#options = options;
    this.#unsubscribe = options.offers.onChange((podKeys) => this.#offersChanged(podKeys));
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  get streams(): number {
    return this.#pods.size;
  }

  async follow(call: Call): Promise<void> {
    const caller = await this.#admit(call, (token) => this.#options.authenticate(token));
    if (caller === undefined) return;
    const before = this.#pods.get(caller.uid);
    if (before === undefined && this.#pods.size >= maxPods) {
      endCall(call, 'RESOURCE_EXHAUSTED', `${maxPods} sidecars are connected to this replica, which is the limit`);
      return;
    }
    // A sidecar that dials again has given up its stream, also where the old one looks alive.
    before?.end('ABORTED', 'a newer stream of this pod has come');
    const stream: PodStream = new PodStream({
      call,
      caller,
      authenticate: (token) => this.#options.authenticate(token),
      offer: () => this.#options.offers.offerFor(caller),
      onReport: (report) => this.#options.onReport(report),
      onClosed: () => this.#removePod(stream),
      log: this.#options.log,
      clock: this.#options.clock,
      endAtMs: this.#endAtMs(),
    });
    this.#pods.set(stream.podUid, stream);
    const sameName = this.#byKey.get(stream.podKey) ?? new Set();
    this.#byKey.set(stream.podKey, sameName.add(stream));
    sendHead(call);
  }

  async report(call: Call): Promise<void> {
    const admitted = await this.#admit(call, async (token) => {
      await this.#options.authenticateReplica(token);
      return true;
    });
    if (admitted === undefined) return;
    if (this.#replicas.size >= maxReplicas) {
      endCall(call, 'RESOURCE_EXHAUSTED', `${maxReplicas} replicas are connected, which is the limit`);
      return;
    }
    const stream: ReplicaStream = new ReplicaStream({
      call,
      onReports: (reports, from) => {
        this.#replicaStreams.set(from, stream);
        this.#options.onReplicaReports?.(reports, from);
      },
      onClosed: (from) => {
        this.#replicas.delete(stream);
        // A replica that has dialled again is not gone with its old stream.
        if (from === undefined || (this.#replicaStreams.get(from) ?? stream) !== stream) return;
        this.#replicaStreams.delete(from);
        this.#options.log.info('replica gone', { replica: from });
        this.#options.onReplicaGone?.(from);
      },
      log: this.#options.log,
      clock: this.#options.clock,
      endAtMs: this.#endAtMs(),
    });
    this.#replicas.add(stream);
    sendHead(call);
  }

  closePod(podUid: string): void {
    this.#pods.get(podUid)?.end('PERMISSION_DENIED', 'the pod was deleted');
  }

  close(): void {
    this.#closing = true;
    this.#unsubscribe();
    clearInterval(this.#ticker);
    for (const stream of [...this.#pods.values(), ...this.#replicas]) {
      stream.end('UNAVAILABLE', 'the operator shuts down; dial again');
    }
  }

  /** Who calls, before any of its messages is read. Undefined: the call has been answered. */
  async #admit<T>(call: Call, authenticate: (token: string) => Promise<T>): Promise<T | undefined> {
    // Without a listener an error of the call would end the process.
    call.on('error', () => undefined);
    const token = bearerToken(call);
    if (token === undefined) {
      endCall(call, 'UNAUTHENTICATED', 'no bearer token in the metadata field authorization');
      return undefined;
    }
    if (this.#closing || this.#authenticating >= maxAuthenticating) {
      endCall(call, 'UNAVAILABLE', this.#closing ? 'the operator shuts down' : 'too many callers at once');
      return undefined;
    }
    this.#authenticating += 1;
    try {
      const caller = await authenticate(token);
      if (call.cancelled) return undefined;
      if (this.#closing) throw new Unavailable('the operator shuts down');
      return caller;
    } catch (error) {
      const { code, details } = authenticationStatus(error);
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn('caller refused', { peer: call.getPeer(), code, reason });
      endCall(call, code, details);
      return undefined;
    } finally {
      this.#authenticating -= 1;
    }
  }

  #removePod(stream: PodStream): void {
    if (this.#pods.get(stream.podUid) === stream) this.#pods.delete(stream.podUid);
    const sameName = this.#byKey.get(stream.podKey);
    sameName?.delete(stream);
    if (sameName?.size === 0) this.#byKey.delete(stream.podKey);
  }

  #offersChanged(podKeys: ReadonlySet<string>): void {
    for (const key of podKeys) for (const stream of this.#byKey.get(key) ?? []) stream.offerChanged();
  }

  #tick(): void {
    for (const stream of [...this.#pods.values(), ...this.#replicas]) stream.tick();
  }

  #endAtMs(): number {
    const { clock, random, maxConnectionAgeMs } = this.#options;
    return clock.monotonicMs() + maxConnectionAgeMs * (0.8 + 0.4 * random());
  }
}

function bind(server: Server, address: string, { certificates }: PushServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, rotatingCredentials(certificates), (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

async function close(server: Server, service: PushService): Promise<void> {
  service.close();
  await new Promise<void>((resolve) => {
    // What does not end in time is cut.
    const force = setTimeout(() => server.forceShutdown(), 2_000);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

const tickMs = 500;
const keepAliveMs = 20_000;
const keepAliveTimeoutMs = 10_000;
const maxPods = 10_000;
const maxReplicas = 32;
/** Callers whose token is looked at. */
const maxAuthenticating = 1_000;
