import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { after } from 'node:test';
import { until } from '../support/gate.ts';
import { type ManifestsGate, type SpecText, testFields } from '../support/profile.ts';
import { answer } from '../support/talk.ts';

/*
 * The limits of an SslProfile hold for clients of HTTP/2 and for applications of H2C as they do for HTTP/1.1, where the
 * other files of this folder show them.
 */

/** An application of H2C that answers when it is told to. */
const waitingStreams: (() => void)[] = [];
const h2cApp = createServer((_request, response) => waitingStreams.push(() => response.end('late')));
h2cApp.listen(0, '127.0.0.1');
await once(h2cApp, 'listening');
after(() => h2cApp.close());
const h2cPort = (h2cApp.address() as AddressInfo).port;

const sockets: Socket[] = [];
const waitingApp = (text: string, socket: Socket): undefined => {
  if (text.endsWith('\r\n\r\n')) sockets.push(socket);
};

function backend(text: string): SpecText {
  return { backend: `{port: $app, ${text}}` };
}

interface Http2Client {
  readonly session: ClientHttp2Session;
  /** Status, `reset N`, or `closed`. */
  ask(headers?: OutgoingHttpHeaders, body?: string): Promise<string>;
}

async function http2Client(gate: ManifestsGate): Promise<Http2Client> {
  const { socket } = await gate.connect({ tls: { ALPNProtocols: ['h2'] } });
  const session = connect('https://localhost', { createConnection: () => socket });
  session.on('error', () => undefined);
  return {
    session,
    ask: (headers = {}, body) =>
      new Promise((resolve) => {
        if (session.closed || session.destroyed) return resolve('closed');
        const stream = session.request({ ':path': '/', ':method': body === undefined ? 'GET' : 'POST', ...headers });
        let status = '';
        stream.on('response', (fields) => {
          status = String(fields[':status']);
        });
        stream.on('error', () => undefined);
        stream.on('close', () => resolve(status === '' ? `reset ${stream.rstCode}` : status));
        stream.resume();
        stream.end(body);
      }),
  };
}

async function asked(gate: ManifestsGate, headers?: OutgoingHttpHeaders, body?: string): Promise<string> {
  return (await http2Client(gate)).ask(headers, body);
}

function minutePasses({ gate, clock }: ManifestsGate): void {
  clock.advance(60_000);
  gate.sweep();
}

/** A minute passes while the application has the request, and then it answers. */
async function slowAnswer(gate: ManifestsGate): Promise<string> {
  sockets.length = 0;
  const got = asked(gate);
  await until('the request', () => sockets.length === 1);
  minutePasses(gate);
  sockets[0]?.write(answer('late'));
  return got;
}

async function slowH2cAnswer(gate: ManifestsGate): Promise<string> {
  waitingStreams.length = 0;
  const got = gate.outcome();
  await until('the request', () => waitingStreams.length === 1);
  minutePasses(gate);
  waitingStreams[0]?.();
  return got;
}

/** Twice, with a minute between. */
async function withPause(gate: ManifestsGate): Promise<string> {
  const client = await http2Client(gate);
  const first = await client.ask();
  minutePasses(gate);
  // What the gate says of it is before the next answer on the same connection.
  if (gate.gate.connectionCount() > 0) await new Promise((resolve) => client.session.ping(resolve));
  return `${first}, ${await client.ask()}`;
}

testFields([
  {
    name: 'HTTP/2: backend.limits.requestBodyBytes is the longest body, with a length and without',
    options: { respond: (text) => (/hello$|0\r\n\r\n$/.test(text) ? answer('whole') : undefined) },
    specs: [backend('limits: {requestBodyBytes: 4}'), backend('limits: {requestBodyBytes: 5}')],
    question: async (gate) =>
      `${await asked(gate, { 'content-length': '5' }, 'hello')}, ${await asked(gate, {}, 'hello')}`,
    want: ['413, 413', '200, 200'],
  },
  {
    name: 'HTTP/2: backend.limits.headBytes is the largest head',
    specs: [backend('limits: {headBytes: 2048}'), backend('limits: {headBytes: 8192}')],
    question: (gate) => asked(gate, { 'x-long': 'a'.repeat(3000) }),
    want: ['431', '200'],
  },
  {
    name: 'HTTP/2: backend.limits.headerCount is the most fields',
    specs: [backend('limits: {headerCount: 9}'), backend('limits: {headerCount: 10}')],
    question: (gate) =>
      asked(gate, Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`x-${index}`, 'a'] as const))),
    want: ['431', '200'],
  },
  {
    name: 'HTTP/2: backend.limits.connections is the most connections of clients at once',
    specs: [backend('limits: {connections: 1}'), backend('limits: {connections: 2}')],
    question: async (gate) => {
      await asked(gate);
      const second = await asked(gate);
      return second === '200' ? second : 'refused';
    },
    want: ['refused', '200'],
  },
  {
    name: 'HTTP/2: backend.timeouts.response is how long the answer is waited for',
    options: { respond: waitingApp },
    specs: [backend('timeouts: {response: 30s}'), backend('timeouts: {response: 90s}')],
    question: slowAnswer,
    want: ['504', '200'],
  },
  {
    name: 'HTTP/2: backend.timeouts.request is how long the whole request may take',
    options: { respond: waitingApp },
    specs: [backend('timeouts: {request: 30s, response: 0s}'), backend('timeouts: {request: 90s, response: 0s}')],
    question: slowAnswer,
    want: ['504', '200'],
  },
  {
    name: 'HTTP/2: backend.timeouts.idle is how long a connection may be without a request',
    specs: [backend('timeouts: {idle: 30s}'), backend('timeouts: {idle: 90s}')],
    question: withPause,
    want: ['200, closed', '200, 200'],
  },
  {
    name: 'HTTP/2: backend.timeouts.connectionAge is how old a connection may get',
    specs: [backend('timeouts: {connectionAge: 30s, idle: 0s}'), backend('timeouts: {connectionAge: 90s, idle: 0s}')],
    question: withPause,
    want: ['200, closed', '200, 200'],
  },
  {
    name: 'H2C: backend.timeouts.response is how long the answer is waited for',
    specs: ['30s', '90s'].map((limit) => ({
      backend: `{port: ${h2cPort}, protocol: H2C, timeouts: {response: ${limit}}}`,
    })),
    question: slowH2cAnswer,
    want: ['504', '200'],
  },
]);
