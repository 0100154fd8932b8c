import { type Agent, type IncomingMessage, request } from 'node:http';
import type { ResponderUrl } from './address.ts';
import type { RequestForm } from './request.ts';
import { maxResponseBytes } from './response.ts';
import type { UnavailableCause } from './status.ts';

/** What came of asking a responder: a body of at most 64 KiB, or why there is none. */
export type Exchange =
  | { readonly kind: 'answer'; readonly body: Buffer }
  | {
      readonly kind: 'fault';
      readonly cause: UnavailableCause;
      /** DNS, connect, time-out and 5xx: the closed list of what `onUnavailable: Allow` may let pass. */
      readonly softenable: boolean;
      readonly detail: string;
    };

/** A fault; softenable where the cause is trouble of the network. */
export function fault(cause: UnavailableCause, detail: string, softenable = softCauses.has(cause)): Exchange {
  return { kind: 'fault', cause, softenable, detail };
}

/**
 * One HTTP exchange with one checked address: the connection goes to that address and nowhere else, a redirect is an
 * answer like any other, and `timeoutMs` is the time for everything. Never rejects.
 */
export async function httpExchange(
  agent: Agent,
  url: ResponderUrl,
  address: string,
  form: RequestForm,
  options: { readonly timeoutMs: number; readonly noCache: boolean },
): Promise<Exchange> {
  const first = await attempt(agent, url, address, form, options);
  // A kept connection may have been closed by the responder just now: that says nothing about the responder.
  return first === 'reused-reset' ? again(await attempt(agent, url, address, form, options), url) : first;
}

function again(outcome: Exchange | 'reused-reset', url: ResponderUrl): Exchange {
  return outcome === 'reused-reset' ? fault('connect', `${url.authority} closes its connections`) : outcome;
}

function attempt(
  agent: Agent,
  url: ResponderUrl,
  address: string,
  form: RequestForm,
  { timeoutMs, noCache }: { readonly timeoutMs: number; readonly noCache: boolean },
): Promise<Exchange | 'reused-reset'> {
  return new Promise((resolve) => {
    const body = form.method === 'POST' ? form.body : undefined;
    const outgoing = request({
      agent,
      host: address,
      port: url.port,
      method: form.method,
      path: form.path,
      setHost: false,
      maxHeaderSize: maxHeaderBytes,
      headers: {
        host: url.authority,
        accept: 'application/ocsp-response',
        'accept-encoding': 'identity',
        'user-agent': 'lychgate',
        ...(noCache ? { 'cache-control': 'no-cache' } : {}),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/ocsp-request', 'content-length': String(body.length) }),
      },
    });
    // One timer for all of it: a time limit between two chunks is no limit for somebody who drips.
    const timer = setTimeout(
      () => finish(fault('timeout', `${url.authority} did not answer within ${Math.round(timeoutMs)} ms`)),
      timeoutMs,
    );
    let done = false;
    function finish(outcome: Exchange | 'reused-reset', keep = false): void {
      if (done) return;
      done = true;
      clearTimeout(timer);
      if (!keep) outgoing.destroy();
      resolve(outcome);
    }
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      finish(outgoing.reusedSocket && reset ? 'reused-reset' : errorFault(url, error));
    });
    outgoing.on('response', (incoming) => {
      readAnswer(url, incoming, finish);
    });
    outgoing.end(body);
  });
}

function readAnswer(
  url: ResponderUrl,
  incoming: IncomingMessage,
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
  const tooLarge = () => fault('too-large', `${url.authority} answered with more than ${maxResponseBytes} bytes`);
  if (Number(headers['content-length'] ?? 0) > maxResponseBytes) {
    finish(tooLarge());
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxResponseBytes) finish(tooLarge());
    else chunks.push(chunk);
  });
  incoming.on('end', () => finish({ kind: 'answer', body: Buffer.concat(chunks) }, true));
  incoming.on('close', () => finish(fault('connect', `${url.authority} closed the connection in mid-answer`)));
}

function errorFault(url: ResponderUrl, error: NodeJS.ErrnoException): Exchange {
  const code = error.code ?? error.name;
  if (code === 'HPE_HEADER_OVERFLOW') return fault('too-large', `${url.authority} answered with too long a head`);
  if (code.startsWith('HPE_')) return fault('malformed', `${url.authority} answered with broken HTTP (${code})`);
  return fault('connect', `${url.authority} cannot be reached (${code})`);
}

const softCauses: ReadonlySet<UnavailableCause> = new Set(['connect', 'dns', 'timeout']);
const maxHeaderBytes = 8192;
