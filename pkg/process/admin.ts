import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';
import type { Registry } from 'prom-client';
import { listen } from './listen.ts';
import type { Log } from './log.ts';
import { toOpenMetrics } from './open-metrics.ts';

export interface AdminOptions {
  /** The address to listen on; every address of the machine, both families, when absent. */
  readonly host?: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly registry: Pick<Registry, 'metrics'>;
  /** Reasons why the process should be restarted; none means alive. That an answer comes at all shows that the event loop turns. */
  readonly alive: () => readonly string[];
  /** Reasons why no traffic should come here, each a line; none means ready. */
  readonly ready: () => readonly string[];
  /** The configuration in force, already without keys, as plain data. */
  readonly config: () => unknown;
  readonly log: Log;
}

export interface Admin {
  readonly host: string;
  readonly port: number;
  /** Stops listening and ends every connection. Never rejects. */
  close(): Promise<void>;
}

/** The admin port cannot be opened. */
export class AdminListenFailed extends Error {
  readonly code = 'ADMIN_LISTEN_FAILED';
  override readonly name = 'AdminListenFailed';
}

/**
 * Serves `/livez`, `/readyz`, `/metrics`, and for peers on loopback `/config`; GET and HEAD only, no other page.
 * Plain HTTP: nothing secret is served, and the kubelet and Prometheus can read it. @throws AdminListenFailed.
 */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const server = createServer(serverLimits, (request, response) => {
    void answer(options, request, response);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // The oldest goes, so that whoever holds connections open cannot keep the kubelet's next probe out.
    if (sockets.size > maxConnections) sockets.values().next().value?.destroy();
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  const address = await listen(
    server,
    options,
    (where, cause) => new AdminListenFailed(`admin port cannot be opened on ${where}: ${cause.message}`, { cause }),
  );
  return {
    host: address.address,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: AdminOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let page: Page;
  try {
    page = await pageFor(options, request);
  } catch (cause) {
    options.log.error('admin page failed', { err: cause instanceof Error ? cause : new Error(String(cause)) });
    page = { status: 500, body: 'the page could not be made; the log says why\n' };
  }
  const body = Buffer.from(page.body);
  response.writeHead(page.status, {
    'content-type': page.type ?? 'text/plain; charset=utf-8',
    'content-length': body.byteLength,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // A body would have to be read before the next request; nobody who belongs here sends one.
    ...(hasBody(request) ? { connection: 'close' } : {}),
    ...(page.status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

interface Page {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

function pageFor(options: AdminOptions, request: IncomingMessage): Page | Promise<Page> {
  const path = (request.url ?? '').split('?', 1)[0];
  if (path !== '/livez' && path !== '/readyz' && path !== '/metrics' && path !== '/config') {
    return { status: 404, body: 'not found: the pages are /livez, /readyz, /metrics and /config\n' };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'only GET and HEAD\n' };
  switch (path) {
    case '/livez':
      return health('alive', options.alive());
    case '/readyz':
      return health('ready', options.ready());
    case '/metrics':
      return metricsPage(options.registry, request);
    case '/config':
      return configPage(options.config, request);
  }
}

function health(what: 'alive' | 'ready', reasons: readonly string[]): Page {
  if (reasons.length === 0) return { status: 200, body: `${what}\n` };
  return { status: 503, body: `not ${what}:\n${reasons.map((reason) => `- ${reason}\n`).join('')}` };
}

async function metricsPage(registry: Pick<Registry, 'metrics'>, request: IncomingMessage): Promise<Page> {
  const text = await registry.metrics();
  if (wantsOpenMetrics(request.headers.accept ?? '')) {
    return {
      status: 200,
      type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
      body: toOpenMetrics(text),
    };
  }
  return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: text };
}

/** Prometheus names the form it prefers with the highest weight; on equal weights OpenMetrics is given. */
function wantsOpenMetrics(accept: string): boolean {
  let open = 0;
  let plain = 0;
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    if (type === 'application/openmetrics-text') open = Math.max(open, weight);
    else if (type === 'text/plain') plain = Math.max(plain, weight);
  }
  return open > 0 && open >= plain;
}

function configPage(config: () => unknown, request: IncomingMessage): Page {
  if (!isLoopback(request.socket.remoteAddress) || !namesLoopback(request.headers.host)) {
    return {
      status: 403,
      body: 'only for loopback: kubectl port-forward to the admin port, then ask 127.0.0.1\n',
    };
  }
  return { status: 200, type: 'application/json', body: `${JSON.stringify(config(), undefined, 2)}\n` };
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** A page in a browser can be made to ask 127.0.0.1 under its own name (DNS rebinding), but not to lie in Host. */
function namesLoopback(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || isLoopback(name.replace(/^\[(.*)\]$/, '$1'));
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const maxConnections = 64;
const serverLimits = {
  connectionsCheckingInterval: 1000,
  headersTimeout: 5000,
  keepAliveTimeout: 5000,
  maxHeaderSize: 8192,
  requestTimeout: 10_000,
} as const;
