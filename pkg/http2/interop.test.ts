import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { ServerSession } from './session.ts';
import type { RequestFields, ServerStream, StreamHandler } from './stream.ts';

/** Node's client, and a session on the other end of its connection, which sends every body back behind a head of its own. */
async function echo(t: { after: (end: () => void) => void }) {
  const events: string[] = [];
  const { promise, resolve } = Promise.withResolvers<ServerSession>();
  const server = createServer((socket) => resolve(serve(socket, events))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(`http://127.0.0.1:${port}`);
  t.after(() => {
    client.destroy();
    server.close();
  });
  return { client, session: await promise, events };
}

function serve(socket: Socket, events: string[]): ServerSession {
  const session = new ServerSession(
    {
      maxConcurrentStreams: 100,
      streamWindow: 65_535,
      sessionWindow: 100_000,
      maxHeldBytes: 1_000_000,
      maxListBytes: 16_384,
      maxFields: 100,
      now: () => 0,
      schedule: setImmediate,
    },
    {
      write: (bytes) => socket.write(bytes),
      taken: false,
      holdInput: () => events.push('hold'),
      end: () => socket.end(),
    },
    {
      request: (stream, head) => {
        const echoing = new Echo(stream, head, events);
        if (head.endStream) stream.end();
        return echoing;
      },
      flooded: (flood) => events.push(flood),
      failed: (code, reason) => events.push(`${code} ${reason}`),
    },
  );
  socket.on('data', (chunk: Buffer) => session.receive(chunk));
  socket.on('drain', () => session.drained());
  socket.on('error', () => undefined);
  socket.on('close', () => session.close());
  return session;
}

class Echo implements StreamHandler {
  readonly #stream: ServerStream;
  readonly #events: string[];

  constructor(stream: ServerStream, head: RequestFields, events: string[]) {
    this.#stream = stream;
    this.#events = events;
    const at = head.fields.indexOf(':path');
    stream.respond([':status', '200', 'x-path', head.fields[at + 1] ?? ''], false);
  }

  data(chunk: Buffer): void {
    if (!this.#stream.write(chunk, true)) this.#stream.pause();
  }

  end(trailers: readonly string[]): void {
    this.#stream.end(trailers);
  }

  writable(): void {
    this.#stream.resume();
  }

  closed(code: number | undefined): void {
    this.#events.push(`closed ${this.#stream.id} ${code}`);
  }
}

const MiB = 1_048_576;

test('Node gets every octet back, over many streams at once and with small windows', async (t) => {
  const { client, session, events } = await echo(t);
  const bodies = Array.from({ length: 20 }, (_, i) => Buffer.alloc(i * 50_000, `${i}-`));
  const answers = await Promise.all(
    bodies.map(async (body, i) => {
      const stream = client.request({ ':method': 'POST', ':path': `/${i}` });
      const head = new Promise<IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
      stream.end(body);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      return [(await head)['x-path'], Buffer.concat(chunks)] as const;
    }),
  );
  answers.forEach(([path, body], i) => {
    assert.equal(path, `/${i}`);
    assert.ok(body.equals(bodies[i] ?? Buffer.alloc(0)), `body ${i} of ${body.length} octets`);
  });
  assert.equal(session.streamCount, 0);
  assert.deepEqual(
    events.filter((event) => !/^closed \d+ undefined$/.test(event)),
    [],
  );
});

test('Node sees the code of a reset, and the session that closes when it is told to drain', async (t) => {
  const { client, session } = await echo(t);
  const stream = client.request({ ':method': 'POST', ':path': '/' });
  await new Promise((resolve) => stream.once('response', resolve));
  const goaway = new Promise((resolve) => client.once('goaway', resolve));
  session.drain();
  assert.equal(await goaway, constants.NGHTTP2_NO_ERROR);
  const closed = new Promise((resolve) => client.once('close', resolve));
  stream.end(Buffer.alloc(MiB));
  let received = 0;
  for await (const chunk of stream) received += chunk.length;
  assert.equal(received, MiB);
  await closed;
});
