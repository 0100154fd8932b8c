import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../ocsp/seeded.ts';
import { compare } from './compare.ts';
import { runOurs } from './ours.ts';
import { classOf } from './outcome.ts';
import { frameSequence } from './sequences.ts';

// Node 24's HTTP/2 over a pipe in memory ends some connections otherwise than over a socket (js_stream_socket).
const skip = Number.parseInt(process.versions.node, 10) < 26 && 'needs Node 26';

test('nghttp2 and we make the same of frames in order and of hostile ones, but for the differences that are explained', {
  skip,
}, async () => {
  const { agreed, explained, unexplained } = await compare(400, 20_261_129);
  assert.deepEqual(unexplained, []);
  const differences = [...explained.values()].reduce((sum, { count }) => sum + count, 0);
  assert.equal(agreed + differences, 400);
  assert.ok(differences >= 10 && differences <= 40, `${differences} differences`);
});

test('pieces of every size are read as whole frames are', () => {
  const kinds = new Map<string, number>();
  for (let seed = 1; seed <= 1000; seed++) {
    const frames = frameSequence(seed);
    const whole = runOurs(frames).at(-1);
    const pieces = runOurs(cut(Buffer.concat(frames), seed)).at(-1);
    assert.ok(whole !== undefined && pieces !== undefined);
    assert.equal(classOf(pieces), classOf(whole), `seed ${seed}`);
    assert.equal(pieces.reason, whole.reason, `seed ${seed}`);
    const kind = whole.failed === undefined ? 'went on' : 'ended';
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  assert.ok((kinds.get('went on') ?? 0) > 100 && (kinds.get('ended') ?? 0) > 100, JSON.stringify([...kinds]));
});

/** In pieces of one octet, or of some. */
function cut(octets: Buffer, seed: number): Buffer[] {
  const random = seeded(seed);
  const most = random.pick([1, 3, 10, 30]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    const length = 1 + random.below(most);
    pieces.push(octets.subarray(at, at + length));
    at += length;
  }
  return pieces;
}
