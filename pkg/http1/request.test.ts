import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HeadLimits, HttpMalformed, type RequestHead } from './head.ts';
import { parseRequestHead } from './request.ts';

const limits: HeadLimits = { headBytes: 4096, headerCount: 20, targetBytes: 100 };

function parse(text: string, given: HeadLimits = limits): RequestHead | undefined {
  // Other octets before and behind: nothing outside start and end may be looked at.
  const buffer = Buffer.from(`\r\nzz${text}\r\n\r\n`, 'latin1');
  return parseRequestHead(buffer, 4, buffer.length - 4, given);
}

function refusal(text: string, given?: HeadLimits): { status: number; message: string } {
  try {
    const head = parse(text, given);
    return { status: 0, message: head === undefined ? 'incomplete' : 'accepted' };
  } catch (error) {
    assert.ok(error instanceof HttpMalformed);
    assert.equal(error.code, 'HTTP_MALFORMED');
    return { status: error.status, message: error.message };
  }
}

const plain: RequestHead = {
  method: 'GET',
  target: '/',
  path: '/',
  query: undefined,
  authority: 'a',
  minorVersion: 1,
  fields: ['Host', 'a'],
  framing: { kind: 'none' },
  keepAlive: true,
  expectContinue: false,
  connectionTokens: [],
  webSocket: false,
  size: 27,
};

const accepted: readonly { name: string; text: string; want: Partial<RequestHead> }[] = [
  { name: 'the shortest 1.1 request', text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', want: {} },
  { name: 'one empty line before the request line', text: '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', want: { size: 29 } },
  {
    name: 'HTTP/1.0 without Host',
    text: 'GET / HTTP/1.0\r\n\r\n',
    want: { minorVersion: 0, authority: '', fields: [], keepAlive: false, size: 18 },
  },
  {
    name: 'HTTP/1.0 with keep-alive',
    text: 'GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
    want: { minorVersion: 0, fields: ['Host', 'a', 'Connection', 'keep-alive'], size: 51 },
  },
  {
    name: 'white space around a value, HTAB and obs-text inside',
    text: 'GET / HTTP/1.1\r\nHost: \t a \t \r\nX:\r\nY: \t \r\nZ:a\tb\xe9\r\n\r\n',
    want: { fields: ['Host', 'a', 'X', '', 'Y', '', 'Z', 'a\tb\xe9'], size: 51 },
  },
  {
    name: 'path and query apart at the first question mark',
    text: 'GET /a//b/../c?x=1?y HTTP/1.1\r\nHost: a\r\n\r\n',
    want: { target: '/a//b/../c?x=1?y', path: '/a//b/../c', query: 'x=1?y', size: 42 },
  },
  {
    name: 'an empty query',
    text: 'GET /? HTTP/1.1\r\nHost: a\r\n\r\n',
    want: { target: '/?', query: '', size: 28 },
  },
  {
    name: 'a Host to lower case with its port',
    text: 'GET / HTTP/1.1\r\nhOST: Shop_1.Example.COM:8443\r\n\r\n',
    want: { authority: 'shop_1.example.com:8443', fields: ['hOST', 'Shop_1.Example.COM:8443'], size: 49 },
  },
  {
    name: 'a Host that is an IPv6 address',
    text: 'GET / HTTP/1.1\r\nHost: [2001:DB8::1]:443\r\n\r\n',
    want: { authority: '[2001:db8::1]:443', fields: ['Host', '[2001:DB8::1]:443'], size: 43 },
  },
  {
    name: 'absolute form, its authority equal to Host but for case',
    text: 'GET HTTP://A/b?c HTTP/1.1\r\nHost: a\r\n\r\n',
    want: { target: 'HTTP://A/b?c', path: '/b', query: 'c', size: 38 },
  },
  {
    name: 'absolute form without a path',
    text: 'GET https://a?c HTTP/1.1\r\nHost: a\r\n\r\n',
    want: { target: 'https://a?c', path: '/', query: 'c', size: 37 },
  },
  {
    name: 'absolute form without a path for OPTIONS',
    text: 'OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n',
    want: { method: 'OPTIONS', target: 'http://a', path: '*', size: 38 },
  },
  {
    name: 'absolute form in HTTP/1.0 without Host',
    text: 'GET http://b:80/ HTTP/1.0\r\n\r\n',
    want: { target: 'http://b:80/', authority: 'b:80', minorVersion: 0, keepAlive: false, fields: [], size: 29 },
  },
  {
    name: 'the asterisk for OPTIONS',
    text: 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    want: { method: 'OPTIONS', target: '*', path: '*', size: 31 },
  },
  {
    name: 'an unknown method of token characters',
    text: "PURGE!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: a\r\n\r\n",
    want: { method: "PURGE!#$%&'*+-.^_`|~9", size: 45 },
  },
  {
    name: 'Content-Length on any method',
    text: 'DELETE / HTTP/1.1\r\nHost: a\r\ncontent-length: 9007199254740991\r\n\r\n',
    want: {
      method: 'DELETE',
      fields: ['Host', 'a', 'content-length', '9007199254740991'],
      framing: { kind: 'length', length: 9007199254740991 },
      size: 64,
    },
  },
  {
    name: 'chunked in any case',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ChUnked\r\n\r\n',
    want: { fields: ['Host', 'a', 'Transfer-Encoding', 'ChUnked'], framing: { kind: 'chunked' }, size: 55 },
  },
  {
    name: 'close, which wins over keep-alive',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, keep-alive\r\n\r\n',
    want: { fields: ['Host', 'a', 'Connection', 'close, keep-alive'], keepAlive: false, size: 58 },
  },
  {
    name: 'Connection options of several lines, lower case, once each, empty ones and framing passed over',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Client-Cert ,, \tHost\r\nConnection: x-client-cert, content-length, TE, CLOSE\r\n\r\n',
    want: {
      fields: [
        'Host',
        'a',
        'Connection',
        'X-Client-Cert ,, \tHost',
        'Connection',
        'x-client-cert, content-length, TE, CLOSE',
      ],
      connectionTokens: ['x-client-cert', 'te'],
      keepAlive: false,
      size: 117,
    },
  },
];

for (const { name, text, want } of accepted) {
  test(`accepts ${name}`, () => assert.deepEqual(parse(text), { ...plain, ...want }));
}

const refused: readonly { name: string; text: string; status: number; message: string; limits?: HeadLimits }[] = [
  ...(
    [
      ['two empty lines first', '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'octet 0x0d in method'],
      ['a bare LF first', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'octet 0x0a in method'],
      ['a bare CR first', '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'CR without LF before the request line'],
      ['a space first', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'octet 0x20 in method'],
      ['HTTP/0.9', 'GET /\r\n', 400, 'octet 0x0d in target'],
      ['a method with a separator', 'G(T / HTTP/1.1\r\n', 400, 'octet 0x28 in method'],
      ['a method of 33 characters', `${'M'.repeat(33)} `, 501, 'method of more than 32 characters'],
      ['an endless method', 'M'.repeat(40), 501, 'method of more than 32 characters'],
      ['a tab behind the method', 'GET\t/ HTTP/1.1\r\n', 400, 'octet 0x09 in method'],
      ['two spaces behind the method', 'GET  / HTTP/1.1\r\n', 400, 'octet 0x20 in target'],
      ['two spaces behind the target', 'GET /  HTTP/1.1\r\n', 400, 'octet 0x20 in HTTP version'],
      ['raw 8-bit in the target', 'GET /\xe9 HTTP/1.1\r\n', 400, 'octet 0xe9 in target'],
      ['a fragment in the target', 'GET /#a HTTP/1.1\r\n', 400, 'octet 0x23 in target'],
      ['DEL in the target', 'GET /\x7f HTTP/1.1\r\n', 400, 'octet 0x7f in target'],
      ['a lower-case protocol name', 'GET / http/1.1\r\n', 400, 'octet 0x68 in HTTP version'],
      ['a version of two digits', 'GET / HTTP/1.10\r\n', 400, 'octet 0x30 in HTTP version'],
      ['a version with a letter', 'GET / HTTP/1.x\r\n', 400, 'octet 0x78 in HTTP version'],
      ['white space behind the version', 'GET / HTTP/1.1 \r\n', 400, 'octet 0x20 in HTTP version'],
      ['a bare LF behind the version', 'GET / HTTP/1.1\nHost: a\n\n', 400, 'octet 0x0a in HTTP version'],
      ['HTTP/2.0', 'GET / HTTP/2.0\r\n', 505, 'HTTP version: only HTTP/1.0 and HTTP/1.1 are spoken here'],
      ['HTTP/1.2', 'GET / HTTP/1.2\r\n', 505, 'HTTP version: only HTTP/1.0 and HTTP/1.1 are spoken here'],
      ['HTTP/0.9 spelled out', 'GET / HTTP/0.9\r\n', 505, 'HTTP version: only HTTP/1.0 and HTTP/1.1 are spoken here'],
      ['a target over its limit', `GET /${'a'.repeat(100)} HTTP/1.1\r\n`, 414, 'target of more than 100 octets'],
      ['an endless target', `GET /${'a'.repeat(100)}`, 414, 'target of more than 100 octets'],
    ] as const
  ).map(([name, text, status, message]) => ({ name, text, status, message })),
  {
    name: 'a request line over the head limit',
    text: `GET /${'a'.repeat(90)}`,
    status: 414,
    message: 'request line over the head limit',
    limits: { headBytes: 50, headerCount: 0 },
  },
  {
    name: 'a version over the head limit',
    text: 'GET / HTTP/1.1\r\n',
    status: 414,
    message: 'request line over the head limit',
    limits: { headBytes: 10, headerCount: 0 },
  },
  {
    name: 'a head one octet over its limit',
    text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    status: 431,
    message: 'head over the size limit',
    limits: { headBytes: 26, headerCount: 0 },
  },
  {
    name: 'one field more than the limit',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n',
    status: 431,
    message: 'more than 1 header fields',
    limits: { headBytes: 0, headerCount: 1 },
  },
  {
    name: 'more fields than the ceiling where no limit is set',
    text: `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(1001)}`,
    status: 431,
    message: 'more than 1000 header fields',
    limits: { headBytes: 0, headerCount: 0 },
  },
  {
    name: 'more octets than the ceiling where no limit is set',
    text: `GET / HTTP/1.1\r\nA: ${'b'.repeat(1024 * 1024)}`,
    status: 431,
    message: 'head over the size limit',
    limits: { headBytes: 0, headerCount: 0 },
  },
];

for (const { name, text, status, message, limits: given } of refused) {
  test(`refuses ${name} with ${status}`, () => assert.deepEqual(refusal(text, given), { status, message }));
}

test('accepts a head, a field count and a target exactly at their limits', () => {
  const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  assert.deepEqual(parse(text, { headBytes: 27, headerCount: 1, targetBytes: 1 }), plain);
});

test('is undefined for every proper prefix of a head, and never looks behind the end', () => {
  const text = '\r\nPOST /a?b HTTP/1.1\r\nHost: a\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n';
  const buffer = Buffer.from(text, 'latin1');
  for (let end = 0; end < buffer.length; end++) {
    assert.equal(parseRequestHead(buffer, 0, end, limits), undefined, `prefix of ${end} octets`);
  }
  assert.equal(parseRequestHead(buffer, 0, buffer.length, limits)?.size, text.length);
});
