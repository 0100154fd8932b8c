import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { connectTo, defaultBackend, ManualClock, until, urlEncodedPem } from '../../test/support/gate.ts';
import { answerOf, ask, connectHttp2 } from '../../test/support/http2-client.ts';
import { endHeaders, endStream, fieldBlock, frame, frameTypes, Http2Frames } from '../../test/support/http2-frames.ts';
import { answer, linesNamed, pki, startWorld, type World, withoutFacts } from '../../test/support/talk.ts';

const cert = encodeURIComponent(pki.client('good').certificate.pem);

test('a request of HTTP/2 arrives as HTTP/1.1 with the certificate, its cookies in one line', async (t) => {
  const world = await startWorld(t);
  const session = await connectHttp2(t, world);
  const got = await ask(session, { ':path': '/a?b', cookie: ['a=1', 'b=2'], 'x-a': '1', te: 'trailers' });
  assert.deepEqual([got.status, got.body, got.end, got.fields['content-length']], [200, 'ok', 'end', '2']);
  const [received = ''] = world.app.received;
  assert.equal(withoutFacts(received), 'GET /a?b HTTP/1.1\r\nHost: localhost\r\nx-a: 1\r\ncookie: a=1; b=2\r\n\r\n');
  assert.deepEqual(linesNamed(received, 'x-client-cert'), [`X-Client-Cert: ${cert}`]);
});

const bodies: readonly { name: string; headers: Record<string, string>; body?: string; received: string }[] = [
  {
    name: 'a body without a length is chunked',
    headers: { ':method': 'POST' },
    body: 'hello',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  },
  {
    name: 'a body with a length has that length',
    headers: { ':method': 'POST', 'content-length': '5' },
    body: 'hello',
    received: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello',
  },
  {
    name: 'a body on GET is framed',
    headers: { ':method': 'GET' },
    body: 'GET /smuggled HTTP/1.1\r\n\r\n',
    received:
      'GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\nGET /smuggled HTTP/1.1\r\n\r\n\r\n0\r\n\r\n',
  },
  {
    name: 'no body has no framing',
    headers: { ':method': 'DELETE' },
    received: 'DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  },
];
for (const { name, headers, body, received } of bodies) {
  test(`HTTP/2 to HTTP/1.1: ${name}`, async (t) => {
    const world = await startWorld(t, {
      respond: (text) => (withoutFacts(text) === received ? answer('ok') : undefined),
    });
    const session = await connectHttp2(t, world);
    const got = await ask(session, headers, body);
    assert.deepEqual([got.status, got.body, got.end], [200, 'ok', 'end']);
    assert.deepEqual(world.app.received.map(withoutFacts), [received]);
  });
}

const answered: readonly {
  name: string;
  method?: string;
  sent: string;
  want: readonly [number, string, string];
  closing?: boolean;
}[] = [
  { name: 'by length', sent: answer('hi'), want: [200, 'hi', 'end'] },
  {
    name: 'by chunks',
    sent: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n',
    want: [200, 'hi', 'end'],
  },
  {
    name: 'an empty chunked one',
    sent: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    want: [200, '', 'end'],
  },
  { name: 'by closing', sent: 'HTTP/1.1 200 OK\r\n\r\nhi', closing: true, want: [200, 'hi', 'end'] },
  { name: '204', sent: 'HTTP/1.1 204 No Content\r\n\r\n', want: [204, '', 'end'] },
  { name: '304', sent: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n', want: [304, '', 'end'] },
  { name: 'HEAD', method: 'HEAD', sent: 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n', want: [200, '', 'end'] },
  {
    name: '103 first',
    sent: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('hi')}`,
    want: [200, 'hi', 'end'],
  },
  {
    name: 'two cookies',
    sent: answer('hi', 'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: keep-alive\r\n'),
    want: [200, 'hi', 'end'],
  },
  {
    name: 'a length cut short',
    sent: 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhi',
    closing: true,
    want: [200, 'hi', 'reset'],
  },
  {
    name: 'chunks cut short',
    sent: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n',
    closing: true,
    want: [200, 'hi', 'reset'],
  },
  { name: 'no HTTP', sent: 'what\r\n\r\n', want: [502, 'the application gave no valid answer\n', 'end'] },
];
for (const { name, method, sent, want, closing } of answered) {
  test(`HTTP/2 gets an answer: ${name}`, async (t) => {
    const world = await startWorld(t, {
      respond: (text, socket) => {
        if (!text.endsWith('\r\n\r\n')) return undefined;
        socket.write(sent, 'latin1');
        if (closing === true) setTimeout(() => socket.end(), 20);
        return '';
      },
    });
    const session = await connectHttp2(t, world);
    const got = await ask(session, { ':method': method ?? 'GET' });
    assert.deepEqual([got.status, got.body, got.end], want);
  });
}

for (const [name, sent] of [
  ['by length', 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhi'],
  ['by chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n'],
  ['by closing', 'HTTP/1.1 200 OK\r\n\r\nhi'],
] as const) {
  test(`an answer ${name} that is cut short has no END_STREAM`, async (t) => {
    let app: Socket | undefined;
    const world = await startWorld(t, {
      respond: (text, socket) => {
        app = socket;
        return text.endsWith('\r\n\r\n') ? sent : undefined;
      },
    });
    const client = await frames(world);
    client.headers(1, good);
    const ofType = (type: number) => client.frames.filter((one) => one.type === type && one.stream === 1);
    await until('the part', () => ofType(frameTypes.data).length === 1);
    app?.resetAndDestroy();
    await until('the reset', () => ofType(frameTypes.reset).length === 1);
    assert.deepEqual(
      ofType(frameTypes.data).map(({ flags, payload }) => [flags, payload.toString()]),
      [[0, 'hi']],
    );
    client.socket.destroy();
  });
}

test('streams run side by side, each over its own connection to the application', async (t) => {
  const waiting: (() => void)[] = [];
  const world = await startWorld(t, {
    respond: (text, socket) => {
      const path = /^GET (\S+)/.exec(text)?.[1];
      if (path === undefined || !text.endsWith('\r\n\r\n')) return undefined;
      waiting.push(() => socket.write(answer(path), 'latin1'));
      return '';
    },
  });
  const session = await connectHttp2(t, world);
  const asked = ['/1', '/2', '/3'].map((path) => ask(session, { ':path': path }));
  await until('all three', () => waiting.length === 3);
  for (const go of waiting.reverse()) go();
  assert.deepEqual(
    (await Promise.all(asked)).map(({ body }) => body),
    ['/1', '/2', '/3'],
  );
  session.destroy();
  await until('the application to be left', () => world.app.open() === 0);
});

const good = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
] as const;
const replaced = (name: string, value: string): (readonly [string, string])[] =>
  good.map(([known, was]) => [known, known === name ? value : was] as const);
const bad: readonly { name: string; fields: readonly (readonly [string, string])[] }[] = [
  { name: 'no method', fields: good.slice(1) },
  { name: 'no path', fields: good.slice(0, 3) },
  { name: 'no scheme', fields: good.filter(([name]) => name !== ':scheme') },
  { name: 'no authority and no host', fields: good.filter(([name]) => name !== ':authority') },
  { name: 'two methods', fields: [[':method', 'GET'], ...good] },
  { name: 'two paths', fields: [...good, [':path', '/2']] },
  { name: 'a pseudo-header field behind a field', fields: [['x-a', '1'], ...good] },
  { name: 'an unknown pseudo-header field', fields: [...good, [':x-client-cert', 'forged']] },
  { name: 'a response pseudo-header field', fields: [...good, [':status', '200']] },
  { name: 'an upper-case name', fields: [...good, ['X-Client-Cert', 'forged']] },
  { name: 'connection', fields: [...good, ['connection', 'x-client-cert']] },
  { name: 'transfer-encoding', fields: [...good, ['transfer-encoding', 'chunked']] },
  { name: 'upgrade', fields: [...good, ['upgrade', 'h2c']] },
  { name: 'keep-alive', fields: [...good, ['keep-alive', '5']] },
  { name: 'proxy-connection', fields: [...good, ['proxy-connection', 'x']] },
  { name: 'te other than trailers', fields: [...good, ['te', 'gzip']] },
  { name: 'two hosts', fields: [...good, ['host', 'localhost'], ['host', 'localhost']] },
  { name: 'host unlike authority', fields: [...good, ['host', 'other']] },
  { name: 'authority with userinfo', fields: replaced(':authority', 'a@localhost') },
  { name: 'authority with a line break', fields: replaced(':authority', 'localhost\r\nX-Client-Cert: forged') },
  { name: 'a path with a space', fields: replaced(':path', '/ HTTP/1.1\r\nX: y') },
  { name: 'a path with a line break', fields: replaced(':path', '/\r\nX-Client-Cert: forged') },
  { name: 'a path without a slash', fields: replaced(':path', 'x') },
  { name: 'an empty path', fields: replaced(':path', '') },
  { name: 'a path with a fragment', fields: replaced(':path', '/#x') },
  { name: 'a method with a space', fields: replaced(':method', 'GET /x') },
  { name: 'a method with a line break', fields: replaced(':method', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET') },
  { name: 'head in lower case', fields: replaced(':method', 'head') },
  { name: 'TRACE', fields: replaced(':method', 'TRACE') },
  { name: 'trace in lower case', fields: replaced(':method', 'trace') },
  {
    name: 'CONNECT',
    fields: [
      [':method', 'CONNECT'],
      [':authority', 'localhost:22'],
    ],
  },
  { name: 'CONNECT with a path', fields: replaced(':method', 'CONNECT') },
  {
    name: 'CONNECT extended by another protocol',
    fields: [...replaced(':method', 'CONNECT'), [':protocol', 'connect-udp']],
  },
  { name: 'GET with a protocol', fields: [...good, [':protocol', 'websocket']] },
  { name: 'http as scheme', fields: replaced(':scheme', 'http') },
  { name: 'a content-length and no body', fields: [...good, ['content-length', '5']] },
  { name: 'two content-lengths', fields: [...good, ['content-length', '0'], ['content-length', '0']] },
  { name: 'a content-length with a sign', fields: [...good, ['content-length', '+0']] },
  { name: 'an unknown expect', fields: [...good, ['expect', 'tea']] },
  { name: 'an empty name', fields: [...good, ['', '1']] },
  { name: 'a name with a colon', fields: [...good, ['x-a:b', '1']] },
  { name: 'a name with a line break', fields: [...good, ['x-a\r\nx-client-cert', '1']] },
  { name: 'a name with a bracket', fields: [...good, ['x-(a)', '1']] },
  { name: 'a value with CRLF', fields: [...good, ['x-a', '1\r\nX-Client-Cert: forged']] },
  { name: 'a value with LF', fields: [...good, ['x-a', '1\nX-Client-Cert: forged']] },
  { name: 'a value with NUL', fields: [...good, ['x-a', '1\0']] },
  { name: 'a value with another control character', fields: [...good, ['x-a', '1\x1b']] },
  { name: 'a value with DEL', fields: [...good, ['x-a', '1\x7f']] },
];
for (const { name, fields } of bad) {
  test(`HTTP/2 refused before the application hears of it: ${name}`, async (t) => {
    const world = await startWorld(t);
    const client = await frames(world);
    client.headers(1, fields);
    const outcome = await client.outcome(1);
    assert.match(outcome, /^(?:400|reset|goaway)$/);
    if (!client.closed) await settled();
    assert.deepEqual(world.app.received, []);
    client.socket.destroy();
  });
}

// The helper knows no 431 by name.
for (const [name, status, fields] of [
  ['with a field that is not allowed', '400', [...replaced(':method', 'HEAD'), ['expect', 'tea']]],
  ['above the number of its fields', 'other', [...replaced(':method', 'HEAD'), ...Array(101).fill(['x-a', '1'])]],
  ['of which half is not read', 'other', [...replaced(':method', 'HEAD'), ...Array(2000).fill(['x-a', '1'])]],
] as const) {
  test(`a HEAD request of HTTP/2 ${name} is refused without a body`, async (t) => {
    const world = await startWorld(t);
    const client = await frames(world);
    client.headers(1, fields);
    assert.equal(await client.outcome(1), status);
    await settled();
    const ofStream = client.frames.filter(({ stream }) => stream === 1).map(({ type }) => type);
    assert.deepEqual([ofStream, world.app.received], [[frameTypes.headers], []]);
    client.socket.destroy();
  });
}

for (const [name, protocol, more] of [
  ['another protocol', 'connect-udp', []],
  ['a key of its own', 'websocket', [['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']]],
] as const) {
  test(`an extended CONNECT with ${name} opens nothing`, async (t) => {
    const world = await startWorld(t);
    const client = await frames(world);
    client.headers(1, [...replaced(':method', 'CONNECT'), [':protocol', protocol], ...more], endHeaders);
    assert.match(await client.outcome(1), /^(?:400|reset)$/);
    assert.deepEqual(world.app.received, []);
    client.socket.destroy();
  });
}

test('the raw client of these tests can also send what is right', async (t) => {
  const world = await startWorld(t);
  const client = await frames(world);
  client.headers(1, good);
  assert.equal(await client.outcome(1), '200');
  assert.deepEqual(world.app.received.map(withoutFacts), ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n']);
  client.socket.destroy();
});

const post = replaced(':method', 'POST');
const breaks: readonly {
  name: string;
  fields?: readonly (readonly [string, string])[];
  breakOff: (client: Http2Frames) => void;
}[] = [
  { name: 'resets', breakOff: (client) => client.send(frame(frameTypes.reset, 0, 1, Buffer.of(0, 0, 0, 8))) },
  { name: 'resets with no error', breakOff: (client) => client.send(frame(frameTypes.reset, 0, 1, Buffer.alloc(4))) },
  { name: 'closes the connection', breakOff: (client) => client.socket.destroy() },
  { name: 'half-closes the connection', breakOff: (client) => client.socket.end() },
  {
    name: 'says GOAWAY and closes',
    breakOff: (client) => {
      client.send(frame(frameTypes.goaway, 0, 0, Buffer.alloc(8)));
      client.socket.end();
    },
  },
  {
    name: 'ends before its content-length',
    fields: [...post, ['content-length', '10']],
    breakOff: (client) => client.send(frame(frameTypes.data, endStream, 1)),
  },
  {
    name: 'goes beyond its content-length',
    fields: [...post, ['content-length', '6']],
    breakOff: (client) => client.send(frame(frameTypes.data, endStream, 1, Buffer.from('12345'))),
  },
  {
    name: 'ends with trailers that have a pseudo-header field',
    breakOff: (client) => client.headers(1, [[':path', '/x']]),
  },
];
for (const { name, fields, breakOff } of breaks) {
  test(`an upload of HTTP/2 whose client ${name} never looks whole to the application`, async (t) => {
    const world = await startWorld(t, { respond: () => undefined });
    const client = await frames(world);
    client.headers(1, fields ?? post, endHeaders);
    client.send(frame(frameTypes.data, 0, 1, Buffer.from('hello')));
    await until('the part', () => world.app.received.join('').includes('hello'));
    breakOff(client);
    await until('the application to be left', () => world.app.open() === 0);
    const [received = ''] = world.app.received;
    assert.equal(
      received.split('\r\n\r\n').slice(1).join('\r\n\r\n').replace(/\r\n$/, '').replace('5\r\n', ''),
      'hello',
    );
    client.socket.destroy();
  });
}

test('trailers of an upload are left out, forged certificate and all', async (t) => {
  const world = await startWorld(t, { respond: (text) => (text.endsWith('\r\n0\r\n\r\n') ? answer('ok') : undefined) });
  const client = await frames(world);
  client.headers(1, post, endHeaders);
  client.send(frame(frameTypes.data, 0, 1, Buffer.from('hello')));
  client.headers(1, [['x-client-cert', 'forged']]);
  assert.equal(await client.outcome(1), '200');
  assert.equal(world.app.received.join('').includes('forged'), false);
  client.socket.destroy();
});

test('streams that are reset at once never reach the application, and too many end the connection', async (t) => {
  const world = await startWorld(t);
  const client = await frames(world);
  const block = fieldBlock(good);
  const all: Buffer[] = [];
  for (let i = 0; i < 1000; i += 1) {
    const id = 2 * i + 1;
    all.push(frame(frameTypes.headers, endHeaders | endStream, id, block));
    all.push(frame(frameTypes.reset, 0, id, Buffer.of(0, 0, 0, 8)));
  }
  client.send(...all);
  await until('the end of the connection', () => client.closed);
  assert.ok(world.app.received.length <= 100, `${world.app.received.length} requests arrived`);
  const next = await connectHttp2(t, world);
  assert.equal((await ask(next, {})).status, 200);
});

test('streams that the client makes the gate reset count too', async (t) => {
  const world = await startWorld(t);
  const client = await frames(world);
  for (let i = 0; i < 400 && !client.closed; i += 1) {
    const id = 2 * i + 1;
    client.headers(id, good, endHeaders);
    // A window update of nothing is an error of the stream (RFC 9113 6.9).
    client.send(frame(frameTypes.windowUpdate, 0, id, Buffer.alloc(4)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('the end of the connection', () => client.closed);
  assert.ok(world.app.received.length <= 150, `${world.app.received.length} requests arrived`);
});

test('the authority of another profile is a 421, and the session goes on', async (t) => {
  const world = await startWorld(t, { profile: { hostnames: ['localhost'] } });
  const session = await connectHttp2(t, world);
  const got = await ask(session, { ':authority': 'other.example.test' });
  assert.deepEqual([got.status, got.body], [421, 'this connection does not serve the requested host\n']);
  assert.equal((await ask(session, { ':authority': 'LOCALHOST.:8443' })).status, 200);
  assert.equal(world.app.received.length, 1);
});

test('a request of HTTP/2 that repeats the one before but for one thing is another', async (t) => {
  const world = await startWorld(t, {
    respond: (text) =>
      /^GET|X-Client-Cert: [^]*\r\n0\r\n\r\n$/.test(text) ? answer(text.split(' ', 2).join(' ')) : undefined,
  });
  const client = await frames(world);
  const bodies = () =>
    client.frames.filter(({ type }) => type === frameTypes.data).map(({ payload }) => payload.toString());
  const asked = [good, good, replaced(':path', '/2')];
  for (const [i, fields] of asked.entries()) {
    client.headers(2 * i + 1, fields);
    await until('the answer', () => bodies().length === i + 1);
  }
  // The same head without a body, and with one.
  client.headers(7, post);
  client.headers(9, post, endHeaders);
  await until('the upload', () => world.app.received.join('').includes('chunked'));
  client.send(frame(frameTypes.data, endStream, 9, Buffer.from('hello')));
  await until('its answer', () => bodies().includes('POST /'));
  assert.deepEqual(bodies().slice(0, 3), ['GET /', 'GET /', 'GET /2']);
  assert.match(world.app.received.map(withoutFacts).join(''), /chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n/);
  client.socket.destroy();
});

test('nothing of a request of HTTP/2 that repeats the one before outlives its policy', async (t) => {
  const world = await startWorld(t, {
    respond: (text) => (text.endsWith('\r\n\r\n') ? answer('ok', 'X-Other-Cert: forged\r\n') : undefined),
  });
  const session = await connectHttp2(t, world);
  const askTwice = async () => {
    const got = [await ask(session, { 'x-a': '1' }), await ask(session, { 'x-a': '1' })];
    return got.map(({ status, fields }) => `${status} ${String(fields['x-other-cert'])}`);
  };
  const arrived = () => world.app.received.join('').split('GET / ').slice(1).map(certificateHeader);
  assert.deepEqual(await askTwice(), ['200 forged', '200 forged']);
  assert.deepEqual(arrived(), ['X-Client-Cert', 'X-Client-Cert']);
  const profile = { ...world.profile, forwardedCertificate: { ...urlEncodedPem, header: 'X-Other-Cert' } };
  await world.gate.apply([profile]);
  assert.deepEqual(await askTwice(), ['200 undefined', '200 undefined']);
  assert.deepEqual(arrived().slice(2), ['X-Other-Cert', 'X-Other-Cert']);
  const limits = { ...profile.backend.limits, headBytes: 40 };
  await world.gate.apply([{ ...profile, backend: { ...profile.backend, limits } }]);
  assert.deepEqual(await askTwice(), ['431 undefined', '431 undefined']);
});

test('a refused certificate is a 400 with its reason, and the session ends', async (t) => {
  const world = await startWorld(t);
  const session = await connectHttp2(t, world, null);
  const closed = new Promise<void>((resolve) => session.on('close', () => resolve()));
  const got = await ask(session, { accept: 'application/problem+json' });
  assert.equal(got.status, 400);
  assert.equal(got.fields['content-type'], 'application/problem+json');
  const problem: unknown = JSON.parse(got.body);
  assert.deepEqual(problem, {
    type: 'about:blank',
    title: 'client certificate refused',
    status: 400,
    detail: 'NoCertificate (none was presented)',
    reason: 'NoCertificate',
    requestId: got.fields['x-request-id'],
  });
  await closed;
  assert.deepEqual(world.app.received, []);
});

test('an upload over its limit is a 413 however much more comes', async (t) => {
  const world = await startWorld(t, {
    respond: () => undefined,
    profile: { backend: { limits: { ...defaultBackend.limits, requestBodyBytes: 10 } } },
  });
  const session = await connectHttp2(t, world);
  const got = await ask(session, { ':method': 'POST' }, 'x'.repeat(200_000));
  assert.deepEqual([got.status, got.body], [413, 'request body above its limit of 10 bytes\n']);
  const declared = await ask(session, { ':method': 'POST', 'content-length': '11' }, 'x'.repeat(11));
  assert.equal(declared.status, 413);
});

test('an early answer while the client uploads arrives whole', async (t) => {
  const world = await startWorld(t, {
    respond: (text) =>
      text.includes('\r\n\r\n')
        ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n'
        : undefined,
  });
  const client = await frames(world);
  client.headers(1, post, endHeaders);
  client.send(frame(frameTypes.data, 0, 1, Buffer.from('hello')));
  await until('the reset', () => client.frames.some(({ type }) => type === frameTypes.reset));
  const { data, headers, reset } = frameTypes;
  const seen = client.frames.filter(({ type, stream }) => stream === 1 && [data, headers, reset].includes(type));
  assert.deepEqual(
    seen.filter(({ type }) => type !== headers).map(({ type, flags, payload }) => [type, flags, payload.toString()]),
    [
      [data, endStream, 'no'],
      [reset, 0, '\0\0\0\0'],
    ],
  );
  // What is left of the upload must not stand before the next request: that one has a connection of its own.
  client.headers(3, good);
  await until('the next request', () => world.app.received[1]?.includes('\r\n\r\n') === true);
  assert.match(world.app.received[1] ?? '', /^GET \/ HTTP\/1\.1\r\n/);
  client.socket.destroy();
  await until('the application to be left', () => world.app.open() === 0);
});

test('Expect: 100-continue is answered', async (t) => {
  const world = await startWorld(t, { respond: (text) => (text.endsWith('hello') ? answer('ok') : undefined) });
  const session = await connectHttp2(t, world);
  const stream = session.request({ ':method': 'POST', expect: '100-continue', 'content-length': '5' });
  await new Promise<void>((resolve) => stream.on('continue', () => resolve()));
  stream.end('hello');
  assert.equal((await answerOf(stream)).body, 'ok');
});

test('an idle session is closed, one with a stream is not', async (t) => {
  const clock = new ManualClock();
  let answerNow: () => void = () => undefined;
  const world = await startWorld(t, {
    clock,
    respond: (text, socket) => {
      if (!text.endsWith('\r\n\r\n')) return undefined;
      answerNow = () => socket.write(answer('ok'));
      return '';
    },
    profile: { backend: { timeouts: { ...defaultBackend.timeouts, idleMs: 1000, responseMs: 0 } } },
  });
  const session = await connectHttp2(t, world);
  const asked = ask(session, {});
  await until('the request', () => world.app.received.join('').includes('\r\n\r\n'));
  clock.advance(1500);
  world.gate.gate.sweep();
  answerNow();
  assert.equal((await asked).body, 'ok');
  // The idle time begins when the gate has seen its stream end, which the client does not see.
  await until('the session to be closed', () => {
    clock.advance(1001);
    world.gate.gate.sweep();
    return session.closed;
  });
});

for (const shown of ['a good certificate', 'none'] as const) {
  test(`a client with ${shown} that opens no window for its answer is let go after the idle time`, async (t) => {
    const clock = new ManualClock();
    const world = await startWorld(t, {
      clock,
      profile: { backend: { timeouts: { ...defaultBackend.timeouts, idleMs: 1000 } } },
    });
    const identity = shown === 'none' ? undefined : pki.client('good');
    const client = new Http2Frames(await connectTo(world.gate.port, pki, identity, { ALPNProtocols: ['h2'] }));
    t.after(() => client.socket.destroy());
    // SETTINGS_INITIAL_WINDOW_SIZE 0.
    client.send(frame(frameTypes.settings, 0, 0, Buffer.of(0, 4, 0, 0, 0, 0)));
    client.headers(1, [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/'],
      [':authority', 'localhost'],
    ]);
    await until('the head of the answer', () => client.frames.some(({ type }) => type === frameTypes.headers));
    await until('the session to be closed', () => {
      clock.advance(1001);
      world.gate.gate.sweep();
      return client.closed;
    });
  });
}

async function frames(world: World): Promise<Http2Frames> {
  return new Http2Frames(await connectTo(world.gate.port, pki, pki.client('good'), { ALPNProtocols: ['h2'] }));
}

/** Lets what is on its way over loopback arrive. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setTimeout(resolve, 1));
}

function certificateHeader(received: string): string | undefined {
  return /^(X-[A-Za-z]+-Cert): /m.exec(received)?.[1];
}
