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

function textOf(octets: RequestOctets): string {
  return octets.head.toString('latin1');
}

test('a head has the first line, Host, the id, the fields, and what is the same for the connection, in that order', () => {
  assert.equal(
    textOf(new RequestOctets(request('/a', 37))),
    'GET /a HTTP/1.1\r\nHost: shop.example\r\nX-Request-Id: c0ffee-11\r\nAccept: */*\r\nX-Name: \u00e9\r\nX-Real-IP: 192.0.2.1\r\n\r\n',
  );
});

test('a head becomes that of any request of the same fields, and is then what it would be made anew', () => {
  const target = fc.oneof(
    fc.constantFrom('/', '/a', '/b', '*', `/${'a'.repeat(60)}`, `/${'b'.repeat(60)}`),
    fc.integer({ min: 0, max: 99_999 }).map((number) => `/${number}?a=b`),
  );
  const number = fc.oneof(
    fc.constantFrom(undefined, 1, 35, 36, 36 ** 2 - 1, 36 ** 2, 36 ** 6 - 1, 36 ** 6, 2 ** 53 - 1),
    fc.integer({ min: 1, max: 50_000 }),
  );
  let became = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(target, number), { minLength: 2, maxLength: 12 }), ([first, ...more]) => {
      const octets = new RequestOctets(request(...(first ?? ['/', 1])));
      for (const one of more) {
        if (!octets.becomes(request(...one))) continue;
        became += 1;
        assert.equal(textOf(octets), textOf(new RequestOctets(request(...one))));
      }
    }),
    { numRuns: 1000, seed: 1 },
  );
  assert.ok(became > 3000, `only ${became} heads became another`);
});

const others: readonly { readonly name: string; readonly next: OutgoingRequest; readonly want: boolean }[] = [
  { name: 'another list of fields', next: request('/a', 2, { fields: [...common.fields] }), want: false },
  { name: 'a target for which there is no room', next: request(`/${'a'.repeat(100)}`, 2), want: false },
  {
    name: 'an id of another connection',
    next: request('/a', 2, { requestId: new RequestId('decade', 1) }),
    want: true,
  },
  { name: 'no id', next: request('/a', undefined), want: true },
];
for (const { name, next, want } of others) {
  test(`a head ${want ? 'becomes' : 'does not become'} that of a request with ${name}`, () => {
    const octets = new RequestOctets(request('/a', 1));
    assert.equal(octets.becomes(next), want);
    if (want) assert.equal(textOf(octets), textOf(new RequestOctets(next)));
  });
}

for (const target of ['/a\n', '/a ', '/#b', 'aaa', '/é']) {
  test(`the target ${JSON.stringify(target)} is never written, whatever was before it`, () => {
    const octets = new RequestOctets(request('/'.padEnd(target.length, 'x'), 1));
    for (let tries = 0; tries < 2; tries++) {
      assert.throws(() => octets.becomes(request(target, 2)), { code: 'HTTP_UNWRITABLE' });
      assert.doesNotMatch(textOf(octets), /\n[^A-Z\r]|#|é \S/);
    }
    assert.throws(() => new RequestOctets(request(target, 2)), { code: 'HTTP_UNWRITABLE' });
  });
}
