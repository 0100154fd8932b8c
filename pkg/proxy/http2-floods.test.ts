import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connectTo, until } from '../../test/support/gate.ts';
import { ask, connectHttp2 } from '../../test/support/http2-client.ts';
import { endHeaders, endStream, fieldBlock, frame, frameTypes, Http2Frames } from '../../test/support/http2-frames.ts';
import { pki, startWorld, type World } from '../../test/support/talk.ts';

/*
 * What a client may do too often: before a whole gate, each ends that client's connection, is counted, and costs the
 * application nothing. Thresholds are pkg/http2's.
 */
const fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
] as const;
const block = fieldBlock(fields);
const upload = frame(frameTypes.headers, endHeaders, 1, fieldBlock([[':method', 'POST'], ...fields.slice(1)]));
const u32 = (value: number) => Buffer.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
const cancel = 8;
const continuation = 9;
const ack = 1;

function many(count: number, make: (i: number) => readonly Buffer[]): readonly Buffer[] {
  return Array.from({ length: count }, (_, i) => make(i)).flat();
}

const floods: readonly {
  readonly name: string;
  readonly cause: string;
  readonly frames: readonly Buffer[];
  /** How many requests may have reached the application. */
  readonly arrived?: number;
}[] = [
  {
    name: 'streams that are reset at once',
    cause: 'resets',
    frames: many(1000, (i) => [
      frame(frameTypes.headers, endHeaders | endStream, 2 * i + 1, block),
      frame(frameTypes.reset, 0, 2 * i + 1, u32(cancel)),
    ]),
    arrived: 100,
  },
  {
    name: 'streams that the client makes the gate reset',
    cause: 'resets',
    frames: many(1000, (i) => [
      frame(frameTypes.headers, endHeaders, 2 * i + 1, block),
      // A window update of nothing is an error of the stream (RFC 9113 6.9).
      frame(frameTypes.windowUpdate, 0, 2 * i + 1, u32(0)),
    ]),
    arrived: 150,
  },
  {
    name: 'streams beyond those that are allowed at once',
    cause: 'refused-streams',
    // Behind the acknowledgement of the limit: who has not heard of it is at no fault.
    frames: [
      frame(frameTypes.settings, ack, 0),
      ...many(1000, (i) => [frame(frameTypes.headers, endHeaders, 2 * i + 1, block)]),
    ],
    arrived: 100,
  },
  {
    name: 'streams beyond those, by a client that never acknowledges the limit',
    cause: 'refused-streams',
    frames: many(3000, (i) => [frame(frameTypes.headers, endHeaders, 2 * i + 1, block)]),
    arrived: 100,
  },
  { name: 'pings', cause: 'pings', frames: many(5000, () => [frame(frameTypes.ping, 0, 0, Buffer.alloc(8))]) },
  { name: 'settings', cause: 'settings', frames: many(1000, () => [frame(frameTypes.settings, 0, 0)]) },
  {
    name: 'priorities',
    cause: 'ignored-frames',
    frames: many(5000, () => [frame(frameTypes.priority, 0, 1, Buffer.from([0, 0, 0, 0, 16]))]),
  },
  { name: 'frames of no known type', cause: 'ignored-frames', frames: many(5000, () => [frame(0xfa, 0, 0)]) },
  {
    name: 'body frames without a body',
    cause: 'empty-frames',
    frames: [upload, ...many(1000, () => [frame(frameTypes.data, 0, 1)])],
    arrived: 1,
  },
  {
    name: 'window updates of one octet',
    cause: 'window-updates',
    frames: many(5000, () => [frame(frameTypes.windowUpdate, 0, 0, u32(1))]),
  },
  {
    name: 'a head in pieces without end',
    cause: 'continuation',
    frames: [
      frame(frameTypes.headers, endStream, 1, block),
      ...many(1000, () => [frame(continuation, 0, 1, fieldBlock([['x', '']]))]),
    ],
  },
  {
    name: 'a head in empty pieces without end',
    cause: 'continuation',
    frames: [frame(frameTypes.headers, endStream, 1, block), ...many(1000, () => [frame(continuation, 0, 1)])],
  },
];

for (const { name, cause, frames, arrived = 0 } of floods) {
  test(`a flood of HTTP/2 ends its connection, counted as ${cause}: ${name}`, async (t) => {
    const world = await startWorld(t, { respond: () => undefined });
    const client = await connect(t, world);
    client.send(...frames);
    await until('the end of the connection', () => client.closed);
    const goaways = client.frames.filter(({ type }) => type === frameTypes.goaway);
    assert.deepEqual(
      goaways.map(({ payload }) => payload.readUInt32BE(4)),
      [11],
    );
    assert.deepEqual(await closedBy(world), { [cause]: 1 });
    await until('the application to be left', () => world.app.open() === 0);
    assert.ok(world.app.received.length <= arrived, `${world.app.received.length} requests arrived`);
  });
}

test('a head that HPACK makes a thousand times as long is refused, and the next one is served', async (t) => {
  const world = await startWorld(t);
  const client = await connect(t, world);
  const name = Buffer.from('x-a');
  const value = Buffer.alloc(3900, 'a');
  // Literal with indexing, its length in three octets; then the first entry of the dynamic table again and again.
  const entry = Buffer.concat([Buffer.of(0x40, name.length), name, Buffer.of(0x7f, 0xbd, 0x1d), value]);
  const bomb = Buffer.concat([block, entry, Buffer.alloc(12_000, 0xbe)]);
  client.send(frame(frameTypes.headers, endHeaders | endStream, 1, bomb));
  assert.equal(await client.outcome(1), 'other');
  assert.deepEqual(world.app.received, []);
  client.headers(3, fields);
  assert.equal(await client.outcome(3), '200');
  const malformed = await world.gate.metrics.malformed.get();
  assert.deepEqual(
    malformed.values.map(({ labels, value: count }) => [labels.code, count]),
    [['431', 1]],
  );
});

test('what breaks the rules of the connection ends it, counted as protocol', async (t) => {
  const world = await startWorld(t);
  const client = await connect(t, world);
  client.send(frame(frameTypes.data, 0, 0, Buffer.from('x')));
  await until('the end of the connection', () => client.closed);
  assert.deepEqual(await closedBy(world), { protocol: 1 });
});

test('a client that is busy, and asks for much, is no flood', async (t) => {
  const world = await startWorld(t);
  const session = await connectHttp2(t, world);
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(session, {})));
    assert.ok(answers.every(({ body }) => body === 'ok'));
    await new Promise((resolve) => session.ping(resolve));
  }
  assert.deepEqual(await closedBy(world), {});
});

async function connect(t: TestContext, world: World): Promise<Http2Frames> {
  const socket = await connectTo(world.gate.port, pki, pki.client('good'), { ALPNProtocols: ['h2'] });
  t.after(() => socket.destroy());
  return new Http2Frames(socket);
}

async function closedBy(world: World): Promise<Readonly<Record<string, number>>> {
  const { values } = await world.gate.metrics.closed.get();
  return Object.fromEntries(values.map(({ labels, value }) => [labels.cause, value]));
}
