import assert from 'node:assert/strict';
import { sensitiveHeaders } from 'node:http2';
import { test } from 'node:test';
import {
  type ClientUnaryCall,
  credentials,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { connectTo, profileOf, startGate, until } from '../../test/support/gate.ts';
import { answerOf, ask, connectHttp2 } from '../../test/support/http2-client.ts';
import {
  endHeaders,
  endStream,
  fieldBlock,
  frame,
  frameTypes,
  Http2Frames,
  readFrames,
} from '../../test/support/http2-frames.ts';
import { get, pki, startWorld } from '../../test/support/talk.ts';
import { HpackDecoder } from '../http2/hpack/decoder.ts';

const raw = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
const echo = {
  unary: { path: '/test.Echo/Unary', requestStream: false, responseStream: false, ...raw },
  both: { path: '/test.Echo/Both', requestStream: true, responseStream: true, ...raw },
  missing: { path: '/test.Echo/Missing', requestStream: false, responseStream: false, ...raw },
} satisfies ServiceDefinition;

test('gRPC: unary calls, streams both ways, errors with their code and metadata, with a client certificate', async (t) => {
  const certificates: string[] = [];
  const unary: handleUnaryCall<Buffer, Buffer> = (call, done) => {
    certificates.push(call.metadata.get('x-client-cert').join());
    const trailer = new Metadata();
    trailer.set('x-trailer', 'yes');
    if (call.request.toString() === 'fail') done({ code: 5, details: 'not here', metadata: trailer });
    else done(null, call.request, trailer);
  };
  const both: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (message: Buffer) => call.write(Buffer.concat([Buffer.from('>'), message])));
    call.on('end', () => call.end());
  };
  const server = new Server();
  server.addService({ unary: echo.unary, both: echo.both }, { unary, both });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const gate = await startGate([profileOf(pki, port, { backend: { protocol: 'H2C' } })]);
  const { certificate, keyPem, chainPem } = pki.client('good');
  const Client = makeGenericClientConstructor(echo, 'Echo');
  const client = new Client(
    `127.0.0.1:${gate.port}`,
    credentials.createSsl(Buffer.from(pki.root.certificate.pem), Buffer.from(keyPem), Buffer.from(chainPem)),
    { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' },
  );
  t.after(async () => {
    client.close();
    await gate.close();
    server.forceShutdown();
  });
  const forged = new Metadata();
  forged.set('x-client-cert', 'forged');
  const call = (path: string, message: string) =>
    new Promise<unknown>((resolve) => {
      let trailer: unknown;
      const made: ClientUnaryCall = client.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(message),
        forged,
        (error: ServiceError | null, value?: Buffer) =>
          // The status comes a turn behind the answer.
          setImmediate(() =>
            resolve(
              error === null
                ? [value?.toString(), trailer]
                : [error.code, error.details, error.metadata.get('x-trailer')],
            ),
          ),
      );
      made.on('status', (status) => {
        trailer = status.metadata.get('x-trailer');
      });
    });
  assert.deepEqual(await call('/test.Echo/Unary', 'hello'), ['hello', ['yes']]);
  assert.deepEqual(await call('/test.Echo/Unary', 'fail'), [5, 'not here', ['yes']]);
  assert.deepEqual(await call('/test.Echo/Missing', 'x'), [
    12,
    'The server does not implement the method /test.Echo/Missing',
    [],
  ]);
  assert.deepEqual(await call('/test.Echo/Unary', 'x'.repeat(1_000_000)), ['x'.repeat(1_000_000), ['yes']]);
  assert.deepEqual(
    certificates,
    Array.from({ length: 3 }, () => encodeURIComponent(certificate.pem)),
  );

  const stream = client.makeBidiStreamRequest('/test.Echo/Both', same, same);
  const got: string[] = [];
  stream.on('data', (message: Buffer) => {
    got.push(message.toString());
  });
  for (const message of ['1', '2', '3']) {
    stream.write(Buffer.from(message));
    await until(`the echo of ${message}`, () => got.at(-1) === `>${message}`);
  }
  const over = new Promise<number>((resolve) => stream.once('status', ({ code }) => resolve(code)));
  stream.end();
  assert.equal(await over, 0);
});

const hello = frame(frameTypes.settings, 0, 0).toString('latin1') + frame(frameTypes.settings, 1, 0).toString('latin1');
const ok = frame(frameTypes.headers, 4 | endStream, 1, Buffer.of(0x88)).toString('latin1');

for (const [name, leave] of [
  ['resets its stream', 'reset'],
  ['closes its connection', 'close'],
] as const) {
  test(`an upload over H2C whose client ${name} is reset at the application, never ended`, async (t) => {
    const world = await startWorld(t, {
      respond: (text) => (text.startsWith('PRI ') ? hello : undefined),
      profile: { backend: { protocol: 'H2C' } },
    });
    // By hand: Node's own client ends a stream before it resets it.
    const client = new Http2Frames(
      await connectTo(world.gate.port, pki, pki.client('good'), { ALPNProtocols: ['h2'] }),
    );
    const post = [':method', 'POST', ':scheme', 'https', ':authority', 'localhost', ':path', '/'];
    client.headers(
      1,
      [0, 2, 4, 6].map((i) => [post[i] ?? '', post[i + 1] ?? ''] as const),
      endHeaders,
    );
    client.send(frame(frameTypes.data, 0, 1, Buffer.from('hello')));
    await until('the part', () => world.app.received.join('').includes('hello'));
    if (leave === 'reset') client.send(frame(frameTypes.reset, 0, 1, Buffer.of(0, 0, 0, 8)));
    else client.socket.destroy();
    await until('the end of it', () => world.app.open() === 0 || resets(world.app.received[0]) > 0);
    const ended = readFrames(world.app.received[0] ?? '').filter(
      ({ type, flags }) => (type === frameTypes.data || type === frameTypes.headers) && (flags & endStream) !== 0,
    );
    assert.deepEqual(ended, []);
    client.socket.destroy();
  });
}

test('a field that the client lets into no table goes into none on the way to the application, when it is repeated too', async (t) => {
  const world = await startWorld(t, {
    respond: (text) =>
      (text.startsWith('PRI ') ? hello : '') +
      readFrames(text)
        .filter(({ type }) => type === frameTypes.headers)
        .map(({ stream }) => frame(frameTypes.headers, 4 | endStream, stream, Buffer.of(0x88)).toString('latin1'))
        .join(''),
    profile: { backend: { protocol: 'H2C' } },
  });
  const session = await connectHttp2(t, world);
  const secret = { 'x-secret': 'word', 'x-open': 'word' };
  await ask(session, { ...secret, [sensitiveHeaders]: ['x-secret'] });
  await ask(session, secret);
  await ask(session, { ...secret, [sensitiveHeaders]: ['x-secret'] });
  const decoder = new HpackDecoder({ maxTableBytes: 4096 });
  const sent = readFrames(world.app.received.join('')).filter(({ type }) => type === frameTypes.headers);
  assert.deepEqual(
    sent.map(({ payload }) => decoder.decode(payload, { maxListBytes: 16_384, maxFields: 100 }).neverIndexed),
    [['x-secret'], [], ['x-secret']],
  );
  session.destroy();
});

test('requests at the same time share one connection to the application, which ends with the client', async (t) => {
  const world = await startWorld(t, {
    respond: (text) => {
      if (text.startsWith('PRI ')) return hello + answers(text);
      return answers(text);
    },
    profile: { backend: { protocol: 'H2C' } },
  });
  const answered = new Set<number>();
  function answers(text: string): string {
    let out = '';
    for (const { type, stream } of readFrames(text)) {
      if (type !== frameTypes.headers || answered.has(stream)) continue;
      answered.add(stream);
      out += frame(frameTypes.headers, 4 | endStream, stream, Buffer.of(0x88)).toString('latin1');
    }
    return out;
  }
  const session = await connectHttp2(t, world);
  const got = await Promise.all([ask(session, {}), ask(session, {}), ask(session, {})]);
  assert.deepEqual(
    got.map(({ status, end }) => [status, end]),
    [
      [200, 'end'],
      [200, 'end'],
      [200, 'end'],
    ],
  );
  assert.equal(world.app.received.length, 1);
  session.destroy();
  await until('the application to be left', () => world.app.open() === 0);
});

test('an answer of H2C reaches an HTTP/1.1 client, whose next request finds the session again', async (t) => {
  const world = await startWorld(t, {
    respond: (text) => {
      if (text.startsWith('PRI ')) return hello + ok;
      const [last] = readFrames(text).filter(({ type }) => type === frameTypes.headers);
      if (last === undefined) return undefined;
      const block = Buffer.concat([Buffer.of(0x88), fieldBlock([['x-a', '1']])]);
      return (
        frame(frameTypes.headers, 4, last.stream, block).toString('latin1') +
        frame(frameTypes.data, endStream, last.stream, Buffer.from('hi')).toString('latin1')
      );
    },
    profile: { backend: { protocol: 'H2C' } },
  });
  const client = await world.talk();
  client.send(get('/'));
  // It ended with its head: without a length the next answer would be its body.
  assert.equal(await client.take('\r\n\r\n'), 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n');
  client.send(get('/'));
  assert.equal(
    await client.take('0\r\n\r\n'),
    'HTTP/1.1 200 \r\nx-a: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  );
  assert.equal(world.app.received.length, 1);
});

test('an application that resets, or closes, is a 502; one that is not there a 503', async (t) => {
  for (const what of ['reset', 'close'] as const) {
    const world = await startWorld(t, {
      respond: (text, socket) => {
        if (!text.startsWith('PRI ')) return undefined;
        if (what === 'close') socket.destroy();
        return hello + frame(frameTypes.reset, 0, 1, Buffer.of(0, 0, 0, 2)).toString('latin1');
      },
      profile: { backend: { protocol: 'H2C' } },
    });
    const client = await world.talk();
    client.send(get('/'));
    assert.match(await client.take('answer\n'), /^HTTP\/1\.1 502 /);
  }
  const gone = await startWorld(t, { profile: { backend: { protocol: 'H2C', target: { port: 1 } } } });
  const client = await gone.talk();
  client.send(get('/'));
  assert.match(await client.take('reached\n'), /^HTTP\/1\.1 503 /);
});

const twice: readonly {
  name: string;
  frames: (stream: number) => readonly Buffer[];
}[] = [
  {
    name: 'a hint',
    frames: (stream) => [
      frame(frameTypes.headers, endHeaders, stream, fieldBlock([[':status', '103'], ...twoTags])),
      frame(frameTypes.headers, endHeaders | endStream, stream, fieldBlock([[':status', '200']])),
    ],
  },
  {
    name: 'an answer',
    frames: (stream) => [
      frame(frameTypes.headers, endHeaders | endStream, stream, fieldBlock([[':status', '200'], ...twoTags])),
    ],
  },
  {
    name: 'trailers',
    frames: (stream) => [
      frame(frameTypes.headers, endHeaders, stream, fieldBlock([[':status', '200']])),
      frame(frameTypes.data, 0, stream, Buffer.from('hi')),
      frame(frameTypes.headers, endHeaders | endStream, stream, fieldBlock(twoTags)),
    ],
  },
];
for (const { name, frames } of twice) {
  test(`what an application says twice is passed on as it is, which is the client's to judge: ${name}`, async (t) => {
    const world = await startWorld(t, {
      respond: (text) => {
        const asked = readFrames(text).filter(({ type }) => type === frameTypes.headers);
        const sent = asked.flatMap(({ stream }) => frames(stream)).map((bytes) => bytes.toString('latin1'));
        return (text.startsWith('PRI ') ? hello : '') + sent.join('');
      },
      profile: { backend: { protocol: 'H2C' } },
    });
    const session = await connectHttp2(t, world);
    for (let i = 0; i < 2; i += 1) {
      const stream = session.request({});
      const tags: (string | undefined)[] = [];
      for (const event of ['headers', 'response', 'trailers'] as const) {
        stream.on(event, (_fields: unknown, _flags: number, raw: string[] = []) => {
          for (let at = 0; at < raw.length; at += 2) if (raw[at] === 'etag') tags.push(raw[at + 1]);
        });
      }
      const { status, end } = await answerOf(stream);
      assert.deepEqual([status, end, tags], [200, 'end', ['"a"', '"b"']]);
    }
  });
}

test('a WebSocket to an H2C application is a 502', async (t) => {
  const world = await startWorld(t, { respond: () => hello, profile: { backend: { protocol: 'H2C' } } });
  const client = await world.talk();
  client.send(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
  assert.match(await client.take('answer\n'), /^HTTP\/1\.1 502 /);
});

const twoTags: readonly (readonly [string, string])[] = [
  ['etag', '"a"'],
  ['etag', '"b"'],
];

function same(message: Buffer): Buffer {
  return message;
}

function resets(received: string | undefined): number {
  return readFrames(received ?? '').filter(({ type }) => type === frameTypes.reset).length;
}
