import { type IncomingMessage, request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { connectLoopback, Unanswered } from './loopback.ts';
import type { RelayProbe } from './probe.ts';

/**
 * Asks as the kubelet does (pkg/probe/http): one GET, a connection of its own, no certificate verified, at most ten
 * redirects within the same origin followed. @returns the final status; any other redirect counts as it stands.
 * @throws Unanswered.
 */
export async function askHttp(probe: HttpProbe, signal: AbortSignal): Promise<number> {
  const base = new URL(`${probe.scheme.toLowerCase()}://${authorityHost(probe.host)}:${probe.port}`);
  let path = probe.path;
  for (let hop = 0; hop < maxHops; hop += 1) {
    const { status, location } = await get(probe, path, signal);
    const next = status >= 300 && status < 400 ? sameOrigin(location, path, base) : undefined;
    if (next === undefined) return status;
    path = next;
  }
  throw new Unanswered(`more than ${maxHops} redirects`);
}

type HttpProbe = Extract<RelayProbe, { kind: 'httpGet' }>;

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

async function get(probe: HttpProbe, path: string, signal: AbortSignal): Promise<Answer> {
  const plain = await connectLoopback(probe.port, signal);
  try {
    const socket = probe.scheme === 'HTTPS' ? await startTls(plain, probe.host) : plain;
    return await exchange(probe, path, socket);
  } finally {
    plain.destroy();
  }
}

function startTls(socket: Socket, host: string | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      socket,
      // The kubelet verifies nothing either; what is asked is on loopback, and only its status is of interest.
      rejectUnauthorized: false,
      ...(host === undefined || isIP(host) !== 0 || host.startsWith('[') ? {} : { servername: host }),
    });
    tls.on('error', (cause) => reject(new Unanswered(cause.message, { cause })));
    tls.once('close', () => reject(new Unanswered('closed during the TLS handshake')));
    tls.once('secureConnect', () => resolve(tls));
  });
}

function exchange(probe: HttpProbe, path: string, socket: Socket): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({
      createConnection: () => socket,
      method: 'GET',
      path,
      headers: [...fieldsOf(probe)],
      setHost: false,
      maxHeaderSize: maxHeadBytes,
    });
    asked.on('error', (cause) => reject(new Unanswered(cause.message, { cause })));
    asked.on('close', () => reject(new Unanswered('closed without an answer')));
    asked.on('upgrade', () => reject(new Unanswered('switched protocols unasked')));
    asked.on('response', (response) => {
      const { statusCode = 0, headers } = response;
      discard(response).then(() => resolve({ status: statusCode, location: headers.location }), reject);
    });
    asked.end();
  });
}

/** Reads a body to its end or to its limit, where the kubelet stops too. */
function discard(response: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) resolve();
    });
    response.on('end', () => resolve());
    response.on('error', (cause) => reject(new Unanswered(cause.message, { cause })));
    response.on('close', () => reject(new Unanswered('the answer is cut short')));
  });
}

/** Names and values by turns: the declared ones, and what the kubelet adds where nothing is declared. */
function fieldsOf({ id, headers, host, port }: HttpProbe): readonly string[] {
  const fields: string[] = [];
  const declared = new Set<string>();
  for (const { name, value } of headers) {
    const lower = name.toLowerCase();
    if (ownFields.has(lower) || (lower === 'host' && declared.has('host'))) continue;
    declared.add(lower);
    // Declared empty, it is not sent.
    if (lower === 'accept' && value === '') continue;
    fields.push(name, value);
  }
  const add = (name: string, value: string) => {
    if (!declared.has(name.toLowerCase())) fields.push(name, value);
  };
  add('Host', `${authorityHost(host)}:${port}`);
  add(
    'User-Agent',
    id.endsWith('/postStart') || id.endsWith('/preStop') ? 'kube-lifecycle/lychgate' : 'kube-probe/lychgate',
  );
  add('Accept', '*/*');
  fields.push('Connection', 'close');
  return fields;
}

function authorityHost(host: string | undefined): string {
  if (host === undefined) return '127.0.0.1';
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** Path and query of a redirect that stays where it was asked; undefined for any other. */
function sameOrigin(location: string | undefined, path: string, base: URL): string | undefined {
  if (location === undefined || !URL.canParse(location, new URL(path, base))) return undefined;
  const next = new URL(location, new URL(path, base));
  return next.origin === base.origin ? `${next.pathname}${next.search}` : undefined;
}

/** What the connection itself needs is said by it alone: a declared length would stand for a body that never comes. */
const ownFields: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const maxHops = 10;
const maxBodyBytes = 10_240;
const maxHeadBytes = 65_536;
