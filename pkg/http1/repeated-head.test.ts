import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HttpMalformed } from './head.ts';
import { RequestHeadReader, ResponseHeadReader } from './head-reader.ts';
import { repeatedHeadCeiling } from './repeated-head.ts';
import { parseRequestHead } from './request.ts';
import { parseResponseHead } from './response.ts';

const runs = { seed: 6, numRuns: 500 };
const limits = { headBytes: 8192, headerCount: 100 };

/** Pairs of the same length that differ in one octet, beside such that are the start of one another. */
const requests: readonly string[] = [
  'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /1 HTTP/1.0\r\nHost: a\r\n\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n',
  'PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n',
  'PUT /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n',
  '\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\n X-A: 1\r\n\r\n',
];
const responses: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
  'HTTP/1.1 204 OK\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n',
];
/** What follows a head, how much of it comes in the first piece, and whether the reader forgets before. */
const circumstances = {
  rest: fc.constantFrom('', 'x', '\r\n', 'GET /3 HTTP/1.1\r\n'),
  cut: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 8 }),
  forget: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
};

test('a reader gives what reading anew gives, whatever heads came before: requests', () => {
  const steps = fc.array(fc.record({ head: fc.constantFrom(...requests), ...circumstances }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (list) => {
      let reader = new RequestHeadReader(limits);
      for (const { head, rest, cut, forget } of list) {
        if (forget) reader.forget();
        const octets = Buffer.from(head + rest, 'latin1');
        const want = outcome(() => parseRequestHead(octets, 0, octets.length, limits));
        const got = outcome(() => pushed(reader, octets, cut, (from, to) => reader.push(octets, from, to)));
        assert.deepEqual(got, want);
        // Nothing follows a refusal.
        if (want.refused !== undefined) reader = new RequestHeadReader(limits);
      }
    }),
    runs,
  );
});

test('a reader gives what reading anew gives, whatever heads came before: responses', () => {
  const steps = fc.array(
    fc.record({
      head: fc.constantFrom(...responses),
      method: fc.constantFrom('CONNECT', 'GET', 'HEAD', 'POST'),
      ...circumstances,
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      let reader = new ResponseHeadReader(limits);
      for (const { head, method, rest, cut, forget } of list) {
        if (forget) reader.forget();
        const octets = Buffer.from(head + rest, 'latin1');
        const want = outcome(() => parseResponseHead(octets, 0, octets.length, limits, method));
        const got = outcome(() => pushed(reader, octets, cut, (from, to) => reader.push(octets, from, to, method)));
        assert.deepEqual(got, want);
        if (want.refused !== undefined) reader = new ResponseHeadReader(limits);
      }
    }),
    runs,
  );
});

test('a head that comes a third time is not read again: it is the same object', () => {
  const reader = new RequestHeadReader(limits);
  const octets = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET');
  const heads = [1, 2, 3, 4].map(() => reader.push(octets, 0, octets.length));
  assert.notEqual(heads[0], heads[1]);
  assert.deepEqual([heads[2] === heads[1], heads[3] === heads[1]], [true, true]);
  assert.equal(reader.consumed, octets.length - 3);
  reader.forget();
  assert.notEqual(reader.push(octets, 0, octets.length), heads[1]);
});

test('what is kept is a copy: the buffer that a head came in may be overwritten', () => {
  const reader = new RequestHeadReader(limits);
  const octets = Buffer.from('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  reader.push(octets, 0, octets.length);
  reader.push(octets, 0, octets.length);
  octets.write('GET /2');
  assert.equal(reader.push(octets, 0, octets.length)?.path, '/2');
});

test('a long head is read each time', () => {
  const reader = new RequestHeadReader(limits);
  const octets = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(repeatedHeadCeiling)}\r\n\r\n`);
  const heads = [1, 2, 3].map(() => reader.push(octets, 0, octets.length));
  assert.notEqual(heads[2], heads[1]);
});

interface Outcome<Head> {
  readonly head?: Head | undefined;
  readonly refused?: number;
}

function outcome<Head>(read: () => Head | undefined): Outcome<Head> {
  try {
    return { head: read() };
  } catch (error) {
    if (!(error instanceof HttpMalformed)) throw error;
    return { refused: error.status };
  }
}

/** Gives the octets to a reader in one piece or two, up to the end of the head. */
function pushed<Head extends { readonly size: number }>(
  reader: { readonly consumed: number },
  octets: Buffer,
  cut: number | undefined,
  push: (from: number, to: number) => Head | undefined,
): Head | undefined {
  const first = Math.min(cut ?? octets.length, octets.length);
  const head = push(0, first);
  if (head !== undefined || first === octets.length) {
    if (head !== undefined) assert.equal(reader.consumed, head.size);
    return head;
  }
  return push(first, octets.length);
}
