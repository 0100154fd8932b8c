import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeadLimits } from './head.ts';
import { RequestHeadReader, ResponseHeadReader } from './head-reader.ts';
import { parseRequestHead } from './request.ts';
import { parseResponseHead } from './response.ts';

const limits: HeadLimits = { headBytes: 4096, headerCount: 20 };
const request = '\r\nPOST /a?b HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 3\r\n\r\n';
const response = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n';

test('a request head read in pieces is the head read whole, and its octets are counted', () => {
  const buffer = Buffer.from(`${request}abc${request}`, 'latin1');
  const want = parseRequestHead(buffer, 0, buffer.length, limits);
  for (let size = 1; size <= buffer.length; size++) {
    const reader = new RequestHeadReader(limits);
    let at = 0;
    for (const bodyLength of [3, 0]) {
      let head = reader.push(buffer, at, Math.min(buffer.length, at + size));
      at += reader.consumed;
      while (head === undefined) {
        assert.ok(reader.pending && at < buffer.length);
        head = reader.push(buffer, at, Math.min(buffer.length, at + size));
        at += reader.consumed;
      }
      assert.deepEqual(head, want);
      assert.equal(reader.pending, false);
      at += bodyLength;
    }
    assert.equal(at, buffer.length);
  }
});

test('a response head read in pieces is the head read whole', () => {
  const buffer = Buffer.from(`${response}abc`, 'latin1');
  const want = parseResponseHead(buffer, 0, buffer.length, limits, 'GET');
  for (let size = 1; size <= buffer.length; size++) {
    const reader = new ResponseHeadReader(limits);
    let at = 0;
    let head = reader.push(buffer, at, size, 'GET');
    at += reader.consumed;
    while (head === undefined) {
      assert.ok(reader.pending && at < buffer.length);
      head = reader.push(buffer, at, Math.min(buffer.length, at + size), 'GET');
      at += reader.consumed;
    }
    assert.deepEqual(head, want);
    assert.equal(reader.pending, false);
    assert.equal(at, response.length);
  }
});

test('no octets leave nothing pending', () => {
  const reader = new RequestHeadReader(limits);
  assert.equal(reader.push(Buffer.alloc(0), 0, 0), undefined);
  assert.equal(reader.pending, false);
});

test('an octet that no head may have is refused as soon as it comes, not when the head is whole', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['GET / HTTP/1.1\r\nHost: a\n', 'octet 0x0a in header value'],
    ['GET / HTTP/1.1\r\nHost: a\r\n\n', 'octet 0x0a in header name'],
    ['GET / HTTP/1.1\r\nHost: a\0', 'octet 0x00 in header value'],
    ['GET / HTTP/1.1\r\nHost: a\rb', 'CR without LF in a header value'],
    ['\r\n\r\n', 'octet 0x0d in method'],
  ];
  for (const [text, message] of cases) {
    const reader = new RequestHeadReader(limits);
    const buffer = Buffer.from(text, 'latin1');
    const last = buffer.length - 1;
    for (let i = 0; i < last; i++)
      assert.equal(reader.push(buffer, i, i + 1), undefined, `${JSON.stringify(text)} at ${i}`);
    assert.throws(() => reader.push(buffer, last, last + 1), { message });
  }
});

test('limits hold for heads in pieces as for whole ones', () => {
  const drip = (text: string, given: HeadLimits) => {
    const reader = new RequestHeadReader(given);
    const buffer = Buffer.from(text, 'latin1');
    for (let i = 0; i < buffer.length; i++) reader.push(buffer, i, i + 1);
  };
  const tight = { headBytes: 100, headerCount: 2 };
  assert.throws(() => drip(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'b'.repeat(100)}`, tight), {
    message: 'head over the size limit',
  });
  assert.throws(() => drip(`GET /${'b'.repeat(100)}`, tight), { message: 'request line over the head limit' });
  assert.throws(() => drip('GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nD: e\r\n\r\n', tight), {
    message: 'more than 2 header fields',
  });
  const reader = new ResponseHeadReader(tight);
  reader.push(Buffer.from('HTTP/1.1 200 OK\r\n'), 0, 17, 'GET');
  assert.throws(() => reader.push(Buffer.alloc(100, 'a'), 0, 100, 'GET'), {
    message: 'response head over the size limit',
  });
});

test('single octets of a head at its ceiling cost linear time', () => {
  // A million octets: quadratic work would be 10^12 steps and never end.
  const reader = new RequestHeadReader({ headBytes: 0, headerCount: 0 });
  const octet = Buffer.from('b');
  const start = Buffer.from('GET / HTTP/1.1\r\nA: ');
  reader.push(start, 0, start.length);
  for (let i = start.length; i < 1024 * 1024; i++) assert.equal(reader.push(octet, 0, 1), undefined);
  assert.throws(() => reader.push(octet, 0, 1), { message: 'head over the size limit' });
});
