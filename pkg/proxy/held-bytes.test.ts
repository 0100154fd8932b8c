import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldBytes } from './held-bytes.ts';

const cases: readonly { readonly name: string; readonly sizes: readonly number[]; readonly pieces: number }[] = [
  { name: 'nothing', sizes: [], pieces: 0 },
  { name: 'one byte', sizes: [1], pieces: 1 },
  { name: 'a chunk as large as a frame', sizes: [16_384], pieces: 1 },
  { name: 'chunks of all sizes', sizes: [1, 300, 0, 16_384, 5, 70_000, 255], pieces: 4 },
  { name: 'a window byte by byte', sizes: Array.from({ length: 262_144 }, () => 1), pieces: 12 },
];
for (const { name, sizes, pieces } of cases) {
  test(`bytes that wait come out as they came, in few pieces: ${name}`, () => {
    const held = new HeldBytes();
    const chunks = sizes.map((size, i) => Buffer.alloc(size, i % 251));
    const lent = Buffer.alloc(70_000);
    for (const chunk of chunks) {
      chunk.copy(lent);
      held.push(lent.subarray(0, chunk.length));
    }
    const taken = held.take();
    assert.ok(Buffer.concat(taken).equals(Buffer.concat(chunks)));
    assert.ok(taken.length <= pieces, `${taken.length} pieces`);
    const memory = taken.reduce((sum, piece) => sum + piece.length, 0);
    assert.equal(
      memory,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    assert.deepEqual(held.take(), []);
  });
}
