import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from './byte-writer.ts';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { HpackError } from './error.ts';

const limits = { maxListBytes: 1_000_000, maxFields: 1000 };
const runs = { seed: 20_261_129, numRuns: 300 };

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)) });
const name = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('server', 'vary', 'date', ':status', 'x-frame-options', 'etag', 'set-cookie'),
  },
  latin1,
);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('', 'a', '200', 'text/plain', 'gzip, deflate', 'x'.repeat(700)) },
  latin1,
);
const fieldList = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => pairs.flat());
const tableSize = fc.oneof(fc.constantFrom(0, 33, 64, 4096, 65_536), fc.nat(8192));
const step = fc.record({ sizes: fc.array(tableSize, { maxLength: 3 }), fields: fieldList });

test('what is encoded is decoded, whatever the size of the table changes to', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder({ maxTableBytes: 4096 });
      const out = new ByteWriter(1);
      for (const { sizes, fields } of steps) {
        for (const size of sizes) {
          encoder.setMaxTableBytes(size);
          decoder.setMaxTableBytes(size);
        }
        out.length = 0;
        encoder.encode(fields, out);
        const { fields: decoded, neverIndexed } = decoder.decode(out.bytes, limits, 0, out.length);
        assert.deepEqual(decoded, fields);
        assert.deepEqual(
          neverIndexed,
          fields.filter((text, i) => i % 2 === 0 && text === 'set-cookie'),
        );
      }
    }),
    runs,
  );
});

test('whatever octets come, there is a list within the limits or an HpackError', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    // Mostly what has a meaning: indexes, short literals, sizes.
    fc.array(fc.constantFrom(0x20, 0x3f, 0x40, 0x7e, 0x82, 0xbe, 0xc0, 0x00, 0x10, 0x01, 0x61, 0x81, 0xff), {
      maxLength: 40,
    }),
  );
  fc.assert(
    fc.property(fc.array(octets, { maxLength: 10 }), (blocks) => {
      const decoder = new HpackDecoder({ maxTableBytes: 200 });
      try {
        for (const block of blocks) {
          const { fields } = decoder.decode(Buffer.from(block), { maxListBytes: 300, maxFields: 5 });
          const bytes = fields.reduce((sum, text) => sum + text.length + 16, 0);
          assert.ok(bytes <= 300 && fields.length <= 10 && decoder.tableBytes <= 200);
        }
      } catch (error) {
        if (!(error instanceof HpackError)) throw error;
      }
    }),
    { ...runs, numRuns: 2000 },
  );
});

test('blocks that come again mean what they would mean to a decoder that keeps none', () => {
  // Indexes of the newest fields, fields that go into the table, sizes: what one block changes, the next may refer to.
  const blocks = fc.constantFrom(
    '82',
    '8284',
    'be',
    'bf',
    'bebf',
    '4001610131',
    '4001610132',
    '0001610131',
    '2082',
    '3f458284',
  );
  fc.assert(
    fc.property(fc.array(blocks, { maxLength: 40 }), (hexes) => {
      const keeps = new HpackDecoder({ maxTableBytes: 100 });
      const keepsNone = new HpackDecoder({ maxTableBytes: 100 });
      const told = (decoder: HpackDecoder, block: Buffer) => {
        try {
          return decoder.decode(block, limits);
        } catch (error) {
          if (!(error instanceof HpackError)) throw error;
          return error.message;
        }
      };
      for (const block of hexes.map((text) => Buffer.from(text, 'hex'))) {
        keepsNone.forget();
        const want = told(keepsNone, block);
        assert.deepEqual(told(keeps, block), want);
        if (typeof want === 'string') return;
      }
    }),
    { ...runs, numRuns: 2000 },
  );
});
