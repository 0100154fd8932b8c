import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '../../test/support/gate.ts';
import { GatheredWrites } from './gathered-writes.ts';

const cases: readonly { name: string; chunked: boolean; turns: readonly (readonly string[])[]; want: string }[] = [
  { name: 'one piece', chunked: false, turns: [['head', 'body']], want: 'headbody' },
  { name: 'one piece as a chunk', chunked: true, turns: [['head', 'body']], want: 'head4\r\nbody\r\n' },
  {
    name: 'what comes in one turn is one chunk',
    chunked: true,
    turns: [['head', 'a', 'b'.repeat(15)]],
    want: `head10\r\na${'b'.repeat(15)}\r\n`,
  },
  {
    name: 'a turn each is a chunk each',
    chunked: true,
    turns: [['head'], ['a'], ['bc']],
    want: 'head1\r\na\r\n2\r\nbc\r\n',
  },
  {
    name: 'more than a buffer holds is cut',
    chunked: true,
    turns: [['head', 'a'.repeat(61_441)]],
    want: `headf000\r\n${'a'.repeat(61_440)}\r\n1\r\na\r\n`,
  },
  { name: 'nothing between is no chunk', chunked: true, turns: [['head', ''], ['a']], want: 'head1\r\na\r\n' },
];
for (const { name, chunked, turns, want } of cases) {
  test(`gathered: ${name}`, async (t) => {
    const { socket, received } = await pair(t);
    const writes = new GatheredWrites(socket);
    writes.chunked = chunked;
    const lent = Buffer.alloc(61_441);
    const [[head = '', ...first] = [], ...rest] = turns;
    writes.head(Buffer.from(head));
    for (const parts of [first, ...rest]) {
      for (const part of parts) {
        writes.push(lent.subarray(0, lent.write(part)));
        lent.fill(0);
      }
      await turn();
    }
    await until('all', () => received().length >= want.length);
    assert.equal(received(), want);
  });
}

test('a flush does not wait for the end of the turn', async (t) => {
  const { socket, received } = await pair(t);
  const writes = new GatheredWrites(socket);
  writes.push(Buffer.from('first'));
  writes.flush();
  socket.write(', second');
  await until('all', () => received() === 'first, second');
});

test('an application that does not read is waited for, and bytes that come one by one cost their number', async (t) => {
  const { socket, received, read } = await pair(t, { paused: true });
  const writes = new GatheredWrites(socket);
  const filler = Buffer.alloc(32_768, 'f');
  let sent = 0;
  while (socket.writableLength === 0) {
    writes.push(filler);
    sent += filler.length;
    await turn();
  }
  const stuck = socket.writableLength;
  const filled = sent;
  const one = Buffer.from('x');
  let asked = true;
  for (let i = 0; i < 200 && asked; i++) {
    asked = writes.push(one);
    sent += 1;
    await turn();
  }
  assert.equal(socket.writableLength, stuck, 'nothing is added to the queue in pieces');
  while (asked) {
    asked = writes.push(one);
    sent += 1;
  }
  assert.ok(socket.writableLength <= 3 * 61_440, `${socket.writableLength} bytes wait`);
  const drained = once(socket, 'drain');
  read();
  await drained;
  writes.flush();
  await until('all', () => received().length === sent);
  assert.equal(received(), 'f'.repeat(filled) + 'x'.repeat(sent - filled));
});

test('what is gathered for a socket that is gone goes nowhere', async (t) => {
  const { socket } = await pair(t);
  const errors: Error[] = [];
  socket.on('error', (error) => errors.push(error));
  const writes = new GatheredWrites(socket);
  writes.push(Buffer.from('late'));
  socket.destroy();
  await turn();
  await turn();
  assert.deepEqual(errors, []);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function pair(t: TestContext, { paused = false } = {}) {
  let text = '';
  let peer: Socket | undefined;
  const server = createServer({ pauseOnConnect: paused }, (accepted) => {
    peer = accepted;
    accepted.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    if (paused) accepted.pause();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  await until('the peer', () => peer !== undefined);
  t.after(() => {
    socket.destroy();
    peer?.destroy();
    server.close();
  });
  return { socket, received: () => text, read: () => peer?.resume() };
}
