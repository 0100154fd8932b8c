import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chunkHeader,
  fieldLines,
  HttpUnwritable,
  joinLines,
  plainResponse,
  receivedFieldLine,
  requestHead,
  responseHead,
} from './write.ts';

test('a request head is its line, its fields and an empty line', () => {
  const lines = joinLines(fieldLines(['Host', 'a', 'X', '']), receivedFieldLine('Y', 'b'));
  assert.equal(requestHead('GET', '/a?b', lines), 'GET /a?b HTTP/1.1\r\nHost: a\r\nX: \r\nY: b\r\n\r\n');
  assert.equal(requestHead('OPTIONS', '*', fieldLines()), 'OPTIONS * HTTP/1.1\r\n\r\n');
});

test('a response head may lack a reason', () => {
  assert.equal(responseHead(200, '', fieldLines()), 'HTTP/1.1 200 \r\n\r\n');
  assert.equal(
    responseHead(404, 'Not\tFound \xe9', fieldLines(['A', 'b'])),
    'HTTP/1.1 404 Not\tFound \xe9\r\nA: b\r\n\r\n',
  );
});

test('a plain response counts octets, not characters, and sends text/plain unless told otherwise', () => {
  assert.equal(
    plainResponse(400, ['Connection', 'close'], 'é\n').toString('utf8'),
    'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\né\n',
  );
  assert.equal(
    plainResponse(499, ['content-type', 'application/problem+json'], '{}', false).toString('utf8'),
    'HTTP/1.1 499 \r\ncontent-type: application/problem+json\r\nContent-Length: 2\r\n\r\n',
  );
});

test('a chunk header is the hexadecimal size, never that of the last chunk', () => {
  assert.equal(chunkHeader(65535), 'ffff\r\n');
  for (const size of [0, -1, 1.5, Number.NaN, 2 ** 53]) assert.throws(() => chunkHeader(size), HttpUnwritable);
});

const unwritable: readonly (readonly [string, () => unknown])[] = [
  ['an empty name', () => fieldLines(['', 'a'])],
  ['a name with a colon', () => fieldLines(['a:', 'b'])],
  ['a name with CRLF', () => fieldLines(['a\r\nb', 'c'])],
  ['a name above 255', () => fieldLines(['\u0141', 'c'])],
  ['a value with CR', () => fieldLines(['a', 'b\rc'])],
  ['a value with LF', () => fieldLines(['a', 'b\nc'])],
  ['a value with NUL', () => fieldLines(['a', 'b\0c'])],
  ['a value with DEL', () => fieldLines(['a', '\x7f'])],
  ['a value above 255, whose low octet is LF', () => fieldLines(['a', '\u010a'])],
  ['a method with a space', () => requestHead('GET /', '/', fieldLines())],
  ['an empty target', () => requestHead('GET', '', fieldLines())],
  ['a target with a space', () => requestHead('GET', '/ HTTP/1.1', fieldLines())],
  ['a target with CRLF', () => requestHead('GET', '/\r\nA: b', fieldLines())],
  ['a target above 127', () => requestHead('GET', '/\xe9', fieldLines())],
  ['a target without a slash', () => requestHead('GET', 'http://a/', fieldLines())],
  ['a status below 100', () => responseHead(99, '', fieldLines())],
  ['a status above 599', () => responseHead(600, '', fieldLines())],
  ['a status with a fraction', () => responseHead(200.5, '', fieldLines())],
  ['a reason with CRLF', () => responseHead(200, 'a\r\nb', fieldLines())],
];

for (const [name, write] of unwritable) {
  test(`never writes ${name}`, () => assert.throws(write, { code: 'HTTP_UNWRITABLE' }));
}
