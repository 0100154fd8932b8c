import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldName, hopByHopNames, isForwardableName, NameTable } from './names.ts';

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

test('hop-by-hop names are those of RFC 9110 7.6.1 and its forerunners', () => {
  for (const name of ['connection', 'http2-settings', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade']) {
    assert.equal(hopByHopNames.has(name), true, name);
  }
  for (const name of ['content-type', 'host', 'content-length']) assert.equal(hopByHopNames.has(name), false, name);
});

test('a table gives what its owner makes of a name, common or not', () => {
  const table = new NameTable((name) => `<${name}>`);
  for (const name of ['Content-Type', 'content-type', 'CONTENT-TYPE', 'X_Client.Cert', '__proto__', 'constructor']) {
    assert.equal(table.of(name), `<${name}>`);
    assert.equal(table.of(name), `<${name}>`);
  }
});

test('a table asks its owner once for a name that it keeps', () => {
  const asked: string[] = [];
  const table = new NameTable((name) => asked.push(name));
  const common = asked.length;
  table.of('Content-Type');
  table.of('X-Mine');
  table.of('X-Mine');
  assert.deepEqual(asked.slice(common), ['X-Mine']);
});

test('a table never keeps more names than its capacity, nor long ones', () => {
  const table = new NameTable((name) => ({ name }), 8);
  for (let i = 0; i < 100; i++) {
    assert.equal(table.of(`X-${i}`).name, `X-${i}`);
    assert.ok(table.size <= 8);
  }
  const before = table.size;
  assert.equal(table.of('y'.repeat(65)).name, 'y'.repeat(65));
  assert.equal(table.size, before);
  assert.equal(table.of('y'.repeat(64)), table.of('y'.repeat(64)), 'kept');
});
