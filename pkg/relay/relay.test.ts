import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import { afterEach, suite, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { freePort } from '../../test/support/free-port.ts';
import { makePki } from '../../test/support/pki.ts';
import { silentLog } from '../process/log.ts';
import type { RelayProbe } from './probe.ts';
import { type Relay, RelayListenFailed, startRelay } from './relay.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: readonly string[];
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

type HttpProbe = Extract<RelayProbe, { kind: 'httpGet' }>;

function httpProbe(port: number, changes: Partial<HttpProbe> = {}): HttpProbe {
  return {
    id: 'app/readiness',
    timeoutMs: 1000,
    kind: 'httpGet',
    port,
    scheme: 'HTTP',
    path: '/healthz',
    headers: [],
    ...changes,
  };
}

async function relayOf(...probes: RelayProbe[]): Promise<Relay> {
  const relay = await startRelay({ host: '127.0.0.1', port: 0, probes, log: silentLog });
  closers.push(() => relay.close());
  return relay;
}

/** An application that answers by `respond`. @returns its port and what it was asked. */
async function appOf(
  respond: (request: IncomingMessage, response: ServerResponse) => void,
  host = '127.0.0.1',
): Promise<{ readonly port: number; readonly asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createHttpServer((incoming, response) => {
    asked.push(incoming);
    respond(incoming, response);
  });
  const port = await listening(server, host);
  closers.push(() => server.closeAllConnections());
  return { port, asked };
}

async function rawApp(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  const port = await listening(server, '127.0.0.1');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  return port;
}

async function listening(server: NetServer, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function ask(port: number, path = '/probe/app/readiness', options: object = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('latin1').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body,
          headers: response.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()),
        }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

const ownHeaders = ['content-length', 'cache-control', 'connection', 'date'];

suite('a probe by HTTP', () => {
  const cases: readonly (readonly [number, number])[] = [
    [200, 200],
    [204, 204],
    [302, 200],
    [304, 200],
    [401, 401],
    [404, 404],
    [500, 500],
    [503, 503],
    [600, 502],
  ];
  for (const [says, want] of cases) {
    test(`says ${want} where the application says ${says}, and nothing else of its answer`, async () => {
      const app = await appOf((_, response) => {
        response.writeHead(says, { 'x-secret': 'yes', ...(says === 302 ? { location: 'http://other.test/' } : {}) });
        response.end(says === 204 || says === 304 ? undefined : 'a body');
      });
      const relay = await relayOf(httpProbe(app.port));
      assert.deepEqual(await ask(relay.port), { status: want, body: '', headers: ownHeaders });
    });
  }

  test('goes out as the kubelet sends it, whatever the question to the relay looks like', async () => {
    const app = await appOf((_, response) => response.end());
    const relay = await relayOf(httpProbe(app.port, { path: '/healthz?full=1' }));
    const headers = { 'x-forwarded-for': '1.2.3.4', authorization: 'x', host: 'evil.test', 'user-agent': 'evil' };
    await ask(relay.port, '/probe/app/readiness', { headers, method: 'HEAD' });
    assert.deepEqual(
      app.asked.map(({ method, url, rawHeaders }) => [method, url, ...rawHeaders]),
      [
        [
          ...['GET', '/healthz?full=1', 'Host', `127.0.0.1:${app.port}`, 'User-Agent', 'kube-probe/lychgate'],
          ...['Accept', '*/*', 'Connection', 'close'],
        ],
      ],
    );
  });

  test('carries the declared headers, and none that would change the connection', async () => {
    const app = await appOf((_, response) => response.end());
    const relay = await relayOf(
      httpProbe(app.port, {
        id: 'app/preStop',
        host: 'ignored.test',
        headers: [
          { name: 'host', value: 'shop.test' },
          { name: 'Host', value: 'other.test' },
          { name: 'X-Twice', value: '1' },
          { name: 'X-Twice', value: '2' },
          { name: 'Accept', value: '' },
          { name: 'Content-Length', value: '5' },
          { name: 'Transfer-Encoding', value: 'chunked' },
          { name: 'Connection', value: 'keep-alive' },
        ],
      }),
    );
    assert.equal((await ask(relay.port, '/probe/app/preStop')).status, 200);
    assert.deepEqual(app.asked[0]?.rawHeaders, [
      ...['host', 'shop.test', 'X-Twice', '1', 'X-Twice', '2'],
      ...['User-Agent', 'kube-lifecycle/lychgate', 'Connection', 'close'],
    ]);
  });

  test('dials loopback, whatever host is declared', async () => {
    const app = await appOf((_, response) => response.end());
    const relay = await relayOf(httpProbe(app.port, { host: '192.0.2.1' }));
    assert.equal((await ask(relay.port)).status, 200);
    assert.equal(app.asked[0]?.headers.host, `192.0.2.1:${app.port}`);
  });

  test('follows redirects within the application, and tells the status at their end', async () => {
    const app = await appOf((incoming, response) => {
      if (incoming.url === '/healthz') response.writeHead(301, { location: '/healthz/' }).end();
      else response.writeHead(503).end();
    });
    const relay = await relayOf(httpProbe(app.port));
    assert.equal((await ask(relay.port)).status, 503);
    assert.deepEqual(
      app.asked.map(({ url }) => url),
      ['/healthz', '/healthz/'],
    );
  });

  test('gives a circle of redirects up', async () => {
    const app = await appOf((incoming, response) => response.writeHead(302, { location: incoming.url ?? '' }).end());
    const relay = await relayOf(httpProbe(app.port));
    assert.equal((await ask(relay.port)).status, 502);
    assert.equal(app.asked.length, 10);
  });

  test('never follows a redirect to another port', async () => {
    const other = await appOf((_, response) => response.end());
    const app = await appOf((_, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${other.port}/` }).end(),
    );
    const relay = await relayOf(httpProbe(app.port));
    assert.equal((await ask(relay.port)).status, 200);
    assert.equal(other.asked.length, 0);
  });

  test('finds an application that listens on IPv6 only', async () => {
    const app = await appOf((_, response) => response.writeHead(418).end(), '::1');
    const relay = await relayOf(httpProbe(app.port));
    assert.equal((await ask(relay.port)).status, 418);
  });

  test('verifies no certificate of an application behind HTTPS', async () => {
    const { server } = makePki({ nowMs: Date.now() });
    const names: unknown[] = [];
    const app = createTlsServer({ cert: server.chainPem, key: server.keyPem }, (socket) => {
      names.push(socket.servername);
      socket.on('error', () => undefined);
      socket.on('data', () => socket.end('HTTP/1.1 207 Multi\r\nContent-Length: 0\r\n\r\n'));
    });
    const port = await listening(app, '127.0.0.1');
    const relay = await relayOf(
      httpProbe(port, { scheme: 'HTTPS', host: 'shop.test' }),
      httpProbe(port, { scheme: 'HTTPS', id: 'app/liveness' }),
    );
    assert.equal((await ask(relay.port)).status, 207);
    assert.equal((await ask(relay.port, '/probe/app/liveness')).status, 207);
    assert.deepEqual(names, ['shop.test', false]);
  });

  const broken: readonly (readonly [name: string, answer: string, want: number])[] = [
    ['no HTTP', 'hello\r\n\r\n', 502],
    ['a closed connection', '', 502],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 502],
    ['a body that is cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 502],
    ['a head without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`, 502],
  ];
  for (const [name, answer, want] of broken) {
    test(`says ${want} for ${name}`, async () => {
      const port = await rawApp((socket) => socket.on('data', () => socket.end(answer)));
      const relay = await relayOf(httpProbe(port));
      assert.equal((await ask(relay.port)).status, want);
    });
  }

  test('reads no more of a body than the kubelet does', async () => {
    let sent = 0;
    const port = await rawApp((socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536))) sent += 65_536;
      };
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        more();
      });
      socket.on('drain', more);
    });
    const relay = await relayOf(httpProbe(port));
    assert.equal((await ask(relay.port)).status, 200);
    assert.ok(sent < 64_000_000, `${sent} bytes were taken`);
  });

  test('says 504 within its time limit where the application does not answer', async () => {
    const port = await rawApp(() => undefined);
    const relay = await relayOf(httpProbe(port, { timeoutMs: 60 }));
    assert.equal((await ask(relay.port)).status, 504);
  });
});

suite('a probe by TCP', () => {
  test('says 200 where the port is open and 502 where it is not', async () => {
    const port = await rawApp(() => undefined);
    const relay = await relayOf(
      { id: 'app/readiness', timeoutMs: 1000, kind: 'tcpSocket', port, host: 'elsewhere.test' },
      { id: 'app/liveness', timeoutMs: 1000, kind: 'tcpSocket', port: await freePort() },
    );
    assert.equal((await ask(relay.port)).status, 200);
    assert.equal((await ask(relay.port, '/probe/app/liveness')).status, 502);
  });
});

suite('a probe by gRPC', () => {
  /** A health service that answers with these bytes; it knows `shop` only. */
  async function healthOf(answer: readonly number[], host = '127.0.0.1'): Promise<number> {
    const server = new Server();
    server.addService(
      {
        check: {
          path: '/grpc.health.v1.Health/Check',
          requestStream: false,
          responseStream: false,
          requestSerialize: (value: Buffer) => value,
          requestDeserialize: (value: Buffer) => value,
          responseSerialize: (value: Buffer) => value,
          responseDeserialize: (value: Buffer) => value,
        },
      },
      {
        check: (call: { request: Buffer }, done: (error: object | null, value?: Buffer) => void) => {
          const known = call.request.equals(Buffer.from([0x0a, 4, ...Buffer.from('shop')]));
          if (known || call.request.length === 0) done(null, Buffer.from(answer));
          else done({ code: status.NOT_FOUND });
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    closers.push(() => server.forceShutdown());
    return port;
  }

  const cases: readonly (readonly [name: string, service: string, answer: readonly number[], want: number])[] = [
    ['SERVING', 'shop', [0x08, 1], 200],
    ['SERVING of the whole server', '', [0x08, 1], 200],
    ['SERVING among fields that nobody knows', 'shop', [0x12, 2, 1, 1, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 1], 200],
    ['UNKNOWN', 'shop', [], 503],
    ['NOT_SERVING', 'shop', [0x08, 2], 503],
    ['a service that is not there', 'other', [0x08, 1], 502],
    ['a number without an end', 'shop', [0x08, 0xff], 502],
    ['a field that is cut short', 'shop', [0x08, 1, 0x12, 9, 1], 502],
  ];
  for (const [name, service, answer, want] of cases) {
    test(`says ${want} for ${name}`, async () => {
      const port = await healthOf(answer);
      const relay = await relayOf({ id: 'app/readiness', timeoutMs: 1000, kind: 'grpc', port, service });
      assert.equal((await ask(relay.port)).status, want);
    });
  }

  test('finds a service on IPv6, says 502 where nobody is and 504 where nobody answers', async () => {
    const relay = await relayOf(
      { id: 'a/readiness', timeoutMs: 1000, kind: 'grpc', port: await healthOf([0x08, 1], '[::1]'), service: '' },
      { id: 'b/readiness', timeoutMs: 1000, kind: 'grpc', port: await freePort(), service: '' },
      { id: 'c/readiness', timeoutMs: 100, kind: 'grpc', port: await rawApp(() => undefined), service: '' },
    );
    assert.equal((await ask(relay.port, '/probe/a/readiness')).status, 200);
    assert.equal((await ask(relay.port, '/probe/b/readiness')).status, 502);
    assert.equal((await ask(relay.port, '/probe/c/readiness')).status, 504);
  });
});

suite('the relay', () => {
  const refused: readonly (readonly [name: string, path: string, options: object])[] = [
    ['another container', '/probe/other/readiness', {}],
    ['another probe of the container', '/probe/app/liveness', {}],
    ['the root', '/', {}],
    ['an absolute target', 'http://127.0.0.1/probe/app/readiness', {}],
    ['a query', '/probe/app/readiness?path=/admin', {}],
    ['a slash too many', '//probe/app/readiness', {}],
    ['a path in other letters', '/probe/app/%72eadiness', {}],
    ['a path with dots', '/probe/x/../app/readiness', {}],
    ['POST', '/probe/app/readiness', { method: 'POST' }],
    ['OPTIONS', '/probe/app/readiness', { method: 'OPTIONS' }],
  ];
  for (const [name, path, options] of refused) {
    test(`says 404 to ${name} and asks nobody`, async () => {
      const app = await appOf((_, response) => response.end());
      const relay = await relayOf(httpProbe(app.port));
      assert.deepEqual(await ask(relay.port, path, options), { status: 404, body: '', headers: ownHeaders });
      assert.equal(app.asked.length, 0);
    });
  }

  test('runs a hook with a secret for nobody who does not know it', async () => {
    const app = await appOf((_, response) => response.end());
    const secret = 'abcdefghijklmnop';
    const relay = await relayOf(httpProbe(app.port, { id: 'app/preStop', secret }));
    const withSecret = (value: unknown) =>
      ask(relay.port, '/probe/app/preStop', { headers: { 'lychgate-probe-secret': value } });
    assert.equal((await ask(relay.port, '/probe/app/preStop')).status, 404);
    assert.equal((await withSecret('abcdefghijklmnoq')).status, 404);
    assert.equal((await withSecret([secret, secret])).status, 404);
    assert.equal(app.asked.length, 0);
    assert.equal((await withSecret(secret)).status, 200);
  });

  test('has one question of a probe at a time, and gives its answer to everybody who waits', async () => {
    const waiting: ServerResponse[] = [];
    const app = await appOf((_, response) => {
      waiting.push(response);
      if (waiting.length === 1) asked.resolve();
    });
    const asked = Promise.withResolvers<void>();
    const relay = await relayOf(httpProbe(app.port, { timeoutMs: 5000 }));
    const answers = Array.from({ length: 50 }, () => ask(relay.port));
    await asked.promise;
    // A stranger's question that comes to an end says that all before it have come in.
    await ask(relay.port, '/');
    waiting[0]?.writeHead(503).end();
    const got = await Promise.all(answers);
    assert.deepEqual(new Set(got.map(({ status: code }) => code)), new Set([503]));
    assert.ok(app.asked.length <= 2, `${app.asked.length} questions`);
  });

  test('answers the kubelet though somebody holds hundreds of connections open', async () => {
    const app = await appOf((_, response) => response.end());
    const relay = await relayOf(httpProbe(app.port));
    const held = Array.from({ length: 300 }, () => connect(relay.port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    assert.equal((await ask(relay.port)).status, 200);
    for (const socket of held) socket.destroy();
  });

  test('names its port where it cannot be opened', async () => {
    const port = await rawApp(() => undefined);
    await assert.rejects(
      startRelay({ host: '127.0.0.1', port, probes: [], log: silentLog }),
      (error) => error instanceof RelayListenFailed && error.message.includes(`127.0.0.1, port ${port}`),
    );
  });
});
