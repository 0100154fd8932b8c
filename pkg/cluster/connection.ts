import { createHash } from 'node:crypto';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as plainRequest } from 'node:http';
import { type RequestOptions, Agent as SecureAgent, request as secureRequest } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Timers } from '../process/timers.ts';
import { ApiError } from './api-error.ts';
import { type AskedOf, failureOf } from './refusal.ts';

/** One request to the API server. */
export interface ApiRequest extends AskedOf {
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** JSON text. */
  readonly body?: string;
}

/** The head of an answer, and its body as it arrives. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** From now on this many milliseconds are left. */
  extend(deadlineMs: number): void;
}

/** The way to the API server: where it is, who we are, whom we trust; connections are kept. */
export interface Connection {
  /**
   * Sends a request and hands the answer to `use`, whatever its status; the exchange ends with `use`.
   * @throws ApiError Unreachable, Timeout, Closed or Unconfigured, the reason of `signal`, or what `use` throws.
   */
  exchange<T>(
    request: ApiRequest,
    limits: { readonly deadlineMs: number; readonly signal?: AbortSignal },
    use: (answer: Answer) => Promise<T>,
  ): Promise<T>;
  /** Ends all exchanges and closes all connections. */
  close(): void;
}

/**
 * Reads the configuration by the usual rules, or from `kubeconfig`. Credentials and trust are read again for every
 * request, so a rotated token and a rotated CA are taken up. @throws ApiError Unconfigured if there is none.
 */
export function openConnection(options: {
  readonly userAgent: string;
  readonly timers: Timers;
  readonly kubeconfig?: string;
}): Connection {
  const { userAgent, timers } = options;
  const config = loadConfig(options.kubeconfig);
  const { server, proxied } = serverOf(config);
  const agents = createAgents();
  const running = new Set<AbortController>();
  let closed = false;

  async function send(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const settings: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(settings);
    } catch (cause) {
      throw failureOf(request, 'Unconfigured', `credentials cannot be read (${textOf(cause)})`);
    }
    signal.throwIfAborted();
    const { ca, cert, key, rejectUnauthorized, servername, auth } = settings;
    const trust = defined({ ca, cert, key, rejectUnauthorized, servername });
    const url = new URL(server + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': userAgent };
    for (const [name, value] of Object.entries(settings.headers ?? {})) headers[name] = String(value).trim();
    if (request.body !== undefined) {
      headers['content-type'] = request.contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(request.body));
    }
    const isSecure = url.protocol === 'https:';
    const agent = proxied && settings.agent !== undefined ? settings.agent : agents.take(isSecure, trust);
    const common = { method: request.method, headers, agent, signal, ...defined({ auth }) };
    return await new Promise((resolve, reject) => {
      const sent: ClientRequest = isSecure ? secureRequest(url, { ...common, ...trust }) : plainRequest(url, common);
      sent.on('response', resolve);
      // Stays for the exchange's whole life: an error after the answer's head is the body's too.
      sent.on('error', reject);
      sent.end(request.body);
    });
  }

  return {
    exchange: async (request, { deadlineMs, signal }, use) => {
      if (closed) throw failureOf(request, 'Closed', 'the connection to the API server is closed');
      const controller = new AbortController();
      const giveUp = () => controller.abort(signal?.reason);
      const late = (limitMs: number) =>
        timers.after(limitMs, () => controller.abort(failureOf(request, 'Timeout', `no answer within ${limitMs} ms`)));
      let cancel = late(deadlineMs);
      running.add(controller);
      signal?.addEventListener('abort', giveUp, { once: true });
      if (signal?.aborted === true) giveUp();
      try {
        const response = await send(request, controller.signal);
        return await use({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: response,
          extend: (limitMs) => {
            cancel();
            cancel = late(limitMs);
          },
        });
      } catch (cause) {
        controller.signal.throwIfAborted();
        if (cause instanceof ApiError) throw cause;
        throw failureOf(request, 'Unreachable', `the API server at ${server} cannot be reached (${textOf(cause)})`);
      } finally {
        cancel();
        signal?.removeEventListener('abort', giveUp);
        running.delete(controller);
        // What is left of an answer that was not read to its end.
        controller.abort();
      }
    },
    close: () => {
      closed = true;
      for (const controller of running) controller.abort(new ApiError(0, 'Closed', 'the connection was closed'));
      agents.close();
    },
  };
}

function loadConfig(kubeconfig: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromString(kubeconfig);
  } catch (cause) {
    throw new ApiError(0, 'Unconfigured', `the configuration of the cluster cannot be read (${textOf(cause)})`);
  }
  return config;
}

/** @throws ApiError Unconfigured. The library falls back to a server that nobody named. */
function serverOf(config: KubeConfig): { readonly server: string; readonly proxied: boolean } {
  const cluster = config.getCurrentCluster();
  const server = cluster?.server.replace(/\/+$/, '') ?? '';
  const isFallback = cluster?.name === 'cluster' && server === 'http://localhost:8080';
  if (cluster === null || isFallback || !URL.canParse(server)) {
    const found = cluster === null || isFallback ? 'none was found' : `its server is '${server}'`;
    const step = 'run in a pod with a service account token, or set KUBECONFIG';
    throw new ApiError(0, 'Unconfigured', `no configuration of a cluster: ${found}; ${step}`);
  }
  return { server, proxied: cluster.proxyUrl !== undefined && cluster.proxyUrl !== '' };
}

/**
 * Agents of our own: the library makes a new one, with its own connections, for every request, or keeps the first one
 * with the first CA for ever.
 */
function createAgents(): {
  take(isSecure: boolean, trust: Pick<RequestOptions, 'ca' | 'cert' | 'key'>): Agent;
  close(): void;
} {
  let current: Agent | undefined;
  let fingerprint = '';
  return {
    take: (isSecure, trust) => {
      const next = createHash('sha256').update(JSON.stringify(trust)).digest('hex');
      if (current === undefined || next !== fingerprint) {
        for (const socket of Object.values(current?.freeSockets ?? {}).flat()) socket?.destroy();
        const kept = { keepAlive: true, timeout: idleMs };
        current = isSecure ? new SecureAgent({ ...kept, ...trust }) : new Agent(kept);
        fingerprint = next;
      }
      return current;
    },
    close: () => current?.destroy(),
  };
}

/** The members that are there. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  // Where several addresses were tried, only the members say what happened.
  const message = cause.message === '' && cause instanceof AggregateError ? textOf(cause.errors[0]) : cause.message;
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}

/** Shorter than the API server keeps idle connections, so that none is used that it is just closing. */
const idleMs = 45_000;
