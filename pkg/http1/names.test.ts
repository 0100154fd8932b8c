import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldName, isForwardableName, NameTable } from './names.ts';

test('foldName maps every spelling that applications confuse to one', () => {
  for (const name of ['X-Client-Cert', 'x_client_cert', 'X.CLIENT.CERT', 'x-client_cert', 'X!client~cert']) {
    assert.equal(foldName(name), 'x-client-cert');
  }
  assert.equal(foldName('\xc4-\u212a'), '----'.slice(0, 2) + foldName('\u212a'));
});

test('isForwardableName is true for letters, digits and hyphens only', () => {
  for (const name of ['A', 'x-1', '-', 'X-Client-Cert']) assert.equal(isForwardableName(name), true, name);
  for (const name of ['', 'a_b', 'a.b', 'a!', 'a b', 'a:', '\xe9', 'a\u0131'])
    assert.equal(isForwardableName(name), false, name);
});

test('a table describes common and other names alike', () => {
  const table = new NameTable();
  assert.deepEqual(table.of('Content-Type'), {
    lower: 'content-type',
    folded: 'content-type',
    forwardable: true,
    hopByHop: false,
  });
  assert.deepEqual(table.of('content-type'), table.of('CONTENT-TYPE'));
  assert.deepEqual(table.of('X_Client.Cert'), {
    lower: 'x_client.cert',
    folded: 'x-client-cert',
    forwardable: false,
    hopByHop: false,
  });
  for (const name of [
    'Connection',
    'HTTP2-Settings',
    'keep-alive',
    'PROXY-CONNECTION',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'uPgrade',
  ]) {
    assert.equal(table.of(name).hopByHop, true, name);
  }
});

test('a table treats the names of Object.prototype as names', () => {
  const table = new NameTable();
  assert.equal(table.of('__proto__').folded, '--proto--');
  assert.equal(table.of('constructor').lower, 'constructor');
});

test('a table never keeps more names than its capacity, nor long ones', () => {
  const table = new NameTable(8);
  for (let i = 0; i < 100; i++) {
    assert.equal(table.of(`X-${i}`).lower, `x-${i}`);
    assert.ok(table.size <= 8);
  }
  const before = table.size;
  assert.equal(table.of('y'.repeat(65)).forwardable, true);
  assert.equal(table.size, before);
  assert.equal(table.of('y'.repeat(64)), table.of('y'.repeat(64)), 'kept');
});
