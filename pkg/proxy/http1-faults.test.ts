import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { freePort } from '../../test/support/free-port.ts';
import { defaultBackend, ManualClock, until } from '../../test/support/gate.ts';
import { answer, get, startWorld, type Talk, withoutFacts } from '../../test/support/talk.ts';

/** Status, and what the own answer says in its first line of text. */
function summary(text: string): string {
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text;
  return `${status} ${text.split('\r\n\r\n')[1]?.trimEnd() ?? ''}`;
}

const post = 'POST / HTTP/1.1\r\nHost: localhost\r\n';
const malformed: readonly { name: string; sent: string; status: number }[] = [
  { name: 'no Host', sent: 'GET / HTTP/1.1\r\n\r\n', status: 400 },
  { name: 'two Hosts', sent: 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n', status: 400 },
  {
    name: 'Host unlike the absolute target',
    sent: 'GET http://other/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
    status: 400,
  },
  { name: 'Host with userinfo', sent: 'GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n', status: 400 },
  { name: 'a folded line', sent: get('/', 'X-A: 1\r\n X-Client-Cert: forged\r\n'), status: 400 },
  { name: 'white space before the colon', sent: get('/', 'X-Client-Cert : forged\r\n'), status: 400 },
  { name: 'a bare LF', sent: 'GET / HTTP/1.1\nHost: localhost\n\n', status: 400 },
  { name: 'a bare CR in a value', sent: get('/', 'X-A: 1\rX-Client-Cert: forged\r\n'), status: 400 },
  { name: 'NUL in a value', sent: get('/', 'X-A: 1\0\r\n'), status: 400 },
  {
    name: 'Content-Length beside Transfer-Encoding',
    sent: `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
  },
  { name: 'two Content-Lengths', sent: `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, status: 400 },
  { name: 'a Content-Length with a sign', sent: `${post}Content-Length: +5\r\n\r\nhello`, status: 400 },
  { name: 'an empty Content-Length', sent: `${post}Content-Length:\r\n\r\n`, status: 400 },
  { name: 'an obfuscated Transfer-Encoding', sent: `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, status: 400 },
  {
    name: 'Transfer-Encoding in HTTP/1.0',
    sent: 'POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    status: 400,
  },
  { name: 'a coding that is not spoken', sent: `${post}Transfer-Encoding: gzip, chunked\r\n\r\n`, status: 501 },
  { name: 'CONNECT', sent: 'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n', status: 501 },
  { name: 'TRACE', sent: 'TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n', status: 501 },
  { name: 'an HTTP/0.9 line', sent: 'GET /\r\n\r\n', status: 400 },
  { name: 'HTTP/2.0 in the request line', sent: 'GET / HTTP/2.0\r\nHost: localhost\r\n\r\n', status: 505 },
  { name: 'the preface of HTTP/2', sent: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 505 },
  { name: 'an unknown Expect', sent: `${post}Expect: tea\r\nContent-Length: 1\r\n\r\nx`, status: 417 },
  { name: 'a target of 9000 characters', sent: get(`/${'a'.repeat(9000)}`), status: 414 },
  { name: 'a head over its size', sent: get('/', `X-A: ${'a'.repeat(33_000)}\r\n`), status: 431 },
  {
    name: 'a head over its size that has no end',
    sent: `GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ${'a'.repeat(33_000)}`,
    status: 431,
  },
  { name: '101 fields', sent: get('/', 'X-A: 1\r\n'.repeat(100)), status: 431 },
];
for (const { name, sent, status } of malformed) {
  test(`refused before the application hears of it: ${name}`, async (t) => {
    const { app, talk } = await startWorld(t);
    const client = await talk();
    // What follows is on the same connection and must not be taken for a request either.
    client.send(`${sent}${get('/smuggled')}`);
    const text = await client.rest();
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nConnection: close\r\n`));
    assert.equal(text.split(/HTTP\/1\.1 \d/).length - 1, 1);
    assert.deepEqual(app.received, []);
  });
}

const brokenBodies: readonly { name: string; sent: string }[] = [
  { name: 'a chunk size that is none', sent: '5\r\nhello\r\nzz\r\n' },
  { name: 'a negative chunk size', sent: '5\r\nhello\r\n-1\r\n' },
  { name: 'no CRLF behind the data', sent: '5\r\nhelloXX0\r\n\r\n' },
  { name: 'a bare LF', sent: '5\nhello\r\n0\r\n\r\n' },
  { name: 'an overflowing chunk size', sent: 'fffffffffffffffff\r\n' },
  { name: 'a framing field among the trailers', sent: '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n' },
];
for (const { name, sent } of brokenBodies) {
  test(`a chunked body with ${name} is a 400 and never whole for the application`, async (t) => {
    const { app, talk } = await startWorld(t, { respond: () => undefined });
    const client = await talk();
    client.send(`${post}Transfer-Encoding: chunked\r\n\r\n${sent}${get('/smuggled')}`);
    assert.match(await client.rest(), /^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/);
    await until('the application to be left', () => app.open() === 0);
    assert.equal(app.received.join('').includes('smuggled'), false);
    assert.equal(app.received.join('').includes('\r\n0\r\n\r\n'), false);
  });
}

test('a body over its limit by Content-Length is a 413 that the application never hears of', async (t) => {
  const { app, talk } = await startWorld(t, {
    profile: { backend: { limits: { ...defaultBackend.limits, requestBodyBytes: 4 } } },
  });
  const client = await talk();
  client.send(`${post}Content-Length: 5\r\n\r\nhello`);
  assert.equal(summary(await client.rest()), '413 request body of 5 bytes, limit 4');
  assert.deepEqual(app.received, []);
});

test('a chunked body over its limit is a 413, and broken off at the application', async (t) => {
  const { app, talk } = await startWorld(t, {
    respond: () => undefined,
    profile: { backend: { limits: { ...defaultBackend.limits, requestBodyBytes: 4 } } },
  });
  const client = await talk();
  client.send(`${post}Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n`);
  await until('its beginning at the application', () => app.received.join('').endsWith('hell\r\n'));
  client.send(`1\r\no\r\n0\r\n\r\n`);
  assert.equal(summary(await client.rest()), '413 request body above its limit of 4 bytes');
  await until('the application to be left', () => app.open() === 0);
  assert.deepEqual(app.received.map(withoutFacts), [`${post}Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n`]);
});

for (const [name, framing, part] of [
  ['by Content-Length', 'Content-Length: 10', 'hello'],
  ['by chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
] as const) {
  for (const [how, leave] of [
    ['resets', (client: Talk) => client.socket.destroy()],
    ['half-closes', (client: Talk) => client.socket.end()],
  ] as const) {
    test(`a client that ${how} within a body ${name} leaves a broken request behind, never a whole one`, async (t) => {
      const { app, talk } = await startWorld(t, { respond: () => undefined });
      const client = await talk();
      client.send(`${post}${framing}\r\n\r\n${part}`);
      await until('the part', () => app.received.join('').endsWith(part));
      leave(client);
      await until('the application to be left', () => app.open() === 0);
      assert.deepEqual(app.received.map(withoutFacts), [`${post}${framing}\r\n\r\n${part}`]);
    });
  }
}

test('an early answer while the client uploads: the client gets it and a close, the application is left', async (t) => {
  const { app, talk } = await startWorld(t, {
    respond: (text) => (text.includes('hello') ? answer('no', '', '413 Too Much') : undefined),
  });
  const client = await talk();
  client.send(`${post}Content-Length: 1000000\r\n\r\nhello`);
  assert.equal(await client.rest(), 'HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  await until('the application to be left', () => app.open() === 0);
});

test('no application is a 503 and the connection goes on', async (t) => {
  const port = await freePort();
  const { talk } = await startWorld(t, { profile: { backend: { target: { port } } } });
  const client = await talk();
  for (const path of ['/1', '/2']) {
    client.send(get(path));
    assert.match(await client.take('reached\n'), /^HTTP\/1\.1 503 Service Unavailable\r\n(?![^]*Connection: close)/);
  }
});

test('no application while the client uploads is a 503 and a close', async (t) => {
  const port = await freePort();
  const { talk } = await startWorld(t, { profile: { backend: { target: { port } } } });
  const client = await talk();
  client.send(`${post}Content-Length: 10\r\n\r\nhello`);
  assert.equal(summary(await client.rest()), '503 the application cannot be reached');
});

test('an application that does not answer in time is a 504, and left', async (t) => {
  const clock = new ManualClock();
  const { app, gate, talk } = await startWorld(t, {
    clock,
    respond: () => undefined,
    profile: { backend: { timeouts: { ...defaultBackend.timeouts, responseMs: 1000 } } },
  });
  const client = await talk();
  client.send(get('/'));
  await until('the request', () => app.received.join('').includes('\r\n\r\n'));
  clock.advance(999);
  gate.gate.sweep();
  assert.equal(client.text, '');
  clock.advance(2);
  gate.gate.sweep();
  assert.equal(summary(await client.take('time\n')), '504 the application did not answer in time');
  await until('the application to be left', () => app.open() === 0);
});

test('an application that stops within its answer has the client cut off, not left with half as a whole', async (t) => {
  const clock = new ManualClock();
  const { gate, talk } = await startWorld(t, {
    clock,
    respond: (text) => (text.endsWith('\r\n\r\n') ? 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf' : undefined),
    profile: { backend: { timeouts: { ...defaultBackend.timeouts, responseMs: 1000 } } },
  });
  const client = await talk();
  client.send(get('/'));
  await client.take('half');
  clock.advance(1001);
  gate.gate.sweep();
  assert.equal(await client.rest(), '');
});

const badAnswers: readonly { name: string; sent: string }[] = [
  { name: 'no HTTP', sent: 'hello there, this is no HTTP\r\n\r\n' },
  { name: 'HTTP/2 in the status line', sent: 'HTTP/2 200 OK\r\n\r\n' },
  { name: 'HTTP/1.2', sent: 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'a status of 99', sent: 'HTTP/1.1 099 X\r\n\r\n' },
  { name: 'a status of 600', sent: 'HTTP/1.1 600 X\r\n\r\n' },
  { name: 'two lengths', sent: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi' },
  { name: 'a length that is no number', sent: 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhi' },
  {
    name: 'length and chunked',
    sent: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  },
  { name: 'another coding', sent: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi' },
  { name: 'a folded field', sent: 'HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n' },
  { name: 'a bare LF', sent: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n' },
  { name: 'a bare CR in a value', sent: 'HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\nContent-Length: 0\r\n\r\n' },
  { name: 'a head that has no end', sent: `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(40_000)}` },
  { name: 'too many fields', sent: `HTTP/1.1 200 OK\r\n${'X-A: 1\r\n'.repeat(101)}Content-Length: 0\r\n\r\n` },
  { name: 'an unasked 101', sent: 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n' },
];
for (const { name, sent } of badAnswers) {
  test(`a broken answer is a 502 and ends the application's connection: ${name}`, async (t) => {
    const { app, talk } = await startWorld(t, { respond: (text) => (text.endsWith('\r\n\r\n') ? sent : undefined) });
    const client = await talk();
    client.send(get('/'));
    assert.equal(summary(await client.take('answer\n')), '502 the application gave no valid answer');
    await until('the application to be left', () => app.open() === 0);
  });
}

test('an application that closes without an answer is a 502', async (t) => {
  const { talk } = await startWorld(t, {
    respond: (_text, socket) => {
      socket.end();
      return '';
    },
  });
  const client = await talk();
  client.send(get('/'));
  assert.equal(summary(await client.take('answer\n')), '502 the application gave no valid answer');
});

for (const [name, sent] of [
  ['by length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
  ['by chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['by chunks that break', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'],
] as const) {
  test(`an answer ${name} that is cut short ends the client's connection without a last byte`, async (t) => {
    const { talk } = await startWorld(t, {
      respond: (text, socket) => {
        if (!text.endsWith('\r\n\r\n')) return undefined;
        socket.end(sent, 'latin1');
        return '';
      },
    });
    const client = await talk();
    client.send(get('/'));
    const text = await client.rest();
    assert.equal(text.includes('\r\n0\r\n\r\n'), false);
    assert.equal(text.endsWith('half') || text.endsWith('half\r\n') || text === '', true, JSON.stringify(text));
  });
}

test('bytes behind an answer never become the answer to the next request', async (t) => {
  const { app, talk } = await startWorld(t, {
    respond: (text) => {
      const path = /^GET (\S+)/.exec(text)?.[1];
      if (path === undefined || !text.endsWith('\r\n\r\n')) return undefined;
      return path === '/1' ? answer('one') + answer('evil') : answer('two');
    },
  });
  const client = await talk();
  client.send(get('/1') + get('/2'));
  await client.take(answer('two'));
  assert.equal(app.received.length, 2);
});

test('bytes that come on an idle connection of the application end it', async (t) => {
  let socket: Socket | undefined;
  // A clock that stands still: nothing else may end the connection.
  const { app, talk } = await startWorld(t, {
    clock: new ManualClock(),
    respond: (text, from) => {
      socket = from;
      return text.endsWith('\r\n\r\n') ? answer('ok') : undefined;
    },
  });
  const client = await talk();
  client.send(get('/1'));
  await client.take('ok');
  socket?.write(answer('evil'));
  await until('its end', () => app.open() === 0);
  client.send(get('/2'));
  assert.equal(await client.take('ok'), answer('ok'));
});

test('the body of a request for another host is never read as a request', async (t) => {
  const { app, talk } = await startWorld(t, { profile: { hostnames: ['localhost'] } });
  const client = await talk();
  const smuggled = get('/smuggled');
  client.send(`POST / HTTP/1.1\r\nHost: other.test\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`);
  const text = await client.rest();
  assert.match(text, /^HTTP\/1\.1 421 /);
  assert.equal(text.split('HTTP/1.1 ').length, 2, 'one answer');
  assert.deepEqual(app.received, []);
});

for (const [method, want] of [
  ['GET', 200],
  ['POST', 502],
] as const) {
  test(`a kept connection that the application drops with the request: ${method} is a ${want}`, async (t) => {
    let dropped = 0;
    const { app, talk } = await startWorld(t, {
      respond: (text, socket) => {
        if (!text.endsWith('\r\n\r\n')) return undefined;
        if (text.includes(' /2 ') && dropped === 0) {
          dropped += 1;
          socket.destroy();
          return '';
        }
        return answer('ok');
      },
    });
    const client = await talk();
    client.send(get('/1'));
    await client.take('ok');
    client.send(`${method} /2 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await until('an answer', () => /\r\n\r\n[^]+$/.test(client.text));
    assert.equal(/^HTTP\/1\.1 (\d+)/.exec(client.text)?.[1], String(want));
    assert.equal(app.received.length, want === 200 ? 2 : 1);
  });
}

test('a GET is asked again once, not for ever', async (t) => {
  const { app, talk } = await startWorld(t, {
    respond: (text, socket) => {
      if (text.includes(' /1 ')) return text.endsWith('\r\n\r\n') ? answer('ok') : undefined;
      socket.destroy();
      return '';
    },
  });
  const client = await talk();
  client.send(get('/1'));
  await client.take('ok');
  client.send(get('/2'));
  assert.equal(summary(await client.take('answer\n')), '502 the application gave no valid answer');
  assert.equal(app.received.length, 2);
});
