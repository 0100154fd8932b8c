import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OutgoingRequest } from './exchange.ts';
import { RequestOctets } from './http1-messages.ts';
import { RequestId } from './request-id.ts';

const common = {
  method: 'GET',
  authority: 'shop.example',
  fields: ['Accept', '*/*', 'X-Name', '\u00e9'],
  constantRest: Buffer.from('X-Real-IP: 192.0.2.1\r\n\r\n', 'latin1'),
  constantFields: ['X-Real-IP', '192.0.2.1'],
  body: { kind: 'none' },
  webSocket: false,
  neverIndexed: undefined,
} as const;

function request(target: string, number: number | undefined, over: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const requestId = number === undefined ? undefined : new RequestId('c0ffee', number);
  return { ...common, target, requestId, ...over };
}

function textOf(one: OutgoingRequest, octets = new RequestOctets()): string {
  return octets.headOf(one).toString('latin1');
}

test('a head has the first line, Host, the id, the fields, and what is the same for the connection, in that order', () => {
  assert.equal(
    textOf(request('/a', 37)),
    'GET /a HTTP/1.1\r\nHost: shop.example\r\nX-Request-Id: c0ffee-11\r\nAccept: */*\r\nX-Name: \u00e9\r\nX-Real-IP: 192.0.2.1\r\n\r\n',
  );
});

test('a head hangs on no head before it', () => {
  const target = fc.oneof(
    fc.constantFrom('/', '/a', '/b', '*', `/${'a'.repeat(60)}`, `/${'b'.repeat(60)}`, `/${'c'.repeat(300)}`),
    fc.integer({ min: 0, max: 99_999 }).map((number) => `/${number}?a=b`),
  );
  const number = fc.oneof(
    fc.constantFrom(undefined, 1, 35, 36, 36 ** 2 - 1, 36 ** 2, 36 ** 6 - 1, 36 ** 6, 2 ** 53 - 1),
    fc.integer({ min: 1, max: 50_000 }),
  );
  const other = { constantRest: Buffer.from('X-Real-IP: 192.0.2.22\r\n\r\n', 'latin1'), authority: 'other.example' };
  const over = fc.constantFrom<Partial<OutgoingRequest>[]>(
    {},
    {},
    { fields: ['Accept', 'text/plain'] },
    { fields: ['Accept', 'a'.repeat(100)], body: { kind: 'length', length: 2 } },
    { fields: [], method: 'POST', body: { kind: 'stream' } },
    { ...other, fields: ['Accept', 'text/html'] },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(target, number, over), { minLength: 2, maxLength: 12 }), (asked) => {
      const octets = new RequestOctets();
      for (const one of asked) assert.equal(textOf(request(...one), octets), textOf(request(...one)));
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test('an id of another connection is written whole', () => {
  const octets = new RequestOctets();
  textOf(request('/a', 1), octets);
  const next = request('/a', 2, { requestId: new RequestId('decade', 1) });
  assert.equal(textOf(next, octets), textOf(next));
});

for (const target of ['/a\n', '/a ', '/#b', 'aaa', '/é']) {
  test(`the target ${JSON.stringify(target)} is never written, whatever was before it`, () => {
    const octets = new RequestOctets();
    const good = request('/'.padEnd(target.length, 'x'), 1);
    const head = textOf(good, octets);
    for (let tries = 0; tries < 2; tries++) {
      assert.throws(() => octets.headOf(request(target, 2)), { code: 'HTTP_UNWRITABLE' });
    }
    assert.equal(textOf(good, octets), head);
    assert.throws(() => textOf(request(target, 2)), { code: 'HTTP_UNWRITABLE' });
  });
}
