import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { defaultBackend, FakeOcsp, goodStatus, ManualClock, until } from '../../test/support/gate.ts';
import { answer, askingOcsp, get, startWorld } from '../../test/support/talk.ts';
import type { RevocationStatus } from '../ocsp/status.ts';

const post = 'POST / HTTP/1.1\r\nHost: localhost\r\n';
const { timeouts } = defaultBackend;

test('half a head is a 408 after its time, and nothing before', async (t) => {
  const clock = new ManualClock();
  const { app, gate, talk } = await startWorld(t, {
    clock,
    profile: { backend: { timeouts: { ...timeouts, headMs: 1000, idleMs: 0 } } },
  });
  const client = await talk();
  client.send('GET / HTTP/1.1\r\nHost: local');
  await settled();
  clock.advance(900);
  client.send('host\r\n');
  await settled();
  clock.advance(99);
  gate.gate.sweep();
  await settled();
  assert.equal(client.text, '');
  clock.advance(2);
  gate.gate.sweep();
  assert.match(await client.rest(), /^HTTP\/1\.1 408 [^]*\r\nConnection: close\r\n/);
  assert.deepEqual(app.received, []);
});

test('a body that stops is a 408 after the idle time, broken off at the application', async (t) => {
  const clock = new ManualClock();
  const { app, gate, talk } = await startWorld(t, {
    clock,
    respond: () => undefined,
    profile: { backend: { timeouts: { ...timeouts, idleMs: 1000 } } },
  });
  const client = await talk();
  client.send(`${post}Content-Length: 10\r\n\r\nhello`);
  await until('the part', () => app.received.join('').endsWith('hello'));
  clock.advance(1001);
  gate.gate.sweep();
  assert.match(await client.rest(), /^HTTP\/1\.1 408 /);
  await until('the application to be left', () => app.open() === 0);
});

test('a kept connection without a request is closed after the idle time', async (t) => {
  const clock = new ManualClock();
  const { app, gate, talk } = await startWorld(t, {
    clock,
    profile: { backend: { timeouts: { ...timeouts, idleMs: 1000 } } },
  });
  const client = await talk();
  client.send(get('/'));
  await client.take('ok');
  clock.advance(999);
  gate.gate.sweep();
  client.send(get('/'));
  await client.take('ok');
  clock.advance(1001);
  gate.gate.sweep();
  assert.equal(await client.rest(), '');
  await until('the application to be left', () => app.open() === 0);
});

test('a request that takes longer than the whole may is a 504', async (t) => {
  const clock = new ManualClock();
  const { app, gate, talk } = await startWorld(t, {
    clock,
    respond: () => undefined,
    profile: { backend: { timeouts: { ...timeouts, responseMs: 0, requestMs: 1000 } } },
  });
  const client = await talk();
  client.send(get('/'));
  await until('the request', () => app.received.join('').includes('\r\n\r\n'));
  clock.advance(1001);
  gate.gate.sweep();
  assert.match(await client.rest(), /^HTTP\/1\.1 504 [^]*longer than its limit/);
  await until('the application to be left', () => app.open() === 0);
});

test('an old connection is told to close with its next answer', async (t) => {
  const clock = new ManualClock();
  const waiting: Socket[] = [];
  const { gate, talk } = await startWorld(t, {
    clock,
    respond: (text, socket) => {
      if (text.endsWith('\r\n\r\n')) waiting.push(socket);
      return undefined;
    },
    profile: { backend: { timeouts: { ...timeouts, responseMs: 0, connectionAgeMs: 1000 } } },
  });
  const client = await talk();
  client.send(get('/'));
  await until('the request', () => waiting.length === 1);
  clock.advance(1001);
  gate.gate.sweep();
  waiting[0]?.write(answer('ok'));
  assert.equal(await client.rest(), 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
});

test('an application that does not read an upload for the idle time is a 504', async (t) => {
  const clock = new ManualClock();
  const { gate, talk } = await startWorld(t, {
    clock,
    respond: (_text, socket) => {
      socket.pause();
      return undefined;
    },
    profile: { backend: { timeouts: { ...timeouts, idleMs: 1000 } } },
  });
  const client = await talk();
  client.send(`${post}Content-Length: 100000000\r\n\r\n`);
  await pumpUntilStuck(client.socket);
  clock.advance(1001);
  gate.gate.sweep();
  client.socket.on('error', () => undefined);
  assert.match(await client.rest(), /^HTTP\/1\.1 504 /);
});

test('an upload to an application that reads slowly is held back, not kept in memory', async (t) => {
  let reading: Socket | undefined;
  const { app, talk } = await startWorld(t, {
    respond: (text, socket) => {
      if (reading === undefined) {
        reading = socket;
        socket.pause();
      }
      return text.length >= bodyLength ? answer('ok', 'Connection: close\r\n') : undefined;
    },
  });
  const bodyLength = 32_000_000;
  const client = await talk();
  client.send(`${post}Content-Length: ${bodyLength}\r\n\r\n`);
  const sent = await pumpUntilStuck(client.socket, bodyLength);
  // Kernel buffers of two loopback connections and one write each; not the body.
  assert.ok(sent < bodyLength / 2, `${sent} bytes were taken`);
  reading?.resume();
  await pump(client.socket, bodyLength - sent);
  await client.take('ok');
  assert.equal((app.received[0] ?? '').split('\r\n\r\n')[1]?.length, bodyLength);
});

test('a download to a client that reads slowly is held back, and arrives whole', async (t) => {
  let from: Socket | undefined;
  const { talk } = await startWorld(t, {
    respond: (text, socket) => {
      if (!text.endsWith('\r\n\r\n')) return undefined;
      from = socket;
      return `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
    },
  });
  const length = 32_000_000;
  const client = await talk();
  client.send(get('/'));
  await client.take('\r\n\r\n');
  client.socket.pause();
  if (from === undefined) throw new Error('no request came');
  const sent = await pumpUntilStuck(from, length);
  assert.ok(sent < length / 2, `${sent} bytes were taken`);
  client.socket.resume();
  await pump(from, length - sent);
  await until('the whole', () => client.text.length === length);
});

test('a client that does not read its answer for the idle time is closed', async (t) => {
  const clock = new ManualClock();
  const { app, gate, talk } = await startWorld(t, {
    clock,
    respond: (text, socket) => {
      if (!text.endsWith('\r\n\r\n')) return undefined;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${32_000_000}\r\n\r\n${'x'.repeat(32_000_000)}`);
      return '';
    },
    profile: { backend: { timeouts: { ...timeouts, idleMs: 1000 } } },
  });
  const client = await talk();
  client.socket.pause();
  client.send(get('/'));
  await until('the application to be held back', () => app.received.join('').includes('\r\n\r\n'));
  let closed = false;
  client.socket.on('close', () => {
    closed = true;
  });
  await until('the connection to be given up', () => {
    clock.advance(600);
    gate.gate.sweep();
    return app.open() === 0;
  });
  client.socket.resume();
  await until('the end', () => closed);
  assert.ok(client.text.length < 32_000_000);
});

test('a last answer that a slow client still reads is not cut off', async (t) => {
  const clock = new ManualClock();
  const length = 8_000_000;
  const { app, gate, talk } = await startWorld(t, {
    clock,
    respond: (text, socket) => {
      if (!text.endsWith('\r\n\r\n')) return undefined;
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`);
      return '';
    },
    profile: { backend: { timeouts: { ...timeouts, responseMs: 0, idleMs: 0 } } },
  });
  const client = await talk();
  client.send(get('/', 'Connection: close\r\n'));
  await until('the answer to begin', () => client.text !== '');
  let done = false;
  while (!done) {
    client.socket.pause();
    await settled();
    clock.advance(5000);
    gate.gate.sweep();
    client.socket.resume();
    const before = client.text.length;
    await until('more', () => client.text.length > before || client.ended || client.closed);
    done = client.ended || client.closed;
  }
  assert.equal(client.text.split('\r\n\r\n')[1]?.length, length);
  assert.equal(app.received.length, 1);
});

test('an upload that waits for the verdict goes on when it is there, however it is cut into chunks', async (t) => {
  const ocsp = new FakeOcsp();
  const { app, talk } = await startWorld(t, {
    ocsp,
    profile: { clientAuth: askingOcsp() },
    respond: (text) => (text.endsWith('\r\n\r\n') ? answer('ok') : undefined),
  });
  ocsp.answer = () => goodStatus(0);
  const client = await talk();
  client.send(get('/1'));
  await client.take('ok');
  let tell: (status: RevocationStatus) => void = () => undefined;
  ocsp.answer = () => new Promise((resolve) => (tell = resolve));
  const asked = ocsp.asked;
  const chunks = 40_000;
  client.send(`${post}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(chunks)}0\r\n\r\n`);
  await until('the question', () => ocsp.asked > asked);
  await settled();
  tell(goodStatus(Date.now() + 60_000));
  await client.take('ok');
  const body = app.received.join('').split('\r\n\r\n').slice(2).join('');
  assert.equal(body.split('x').length - 1, chunks);
});

test('a client that leaves while its verdict is asked leaves nothing behind', async (t) => {
  const ocsp = new FakeOcsp();
  let tell: (status: RevocationStatus) => void = () => undefined;
  ocsp.answer = () => new Promise((resolve) => (tell = resolve));
  const { app, gate, talk } = await startWorld(t, { ocsp, profile: { clientAuth: askingOcsp() } });
  const raw = connect({ port: gate.port, host: '127.0.0.1' });
  const client = await talk(undefined, { socket: raw });
  client.send(get('/'));
  await settled();
  raw.resetAndDestroy();
  await until('the connection to be gone', () => open(gate) === 0);
  tell(goodStatus(Date.now() + 60_000));
  await settled();
  assert.deepEqual(app.received, []);
});

test('a client that half-closes within a body while its verdict is asked leaves no whole request', async (t) => {
  const ocsp = new FakeOcsp();
  let tell: (status: RevocationStatus) => void = () => undefined;
  ocsp.answer = () => new Promise((resolve) => (tell = resolve));
  const { app, gate, talk } = await startWorld(t, {
    ocsp,
    profile: { clientAuth: askingOcsp() },
    respond: () => undefined,
  });
  const client = await talk();
  client.socket.end(`${post}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
  await settled();
  tell(goodStatus(Date.now() + 60_000));
  await until('the connection to be gone', () => open(gate) === 0);
  await until('the application to be left', () => app.open() === 0);
  assert.equal(app.received.join('').includes('\r\n0\r\n\r\n'), false);
});

test('more connections than the profile allows are told so', async (t) => {
  const { app, talk } = await startWorld(t, {
    profile: { backend: { limits: { ...defaultBackend.limits, connections: 1 } } },
  });
  const first = await talk();
  const second = await talk();
  assert.match(await second.rest(), /^HTTP\/1\.1 503 /);
  first.send(get('/'));
  await first.take('ok');
  first.socket.destroy();
  await until('the first to be gone', () => app.open() === 0);
  const third = await talk();
  third.send(get('/'));
  await third.take('ok');
});

/** Lets what is on its way over loopback arrive. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setTimeout(resolve, 1));
}

function open(gate: { readonly gate: { connectionCount(): number } }): number {
  return gate.gate.connectionCount();
}

const piece = Buffer.alloc(65_536, 'x');

/** Writes until nothing has been taken for a while; returns how many bytes were. */
async function pumpUntilStuck(socket: Socket, most = Number.POSITIVE_INFINITY): Promise<number> {
  let sent = 0;
  for (;;) {
    if (sent >= most) return sent;
    const part = piece.subarray(0, Math.min(piece.length, most - sent));
    sent += part.length;
    if (socket.write(part)) continue;
    const drained = await Promise.race([
      new Promise<boolean>((resolve) => socket.once('drain', () => resolve(true))),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 300)),
    ]);
    if (!drained) return sent;
  }
}

async function pump(socket: Socket, length: number): Promise<void> {
  for (let left = length; left > 0; ) {
    const part = piece.subarray(0, Math.min(piece.length, left));
    left -= part.length;
    if (!socket.write(part)) await new Promise((resolve) => socket.once('drain', resolve));
  }
}
