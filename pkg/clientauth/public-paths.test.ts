import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAmbiguousPath, isPublic } from './public-paths.ts';

for (const { name, paths, type, value, want } of [
  {
    name: 'Exact is the same text',
    paths: ['/a', '/a/', '/A', '/a/b', '/ab'],
    type: 'Exact',
    value: '/a',
    want: ['/a'],
  },
  {
    name: 'Prefix is whole segments and counts case',
    paths: ['/a', '/a/', '/a/b', '/ab', '/A/b', '/b/a'],
    type: 'Prefix',
    value: '/a',
    want: ['/a', '/a/', '/a/b'],
  },
  {
    name: 'a slash at the end of a Prefix says nothing',
    paths: ['/a', '/a/', '/a/b', '/ab'],
    type: 'Prefix',
    value: '/a/',
    want: ['/a', '/a/', '/a/b'],
  },
  {
    name: 'Prefix / is every path that is not ambiguous',
    paths: ['/', '/a', '*', '/a/../b'],
    type: 'Prefix',
    value: '/',
    want: ['/', '/a'],
  },
  {
    name: 'what leaves a Prefix by another reading is not public',
    paths: ['/a/../b', '/a/%2e%2e/b', '/a/..%2fb', '/a\\..\\b', '/a//b', '/a/..;/b', '/a;x'],
    type: 'Prefix',
    value: '/a',
    want: [],
  },
] as const) {
  test(`public paths: ${name}`, () =>
    assert.deepEqual(
      paths.filter((path) => isPublic(path, [{ type, value }])),
      want,
    ));
}

test('public paths: without any, none is public', () => assert.equal(isPublic('/', []), false));

test('public paths: one of several is enough', () => {
  assert.equal(
    isPublic('/b', [
      { type: 'Exact', value: '/a' },
      { type: 'Exact', value: '/b' },
    ]),
    true,
  );
});

test('ambiguous paths are found', () => {
  const ambiguous = [
    '',
    'a',
    '*',
    '//',
    '/a//b',
    '/.',
    '/..',
    '/a/.',
    '/a/../b',
    '/./a',
    '/a;b',
    '/a\\b',
    '/a b',
    '/\xe9',
    '/a\0',
    '/a?b',
    '/a#b',
    '/%',
    '/%4',
    '/%zz',
    '/%2f',
    '/%2F',
    '/%5c',
    '/%5C',
    '/%00',
    '/%2e',
    '/%2E',
    '/%2d',
    '/%5f',
    '/%7e',
    '/%7E',
  ];
  assert.deepEqual(
    ambiguous.filter((path) => !isAmbiguousPath(path)),
    [],
  );
  assert.deepEqual(
    ['/', '/a', '/a/', '/a.b/..c/...', '/%20', '/%C3%A9', '/%3B', '/%25', "/!$&'()*+,=:@~_-"].filter(isAmbiguousPath),
    [],
  );
});

test('every encoded unreserved character is ambiguous, and no other but the four', () => {
  const found = Array.from({ length: 256 }, (_, value) => value).filter((value) =>
    isAmbiguousPath(`/%${value.toString(16).padStart(2, '0')}`),
  );
  const unreserved = Array.from({ length: 256 }, (_, value) => value).filter((value) =>
    /[A-Za-z0-9._~-]/.test(String.fromCharCode(value)),
  );
  assert.deepEqual(
    found,
    [0x00, 0x2f, 0x5c, ...unreserved].sort((a, b) => a - b),
  );
});
