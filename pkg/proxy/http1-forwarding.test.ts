import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultBackend, okApp, until } from '../../test/support/gate.ts';
import { answer, get, pki, startWorld, withoutFacts } from '../../test/support/talk.ts';

const cert = encodeURIComponent(pki.client('good').certificate.pem);

test('the application gets the request with the certificate and the facts of the client, line by line', async (t) => {
  const { app, gate, talk } = await startWorld(t);
  const client = await talk();
  client.send('GET /a?b=c HTTP/1.1\r\nHost: LocalHost:8443\r\nAccept: */*\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n');
  assert.equal(await client.take('ok'), answer('ok'));
  const lines = (app.received[0] ?? '').replace(/X-Request-Id: \S+/, 'X-Request-Id: ID').split('\r\n');
  assert.deepEqual(lines, [
    'GET /a?b=c HTTP/1.1',
    'Host: localhost:8443',
    'X-Request-Id: ID',
    'Accept: */*',
    'X-Forwarded-Host: localhost:8443',
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Proto: https',
    `X-Forwarded-Port: ${gate.port}`,
    'X-Real-IP: 127.0.0.1',
    `X-Client-Cert: ${cert}`,
    '',
    '',
  ]);
});

const requests: readonly { name: string; sent: string; received: string }[] = [
  {
    name: 'a body by Content-Length goes on with that length',
    sent: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
  },
  {
    name: 'a POST with Content-Length 0 keeps it',
    sent: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n',
  },
  {
    name: 'a POST without any framing has none afterwards',
    sent: 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  },
  {
    name: 'a chunked body is framed anew, without extensions and trailers',
    sent: 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-Client-Cert\r\n\r\n5;a=b;c="d"\r\nhello\r\n0;z\r\nX-Client-Cert: forged\r\nX-Other: 1\r\n\r\n',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  },
  {
    name: 'an empty chunked body stays one',
    sent: 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  },
  {
    name: 'a chunked body on GET is framed, never left to be read as the next request',
    sent: 'GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    received: 'GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  },
  {
    name: 'hop-by-hop fields and what Connection nominates are left out',
    sent: 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Authorization: x\r\nProxy-Connection: x\r\nX-Yours: 2\r\n\r\n',
    received: 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Yours: 2\r\n\r\n',
  },
  {
    name: 'Connection cannot take away Host, framing or what the sidecar says',
    sent: 'POST / HTTP/1.1\r\nHost: localhost\r\nConnection: host, content-length, x-client-cert, x-forwarded-for\r\nContent-Length: 2\r\n\r\nhi',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi',
  },
  {
    name: 'an upgrade that is none to websocket is removed',
    sent: 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    received: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  },
  {
    name: 'a websocket upgrade with a body is an ordinary request',
    sent: 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi',
    received: 'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi',
  },
  {
    name: 'an absolute target becomes a path and its Host',
    sent: 'GET http://localhost/x?y HTTP/1.1\r\nHost: localhost\r\n\r\n',
    received: 'GET /x?y HTTP/1.1\r\nHost: localhost\r\n\r\n',
  },
  {
    name: 'OPTIONS * stays what it is',
    sent: 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n',
    received: 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n',
  },
  {
    name: 'names with an underscore or a dot are dropped',
    sent: 'GET / HTTP/1.1\r\nHost: localhost\r\nX_Y: 1\r\nX.Z: 2\r\nX-W: 3\r\n\r\n',
    received: 'GET / HTTP/1.1\r\nHost: localhost\r\nX-W: 3\r\n\r\n',
  },
  {
    name: 'a request of HTTP/1.0 goes on as HTTP/1.1',
    sent: 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n',
    received: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  },
];
for (const { name, sent, received } of requests) {
  test(name, async (t) => {
    const { app, talk } = await startWorld(t, {
      respond: (text) => (withoutFacts(text) === received ? answer('ok') : undefined),
    });
    const client = await talk();
    client.send(sent);
    await until(`the request; so far ${JSON.stringify(app.received.map(withoutFacts))}`, () =>
      client.text.endsWith('ok'),
    );
    assert.deepEqual(app.received.map(withoutFacts), [received]);
  });
}

test('requests sent one by one byte arrive whole', async (t) => {
  const { app, talk } = await startWorld(t, {
    respond: (text) => (text.endsWith('\r\n0\r\n\r\n') ? answer('ok') : undefined),
  });
  const client = await talk();
  client.socket.setNoDelay(true);
  for (const byte of 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n') {
    client.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.take('ok');
  const body = (app.received[0] ?? '').split('\r\n\r\n').slice(1).join('\r\n\r\n');
  assert.equal(body.replaceAll(/^[0-9a-f]+\r\n|\r\n(?:[0-9a-f]+\r\n)?/g, ''), 'hello');
});

interface AnswerCase {
  readonly name: string;
  readonly sent: string;
  readonly answered: string;
  readonly got: string;
  /** The application's end of the connection closes behind its answer. */
  readonly closing?: boolean;
  /** The client's connection ends with the answer. */
  readonly ends?: boolean;
}
const answers: readonly AnswerCase[] = [
  { name: 'a body by length', sent: get('/'), answered: answer('hi'), got: answer('hi') },
  {
    name: 'a chunked answer is framed anew, without extensions and trailers',
    sent: get('/'),
    answered: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2;x=y\r\nhi\r\n0\r\nX-T: 1\r\n\r\n',
    got: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  },
  {
    name: 'a chunked answer to HTTP/1.0 ends with the connection',
    sent: 'GET / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n',
    answered: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    got: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi',
    ends: true,
  },
  {
    name: 'an answer by length to HTTP/1.0 keeps the connection where it was asked for',
    sent: 'GET / HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n',
    answered: answer('hi'),
    got: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi',
  },
  {
    name: 'HTTP/1.0 without keep-alive ends with its answer',
    sent: 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n',
    answered: answer('hi'),
    got: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    ends: true,
  },
  {
    name: 'an answer that the closing ends does so for the client',
    sent: get('/'),
    answered: 'HTTP/1.1 200 OK\r\n\r\nhi',
    closing: true,
    got: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi',
    ends: true,
  },
  {
    name: 'HEAD has the length and no body',
    sent: 'HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    answered: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    got: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
  },
  {
    name: '204 has no body',
    sent: get('/'),
    answered: 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n',
    got: 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n',
  },
  {
    name: '304 has the length of what it stands for and no body',
    sent: get('/'),
    answered: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\nETag: "a"\r\n\r\n',
    got: 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 12\r\n\r\n',
  },
  {
    name: '103 comes first, 100 is kept back',
    sent: get('/'),
    answered: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('hi')}`,
    got: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('hi')}`,
  },
  {
    name: 'HTTP/1.0 gets no 103',
    sent: 'GET / HTTP/1.0\r\nHost: localhost\r\n\r\n',
    answered: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('hi')}`,
    got: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    ends: true,
  },
  {
    name: 'hop-by-hop fields and certificate headers of the answer are left out',
    sent: get('/'),
    answered: answer(
      'hi',
      'Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 3\r\nUpgrade: h2\r\nX-Client-Cert: a\r\nx_client_cert: b\r\nX-A: c\r\n',
    ),
    got: answer('hi', 'X-A: c\r\n'),
  },
  {
    name: 'a close of the application is none of the client',
    sent: get('/'),
    answered: answer('hi', 'Connection: close\r\n'),
    closing: true,
    got: answer('hi'),
  },
  {
    name: 'what the client wants closed is closed',
    sent: get('/', 'Connection: close\r\n'),
    answered: answer('hi'),
    got: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    ends: true,
  },
];
for (const { name, sent, answered, got, closing, ends } of answers) {
  test(`answers: ${name}`, async (t) => {
    const { talk } = await startWorld(t, {
      respond: (text, socket) => {
        if (!text.endsWith('\r\n\r\n')) return undefined;
        socket.write(answered, 'latin1');
        if (closing === true) socket.end();
        return '';
      },
    });
    const client = await talk();
    client.send(sent);
    if (ends === true) {
      assert.equal(await client.rest(), got);
      assert.equal(client.ended, true);
      return;
    }
    await until(`the answer; so far ${JSON.stringify(client.text)}`, () => client.text.length >= got.length);
    assert.equal(client.text, got);
    assert.equal(client.closed, false);
    client.text = '';
    // The next request meets the next answer.
    client.send(get('/next'));
    await until('the next answer', () => client.text.startsWith('HTTP/1.1 '));
  });
}

test('pipelined requests are answered in order, one at a time', async (t) => {
  const waiting: (() => void)[] = [];
  const { app, talk } = await startWorld(t, {
    respond: (text, socket) => {
      const path = /^GET (\S+)/.exec(text)?.[1];
      if (path === undefined || !text.endsWith('\r\n\r\n')) return undefined;
      waiting.push(() => socket.write(answer(path), 'latin1'));
      return '';
    },
  });
  const client = await talk();
  client.send(get('/1') + get('/2') + get('/3'));
  for (const path of ['/1', '/2', '/3']) {
    await until(`request ${path}`, () => waiting.length === 1);
    assert.equal(app.received.join('').split('GET ').length - 1, Number(path.slice(1)));
    waiting.shift()?.();
    assert.equal(await client.take(answer(path)), answer(path));
  }
  assert.equal(app.received.length, 1);
});

test('a pipelined request behind a body is read from its own first byte', async (t) => {
  const { app, talk } = await startWorld(t, {
    respond: (text) => (/\r\n\r\n(?:hello)?$/.test(text) && !text.endsWith('5\r\n\r\n') ? answer('ok') : undefined),
  });
  const client = await talk();
  client.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello${get('/2')}`);
  await client.take('ok');
  await client.take('ok');
  assert.deepEqual(app.received.map(withoutFacts), [
    `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  ]);
});

test('many pipelined requests in one burst are all answered, with the input held back meanwhile', async (t) => {
  const { talk } = await startWorld(t, { respond: (text) => (text.endsWith('\r\n\r\n') ? answer('ok') : undefined) });
  const client = await talk();
  const count = 400;
  client.send(Array.from({ length: count }, (_, i) => get(`/${i}`, `X-Pad: ${'p'.repeat(900)}\r\n`)).join(''));
  await until('all answers', () => client.text.length === count * answer('ok').length);
});

test('two client connections never share a connection to the application', async (t) => {
  const { app, talk } = await startWorld(t);
  const [first, second] = [await talk(), await talk()];
  for (const path of ['/1', '/2']) {
    for (const client of [first, second]) {
      client.send(get(path));
      await client.take('ok');
    }
  }
  assert.equal(app.received.length, 2);
  first.socket.destroy();
  await until('the first to be closed at the application too', () => app.open() === 1);
  second.socket.destroy();
  await until('the second too', () => app.open() === 0);
});

test('Expect: 100-continue is answered before the body is sent, and only once', async (t) => {
  const { app, talk } = await startWorld(t, {
    respond: (text) => (text.endsWith('hello') ? `HTTP/1.1 100 Continue\r\n\r\n${answer('ok')}` : undefined),
  });
  const client = await talk();
  client.send('POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  assert.equal(await client.take('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.send('hello');
  assert.equal(await client.take('ok'), answer('ok'));
  assert.deepEqual(app.received.map(withoutFacts), [
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
  ]);
});

test('a refused request with Expect: 100-continue is refused, not continued', async (t) => {
  const { app, talk } = await startWorld(t);
  const client = await talk(null);
  client.send('POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  assert.match(await client.rest(), /^HTTP\/1\.1 400 Bad Request\r\n[^]*NoCertificate/);
  assert.deepEqual(app.received, []);
});

test('a client that half-closes gets the answers of what it sent whole', async (t) => {
  const { talk } = await startWorld(t);
  const client = await talk();
  client.socket.end(get('/1') + get('/2'));
  await until('the end', () => client.ended);
  assert.equal(client.text.split('HTTP/1.1 200 OK').length - 1, 2);
});

test('an application on ::1 alone gets a request with a body too', async (t) => {
  const { createServer } = await import('node:net');
  const received: string[] = [];
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (text.endsWith('hello')) {
        received.push(text);
        socket.end(answer('ok'), 'latin1');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  t.after(() => server.close());
  const { talk } = await startWorld(t, { profile: { backend: { target: { port } } } });
  const clients = await Promise.all([talk(), talk(), talk()]);
  for (const client of clients) client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello');
  for (const client of clients) assert.equal(await client.take('ok'), answer('ok'));
  assert.deepEqual(
    received.map(withoutFacts),
    clients.map(() => 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello'),
  );
});

test('an application on a Unix socket is reached by its path', async (t) => {
  const { createServer } = await import('node:net');
  const { mkdtempSync, rmSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = mkdtempSync(join(tmpdir(), 'gate-'));
  const path = join(folder, 'app.sock');
  const server = createServer((socket) =>
    socket.on('data', (chunk) => socket.write(okApp(chunk.toString('latin1')) ?? '')),
  );
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const { talk } = await startWorld(t, { profile: { backend: { ...defaultBackend, target: { socket: path } } } });
  const client = await talk();
  client.send(get('/'));
  assert.equal(await client.take('ok'), answer('ok'));
});

for (const { name, framing, parts, received } of [
  {
    name: 'by Content-Length',
    framing: 'Content-Length: 10',
    parts: ['hello', 'world'],
    received: ['hello', 'helloworld'],
  },
  {
    name: 'chunked',
    framing: 'Transfer-Encoding: chunked',
    parts: ['5\r\nhello\r\n', '5\r\nworld\r\n0\r\n\r\n'],
    received: ['5\r\nhello\r\n', '5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n'],
  },
]) {
  test(`what has come of a body goes on, whether or not more comes: ${name}`, async (t) => {
    const { app, talk } = await startWorld(t, {
      respond: (text) => (/world/.test(text) ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' : undefined),
    });
    const client = await talk();
    // The second time on a connection to the application that is there already.
    for (const time of [1, 2]) {
      client.send(`POST /${time} HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n`);
      for (const [i, part] of parts.entries()) {
        client.send(part);
        await until(`part ${i}`, () => (app.received[0] ?? '').endsWith(`\r\n\r\n${received[i]}`));
      }
      await client.take('ok');
    }
    assert.equal(app.received.length, 1);
  });
}
