import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HttpMalformed, type RequestHead } from './head.ts';
import { RequestHeadReader, ResponseHeadReader } from './head-reader.ts';
import { repeatedHeadCeiling } from './repeated-head.ts';
import { parseRequestHead } from './request.ts';
import { parseResponseHead } from './response.ts';

const runs = { seed: 6, numRuns: 500 };
const limits = { headBytes: 200, headerCount: 100, targetBytes: 40 };

const targets: readonly string[] = [
  '/',
  '/1',
  '/2',
  '/1?q=1',
  '/1?q=22',
  '/1?',
  '/?/x?',
  '/a/b',
  '//a/b',
  `/${'l'.repeat(limits.targetBytes - 1)}`,
  `/${'l'.repeat(limits.targetBytes)}`,
  '*',
  'http://a/1',
  'http://a',
  'http://b/1',
  'HTTP://A/1?q',
  'x',
  '',
  '/1#f',
  '/\u00e4',
  '/1 /2',
  '/\t1',
];
/** What follows a target. Some differ in one field, in order, in case, or are as long as another. */
const rests: readonly string[] = [
  ' HTTP/1.1\r\nHost: a\r\n\r\n',
  ' HTTP/1.1\r\nHost: A\r\n\r\n',
  ' HTTP/1.1\r\nHost: b\r\n\r\n',
  ' HTTP/1.1\r\nhost: a\r\n\r\n',
  ' HTTP/1.0\r\nHost: a\r\n\r\n',
  ' HTTP/2.0\r\nHost: a\r\n\r\n',
  ' HTTP/1.0\r\n\r\n',
  ' HTTP/1.0\r\nX-A: 1\r\n\r\n',
  ' HTTP/1.1\r\nX-A: 1\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nX-B: 2\r\nX-A: 1\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-b: 2\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 3\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nConnection: X-A\r\nX-A: 1\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nConnection: X-B\r\nX-A: 1\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  ` HTTP/1.1\r\nHost: a\r\nX-Long: ${'l'.repeat(limits.headBytes - 61)}\r\n\r\n`,
  ' HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  ' HTTP/1.1\r\nHost: a\r\n X-A: 1\r\n\r\n',
  '\tHTTP/1.1\r\nHost: a\r\n\r\n',
  ' / HTTP/1.1\r\nHost: a\r\n\r\n',
];
const starts: readonly string[] = ['GET ', 'PUT ', 'put ', 'OPTIONS ', 'GET  ', '\r\nGET ', '\r\nPUT ', 'TRACE '];
/** What a client of the property has: few starts and rests, so that heads repeat; usual ones mostly. */
const habits = {
  starts: fc.array(mostly('GET ', starts), { minLength: 1, maxLength: 2 }),
  rests: fc.array(fc.constantFrom(...rests), { minLength: 1, maxLength: 3 }),
};
const responses: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
  'HTTP/1.1 204 OK\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n',
];
/** What follows a head, how much of it comes in the first piece, and whether the reader forgets before. */
const cut = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }) },
);
const forget = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const circumstances = { rest: fc.constantFrom('', 'x', '\r\n', 'GET /3 HTTP/1.1\r\n'), cut, forget };

test('a reader gives what reading anew gives, whatever heads came before: requests', () => {
  const steps = fc.array(
    fc.record({
      start: fc.nat(),
      target: mostly('/1', targets),
      rest: fc.nat(),
      behind: circumstances.rest,
      cut,
      forget,
    }),
    { maxLength: 40, size: 'max' },
  );
  fc.assert(
    fc.property(fc.record(habits), steps, (habit, list) => {
      let reader = new RequestHeadReader(limits);
      const seen = new Map<readonly string[], RequestHead>();
      for (const step of list) {
        if (step.forget) reader.forget();
        const start = habit.starts[step.start % habit.starts.length] ?? '';
        const rest = habit.rests[step.rest % habit.rests.length] ?? '';
        const octets = Buffer.from(start + step.target + rest + step.behind, 'latin1');
        const want = outcome(() => parseRequestHead(octets, 0, octets.length, limits));
        const got = outcome(() => pushed(reader, octets, step.cut, (from, to) => reader.push(octets, from, to)));
        assert.deepEqual(got, want);
        if (got.head !== undefined) {
          const like = seen.get(got.head.fields) ?? got.head;
          const { target, path, query, size } = got.head;
          assert.deepEqual({ ...like, target, path, query, size }, got.head);
          seen.set(got.head.fields, got.head);
        }
        // Nothing follows a refusal.
        if (want.refused !== undefined) reader = new RequestHeadReader(limits);
      }
    }),
    { ...runs, numRuns: 1000 },
  );
});

test('a reader gives what reading anew gives, whatever heads came before: responses', () => {
  const steps = fc.array(
    fc.record({
      head: fc.constantFrom(...responses),
      method: fc.constantFrom('CONNECT', 'GET', 'HEAD', 'POST'),
      ...circumstances,
    }),
    { maxLength: 40, size: 'max' },
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

const base = 'GET /1?a HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n';
const likenesses: readonly (readonly [string, string, boolean])[] = [
  ['another query', base.replace('?a', '?bb'), true],
  ['another path, no query', base.replace('/1?a', '/22'), true],
  ['another method', base.replace('GET', 'PUT'), false],
  ['another version', base.replace('1.1', '1.0'), false],
  ['another value', base.replace('X-A: 1', 'X-A: 2'), false],
  ['a name in another case', base.replace('X-A', 'x-a'), false],
  ['another order', base.replace('Host: a\r\nX-A: 1', 'X-A: 1\r\nHost: a'), false],
  ['a field more', base.replace('\r\n\r\n', '\r\nX-B: 1\r\n\r\n'), false],
  ['the absolute form', base.replace('/1?a', 'http://a/1?a'), false],
  ['an empty line in front', `\r\n${base}`, false],
];
for (const [what, text, isShared] of likenesses) {
  test(`${what} than a head that repeats: ${isShared ? 'the fields are not read again' : 'it is read'}`, () => {
    const reader = new RequestHeadReader(limits);
    const read = (head: string) => reader.push(Buffer.from(head, 'latin1'), 0, head.length);
    const before = [1, 2, 3].map(() => read(base));
    const head = read(text);
    assert.equal(head?.fields === before[2]?.fields, isShared);
    assert.deepEqual(head, parseRequestHead(Buffer.from(text, 'latin1'), 0, text.length, limits));
  });
}

test('the limits hold where only the target is another', () => {
  const rest = ` HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(140)}\r\n\r\n`;
  const sizes = [limits.headBytes - 4 - rest.length, limits.headBytes - 3 - rest.length];
  const read = (target: string, rest: string) => {
    const reader = new RequestHeadReader(limits);
    const push = (text: string) => outcome(() => reader.push(Buffer.from(text, 'latin1'), 0, text.length));
    for (let time = 0; time < 3; time++) push(`GET /1${rest}`);
    const { refused, head } = push(`GET ${target}${rest}`);
    return refused ?? head?.size;
  };
  const short = ' HTTP/1.1\r\nHost: a\r\n\r\n';
  assert.deepEqual(
    [
      ...sizes.map((size) => read('/'.padEnd(size, 'l'), rest)),
      ...[limits.targetBytes, limits.targetBytes + 1].map((size) => read('/'.padEnd(size, 'l'), short)),
    ],
    [limits.headBytes, 431, 4 + limits.targetBytes + short.length, 414],
  );
});

test('what follows a target is known from behind it, an empty line in front or not', () => {
  const reader = new RequestHeadReader(limits);
  const read = (head: string) => outcome(() => reader.push(Buffer.from(head, 'latin1'), 0, head.length));
  for (let time = 0; time < 3; time++) read('\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(read('GET /x / HTTP/1.1\r\nHost: a\r\n\r\n'), { refused: 400 });
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
  const reader = new RequestHeadReader({ headBytes: 8192, headerCount: 100 });
  const octets = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(repeatedHeadCeiling)}\r\n\r\n`);
  const heads = [1, 2, 3].map(() => reader.push(octets, 0, octets.length));
  assert.notEqual(heads[2], heads[1]);
});

/** The usual one in half of all cases. */
function mostly(usual: string, all: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(fc.constant(usual), fc.constantFrom(...all));
}

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
    if (head !== undefined) {
      assert.equal(reader.consumed, head.size);
      assert.ok(head.size <= first, 'a head is there when its octets are');
    }
    return head;
  }
  return push(first, octets.length);
}
