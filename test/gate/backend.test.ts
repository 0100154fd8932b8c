import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { startRawApp, until } from '../support/gate.ts';
import { gateFromManifests, type ManifestsGate, outcomeOf, type SpecText, testFields } from '../support/profile.ts';
import { answer, get, linesNamed } from '../support/talk.ts';

/* What the fields of an SslProfile about the application do, seen by clients and by the application. */

const directory = mkdtempSync(join(tmpdir(), 'lychgate-backend-'));
const socketPath = join(directory, 'app.sock');
const secondApp = await startRawApp((text) => (text.endsWith('\r\n\r\n') ? answer('the other') : undefined));
const socketApp = await listening(
  createServer((socket) => socket.on('data', () => socket.write(answer('by the socket')))),
  socketPath,
);
const h2cApp = createHttp2Server((_request, response) => response.end('by HTTP/2')).listen(0, '127.0.0.1');
await once(h2cApp, 'listening');
after(async () => {
  await secondApp.close();
  socketApp.close();
  h2cApp.close();
  rmSync(directory, { recursive: true, force: true });
});

function backend(text: string): SpecText {
  return { backend: `{port: $app, ${text}}` };
}

/** As `backend`, with one time limit, and without those that would end the same earlier. */
function timeout(field: string, value: string, more = ''): SpecText {
  return backend(`timeouts: {${field}: ${value}${more}}`);
}

async function body({ ask }: ManifestsGate): Promise<string> {
  const text = await ask();
  return `${outcomeOf(text)} ${text.split('\r\n\r\n')[1]?.trim()}`;
}

/** Lets a minute pass for the gate. */
function minutePasses({ gate, clock }: ManifestsGate): void {
  clock.advance(60_000);
  gate.sweep();
}

/** Sockets of the application whose request is waiting for the test. */
let waiting: Socket[] = [];
function waitingApp(text: string, socket: Socket): undefined {
  if (text.endsWith('\r\n\r\n')) waiting.push(socket);
}

/** A minute passes while the application has the request, and then it answers. */
async function slowAnswer(gate: ManifestsGate): Promise<string> {
  waiting = [];
  const talk = await gate.connect();
  talk.send(get('/'));
  await until('the request', () => waiting.length === 1);
  minutePasses(gate);
  waiting[0]?.write(answer('late'));
  return (await talk.take('\r\n\r\n')).slice(9, 12);
}

testFields([
  {
    name: 'backend.port is where the application is found',
    options: { names: { other: secondApp.port } },
    specs: [{}, { backend: '{port: $other}' }],
    question: body,
    want: ['200 ok', '200 the other'],
  },
  {
    name: 'backend.socket is where the application is found in place of a port',
    options: { names: { socket: socketPath } },
    specs: [{}, { backend: '{socket: $socket}' }],
    question: body,
    want: ['200 ok', '200 by the socket'],
  },
  {
    name: 'backend.protocol: H2C reaches an application that speaks HTTP/2 only',
    options: { names: { hc: (h2cApp.address() as AddressInfo).port } },
    specs: ['HTTP', 'H2C'].map((protocol) => ({ backend: `{port: $hc, protocol: ${protocol}}` })),
    question: ({ outcome }) => outcome(),
    want: ['502', '200'],
  },
  {
    name: 'backend.timeouts.response is how long the answer is waited for',
    options: { respond: waitingApp },
    specs: [timeout('response', '30s'), timeout('response', '90s')],
    question: slowAnswer,
    want: ['504', '200'],
  },
  {
    name: 'backend.timeouts.request is how long the whole request may take',
    options: { respond: waitingApp },
    specs: [timeout('request', '30s', ', response: 0s'), timeout('request', '90s', ', response: 0s')],
    question: slowAnswer,
    want: ['504', '200'],
  },
  {
    name: 'backend.timeouts.idle is how long a connection may be without a request',
    specs: [timeout('idle', '30s'), timeout('idle', '90s')],
    question: async (gate) => {
      const talk = await gate.connect();
      talk.send(get('/'));
      await talk.take('\r\n\r\nok');
      minutePasses(gate);
      talk.send(get('/again'));
      await until('an answer or the end', () => talk.closed || talk.text.endsWith('ok'));
      return outcomeOf(talk.text);
    },
    want: ['closed', '200'],
  },
  {
    name: 'backend.timeouts.head is how long a head may take',
    specs: [timeout('head', '30s', ', idle: 0s'), timeout('head', '90s', ', idle: 0s')],
    question: async (gate) => {
      const talk = await gate.connect();
      // The half behind a whole one has come when that is answered.
      talk.send(`${get('/')}GET /half HTTP/1.1\r\nHost: local`);
      await talk.take('\r\n\r\nok');
      minutePasses(gate);
      talk.send('host\r\n\r\n');
      return (await talk.take('\r\n\r\n')).slice(9, 12);
    },
    want: ['408', '200'],
  },
  {
    name: 'backend.timeouts.connectionAge is how old a connection may get',
    specs: [timeout('connectionAge', '30s', ', idle: 0s'), timeout('connectionAge', '90s', ', idle: 0s')],
    question: async (gate) => {
      const talk = await gate.connect();
      talk.send(get('/'));
      await talk.take('\r\n\r\nok');
      minutePasses(gate);
      talk.send(get('/again'));
      await until('an answer or the end', () => talk.closed || talk.text.endsWith('ok'));
      return outcomeOf(talk.text);
    },
    want: ['closed', '200'],
  },
  {
    name: 'backend.limits.requestBodyBytes is the longest body, by Content-Length and in chunks',
    options: {
      respond: (text) => (text.endsWith('hello') || text.endsWith('0\r\n\r\n') ? answer('whole') : undefined),
    },
    specs: [backend('limits: {requestBodyBytes: 4}'), backend('limits: {requestBodyBytes: 5}')],
    question: async ({ outcome, connect }) => {
      const byLength = await outcome({ method: 'POST', body: 'hello' });
      const talk = await connect();
      talk.send(
        'POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      );
      return `${byLength}, ${outcomeOf(await talk.rest())}`;
    },
    want: ['413, 413', '200, 200'],
  },
  {
    name: 'backend.limits.headBytes is the largest head',
    specs: [backend('limits: {headBytes: 2048}'), backend('limits: {headBytes: 4096}')],
    question: ({ outcome }) => outcome({ fields: `X-Long: ${'a'.repeat(3000)}\r\n` }),
    want: ['431', '200'],
  },
  {
    name: 'backend.limits.headerCount is the most fields',
    specs: [backend('limits: {headerCount: 9}'), backend('limits: {headerCount: 20}')],
    question: ({ outcome }) => outcome({ fields: 'X-Some: a\r\n'.repeat(10) }),
    want: ['431', '200'],
  },
  {
    name: 'backend.limits.connections is the most connections of clients at once',
    specs: [backend('limits: {connections: 1}'), backend('limits: {connections: 2}')],
    question: async ({ connect, outcome }) => {
      const first = await connect();
      first.send(get('/'));
      await first.take('\r\n\r\nok');
      return outcome();
    },
    want: ['503', '200'],
  },
  {
    name: 'trustedProxies are the peers whose X-Forwarded-For is extended and not replaced',
    specs: [{}, { trustedProxies: '[10.0.0.0/8]' }, { trustedProxies: '["127.0.0.1"]' }],
    question: async ({ app, ask }) => {
      await ask({ fields: 'X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n' });
      const received = app.received[0] ?? '';
      return [...linesNamed(received, 'x-forwarded-for'), ...linesNamed(received, 'x-real-ip')].join('; ');
    },
    want: [
      'X-Forwarded-For: 127.0.0.1; X-Real-IP: 127.0.0.1',
      'X-Forwarded-For: 127.0.0.1; X-Real-IP: 127.0.0.1',
      'X-Forwarded-For: 203.0.113.9, 127.0.0.1; X-Real-IP: 203.0.113.9',
    ],
  },
]);

test('backend.timeouts.connect is how long a connection with the application may take', async (t) => {
  const port = await startDeafListener(t);
  const elapsed: string[] = [];
  for (const limit of ['1s', '20s']) {
    const gate = await gateFromManifests(t, { spec: { backend: `{port: ${port}, timeouts: {connect: ${limit}}}` } });
    const talk = await gate.connect();
    talk.send(get('/'));
    let passedMs = 0;
    // Each second of the gate's clock leaves time for an answer to come.
    while (talk.text === '') {
      gate.clock.advance(1000);
      passedMs += 1000;
      gate.gate.sweep();
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.ok(passedMs < 120_000, 'no answer');
    }
    elapsed.push(`${outcomeOf(talk.text)} ${passedMs < 20_000 ? 'before' : 'after'} 20 s`);
  }
  assert.deepEqual(elapsed, ['503 before 20 s', '503 after 20 s']);
});

test('backend.whenExposed: Refuse makes a pod not ready whose application also listens on its own address', async (t) => {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  if (!own.some(({ internal, address }) => !internal && !address.startsWith('fe80:'))) {
    t.skip('this machine has no address but loopback');
    return;
  }
  const exposed = await listening(
    createServer((socket) => socket.destroy()),
    0,
    '0.0.0.0',
  );
  t.after(() => exposed.close());
  const found: string[] = [];
  for (const word of ['Warn', 'Refuse']) {
    const { gate } = await gateFromManifests(t, {
      spec: { backend: `{port: ${(exposed.address() as AddressInfo).port}, whenExposed: ${word}}` },
    });
    const deadline = performance.now() + 5000;
    while (!(await gate.metrics.exposed.get()).values.some(({ value }) => value === 1)) {
      if (performance.now() > deadline) throw new Error('the exposure was not found');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    found.push(
      gate
        .notReady()
        .join()
        .replace(/ on \S+; /, ' on ADDRESS; '),
    );
  }
  assert.deepEqual(found, [
    '',
    'shop/partners: the application also listens on ADDRESS; bind it to 127.0.0.1, or set backend.whenExposed: Warn',
  ]);
});

async function listening(server: Server, at: number | string, host?: string): Promise<Server> {
  if (typeof at === 'string') server.listen(at);
  else server.listen(at, host);
  await once(server, 'listening');
  return server;
}

/** A port whose queue is full and that accepts nobody: a connection to it neither succeeds nor fails. */
async function startDeafListener(t: { after(fn: () => Promise<void>): void }): Promise<number> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer();
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(worker, 'message')) as [number];
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await worker.terminate();
  });
  for (let i = 0; i < 2; i += 1) {
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
  }
  return port;
}
