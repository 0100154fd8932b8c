import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '../process/clock.ts';
import { listen } from '../process/listen.ts';
import type { Log } from '../process/log.ts';
import { systemTimers, type Timers } from '../process/timers.ts';
import type { ServingCertificates } from '../push/certificates.ts';
import { CertificateMissing } from './certificate-source.ts';
import { type BodyReader, BodyRefused, createBodyReader } from './webhook-body.ts';
import {
  answerReview,
  denyForNow,
  type ReviewDeps,
  type Reviewed,
  readAdmissionRequest,
  type WebhookEntry,
} from './webhook-review.ts';

export interface WebhookServerOptions extends ReviewDeps {
  /** Every address, both families, when absent. */
  readonly host?: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** May have none yet: handshakes fail until there is one. */
  readonly certificates: ServingCertificates;
  /** Called after every answer. Refused: not an AdmissionReview to this server, or more than it takes at once. */
  onRequest?(result: Reviewed['result'] | 'Refused', seconds: number): void;
  readonly log: Log;
  readonly clock: Clock;
  readonly timers?: Timers;
  /** From a request's head to its answer; 4 s by default, and always half a second below the API server's own. */
  readonly deadlineMs?: number;
  /** Above it the one unused for longest is ended; 256 by default. */
  readonly maxConnections?: number;
  /** Under way at once; one more is refused. 128 by default. */
  readonly maxReviews?: number;
}

export interface WebhookServer {
  readonly port: number;
  /** Stops accepting, answers what has begun, then ends: at the latest after a request's deadline, at once when `signal` aborts. Never rejects. */
  close(signal?: AbortSignal): Promise<void>;
}

/** The webhook's port cannot be opened. */
export class WebhookListenFailed extends Error {
  readonly code = 'WEBHOOK_LISTEN_FAILED';
  override readonly name = 'WebhookListenFailed';
}

/**
 * Serves the mutating webhook: POST `/inject/namespace` and `/inject/pod` over TLS 1.2 and 1.3, nothing else. Callers
 * are not authenticated, since an API server has no certificate of its own unless its administrator gives it one: an
 * answer tells a caller only what it sent, and how a sidecar looks, which is no secret. What it costs is bounded: the
 * body, all bodies together, reviews at once, connections (the one unused for longest goes), and the time of each.
 * A new certificate is used by the next handshake; open connections stay. @throws WebhookListenFailed.
 */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { certificates, log } = options;
  const handler: Handler = { options, bodies: createBodyReader(), reviews: 0, closing: false };
  const server = createServer({ ...serverLimits, ...contextOf(certificates) }, (request, response) => {
    void handle(handler, request, response);
  });
  server.maxConnections = maxSockets;
  const stop = certificates.onChange(() => {
    try {
      server.setSecureContext(contextOf(certificates));
    } catch (error) {
      log.error('webhook keeps its old certificate', { err: error instanceof Error ? error : String(error) });
    }
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  endOldestAbove(server, options.maxConnections ?? 256);
  server.on('tlsClientError', (error) => log.debug('webhook handshake failed', { err: error }));
  server.on('clientError', (_error, socket) => socket.destroy());
  const { port } = await listen(
    server,
    options,
    (where, cause) => new WebhookListenFailed(`webhook port cannot be opened on ${where}: ${cause.message}`, { cause }),
  );
  return {
    port,
    close: (signal) => {
      handler.closing = true;
      stop();
      // Those in a handshake, too: an HTTP server does not know them.
      const end = () => {
        for (const socket of sockets) socket.destroy();
      };
      const cancel = (options.timers ?? systemTimers).after(options.deadlineMs ?? defaultDeadlineMs, end);
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted === true) end();
      return new Promise((resolve) => {
        server.close(() => {
          cancel();
          resolve();
        });
      });
    },
  };
}

interface Handler {
  readonly options: WebhookServerOptions;
  readonly bodies: BodyReader;
  /** Under way. */
  reviews: number;
  closing: boolean;
}

async function handle(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { clock, log, onRequest } = handler.options;
  const startMs = clock.monotonicMs();
  let result: Parameters<NonNullable<typeof onRequest>>[0] = 'Refused';
  try {
    const reviewed = await reviewRequest(handler, request);
    result = reviewed.result;
    send(handler, response, 200, 'application/json', JSON.stringify(reviewed.body));
  } catch (error) {
    const refusal = error instanceof BodyRefused ? error : new BodyRefused(500, 'the review failed; the log says why');
    if (refusal !== error) {
      result = 'Failed';
      log.error('webhook review failed', { err: error instanceof Error ? error : String(error) });
    }
    // The rest of a body may still come: nothing after it can be read as a request.
    response.setHeader('connection', 'close');
    send(handler, response, refusal.status, 'text/plain; charset=utf-8', `${refusal.message}\n`);
  }
  onRequest?.(result, (clock.monotonicMs() - startMs) / 1000);
}

/** @throws BodyRefused. */
async function reviewRequest(handler: Handler, request: IncomingMessage): Promise<Reviewed> {
  const { options, bodies } = handler;
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const entry = entries.get(path);
  if (entry === undefined) throw new BodyRefused(404, 'not found: the pages are /inject/namespace and /inject/pod');
  if (request.method !== 'POST') throw new BodyRefused(405, 'only POST');
  const { maxReviews = 128 } = options;
  if (handler.reviews >= maxReviews) throw new BodyRefused(503, `${maxReviews} reviews are under way; try again`);
  handler.reviews += 1;
  const deadlineMs = deadlineOf(query, options.deadlineMs ?? defaultDeadlineMs);
  const late = Promise.withResolvers<'late'>();
  const cancel = (options.timers ?? systemTimers).after(deadlineMs, () => late.resolve('late'));
  try {
    const text = await Promise.race([bodies.read(request), late.promise.then(() => undefined)]);
    if (text === undefined) throw new BodyRefused(408, `the body did not come within ${deadlineMs} ms`);
    const admission = readAdmissionRequest(text);
    if (typeof admission === 'string') throw new BodyRefused(400, admission);
    const answer = await Promise.race([answerReview(admission, entry, options), late.promise]);
    if (answer !== 'late') return answer;
    return denyForNow(admission.uid, `the pod could not be reviewed within ${deadlineMs} ms`);
  } finally {
    cancel();
    handler.reviews -= 1;
  }
}

function send(handler: Handler, response: ServerResponse, status: number, type: string, text: string): void {
  if (response.destroyed) return;
  const body = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.byteLength,
    'x-content-type-options': 'nosniff',
    ...(handler.closing ? { connection: 'close' } : {}),
    ...(status === 405 ? { allow: 'POST' } : {}),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(body);
}

/** The API server says how long it waits: `?timeout=5s`. */
function deadlineOf(query: string, deadlineMs: number): number {
  const seconds = /^([1-9]\d?)s$/.exec(new URLSearchParams(query).get('timeout') ?? '')?.[1];
  return seconds === undefined ? deadlineMs : Math.min(deadlineMs, Number(seconds) * 1000 - marginMs);
}

function contextOf(certificates: ServingCertificates): { cert?: string; key?: string; minVersion: 'TLSv1.2' } {
  try {
    const { certPem, keyPem } = certificates.current();
    return { cert: certPem, key: keyPem, minVersion: 'TLSv1.2' };
  } catch (error) {
    if (error instanceof CertificateMissing) return { minVersion: 'TLSv1.2' };
    throw error;
  }
}

/** Whoever holds connections open and unused must not keep the API server out. */
function endOldestAbove(server: Server, most: number): void {
  // In the order of their last use.
  const connections = new Set<Socket>();
  server.on('secureConnection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    if (connections.size > most) connections.values().next().value?.destroy();
  });
  server.on('request', ({ socket }) => {
    if (connections.delete(socket)) connections.add(socket);
  });
}

const entries: ReadonlyMap<string, WebhookEntry> = new Map([
  ['/inject/namespace', 'namespace'],
  ['/inject/pod', 'pod'],
]);
const defaultDeadlineMs = 4000;
const marginMs = 500;
/** With handshakes under way, which have five seconds. */
const maxSockets = 1024;
const serverLimits = {
  connectionsCheckingInterval: 1000,
  handshakeTimeout: 5000,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  // Longer than the API server keeps an unused connection (90 s), so that it is never closed under a request.
  keepAliveTimeout: 120_000,
  maxHeaderSize: 16_384,
} as const;
