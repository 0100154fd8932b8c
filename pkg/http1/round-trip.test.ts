import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkedDecoder } from './chunked.ts';
import { RequestHeadReader } from './head-reader.ts';
import { chunkEnd, chunkHeader, fieldLines, lastChunk, requestHead } from './write.ts';

const tokenText = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}$/);
const valueText = fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,40}$/).map((text) => text.replace(/^[\t ]+|[\t ]+$/g, ''));
const decisive = new Set(['connection', 'content-length', 'expect', 'host', 'transfer-encoding', 'upgrade']);
const field = fc.tuple(tokenText, valueText).filter(([name]) => !decisive.has(name.toLowerCase()));
const method = tokenText.filter((text) => !/^(connect|head|pri|trace)$/i.test(text));
const target = fc.stringMatching(/^\/[!-"$-~]{0,60}$/);
const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

/** Start and end of every piece when `length` octets are cut by the given sizes in turn. */
function* cut(length: number, sizes: readonly number[]): Generator<readonly [number, number]> {
  for (let at = 0, turn = 0; at < length; turn++) {
    const end = Math.min(length, at + (sizes[turn % sizes.length] ?? 1));
    yield [at, end];
    at = end;
  }
}

test('every head of the grammar is accepted as it was written, however it is cut', () => {
  fc.assert(
    fc.property(method, target, fc.array(field, { maxLength: 8 }), pieces, (verb, path, fields, sizes) => {
      const written = ['Host', 'a.example', ...fields.flat()];
      const octets = Buffer.from(requestHead(verb, path, fieldLines(written)), 'latin1');
      const reader = new RequestHeadReader({ headBytes: 0, headerCount: 0 });
      for (const [start, end] of cut(octets.length, sizes)) {
        const head = reader.push(octets, start, end);
        assert.equal(head !== undefined, end === octets.length);
        if (head !== undefined) {
          assert.deepEqual([head.method, head.target, head.fields, head.size], [verb, path, written, octets.length]);
          assert.deepEqual([head.framing, head.keepAlive, head.authority], [{ kind: 'none' }, true, 'a.example']);
          assert.equal(head.query === undefined ? head.path : `${head.path}?${head.query}`, path);
        }
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('every body that is written in chunks is read again as the same, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })), pieces, (chunks, sizes) => {
      const framed = chunks.flatMap((chunk) => [Buffer.from(chunkHeader(chunk.length)), chunk, Buffer.from(chunkEnd)]);
      const octets = Buffer.concat([...framed, Buffer.from(lastChunk)]);
      const decoder = new ChunkedDecoder();
      const got: Buffer[] = [];
      for (const [start, end] of cut(octets.length, sizes)) {
        assert.equal(decoder.done, false);
        const consumed = decoder.push(octets, start, end, (bytes, from, to) => got.push(bytes.subarray(from, to)));
        assert.equal(consumed, end - start);
      }
      assert.equal(decoder.done, true);
      assert.deepEqual(Buffer.concat(got), Buffer.concat(chunks));
    }),
    { numRuns: 500, seed: 2 },
  );
});
