import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import {
  Client,
  credentials,
  type Deadline,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { openShop, type Shop } from '../support/shop.ts';
import { until } from '../support/until.ts';

/** grpc-js on both sides; messages are bytes, so that no generated code is needed. */
const asIs = (bytes: Buffer) => bytes;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
const service = {
  echo: method('/test.Echo/Echo', false, false),
  fail: method('/test.Echo/Fail', false, false),
  collect: method('/test.Echo/Collect', true, false),
  count: method('/test.Echo/Count', false, true),
  chat: method('/test.Echo/Chat', true, true),
  never: method('/test.Echo/Never', false, true),
};

suite('gRPC through the gate to an application that speaks H2C', () => {
  let shop: Shop;
  let server: Server;
  let client: Client;
  const certificates: unknown[] = [];
  /** Calls that the application gave up because their client did. */
  let cancelled: string[];
  const deadlines: Deadline[] = [];
  before(async () => {
    cancelled = [];
    server = new Server();
    server.addService(service, {
      echo: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        certificates.push(call.metadata.get('x-client-cert'));
        const trailers = new Metadata();
        trailers.set('checksum', String(call.request.length));
        trailers.set('raw-bin', Buffer.of(0, 1, 255));
        done(null, call.request, trailers);
      },
      fail: (_call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        done({ code: status.FAILED_PRECONDITION, details: 'not today: 100 % no' });
      },
      collect: (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        const parts: Buffer[] = [];
        call.on('data', (message: Buffer) => parts.push(message));
        call.on('end', () => done(null, Buffer.from(parts.map(String).join('+'))));
      },
      count: (call: ServerWritableStream<Buffer, Buffer>) => {
        const trailers = new Metadata();
        const upTo = Number(call.request.toString());
        trailers.set('sent', String(upTo));
        for (let i = 1; i <= upTo; i += 1) call.write(Buffer.alloc(10_000, String(i)));
        call.end(trailers);
      },
      chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.end());
        call.on('cancelled', () => cancelled.push('chat'));
      },
      never: (call: ServerWritableStream<Buffer, Buffer>) => {
        call.write(call.request);
        deadlines.push(call.getDeadline());
        call.on('cancelled', () => cancelled.push('never'));
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    shop = await openShop({ appPort: port, backend: '    protocol: H2C' });
    client = new Client(
      `127.0.0.1:${shop.sidecar.port}`,
      credentials.createSsl(
        readFileSync(shop.ca.bundle),
        readFileSync(shop.client.key),
        readFileSync(shop.client.chain),
      ),
      { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' },
    );
  });
  after(async () => {
    client?.close();
    server.forceShutdown();
    await shop?.close();
  });

  const unary = (name: 'echo' | 'fail', message: Buffer) =>
    new Promise<{ error: unknown; message: Buffer | undefined; trailers: Metadata }>((resolve) => {
      let trailers = new Metadata();
      let result: { error: unknown; message: Buffer | undefined } | undefined;
      const finish = () => {
        if (result !== undefined) resolve({ ...result, trailers });
      };
      const metadata = new Metadata();
      metadata.set('x-client-cert', 'forged');
      client
        .makeUnaryRequest(service[name].path, asIs, asIs, message, metadata, (error, answer) => {
          result = { error, message: answer };
        })
        .on('status', ({ metadata: received }) => {
          trailers = received;
          setImmediate(finish);
        });
    });

  test('a unary call is echoed with its trailers, and the application got our certificate header', async () => {
    const payload = Buffer.alloc(200_000, 'grpc');
    const { error, message, trailers } = await unary('echo', payload);
    assert.equal(error, null);
    assert.ok(message?.equals(payload));
    assert.deepEqual(trailers.get('checksum'), ['200000']);
    assert.deepEqual(trailers.get('raw-bin'), [Buffer.of(0, 1, 255)]);
    assert.deepEqual(certificates, [[encodeURIComponent(shop.client.pem)]]);
  });

  test('a failed call keeps its status and its details', async () => {
    const { error } = await unary('fail', Buffer.from('x'));
    const { code, details } = error as { code: number; details: string };
    assert.deepEqual({ code, details }, { code: status.FAILED_PRECONDITION, details: 'not today: 100 % no' });
  });

  test('messages of a bidirectional stream go both ways while it is open', async () => {
    const call = client.makeBidiStreamRequest(service.chat.path, asIs, asIs);
    for (const text of ['one', 'two', 'three']) {
      const answer = new Promise<Buffer>((resolve) => {
        call.once('data', (message: Buffer) => resolve(message));
      });
      call.write(Buffer.from(text));
      assert.equal((await answer).toString(), text);
    }
    const ended = new Promise<number>((resolve) => {
      call.on('status', ({ code }) => resolve(code));
    });
    call.on('data', () => undefined);
    call.end();
    assert.equal(await ended, status.OK);
  });

  test('a stream of the client is one answer', async () => {
    const answer = new Promise<Buffer | undefined>((resolve, reject) => {
      const call = client.makeClientStreamRequest(service.collect.path, asIs, asIs, (error, message) =>
        error === null ? resolve(message) : reject(error),
      );
      for (const text of ['one', 'two', 'three']) call.write(Buffer.from(text));
      call.end();
    });
    assert.equal((await answer)?.toString(), 'one+two+three');
  });

  test('a stream of the application comes whole and in order, then its trailers', async () => {
    const call = client.makeServerStreamRequest(service.count.path, asIs, asIs, Buffer.from('300'));
    const received: string[] = [];
    call.on('data', (message: Buffer) => {
      assert.equal(message.length, 10_000);
      received.push(message.toString('latin1', 0, 3));
    });
    const { code, metadata } = await statusOf(call);
    assert.deepEqual([code, metadata.get('sent')], [status.OK, ['300']]);
    const want = Array.from({ length: 300 }, (_, i) =>
      String(i + 1)
        .repeat(3)
        .slice(0, 3),
    );
    assert.deepEqual(received, want);
  });

  test('a call that its client cancels is cancelled for the application', async () => {
    const call = client.makeBidiStreamRequest(service.chat.path, asIs, asIs);
    call.write(Buffer.from('hello'));
    await new Promise((resolve) => {
      call.once('data', resolve);
    });
    cancelled.length = 0;
    const ended = statusOf(call);
    call.cancel();
    assert.equal((await ended).code, status.CANCELLED);
    await until(() => cancelled.length > 0 || undefined, 'the cancellation');
    assert.deepEqual(cancelled, ['chat']);
  });

  test('a deadline reaches the application, and ends the call on both sides', async () => {
    cancelled.length = 0;
    const call = client.makeServerStreamRequest(service.never.path, asIs, asIs, Buffer.from('begun'), new Metadata(), {
      deadline: Date.now() + 500,
    });
    const received: string[] = [];
    call.on('data', (message: Buffer) => received.push(message.toString()));
    assert.equal((await statusOf(call)).code, status.DEADLINE_EXCEEDED);
    assert.deepEqual(received, ['begun']);
    await until(() => cancelled.length > 0 || undefined, 'the cancellation');
    assert.deepEqual(cancelled, ['never']);
    assert.ok(Number(deadlines[0]) < Number.POSITIVE_INFINITY, String(deadlines[0]));
  });

  test('an open stream stops no other call of its connection', async () => {
    const open = client.makeBidiStreamRequest(service.chat.path, asIs, asIs);
    open.on('error', () => undefined);
    open.write(Buffer.from('open'));
    await new Promise((resolve) => {
      open.once('data', resolve);
    });
    const many = await Promise.all(Array.from({ length: 50 }, (_, i) => unary('echo', Buffer.from(`call ${i}`))));
    assert.deepEqual(
      many.map(({ message }) => message?.toString()),
      Array.from({ length: 50 }, (_, i) => `call ${i}`),
    );
    open.cancel();
  });
});

/** How a call ended; its own 'error' says the same. */
function statusOf(call: EventEmitter): Promise<StatusObject> {
  call.on('error', () => undefined);
  return new Promise((resolve) => {
    call.on('status', resolve);
  });
}
