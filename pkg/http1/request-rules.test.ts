import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpMalformed } from './head.ts';
import { parseRequestHead } from './request.ts';

const limits = { headBytes: 65536, headerCount: 100 };

/** `lines` behind `GET / HTTP/1.1` and `Host: a`, unless they begin with a request line of their own. */
function statusOf(lines: string): number {
  const text = / HTTP\/1\.[01]\r\n/.test(lines) ? lines : `GET / HTTP/1.1\r\nHost: a\r\n${lines}`;
  try {
    const head = parseRequestHead(Buffer.from(`${text}\r\n\r\n`, 'latin1'), 0, text.length + 4, limits);
    return head === undefined ? 0 : 200;
  } catch (error) {
    assert.ok(error instanceof HttpMalformed, String(error));
    return error.status;
  }
}

function parse(lines: string) {
  const buffer = Buffer.from(`${lines}\r\n\r\n`, 'latin1');
  return parseRequestHead(buffer, 0, buffer.length, limits);
}

function hostLine(value: string): string {
  return `GET / HTTP/1.1\r\nHost: ${value}`;
}

/** What reaches an application differently from how a gate reads it. RFC 9112 2.2, 3.2, 5, 6; RFC 9110 5, 8.6. */
const rules: readonly (readonly [number, string, string])[] = [
  [400, 'HTTP/1.1 without Host', 'GET / HTTP/1.1\r\nA: b'],
  [400, 'two equal Hosts', 'Host: a'],
  [400, 'two Hosts in different case', 'hOST: b'],
  [400, 'two Hosts in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: a'],
  [400, 'an empty Host', hostLine('')],
  [400, 'a Host with userinfo', hostLine('u@a')],
  [400, 'a Host list', hostLine('a,b')],
  [400, 'a Host with a space', hostLine('a b')],
  [400, 'a Host with a path', hostLine('a/b')],
  [400, 'a Host with percent-encoding', hostLine('a%2eb')],
  [400, 'a Host with raw 8-bit', hostLine('\xe9')],
  [400, 'a Host that begins with a dot', hostLine('.a')],
  [400, 'a Host with an empty port', hostLine('a:')],
  [400, 'a Host with a port that is no number', hostLine('a:b')],
  [400, 'a Host with a signed port', hostLine('a:+1')],
  [400, 'a Host with port 0', hostLine('a:0')],
  [400, 'a Host with a port with leading zero', hostLine('a:080')],
  [400, 'a Host with port 65536', hostLine('a:65536')],
  [200, 'a Host with port 65535', hostLine('a:65535')],
  [400, 'a Host with two ports', hostLine('a:1:2')],
  [400, 'a Host that is a port only', hostLine(':80')],
  [400, 'a Host with an open bracket', hostLine('[::1')],
  [400, 'a Host with a bracketed name', hostLine('[a]')],
  [400, 'a Host with a zone', hostLine('[fe80::1%25eth0]')],
  [400, 'a Host with text behind the bracket', hostLine('[::1]a')],
  [200, 'a Host with a bracketed address', hostLine('[::1]')],
  [200, 'a Host with a trailing dot', hostLine('a.example.')],
  [400, 'absolute form with another Host', 'GET http://b/ HTTP/1.1\r\nHost: a'],
  [400, 'absolute form with another port', 'GET http://a:80/ HTTP/1.1\r\nHost: a'],
  [400, 'absolute form without Host in 1.1', 'GET http://a/ HTTP/1.1\r\nA: b'],
  [400, 'absolute form with userinfo', 'GET http://u@a/ HTTP/1.1\r\nHost: a'],
  [400, 'absolute form without authority', 'GET http:///a HTTP/1.1\r\nHost: a'],
  [400, 'absolute form of another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a'],
  [400, 'a target without a slash', 'GET a HTTP/1.1\r\nHost: a'],
  [400, 'an authority form', 'GET a:443 HTTP/1.1\r\nHost: a'],
  [400, 'the asterisk with GET', 'GET * HTTP/1.1\r\nHost: a'],
  [400, 'an asterisk with more', 'OPTIONS *a HTTP/1.1\r\nHost: a'],
  [501, 'CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a'],
  [501, 'connect in lower case', 'connect / HTTP/1.1\r\nHost: a'],
  [501, 'TRACE', 'TRACE / HTTP/1.1\r\nHost: a'],
  [501, 'PRI', 'PRI * HTTP/1.1\r\nHost: a'],
  [400, 'HEAD in another case, which some answer without a body', 'Head / HTTP/1.1\r\nHost: a'],
  [200, 'another method in lower case', 'get / HTTP/1.1\r\nHost: a'],
  [400, 'obs-fold', 'A: b\r\n c'],
  [400, 'obs-fold by a tab', 'A: b\r\n\tc'],
  [400, 'a folded first line', 'GET / HTTP/1.1\r\n A: b'],
  [400, 'a space before the colon', 'A : b'],
  [400, 'a tab before the colon', 'A\t: b'],
  [400, 'VT before the colon', 'A\x0b: b'],
  [400, 'NBSP before the colon', 'A\xa0: b'],
  [400, 'NUL before the colon', 'A\0: b'],
  [400, 'no colon', 'AB'],
  [400, 'no name', ': b'],
  [400, 'a name with 8-bit', 'X-\xe9: b'],
  [400, 'a name in quotes', '"A": b'],
  [200, 'a name with underscore and dot', 'X_a.b: c'],
  [400, 'a bare LF', 'A: b\nC: d'],
  [400, 'a bare CR', 'A: b\rC: d'],
  [400, 'CR CR LF', 'A: b\r\r\nC: d'],
  [400, 'a bare CR where a line begins', '\rA: b'],
  [400, 'NUL in a value', 'A: b\0c'],
  [400, 'VT in a value', 'A: b\x0bc'],
  [400, 'ESC in a value', 'A: b\x1bc'],
  [400, 'DEL in a value', 'A: b\x7fc'],
  [200, 'C1 octets in a value, which are obs-text', 'A: b\x85c'],
  [200, 'Content-Length: 0', 'Content-Length: 0'],
  [400, 'Content-Length twice', 'Content-Length: 1\r\nContent-Length: 1'],
  [400, 'a Content-Length list', 'Content-Length: 1, 1'],
  [400, 'an empty Content-Length', 'Content-Length:'],
  [400, 'Content-Length with a plus', 'Content-Length: +3'],
  [400, 'a negative Content-Length', 'Content-Length: -1'],
  [400, 'a hexadecimal Content-Length', 'Content-Length: 0x3'],
  [400, 'a Content-Length with a point', 'Content-Length: 3.0'],
  [400, 'a Content-Length with an exponent', 'Content-Length: 3e1'],
  [400, 'a Content-Length with leading zero', 'Content-Length: 010'],
  [400, 'a Content-Length of 2^53', 'Content-Length: 9007199254740992'],
  [400, 'a Content-Length beyond 64 bits', 'Content-Length: 18446744073709551617'],
  [400, 'a Content-Length with a space inside', 'Content-Length: 1 2'],
  [400, 'a Content-Length in other digits', 'Content-Length: \xb2'],
  [200, 'Content_Length, which is only a name', 'Content_Length: 5'],
  [200, 'Content-Length between spaces', 'Content-Length:  5  '],
  [400, 'a tab before Content-Length', 'Content-Length:\t5'],
  [400, 'a tab behind Content-Length', 'Content-Length: 5\t'],
  [400, 'a tab behind chunked', 'Transfer-Encoding: chunked \t'],
  [400, 'Content-Length and Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
  [400, 'Transfer-Encoding and Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5'],
  [400, 'Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked'],
  [400, 'Transfer-Encoding twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
  [400, 'Transfer-Encoding twice with identity', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'],
  [400, 'chunked, chunked', 'Transfer-Encoding: chunked, chunked'],
  [400, 'identity', 'Transfer-Encoding: identity'],
  [400, 'an empty Transfer-Encoding', 'Transfer-Encoding:'],
  [400, 'xchunked', 'Transfer-Encoding: xchunked'],
  [400, 'chunked in quotes', 'Transfer-Encoding: "chunked"'],
  [400, 'chunked with a parameter', 'Transfer-Encoding: chunked;a=b'],
  [400, 'chunked behind VT', 'Transfer-Encoding: \x0bchunked'],
  [400, 'a list with an empty member', 'Transfer-Encoding: ,chunked'],
  [400, 'chunked before gzip', 'Transfer-Encoding: chunked, gzip'],
  [400, 'gzip alone', 'Transfer-Encoding: gzip'],
  [501, 'gzip before chunked', 'Transfer-Encoding: gzip, chunked'],
  [501, 'deflate and gzip before chunked', 'Transfer-Encoding: Deflate , gzip, Chunked'],
  [417, 'another expectation', 'Expect: 200-ok'],
  [417, 'an expectation list', 'Expect: 100-continue, 100-continue'],
  [417, 'two expectations', 'Expect: 100-continue\r\nExpect: 100-continue'],
  [417, 'an expectation in disguise', 'Expect: y 100-continue'],
  [400, 'a Connection option that is no token', 'Connection: a b'],
  [400, 'a Connection option in quotes', 'Connection: "close"'],
  [400, 'more than 32 Connection options', `Connection: ${'a,'.repeat(32)}a`],
  [200, '32 Connection options', `Connection: ${'a,'.repeat(31)}a`],
];

for (const [status, name, lines] of rules) {
  test(`answers ${status} to ${name}`, () => assert.equal(statusOf(lines), status));
}

test('expectContinue is only for HTTP/1.1 requests with content', () => {
  const expectOf = (lines: string) => parse(lines)?.expectContinue;
  assert.equal(expectOf('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1'), true);
  assert.equal(expectOf('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked'), true);
  assert.equal(expectOf('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0'), false);
  assert.equal(expectOf('GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue'), false);
  assert.equal(expectOf('POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1'), false);
});

const upgrades: readonly (readonly [boolean, string, string])[] = [
  [true, 'a WebSocket upgrade', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket'],
  [
    true,
    'with keep-alive beside',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket',
  ],
  [
    true,
    'with an empty body',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0',
  ],
  [false, 'without Connection', 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket'],
  [false, 'without Upgrade', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade'],
  [false, 'with h2c', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c'],
  [false, 'with h2c beside', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c'],
  [false, 'twice', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket'],
  [false, 'with another method', 'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket'],
  [false, 'in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket'],
  [false, 'with a body', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1'],
  [
    false,
    'with a chunked body',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked',
  ],
];

for (const [want, name, lines] of upgrades) {
  test(`webSocket is ${want}: ${name}`, () => assert.equal(parse(lines)?.webSocket, want));
}

test('an error shows at most the start of the value, printable', () => {
  const value = `a\x85${'b'.repeat(100)}`;
  assert.throws(() => parse(hostLine(value)), {
    code: 'HTTP_MALFORMED',
    message: `authority "a\\u0085${'b'.repeat(38)}...": must be a host name or bracketed IPv6 address, with or without a port`,
  });
});
