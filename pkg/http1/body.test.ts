import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyReader } from './body.ts';
import type { Framing } from './head.ts';

const cases: readonly { name: string; framing: Framing; want: { body: string; consumed: number; done: boolean } }[] = [
  { name: 'none', framing: { kind: 'none' }, want: { body: '', consumed: 0, done: true } },
  { name: 'a length of 0', framing: { kind: 'length', length: 0 }, want: { body: '', consumed: 0, done: true } },
  { name: 'a length within', framing: { kind: 'length', length: 3 }, want: { body: '1\r\n', consumed: 3, done: true } },
  {
    name: 'a length beyond',
    framing: { kind: 'length', length: 99 },
    want: { body: '1\r\nx\r\n0\r\n\r\nrest', consumed: 15, done: false },
  },
  {
    name: 'until close',
    framing: { kind: 'close' },
    want: { body: '1\r\nx\r\n0\r\n\r\nrest', consumed: 15, done: false },
  },
  { name: 'chunked', framing: { kind: 'chunked' }, want: { body: 'x', consumed: 11, done: true } },
];

for (const { name, framing, want } of cases) {
  test(`a body reader ends where its framing says: ${name}`, () => {
    for (const size of [1, 4, 15]) {
      const reader = bodyReader(framing);
      const buffer = Buffer.from('1\r\nx\r\n0\r\n\r\nrest');
      let body = '';
      let consumed = 0;
      while (consumed < buffer.length && !reader.done) {
        consumed += reader.push(buffer, consumed, Math.min(buffer.length, consumed + size), (bytes, from, to) => {
          body += bytes.toString('latin1', from, to);
        });
      }
      assert.deepEqual({ body, consumed, done: reader.done }, want);
      if (reader.done)
        assert.equal(
          reader.push(buffer, 0, buffer.length, () => assert.fail('data behind the end')),
          0,
        );
    }
  });
}
