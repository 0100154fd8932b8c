import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Change, isSelected, type Json, ObjectStore, Refusal, type StoredObject } from './fake-api-store.ts';

/** A request as it was received. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
  readonly isWatch: boolean;
}

/** Which requests a fault hits. */
export interface FaultMatch {
  readonly method?: string;
  /** The path without query begins with this text, or matches. */
  readonly path?: RegExp | string;
  /** true: only watches; false: all but watches. */
  readonly watch?: boolean;
  /** The list's later pages only. */
  readonly continued?: boolean;
}

/** What happens instead of an answer. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly reason?: string; readonly retryAfter?: string }
  /** The connection is reset before an answer. */
  | { readonly kind: 'reset' }
  /** Nothing is ever answered. */
  | { readonly kind: 'hang' }
  /** 200 with a body that is no JSON. */
  | { readonly kind: 'garbage' }
  /** This body, with 200 unless another status is given. */
  | { readonly kind: 'body'; readonly body: string; readonly status?: number };

/** Who a token proves its bearer to be. */
export interface TokenSubject {
  readonly namespace: string;
  readonly serviceAccount?: string;
  readonly podName: string;
  readonly podUid: string;
  readonly audience: string;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
}

/**
 * An API server in memory on 127.0.0.1: get, create, replace, patch, server-side apply, delete, paged lists, watches
 * with bookmarks, TokenReview, and faults on demand. Every kind is accepted; nothing is validated or defaulted.
 */
export interface FakeApiServer {
  readonly url: string;
  /** A kubeconfig document for it: for `connectCluster`, or written to a file for KUBECONFIG. */
  readonly kubeconfig: string;
  /** Everything received so far, watches too. */
  readonly requests: readonly ReceivedRequest[];
  /** Creates the object, or replaces the one of that kind and name (status too), and gives it as stored. */
  put(object: Json): StoredObject;
  /** The object stored under a path such as `/api/v1/namespaces/shop/pods/web-0`, or undefined. */
  at(path: string): StoredObject | undefined;
  /** Deletes the object under that path. @throws if there is none. */
  remove(path: string): void;
  /** The next `times` requests that match (1 by default, Infinity allowed) meet the fault. The result lifts it. */
  fail(match: FaultMatch, fault: Fault, times?: number): () => void;
  /** Forgets all changes so far: a watch from an older version gets 410, and so does a list's continue token. */
  compact(): void;
  /** Sends a BOOKMARK with the current version to every open watch that allows it. */
  bookmark(): void;
  /** Writes a line to every open watch as it is, for garbage and ERROR events. */
  writeToWatches(line: string): void;
  /** Ends every open watch in order, or by a reset. */
  endWatches(how?: 'end' | 'reset'): void;
  /** Paths of the open watches. */
  readonly watches: readonly string[];
  /** Changes are stored but no longer sent to watches until it is set back: events are lost only with compact(). */
  muted: boolean;
  /** Connections that are open now. */
  readonly connections: number;
  /** A new token in the form of a JWT that TokenReview knows. */
  issueToken(subject: TokenSubject): string;
  /** TokenReview no longer knows it. */
  revokeToken(token: string): void;
  /** Settles once `holds` gives true; looked at after every request, answer and closed connection. Rejects after 10 s, naming `what`. */
  waitFor(what: string, holds: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export interface FakeApiServerOptions {
  /** Serves HTTPS with these, and the kubeconfig trusts `caPem`; plain HTTP when absent. */
  readonly tls?: { readonly certPem: string; readonly keyPem: string; readonly caPem: string };
  /** Answers 401 to requests without this bearer token; the kubeconfig has it. */
  readonly bearerToken?: string;
}

/** Starts one on a free port. */
export async function startFakeApiServer(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
  const requests: ReceivedRequest[] = [];
  const watches = new Set<OpenWatch>();
  const tokens = new Map<string, TokenSubject>();
  const faults: PlannedFault[] = [];
  const waiting = new Set<() => void>();
  let connections = 0;
  let issued = 0;
  let muted = false;
  const store = new ObjectStore((change) => {
    if (!muted) for (const watch of watches) sendChange(watch, change);
  });

  function look(): void {
    for (const check of waiting) check();
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const body = await readBody(request);
    const isWatch = url.searchParams.get('watch') === 'true';
    const received: ReceivedRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body,
      isWatch,
    };
    requests.push(received);
    response.on('close', look);
    look();
    const planned = faults.find(({ match, left }) => left > 0 && meets(match, received));
    if (planned !== undefined) {
      planned.left -= 1;
      meet(planned.fault, request, response);
      return;
    }
    try {
      if (options.bearerToken !== undefined && request.headers.authorization !== `Bearer ${options.bearerToken}`) {
        throw new Refusal(401, 'Unauthorized', 'Unauthorized');
      }
      answer(received, url.searchParams, response);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      sendStatus(response, error.status, error.reason, error.message);
    }
  }

  function answer(received: ReceivedRequest, query: URLSearchParams, response: ServerResponse): void {
    const { method, path } = received;
    const target = parsePath(path);
    const body = (received.body ?? {}) as Json;
    const send = (status: number, object: unknown) => sendJson(response, status, object);
    if (target.resource === 'authentication.k8s.io/v1/tokenreviews') {
      return send(201, { ...body, status: review(body, tokens) });
    }
    const { resource, namespace, name, part } = target;
    if (name === undefined) {
      if (method === 'POST') return send(201, store.create(resource, namespace, body));
      if (received.isWatch) return openWatch(target, query, response);
      return send(200, list(target, query));
    }
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    if (method === 'GET') return send(200, store.get(resource, key));
    if (method === 'PUT') return send(200, store.replace(resource, key, body, part));
    if (method === 'DELETE') return send(200, store.remove(resource, key));
    if (method !== 'PATCH') throw new Refusal(405, 'MethodNotAllowed', `method ${method} is not known here`);
    const type = received.headers['content-type'];
    if (type === 'application/merge-patch+json') return send(200, store.mergePatch(resource, key, body, part));
    if (type === 'application/json-patch+json') {
      return send(200, store.jsonPatch(resource, key, received.body as readonly Json[], part));
    }
    if (type !== 'application/apply-patch+yaml') throw new Refusal(415, 'UnsupportedMediaType', `content type ${type}`);
    const manager = query.get('fieldManager');
    if (manager === null)
      throw new Refusal(422, 'Invalid', 'fieldManager: Required value: is required for apply patch');
    send(200, store.apply(resource, namespace, key, body, manager, part));
  }

  function list({ resource, namespace }: Target, query: URLSearchParams): unknown {
    const [from = '0', at] = (query.get('continue') ?? '').split('@');
    if (at !== undefined && store.since(Number(at)) === undefined) {
      throw new Refusal(410, 'Expired', 'The provided continue parameter is too old');
    }
    const selected = store
      .list(resource, namespace)
      .filter((object) => isSelected(object, query.get('labelSelector'), query.get('fieldSelector')));
    const limit = Number(query.get('limit') ?? 0) || selected.length;
    const start = Number(from);
    const version = at ?? String(store.version);
    const more = start + limit < selected.length ? { continue: `${start + limit}@${version}` } : {};
    const { apiVersion, kind } = selected[0] ?? { apiVersion: resource.replace(/\/[^/]*$/, ''), kind: 'Object' };
    return {
      apiVersion,
      kind: `${kind}List`,
      metadata: { resourceVersion: version, ...more },
      items: selected.slice(start, start + limit),
    };
  }

  function openWatch({ path, resource, namespace }: Target, query: URLSearchParams, response: ServerResponse): void {
    const missed = store.since(Number(query.get('resourceVersion') ?? 0));
    if (missed === undefined) throw new Refusal(410, 'Expired', 'too old resource version');
    const watch: OpenWatch = { path, resource, namespace, query, response };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    watches.add(watch);
    response.on('close', () => {
      watches.delete(watch);
      look();
    });
    for (const change of missed) sendChange(watch, change);
    look();
  }

  const { tls } = options;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy());
  };
  const server: Server =
    tls === undefined ? createServer(onRequest) : createSecureServer({ cert: tls.certPem, key: tls.keyPem }, onRequest);
  server.keepAliveTimeout = 60_000;
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: import('node:net').Socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connections -= 1;
      look();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const scheme = tls === undefined ? 'http' : 'https';
  const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    kubeconfig: kubeconfigOf(url, options),
    requests,
    put: (object) => {
      const { apiVersion, kind } = object as { apiVersion: string; kind: string };
      const metadata = object['metadata'] as { name: string; namespace?: string };
      const resource = `${apiVersion}/${pluralOf(kind)}`;
      const key = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
      if (store.find(resource, key) === undefined) return store.create(resource, metadata.namespace, object);
      const stored = store.replace(resource, key, object, undefined);
      return 'status' in object ? store.replace(resource, key, { status: object['status'] }, 'status') : stored;
    },
    at: (path) => {
      const { resource, namespace, name = '' } = parsePath(path);
      return store.find(resource, namespace === undefined ? name : `${namespace}/${name}`);
    },
    remove: (path) => {
      const { resource, namespace, name = '' } = parsePath(path);
      store.remove(resource, namespace === undefined ? name : `${namespace}/${name}`);
    },
    fail: (match, fault, times = 1) => {
      const planned = { match, fault, left: times };
      faults.push(planned);
      return () => {
        planned.left = 0;
      };
    },
    compact: () => store.compact(),
    bookmark: () => {
      for (const watch of watches) {
        if (watch.query.get('allowWatchBookmarks') !== 'true') continue;
        const metadata = { resourceVersion: String(store.version), creationTimestamp: null };
        writeLine(watch, { type: 'BOOKMARK', object: { kind: 'Object', apiVersion: 'v1', metadata } });
      }
    },
    writeToWatches: (line) => {
      for (const watch of watches) watch.response.write(`${line}\n`);
    },
    endWatches: (how = 'end') => {
      for (const { response } of watches) {
        if (how === 'end') response.end();
        else response.socket?.resetAndDestroy();
      }
    },
    get watches() {
      return [...watches].map(({ path }) => path).toSorted();
    },
    get muted() {
      return muted;
    },
    set muted(value) {
      muted = value;
    },
    get connections() {
      return connections;
    },
    issueToken: (subject) => {
      issued += 1;
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const signature = createHash('sha256').update(String(issued)).digest('base64url');
      const payload = { aud: [subject.audience], exp: Math.floor(subject.expiresAtMs / 1000), jti: String(issued) };
      const token = `${part({ alg: 'RS256' })}.${part(payload)}.${signature}`;
      tokens.set(token, subject);
      return token;
    },
    revokeToken: (token) => {
      tokens.delete(token);
    },
    waitFor: (what, holds) =>
      new Promise((resolve, reject) => {
        const limit = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`did not come within 10 s: ${what}`));
        }, 10_000);
        const check = () => {
          if (!holds()) return;
          clearTimeout(limit);
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

interface OpenWatch extends Pick<Target, 'namespace' | 'path' | 'resource'> {
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
}

interface PlannedFault {
  readonly match: FaultMatch;
  readonly fault: Fault;
  left: number;
}

interface Target {
  readonly path: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly part: string | undefined;
}

function parsePath(path: string): Target {
  const match =
    /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+)(?=\/[^/]+))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(
      path,
    );
  if (match === null) throw new Refusal(404, 'NotFound', 'the server could not find the requested resource');
  const [, group, version, namespace, plural, name, part] = match;
  const resource = `${group === undefined ? '' : `${group}/`}${version}/${plural}`;
  return { path, resource, namespace, name, part };
}

function meets(match: FaultMatch, { method, path, query, isWatch }: ReceivedRequest): boolean {
  return (
    (match.method === undefined || match.method === method) &&
    (match.path === undefined ||
      (typeof match.path === 'string' ? path.startsWith(match.path) : match.path.test(path))) &&
    (match.watch === undefined || match.watch === isWatch) &&
    (match.continued === undefined || match.continued === 'continue' in query)
  );
}

function meet(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  switch (fault.kind) {
    case 'status':
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
      return sendStatus(response, fault.status, fault.reason ?? 'Injected', 'injected by the test');
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'hang':
      return;
    case 'garbage':
      response.writeHead(200).end('<html>not an API server</html>');
      return;
    case 'body':
      response.writeHead(fault.status ?? 200, { 'content-type': 'application/json' }).end(fault.body);
  }
}

function sendChange(watch: OpenWatch, { resource, type, object, before }: Change): void {
  if (resource !== watch.resource) return;
  if (watch.namespace !== undefined && object.metadata.namespace !== watch.namespace) return;
  const chosen = (of: StoredObject | undefined) =>
    of !== undefined && isSelected(of, watch.query.get('labelSelector'), watch.query.get('fieldSelector'));
  const was = chosen(before);
  const is = type !== 'DELETED' && chosen(object);
  if (was || is) writeLine(watch, { type: is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', object });
}

function writeLine({ response }: OpenWatch, line: object): void {
  response.write(`${JSON.stringify(line)}\n`);
}

function sendStatus(response: ServerResponse, code: number, reason: string, message: string): void {
  sendJson(response, code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString()) as unknown);
}

function review(body: Json, tokens: ReadonlyMap<string, TokenSubject>): Json {
  const { token = '', audiences = [] } = (body['spec'] ?? {}) as { token?: string; audiences?: string[] };
  const subject = tokens.get(token);
  if (subject === undefined || !audiences.includes(subject.audience)) {
    return { authenticated: false, error: '[invalid bearer token, token is not for this audience]' };
  }
  const { namespace, serviceAccount = 'default', podName, podUid, audience } = subject;
  return {
    authenticated: true,
    audiences: [audience],
    user: {
      username: `system:serviceaccount:${namespace}:${serviceAccount}`,
      uid: 'f0000000-0000-4000-8000-000000000000',
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/pod-name': [podName],
        'authentication.kubernetes.io/pod-uid': [podUid],
      },
    },
  };
}

/** The plural of every kind used here is regular. */
function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  return lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

function kubeconfigOf(url: string, { tls, bearerToken }: FakeApiServerOptions): string {
  const trust =
    tls === undefined
      ? { 'insecure-skip-tls-verify': true }
      : { 'certificate-authority-data': Buffer.from(tls.caPem).toString('base64') };
  // JSON is YAML.
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server: url, ...trust } }],
    users: [{ name: 'test', user: bearerToken === undefined ? {} : { token: bearerToken } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'test' } }],
    'current-context': 'fake',
  });
}
