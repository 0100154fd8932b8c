import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { defaultBackend, ManualClock, profileOf, startGate, strictAuth, until } from '../../test/support/gate.ts';
import { connectHttp2 } from '../../test/support/http2-client.ts';
import { answer, get, linesNamed, pki, startWorld, withoutFacts } from '../../test/support/talk.ts';

const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzhZRbK+xOo=\r\n\r\n';
const cert = encodeURIComponent(pki.client('good').certificate.pem);

test('an upgrade that the application does not answer is a 504 after its time', async (t) => {
  const clock = new ManualClock();
  const { app, gate, talk } = await startWorld(t, {
    clock,
    respond: () => undefined,
    profile: { backend: { timeouts: { ...defaultBackend.timeouts, responseMs: 1000 } } },
  });
  const client = await talk();
  client.send(get('/ws', upgrade));
  await until('the upgrade', () => app.received.join('').endsWith('\r\n\r\n'));
  clock.advance(1001);
  gate.gate.sweep();
  assert.match(await client.take('in time\n'), /^HTTP\/1\.1 504 /);
  await until('the application to be left', () => app.open() === 0);
});

const permissions: readonly { name: string; before: Parameters<typeof strictAuth>[1] }[] = [
  { name: 'a public path', before: { publicPaths: [{ type: 'Exact', value: '/ws' }] } },
  { name: 'Report', before: { enforcement: 'Report' } },
];
for (const { name, before } of permissions) {
  test(`a tunnel without a certificate by way of ${name} is cut when that is taken back`, async (t) => {
    const clock = new ManualClock();
    const { app, gate, talk } = await startWorld(t, {
      clock,
      respond: (text) => (text.endsWith('\r\n\r\n') ? switching : undefined),
      profile: { clientAuth: strictAuth(pki, before) },
    });
    const tunnel = await talk(null);
    tunnel.send(get('/ws', upgrade));
    await tunnel.take('\r\n\r\n');
    await gate.apply([profileOf(pki, app.port, { clientAuth: strictAuth(pki) })]);
    clock.advance(10_000);
    gate.gate.sweep();
    assert.equal(await tunnel.rest(), '');
    await until('the application to be left', () => app.open() === 0);
  });
}

test('a WebSocket of the ws library echoes text and bytes of any size, and closes in order', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const seen: string[] = [];
  server.on('connection', (socket, request) => {
    seen.push(String(request.headers['x-client-cert']));
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const gate = await startGate([profileOf(pki, port)]);
  t.after(async () => {
    await gate.close();
    server.close();
  });
  const { certificate, keyPem, chainPem } = pki.client('good');
  const client = new WebSocket(`wss://localhost:${gate.port}/echo`, {
    ca: [pki.root.certificate.pem],
    cert: chainPem,
    key: keyPem,
    perMessageDeflate: false,
    headers: { 'X-Client-Cert': 'forged' },
    family: 4,
  });
  await new Promise((resolve, reject) => {
    client.once('open', resolve);
    client.once('error', reject);
  });
  for (const data of [Buffer.from('hello'), Buffer.alloc(3_000_000, 'x')]) {
    const echoed = new Promise<Buffer>((resolve) => client.once('message', (got: Buffer) => resolve(got)));
    client.send(data);
    assert.equal(Buffer.compare(await echoed, data), 0);
  }
  const closed = new Promise<number>((resolve) => client.once('close', resolve));
  client.close(4001, 'bye');
  assert.equal(await closed, 4001);
  assert.deepEqual(seen, [encodeURIComponent(certificate.pem)]);
  await until('the connection to be gone', () => gate.gate.connectionCount() === 0);
  assert.equal((await gate.metrics.registry.metrics()).includes('lychgate_proxy_backend_failures_total{'), false);
});

test('an upgrade goes on with our own Connection line and the certificate; bytes flow both ways afterwards', async (t) => {
  let app: Socket | undefined;
  const world = await startWorld(t, {
    respond: (text, socket) => {
      app = socket;
      return text.endsWith('\r\n\r\n') ? `${switching}early` : undefined;
    },
  });
  const client = await world.talk();
  client.send(get('/ws', upgrade));
  assert.equal(
    await client.take('early'),
    'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzhZRbK+xOo=\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly',
  );
  client.send(get('/not-http'));
  await until('them', () => world.app.received.join('').endsWith(get('/not-http')));
  app?.write('more');
  await client.take('more');
  assert.equal(
    withoutFacts(world.app.received[0] ?? ''),
    `GET /ws HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${get('/not-http')}`,
  );
  assert.deepEqual(linesNamed(world.app.received[0] ?? '', 'x-client-cert'), [`X-Client-Cert: ${cert}`]);
});

test('client bytes before the 101 wait for it', async (t) => {
  let app: Socket | undefined;
  const world = await startWorld(t, {
    respond: (text, socket) => {
      app = socket;
      return text.includes('\r\n\r\n') ? '' : undefined;
    },
  });
  const client = await world.talk();
  client.send(`${get('/ws', upgrade)}frame`);
  await until('the request', () => app !== undefined);
  client.send('frame');
  await settled();
  assert.equal(world.app.received.join('').includes('frame'), false);
  app?.write(switching);
  await until('the frames', () => world.app.received.join('').endsWith('frameframe'));
});

test('a refused WebSocket and a pipelined request: each is a request of its own with the certificate', async (t) => {
  const world = await startWorld(t, {
    respond: (text) => (text.endsWith('\r\n\r\n') ? answer('no', '', '403 Forbidden') : undefined),
  });
  const client = await world.talk();
  client.send(get('/ws', upgrade) + get('/2', 'X-Client-Cert: forged\r\n'));
  await client.take('no');
  await client.take('no');
  assert.equal(world.app.received.length, 2);
  for (const received of world.app.received) {
    assert.equal(received.split('GET /').length - 1, 1);
    assert.deepEqual(linesNamed(received, 'x-client-cert'), [`X-Client-Cert: ${cert}`]);
  }
});

for (const [name, head] of [
  ['to something else', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
  ['to nothing named', 'HTTP/1.1 101 X\r\n\r\n'],
  ['without Connection', 'HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n'],
] as const) {
  test(`an application that switches ${name} is a 502`, async (t) => {
    const world = await startWorld(t, { respond: (text) => (text.includes('\r\n\r\n') ? head : undefined) });
    const client = await world.talk();
    client.send(get('/ws', upgrade));
    assert.match(await client.take('answer\n'), /^HTTP\/1\.1 502 /);
    await until('the application to be left', () => world.app.open() === 0);
  });
}

test('a tunnel that bytes flow through in one direction only is not idle; one without any is', async (t) => {
  const clock = new ManualClock();
  let app: Socket | undefined;
  const world = await startWorld(t, {
    clock,
    respond: (text, socket) => {
      app = socket;
      return text.endsWith('\r\n\r\n') ? switching : undefined;
    },
    profile: { backend: { timeouts: { ...defaultBackend.timeouts, idleMs: 1000 } } },
  });
  const client = await world.talk();
  client.send(get('/ws', upgrade));
  await client.take('\r\n\r\n');
  for (let i = 0; i < 4; i += 1) {
    clock.advance(600);
    world.gate.gate.sweep();
    app?.write(`tick${i}`);
    await client.take(`tick${i}`);
  }
  clock.advance(1001);
  world.gate.gate.sweep();
  await client.rest();
  await until('the application to be left', () => world.app.open() === 0);
});

test('a maximum age ends a tunnel', async (t) => {
  const clock = new ManualClock();
  const world = await startWorld(t, {
    clock,
    respond: (text) => (text.endsWith('\r\n\r\n') ? switching : undefined),
    profile: { backend: { timeouts: { ...defaultBackend.timeouts, idleMs: 0, connectionAgeMs: 1000 } } },
  });
  const client = await world.talk();
  client.send(get('/ws', upgrade));
  await client.take('\r\n\r\n');
  clock.advance(1001);
  world.gate.gate.sweep();
  await client.rest();
  await until('the application to be left', () => world.app.open() === 0);
});

test('an application that ends a tunnel ends it for the client, and a client for the application', async (t) => {
  let app: Socket | undefined;
  const world = await startWorld(t, {
    respond: (text, socket) => {
      app = socket;
      return text.endsWith('\r\n\r\n') ? switching : undefined;
    },
  });
  const first = await world.talk();
  first.send(get('/ws', upgrade));
  await first.take('\r\n\r\n');
  app?.end('last');
  assert.equal(await first.rest(), 'last');
  const second = await world.talk();
  second.send(get('/ws', upgrade));
  await second.take('\r\n\r\n');
  second.socket.end('last');
  await until('the last bytes', () => world.app.received[1]?.endsWith('last') === true);
  await until('the application to be left', () => world.app.open() === 0);
});

const connectHeaders = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':path': '/ws',
  ':authority': 'localhost',
  'sec-websocket-version': '13',
};

test('extended CONNECT over HTTP/2 is an upgrade for the application, with a key of our own', async (t) => {
  let app: Socket | undefined;
  const world = await startWorld(t, {
    respond: (text, socket) => {
      if (app !== undefined) return undefined;
      if (!text.includes('\r\n\r\n')) return undefined;
      app = socket;
      return `${switching}early`;
    },
  });
  const session = await connectHttp2(t, world);
  await new Promise<void>((resolve) => {
    if (session.remoteSettings.enableConnectProtocol === true) resolve();
    else session.once('remoteSettings', () => resolve());
  });
  const stream = session.request({ ...connectHeaders, 'x-client-cert': 'forged' });
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const status = await new Promise<number>((resolve) =>
    stream.once('response', (headers) =>
      resolve(headers['sec-websocket-accept'] === undefined ? (headers[':status'] ?? 0) : -1),
    ),
  );
  assert.equal(status, 200);
  stream.write('frame');
  await until('the frame', () => world.app.received.join('').endsWith('frame'));
  app?.write('back');
  await until('its answer', () => text === 'earlyback');
  const [received = ''] = world.app.received;
  assert.match(
    withoutFacts(received),
    /^GET \/ws HTTP\/1\.1\r\nHost: localhost\r\nsec-websocket-version: 13\r\nSec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe$/,
  );
  assert.deepEqual(linesNamed(received, 'x-client-cert'), [`X-Client-Cert: ${cert}`]);
  app?.end();
  await new Promise((resolve) => stream.once('close', resolve).once('end', () => stream.end()));
  await until('the application to be left', () => world.app.open() === 0);
});

test('extended CONNECT: nothing goes on before the 101, and a refusal is one', async (t) => {
  const world = await startWorld(t, {
    respond: (text) => (text.includes('Upgrade: ') ? answer('no', '', '403 Forbidden') : answer('yes')),
  });
  const session = await connectHttp2(t, world);
  await new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()));
  // The application's connection is there already: what went on before the 101 would arrive.
  const first = session.request({ ':path': '/' });
  await new Promise((resolve) => first.once('close', resolve).resume());
  const stream = session.request(connectHeaders);
  stream.on('error', () => undefined);
  stream.write('frame');
  const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
  assert.equal(status, 403);
  await until('the application to be left', () => world.app.open() === 0);
  assert.equal(world.app.received.join('').includes('frame'), false);
});

test('a refused certificate gets no tunnel, neither by HTTP/1.1 nor by HTTP/2', async (t) => {
  const world = await startWorld(t);
  const client = await world.talk(null);
  client.send(`${get('/ws', upgrade)}frame`);
  assert.match(await client.rest(), /^HTTP\/1\.1 400 [^]*NoCertificate/);
  const session = await connectHttp2(t, world, null);
  await new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()));
  const stream = session.request(connectHeaders);
  stream.on('error', () => undefined);
  const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
  assert.equal(status, 400);
  assert.deepEqual(world.app.received, []);
});

/** Lets what is on its way over loopback arrive. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setTimeout(resolve, 1));
}
