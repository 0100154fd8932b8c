import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { openShop, type Shop } from '../support/shop.ts';

/** grpc-js on both sides; messages are bytes, so that no generated code is needed. */
const asIs = (bytes: Buffer) => bytes;
const method = (path: string, streams: boolean) => ({
  path,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
const service = {
  echo: method('/test.Echo/Echo', false),
  fail: method('/test.Echo/Fail', false),
  chat: method('/test.Echo/Chat', true),
};

suite('gRPC through the gate to an application that speaks H2C', () => {
  let shop: Shop;
  let server: Server;
  let client: Client;
  const certificates: unknown[] = [];
  before(async () => {
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
      chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.end());
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
});
