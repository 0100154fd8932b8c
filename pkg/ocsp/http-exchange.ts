import { type Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { type Agent as SecureAgent, request as secureRequest } from 'node:https';
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect } from 'node:tls';
import type { ResponderUrl } from './address.ts';
import type { RequestForm } from './request.ts';
import { maxResponseBytes } from './response.ts';
import type { UnavailableCause } from './status.ts';

/** What came of asking: a body within the limit, or why there is none. */
export type Exchange =
  | { readonly kind: 'answer'; readonly body: Buffer }
  | {
      readonly kind: 'fault';
      readonly cause: UnavailableCause;
      /** DNS, connect, time-out and 5xx: the closed list of what `onUnavailable: Allow` may let pass. */
      readonly softenable: boolean;
      readonly detail: string;
    };

/** Where one exchange goes. */
export interface Route {
  readonly url: ResponderUrl;
  /** The checked address of the URL's host, or of the proxy where there is one. */
  readonly address: string;
  readonly proxy: ResponderUrl | undefined;
  /** PEM of what an https responder's certificate must lead to: these and no others. */
  readonly cas: readonly string[];
}

/** Kept connections, in clear and encrypted. */
export interface Agents {
  readonly plain: Agent;
  readonly secure: SecureAgent;
}

/** What is asked for, and what it may cost. */
export interface ExchangeOptions {
  /** For everything. */
  readonly timeoutMs: number;
  readonly noCache: boolean;
  /** Of the body; 64 KiB unless given. */
  readonly maxBytes?: number;
  /** Media type; that of OCSP answers unless given. */
  readonly accept?: string;
}

/** A fault; softenable where the cause is trouble of the network. */
export function fault(cause: UnavailableCause, detail: string, softenable = softCauses.has(cause)): Exchange {
  return { kind: 'fault', cause, softenable, detail };
}

/**
 * One HTTP exchange with one checked address: the connection goes to that address and nowhere else, a redirect is an
 * answer like any other, and `timeoutMs` is the time for everything. Through a proxy http goes in absolute form, https
 * by CONNECT (RFC 9112 3.2.2, RFC 9110 9.3.6). Never rejects.
 */
export async function httpExchange(
  agents: Agents,
  route: Route,
  form: RequestForm,
  options: ExchangeOptions,
): Promise<Exchange> {
  const first = await attempt(agents, route, form, options);
  if (first !== 'reused-reset') return first;
  // A kept connection may have been closed by the responder just now: that says nothing about the responder.
  const second = await attempt(agents, route, form, options);
  return second === 'reused-reset' ? fault('connect', `${route.url.authority} closes its connections`) : second;
}

function attempt(
  agents: Agents,
  route: Route,
  form: RequestForm,
  options: ExchangeOptions,
): Promise<Exchange | 'reused-reset'> {
  const { url, proxy, address } = route;
  return new Promise((resolve) => {
    const requests: ClientRequest[] = [];
    let done = false;
    // One timer for all of it: a time limit between two chunks is no limit for somebody who drips.
    const timer = setTimeout(
      () => finish(fault('timeout', `${url.authority} did not answer within ${Math.round(options.timeoutMs)} ms`)),
      options.timeoutMs,
    );
    function finish(outcome: Exchange | 'reused-reset', keep = false): void {
      if (done) return;
      done = true;
      clearTimeout(timer);
      if (!keep) for (const outgoing of requests) outgoing.destroy();
      resolve(outcome);
    }
    function watch(outgoing: ClientRequest): ClientRequest {
      requests.push(outgoing);
      return outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        finish(outgoing.reusedSocket && reset ? 'reused-reset' : errorFault(url, error));
      });
    }
    function send(outgoing: ClientRequest): void {
      watch(outgoing)
        .on('response', (incoming) => readAnswer(url, incoming, options, finish))
        // Nobody asked to switch protocols: without this the connection would end without any other event.
        .on('upgrade', ({ statusCode }, socket) => {
          socket.destroy();
          finish(fault('http-status', `${url.authority} answered with status ${statusCode}, expected 200`));
        });
      outgoing.end(form.method === 'POST' ? form.body : undefined);
    }

    const hop = { host: address, port: (proxy ?? url).port };
    const head = headOf(url, form, options);
    if (url.scheme === 'http') {
      const path = proxy === undefined ? form.path : `http://${url.authority}${form.path}`;
      send(request({ agent: agents.plain, ...hop, ...head, path }));
    } else if (proxy === undefined) {
      send(secureRequest({ agent: agents.secure, ...hop, ...head, ...secureOptions(route) }));
    } else {
      const target = `${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`;
      const asking = watch(
        request({
          ...hop,
          ...{ agent: false, method: 'CONNECT', path: target, setHost: false, maxHeaderSize: maxHeaderBytes },
          headers: { host: target, 'user-agent': userAgent },
        }),
      );
      asking.on('response', (incoming) => finish(proxyFault(proxy, incoming.statusCode)));
      asking.on('connect', ({ statusCode }, socket, early: Buffer) => {
        if (done || statusCode !== 200 || early.length > 0) {
          // Bytes before we have said anything belong to no TLS handshake.
          socket.destroy();
          finish(proxyFault(proxy, statusCode));
          return;
        }
        const createConnection = () => connect({ ...secureOptions(route), socket });
        // Without an agent: the tunnel belongs to this one question.
        send(secureRequest({ ...hop, ...head, createConnection }));
      });
      asking.end();
    }
  });
}

function headOf(url: ResponderUrl, form: RequestForm, { noCache, accept }: ExchangeOptions): RequestOptions {
  return {
    ...{ method: form.method, path: form.path, setHost: false, maxHeaderSize: maxHeaderBytes },
    headers: {
      host: url.authority,
      accept: accept ?? 'application/ocsp-response',
      'accept-encoding': 'identity',
      'user-agent': userAgent,
      ...(noCache ? { 'cache-control': 'no-cache' } : {}),
      ...(form.method === 'GET'
        ? {}
        : { 'content-type': 'application/ocsp-request', 'content-length': String(form.body.length) }),
    },
  };
}

/**
 * The responder's own certificate must lead to the CAs of the profile and name its host. It is not asked about by OCSP:
 * that question could only go to itself.
 */
function secureOptions({ url, cas }: Route): ConnectionOptions {
  return {
    ca: [...cas],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    // RFC 6066 3: no address in server_name.
    servername: isIP(url.host) === 0 ? url.host : '',
    checkServerIdentity: (_, certificate) => checkServerIdentity(url.host, certificate),
  };
}

function readAnswer(
  url: ResponderUrl,
  incoming: IncomingMessage,
  { maxBytes = maxResponseBytes }: ExchangeOptions,
  finish: (outcome: Exchange, keep?: boolean) => void,
): void {
  incoming.on('error', (error) => finish(errorFault(url, error)));
  const { statusCode = 0, headers } = incoming;
  if (statusCode !== 200) {
    finish(
      fault('http-status', `${url.authority} answered with status ${statusCode}, expected 200`, statusCode >= 500),
    );
    return;
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    finish(
      fault('malformed', `${url.authority} answered with content encoding '${encoding.slice(0, 40)}', expected none`),
    );
    return;
  }
  const tooLarge = () => fault('too-large', `${url.authority} answered with more than ${maxBytes} bytes`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    finish(tooLarge());
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) finish(tooLarge());
    else chunks.push(chunk);
  });
  incoming.on('end', () => finish({ kind: 'answer', body: Buffer.concat(chunks) }, true));
  incoming.on('close', () => finish(fault('connect', `${url.authority} closed the connection in mid-answer`)));
}

function proxyFault(proxy: ResponderUrl, statusCode = 0): Exchange {
  return statusCode === 200
    ? fault('malformed', `proxy ${proxy.authority} sent more than an answer to CONNECT`)
    : fault('http-status', `proxy ${proxy.authority} answered CONNECT with status ${statusCode}`, statusCode >= 500);
}

function errorFault(url: ResponderUrl, error: NodeJS.ErrnoException): Exchange {
  const code = error.code ?? error.name;
  if (code === 'HPE_HEADER_OVERFLOW') return fault('too-large', `${url.authority} answered with too long a head`);
  if (code.startsWith('HPE_')) return fault('malformed', `${url.authority} answered with broken HTTP (${code})`);
  // Whatever is not plainly the network's fault is a handshake that failed: somebody else may be answering.
  if (url.scheme === 'https' && !networkCodes.has(code)) {
    return fault('tls', `${url.authority} could not prove itself by TLS (${code})`);
  }
  return fault('connect', `${url.authority} cannot be reached (${code})`);
}

const softCauses: ReadonlySet<UnavailableCause> = new Set(['connect', 'dns', 'timeout']);
const networkCodes: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
]);
const maxHeaderBytes = 8192;
const userAgent = 'lychgate';
