import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { injectSettings } from '../../test/support/injection.ts';
import { reviewPod } from '../inject/review.ts';
import { silentLog } from '../process/log.ts';
import type { Timers } from '../process/timers.ts';
import { makeCa } from './ca.ts';
import { type CertificateHolder, holdCertificate } from './certificate-source.ts';
import { issueServingCertificate } from './serving-certificate.ts';
import { startWebhookServer, type WebhookServerOptions } from './webhook-server.ts';

const host = 'lychgate.lychgate-system.svc';
const ca = makeCa(Date.now());
const otherCa = makeCa(Date.now());
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { 'lychgate.dev/inject': 'true' } },
  spec: { containers: [{ name: 'web' }] },
};

/** Time is over as soon as the request's head has been read. */
const immediately: Timers['after'] = (_delayMs, run) => {
  const timer = setImmediate(run);
  return () => clearImmediate(timer);
};

/** Time is over once the CA has been asked for, which never comes. */
function lateForCa(): Pick<WebhookServerOptions, 'ensureCa' | 'timers'> {
  const waiting = new Set<() => void>();
  const after: Timers['after'] = (_delayMs, run) => {
    waiting.add(run);
    return () => waiting.delete(run);
  };
  const ensureCa = () => {
    for (const run of waiting) run();
    return new Promise<void>(() => undefined);
  };
  return { ensureCa, timers: { after } };
}

const trusted = ca.certificate.pem;

describe('the webhook', { timeout: 20_000 }, () => {
  test('answers an AdmissionReview with the injected pod, after the namespace has the CA', async (context) => {
    const { post, results, asked } = await started(context);
    const answer = await post('/inject/pod?timeout=5s', review());
    assert.deepEqual([answer.status, answer.type], [200, 'application/json']);
    const { uid, allowed, patchType, patch } = answer.response;
    assert.deepEqual([uid, allowed, patchType], ['u-1', true, 'JSONPatch']);
    assert.match(Buffer.from(String(patch), 'base64').toString(), /"path":"\/spec\/initContainers"/);
    assert.deepEqual([results, asked], [['Injected'], ['facts shop', 'ca shop']]);
  });

  test('hands the entry and the namespace to the review', async (context) => {
    const { post, results, asked } = await started(context);
    const quiet = { ...pod, metadata: { name: 'web' } };
    assert.equal((await post('/inject/pod', review({ object: quiet }))).response['patch'], undefined);
    assert.notEqual((await post('/inject/namespace', review({ object: quiet }))).response['patch'], undefined);
    assert.deepEqual(
      [results, asked],
      [
        ['Skipped', 'Injected'],
        ['facts shop', 'facts shop', 'ca shop'],
      ],
    );
  });

  test('writes nothing on a dry run', async (context) => {
    const { post, results, asked } = await started(context);
    assert.equal((await post('/inject/pod', review({ dryRun: true }))).response['patchType'], 'JSONPatch');
    assert.deepEqual([results, asked], [['Injected'], ['facts shop']]);
  });

  test('passes a refusal of the pod on', async (context) => {
    const { post, results, asked } = await started(context);
    const spec = { ...pod.spec, hostNetwork: true };
    const { response } = await post('/inject/pod', review({ object: { ...pod, spec } }));
    assert.deepEqual([response['allowed'], results, asked], [false, ['Denied'], ['facts shop']]);
  });

  for (const [what, change, message] of [
    [
      'the CA cannot be written',
      { ensureCa: () => Promise.reject(new Error('403 Forbidden')) },
      "the operator's CA is not in namespace shop: 403 Forbidden",
    ],
    [
      'the namespace cannot be read',
      { namespaceFacts: () => Promise.reject(new Error('503')) },
      'namespace shop cannot be read now: 503',
    ],
    ['it takes too long', lateForCa(), 'the pod could not be reviewed within 4000 ms'],
    ['it takes longer than the API server waits', lateForCa(), 'the pod could not be reviewed within 2500 ms'],
  ] as const) {
    test(`denies the pod for now where ${what}`, async (context) => {
      const { post, results } = await started(context, change);
      const answer = await post(`/inject/pod${message.includes('2500') ? '?timeout=3s' : ''}`, review());
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.response, {
        uid: 'u-1',
        allowed: false,
        status: {
          status: 'Failure',
          code: 503,
          reason: 'ServiceUnavailable',
          message: `lychgate: ${message}; the pod asked for a sidecar and does not start without one: try again`,
        },
      });
      assert.deepEqual(results, ['Failed']);
    });
  }

  const json = { 'content-type': 'application/json' };
  const large = JSON.stringify({ ...review(), padding: 'x'.repeat(3 * 1024 * 1024) });
  for (const [what, sent, status, text] of [
    ['another page', { path: '/healthz' }, 404, 'not found: the pages are /inject/namespace and /inject/pod'],
    ['a page below', { path: '/inject/pod/x' }, 404, 'not found: the pages are /inject/namespace and /inject/pod'],
    ['another method', { method: 'PUT' }, 405, 'only POST'],
    [
      'another content type',
      { headers: { 'content-type': 'text/yaml' } },
      415,
      'content type "text/yaml", expected application/json',
    ],
    ['an encoded body', { headers: { ...json, 'content-encoding': 'gzip' } }, 415, 'the body must not be encoded'],
    ['a body of more than 3 MiB', { body: large }, 413, 'the body has more than 3145728 bytes'],
    ['no JSON', { body: '{' }, 400, 'the body is not JSON'],
    ['bytes that are no UTF-8', { body: Buffer.of(0x22, 0xff, 0x22) }, 400, 'the body is not UTF-8'],
    ['no body', { body: '' }, 400, 'the body is not JSON'],
    [
      'another kind',
      { body: '{"kind":"Pod","apiVersion":"v1"}' },
      400,
      'the body is not an AdmissionReview of admission.k8s.io/v1',
    ],
    [
      'no request',
      { body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}' },
      400,
      'request.uid is missing',
    ],
    [
      'no namespace',
      { body: JSON.stringify(review({ namespace: undefined })) },
      400,
      'request.namespace is missing: only pods are reviewed',
    ],
  ] as const) {
    test(`refuses ${what} with ${status}, and asks nothing`, async (context) => {
      const { send, results, asked } = await started(context);
      const answer = await send({
        path: '/inject/pod',
        method: 'POST',
        headers: json,
        body: JSON.stringify(review()),
        ...sent,
      });
      assert.deepEqual([answer.status, answer.text, results, asked], [status, `${text}\n`, ['Refused'], []]);
    });
  }

  test('refuses a review beyond its limit under way, and takes the next one after them', async (context) => {
    const gate = Promise.withResolvers<void>();
    let waiting = 0;
    const all = Promise.withResolvers<void>();
    const ensureCa = () => {
      waiting += 1;
      if (waiting === 3) all.resolve();
      return gate.promise;
    };
    const { post, send, results } = await started(context, { ensureCa, maxReviews: 3 });
    const under = Array.from({ length: 3 }, () => post('/inject/pod', review()));
    await all.promise;
    const refused = await send({ path: '/inject/pod', method: 'POST', headers: json, body: JSON.stringify(review()) });
    assert.deepEqual([refused.status, refused.text], [503, '3 reviews are under way; try again\n']);
    gate.resolve();
    await Promise.all(under);
    assert.equal((await post('/inject/pod', review())).status, 200);
    assert.equal(results.length, 5);
  });

  test('ends a connection whose body does not come', async (context) => {
    const { port, results } = await started(context, { timers: { after: immediately } });
    const socket = await handshake(port);
    socket.write(
      `POST /inject/pod HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`,
    );
    assert.match(await rest(socket), /^HTTP\/1\.1 408 .*connection: close.*the body did not come within 4000 ms\n$/is);
    assert.deepEqual(results, ['Refused']);
  });
});

describe('the webhook over TLS', { timeout: 20_000 }, () => {
  test('fails handshakes until there is a certificate, and then serves', async (context) => {
    const certificates = holdCertificate();
    const { port, post } = await started(context, { certificates });
    await assert.rejects(handshake(port));
    certificates.set(serving());
    assert.equal((await post('/inject/pod', review())).status, 200);
  });

  test('takes a new certificate for new connections, while an open one and its request go on', async (context) => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const certificates = holdCertificate();
    certificates.set(serving());
    const ensureCa = () => {
      begun.resolve();
      return gate.promise;
    };
    const { port, agent, post } = await started(context, { certificates, ensureCa });
    const running = post('/inject/pod', review());
    await begun.promise;
    const before = connectionsOf(agent);
    certificates.set(serving(otherCa));
    await assert.rejects(handshake(port), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    const socket = await handshake(port, { ca: otherCa.certificate.pem });
    assert.equal(socket.getProtocol(), 'TLSv1.3');
    socket.destroy();
    gate.resolve();
    assert.equal((await running).status, 200);
    assert.equal((await post('/inject/pod', review())).status, 200, 'over the connection from before');
    assert.deepEqual(connectionsOf(agent), before);
  });

  test('speaks TLS 1.2 but not 1.1, before and after a change of the certificate', async (context) => {
    const certificates = holdCertificate();
    certificates.set(serving());
    const { port } = await started(context, { certificates });
    for (let change = 0; change < 2; change++) {
      const socket = await handshake(port, { maxVersion: 'TLSv1.2' });
      assert.equal(socket.getProtocol(), 'TLSv1.2');
      socket.destroy();
      await assert.rejects(
        handshake(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }),
      );
      certificates.set(serving());
    }
  });

  test('ends what was unused for longest above its limit of connections', async (context) => {
    const { port, agent, post } = await started(context, { maxConnections: 3 });
    await post('/inject/pod', review());
    const sockets = [await handshake(port), await handshake(port)];
    // The first one is used again, so the second one is what was unused for longest.
    await post('/inject/pod', review());
    const before = connectionsOf(agent);
    sockets.push(await handshake(port));
    const gone = await Promise.race(sockets.map((socket) => rest(socket).then(() => socket)));
    assert.equal(sockets.indexOf(gone), 0);
    assert.equal((await post('/inject/pod', review())).status, 200);
    assert.deepEqual(connectionsOf(agent), before);
    for (const socket of sockets) socket.destroy();
  });

  test('closing answers what has begun and takes no more', async (context) => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const ensureCa = () => {
      begun.resolve();
      return gate.promise;
    };
    const { port, server, post } = await started(context, { ensureCa });
    const running = post('/inject/pod', review());
    await begun.promise;
    const closed = server.close();
    const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
    gate.resolve();
    const answer = await running;
    assert.deepEqual([answer.status, answer.connection], [200, 'close']);
    await closed;
  });

  test('closing with an aborted signal waits for nobody', async (context) => {
    const { port, server } = await started(context);
    const socket = await handshake(port);
    socket.write('POST /inject/pod HTTP/1.1\r\n');
    await Promise.all([server.close(AbortSignal.abort()), rest(socket)]);
  });

  test('closing ends a handshake that does not go on', async (context) => {
    const { port, server } = await started(context);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    await Promise.all([server.close(AbortSignal.abort()), rest(socket)]);
  });

  test('closing ends half a request when its deadline is over', async (context) => {
    const { port, server } = await started(context, { timers: { after: immediately } });
    const socket = await handshake(port);
    socket.write('POST /inject/pod HTTP/1.1\r\n');
    await Promise.all([server.close(), rest(socket)]);
  });

  test('a port that is taken is told', async (context) => {
    const { port, server } = await started(context);
    await assert.rejects(startWebhookServer(settings({ port })), {
      code: 'WEBHOOK_LISTEN_FAILED',
      message: new RegExp(`^webhook port cannot be opened on 127\\.0\\.0\\.1, port ${port}: .*EADDRINUSE`),
    });
    assert.equal(server.port, port);
  });
});

interface Sent {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

async function started(context: TestContext, change: Partial<WebhookServerOptions> = {}) {
  const results: string[] = [];
  const asked: string[] = [];
  const server = await startWebhookServer(
    settings({
      namespaceFacts: (name) => {
        asked.push(`facts ${name}`);
        return Promise.resolve({ name });
      },
      ensureCa: (name) => {
        asked.push(`ca ${name}`);
        return Promise.resolve();
      },
      onRequest: (result) => results.push(result),
      ...change,
    }),
  );
  const agent = new Agent({ keepAlive: true });
  context.after(async () => {
    agent.destroy();
    await server.close(AbortSignal.abort());
  });

  async function send({ path, method, headers, body }: Sent) {
    const request = httpsRequest({
      agent,
      host: '127.0.0.1',
      port: server.port,
      servername: host,
      ca: trusted,
      path,
      method,
      headers,
    });
    // What is refused before its end may be cut off while it is still being sent.
    request.on('error', () => undefined);
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const text = (await response.setEncoding('utf8').toArray()).join('');
    const { 'content-type': type, connection } = response.headers;
    return { status: response.statusCode, type, connection, text };
  }

  async function post(path: string, body: object) {
    const answer = await send({
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { response = {} } = JSON.parse(answer.text) as { response?: Readonly<Record<string, unknown>> };
    return { ...answer, response };
  }
  return { server, port: server.port, agent, results, asked, send, post };
}

function settings(change: Partial<WebhookServerOptions>): WebhookServerOptions {
  const certificates: CertificateHolder = holdCertificate();
  certificates.set(serving());
  return {
    host: '127.0.0.1',
    port: 0,
    certificates,
    review: (body, entry, namespace) =>
      reviewPod(body, injectSettings(), entry, {
        ...namespace,
        labels: entry === 'namespace' ? { 'lychgate.dev/inject': 'true' } : {},
      }),
    namespaceFacts: (name) => Promise.resolve({ name }),
    ensureCa: () => Promise.resolve(),
    log: silentLog,
    clock: { wallMs: () => Date.now(), monotonicMs: () => 0 },
    ...change,
  };
}

function serving(by = ca) {
  return { ...issueServingCertificate(by, [host], Date.now()), caPem: by.certificate.pem };
}

/** Over TLS and verified, as the API server does. Rejects with the handshake's error. */
async function handshake(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = tlsConnect({ host: '127.0.0.1', port, servername: host, ca: trusted, ...options });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  // Not by `once`, which rejects where the end is a reset.
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

function connectionsOf(agent: Agent): readonly (number | undefined)[] {
  const sockets = [...Object.values(agent.sockets), ...Object.values(agent.freeSockets)].flat();
  return sockets.map((socket) => socket?.localPort);
}

function review(change: object = {}): object {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = { uid: 'u-1', kind, operation: 'CREATE', namespace: 'shop', object: pod, ...change };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}
