import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HeadLimits, HttpMalformed, type ResponseHead } from './head.ts';
import { parseResponseHead } from './response.ts';

const limits: HeadLimits = { headBytes: 4096, headerCount: 20 };

function parse(text: string, method = 'GET', given = limits): ResponseHead | undefined {
  const buffer = Buffer.from(`zz${text}\r\n\r\n`, 'latin1');
  return parseResponseHead(buffer, 2, buffer.length - 4, given, method);
}

const plain: ResponseHead = {
  status: 200,
  reason: 'OK',
  minorVersion: 1,
  fields: [],
  framing: { kind: 'close' },
  keepAlive: false,
  connectionTokens: [],
  webSocket: false,
  size: 19,
};

const none = { kind: 'none' } as const;
const sized = (text: string) => ({ size: text.length });
const withFields = (start: string, fields: string[]) => {
  let text = `${start}\r\n`;
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return { text: `${text}\r\n`, want: { fields, ...sized(`${text}\r\n`) } };
};

interface Accepted {
  readonly name: string;
  readonly start: string;
  readonly fields: string[];
  readonly method?: string;
  readonly want: Partial<ResponseHead>;
}

const accepted: readonly Accepted[] = [
  { name: 'neither length nor chunked: until the connection closes', start: 'HTTP/1.1 200 OK', fields: [], want: {} },
  {
    name: 'an empty reason',
    start: 'HTTP/1.1 599 ',
    fields: ['Content-Length', '0'],
    want: { status: 599, reason: '', framing: { kind: 'length', length: 0 }, keepAlive: true },
  },
  {
    name: 'a reason left out with its space',
    start: 'HTTP/1.1 200',
    fields: ['Content-Length', '007'],
    want: { reason: '', framing: { kind: 'length', length: 7 }, keepAlive: true },
  },
  {
    name: 'a reason with spaces, HTAB and obs-text',
    start: 'HTTP/1.1 404 Nicht\tgefunden \xe9',
    fields: ['Transfer-Encoding', 'Chunked'],
    want: { status: 404, reason: 'Nicht\tgefunden \xe9', framing: { kind: 'chunked' }, keepAlive: true },
  },
  {
    name: 'HTTP/1.0, which closes unless it says otherwise',
    start: 'HTTP/1.0 200 OK',
    fields: ['Content-Length', '1'],
    want: { minorVersion: 0, framing: { kind: 'length', length: 1 } },
  },
  {
    name: 'HTTP/1.0 with keep-alive',
    start: 'HTTP/1.0 200 OK',
    fields: ['Content-Length', '1', 'Connection', 'Keep-Alive'],
    want: { minorVersion: 0, framing: { kind: 'length', length: 1 }, keepAlive: true },
  },
  {
    name: 'close and a hop-by-hop name',
    start: 'HTTP/1.1 200 OK',
    fields: ['Content-Length', '1', 'Connection', 'close, X-Hop'],
    want: { framing: { kind: 'length', length: 1 }, connectionTokens: ['x-hop'] },
  },
  {
    name: '100',
    start: 'HTTP/1.1 100 Continue',
    fields: [],
    want: { status: 100, reason: 'Continue', framing: none, keepAlive: true },
  },
  {
    name: '204',
    start: 'HTTP/1.1 204 x',
    fields: [],
    want: { status: 204, reason: 'x', framing: none, keepAlive: true },
  },
  {
    name: '204 with a length of 0',
    start: 'HTTP/1.1 204 x',
    fields: ['Content-Length', '0'],
    want: { status: 204, reason: 'x', framing: none, keepAlive: true },
  },
  {
    name: '204 that announces a body: without one, and the connection is not used again',
    start: 'HTTP/1.1 204 x',
    fields: ['Content-Length', '5'],
    want: { status: 204, reason: 'x', framing: none, keepAlive: false },
  },
  {
    name: '103 that announces a chunked body, likewise',
    start: 'HTTP/1.1 103 x',
    fields: ['Transfer-Encoding', 'chunked'],
    want: { status: 103, reason: 'x', framing: none, keepAlive: false },
  },
  {
    name: '304 with the length of what it stands for',
    start: 'HTTP/1.1 304 x',
    fields: ['Content-Length', '5'],
    want: { status: 304, reason: 'x', framing: none, keepAlive: true },
  },
  {
    name: 'an answer to HEAD with a length',
    start: 'HTTP/1.1 200 OK',
    fields: ['Content-Length', '5'],
    method: 'HEAD',
    want: { framing: none, keepAlive: true },
  },
  {
    name: 'an answer to HEAD with chunked',
    start: 'HTTP/1.1 200 OK',
    fields: ['Transfer-Encoding', 'chunked'],
    method: 'HEAD',
    want: { framing: none, keepAlive: true },
  },
  {
    name: '2xx to CONNECT',
    start: 'HTTP/1.1 200 OK',
    fields: [],
    method: 'CONNECT',
    want: { framing: none, keepAlive: true },
  },
  {
    name: '4xx to CONNECT, which has a body',
    start: 'HTTP/1.1 400 x',
    fields: ['Content-Length', '5'],
    method: 'CONNECT',
    want: { status: 400, reason: 'x', framing: { kind: 'length', length: 5 }, keepAlive: true },
  },
  {
    name: '101 to WebSocket',
    start: 'HTTP/1.1 101 x',
    fields: ['Connection', 'Upgrade', 'Upgrade', 'WebSocket'],
    want: { status: 101, reason: 'x', framing: none, keepAlive: true, webSocket: true },
  },
  {
    name: '101 to something else, as no WebSocket',
    start: 'HTTP/1.1 101 x',
    fields: ['Connection', 'Upgrade', 'Upgrade', 'h2c'],
    want: { status: 101, reason: 'x', framing: none, keepAlive: true },
  },
  {
    name: '101 without Connection, as no WebSocket',
    start: 'HTTP/1.1 101 x',
    fields: ['Upgrade', 'websocket'],
    want: { status: 101, reason: 'x', framing: none, keepAlive: true },
  },
  {
    name: '101 with a body, as no WebSocket',
    start: 'HTTP/1.1 101 x',
    fields: ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Content-Length', '1'],
    want: { status: 101, reason: 'x', framing: none, keepAlive: false },
  },
  {
    name: '200 with Upgrade, as no WebSocket',
    start: 'HTTP/1.1 200 OK',
    fields: ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Content-Length', '1'],
    want: { framing: { kind: 'length', length: 1 }, keepAlive: true },
  },
];

for (const { name, start, fields, method, want } of accepted) {
  test(`accepts ${name}`, () => {
    const { text, want: common } = withFields(start, fields);
    assert.deepEqual(parse(text, method), { ...plain, ...common, ...want });
  });
}

const refused: readonly (readonly [string, string])[] = [
  ['an empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['HTTP/0.9', '<html>'],
  ['HTTP/2', 'HTTP/2 200\r\n'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n'],
  ['ICY', 'ICY 200 OK\r\n'],
  ['a lower-case protocol name', 'http/1.1 200 OK\r\n'],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n'],
  ['a status above 599', 'HTTP/1.1 600 OK\r\n'],
  ['a status with a letter', 'HTTP/1.1 2x0 OK\r\n'],
  ['a tab before the reason', 'HTTP/1.1 200\tOK\r\n'],
  ['a control in the reason', 'HTTP/1.1 200 O\x01K\r\n'],
  ['a bare LF behind the status line', 'HTTP/1.1 200 OK\nA: b\n\n'],
  ['a bare CR behind the status line', 'HTTP/1.1 200 OK\rA: b\r\n\r\n'],
  ['obs-fold', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
  ['white space before the colon', 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n'],
  ['NUL in a value', 'HTTP/1.1 200 OK\r\nA: \0\r\n\r\n'],
  ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['both framings on a 304', 'HTTP/1.1 304 x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['Transfer-Encoding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
  ['Transfer-Encoding twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['two equal lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
  ['a length list', 'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: a\r\n\r\n'],
  ['a Connection option that is no token', 'HTTP/1.1 200 OK\r\nConnection: a b\r\n\r\n'],
  ['101 in HTTP/1.0', 'HTTP/1.0 101 x\r\n\r\n'],
];

for (const [name, text] of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => parse(text),
      (error) => error instanceof HttpMalformed && error.status === 502,
    );
  });
}

test('refuses a head over the size limit in the status line and in the fields', () => {
  const text = 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n';
  assert.equal(parse(text, 'GET', { headBytes: text.length, headerCount: 1 })?.size, text.length);
  for (const headBytes of [5, 13, 20, text.length - 1]) {
    assert.throws(() => parse(text, 'GET', { headBytes, headerCount: 0 }), {
      message: 'response head over the size limit',
    });
  }
});

test('is undefined for every proper prefix of a head', () => {
  const buffer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n', 'latin1');
  for (let end = 0; end < buffer.length; end++) {
    assert.equal(parseResponseHead(buffer, 0, end, limits, 'GET'), undefined, `prefix of ${end} octets`);
  }
  assert.equal(parseResponseHead(buffer, 0, buffer.length, limits, 'GET')?.size, buffer.length);
});
