import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ByteWriter } from './byte-writer.ts';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';

/** The block in hex. */
function block(encoder: HpackEncoder, fields: readonly string[], neverIndexed?: readonly string[]): string {
  const out = new ByteWriter(1);
  encoder.encode(fields, out, neverIndexed);
  return out.bytes.toString('hex', 0, out.length);
}

/** How a field is written the first and the second time: by the pattern of its first octet (RFC 7541 6). */
function forms(name: string, value: string): string {
  const encoder = new HpackEncoder();
  return [1, 2].map(() => form(Number.parseInt(block(encoder, [name, value]).slice(0, 2), 16))).join(', ');
}

function form(first: number): string {
  if (first >= 0x80) return 'indexed';
  if (first >= 0x40) return 'table';
  return first >= 0x10 ? 'never' : 'plain';
}

suite('the encoder', () => {
  const cases: readonly (readonly [name: string, field: readonly [string, string], want: string])[] = [
    ['writes a field of the static table as its index', [':status', '200'], 'indexed, indexed'],
    ['puts another status into the table', [':status', '201'], 'table, indexed'],
    ['puts a content type into the table', ['content-type', 'text/plain'], 'table, indexed'],
    [
      'puts the date into the table, since it stays for a second',
      ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
      'table, indexed',
    ],
    ['puts an empty value into the table', ['vary', ''], 'table, indexed'],
    ['puts a name that the static table lacks into the table', ['x-content-type-options', 'nosniff'], 'table, indexed'],
    ['puts no length into the table', ['content-length', '13'], 'plain, plain'],
    ['puts no tag into the table', ['etag', '"abc"'], 'plain, plain'],
    ['puts no location into the table', ['location', '/there'], 'plain, plain'],
    ['puts no path into the table', [':path', '/secret?token=1'], 'plain, plain'],
    ['puts no name that it does not know into the table', ['x-request-id', '1'], 'plain, plain'],
    ['puts no field into the table that is as large as the table', ['server', 'x'.repeat(3100)], 'plain, plain'],
    ['forbids every hop to index credentials', ['authorization', 'Basic YTpi'], 'never, never'],
    ['forbids every hop to index a cookie', ['cookie', 'a=b'], 'never, never'],
    ['forbids every hop to index a cookie that is set', ['set-cookie', 'a=b'], 'never, never'],
    ['forbids every hop to index a token', ['x-csrf-token', '1'], 'never, never'],
  ];
  for (const [name, [field, value], want] of cases) test(name, () => assert.equal(forms(field, value), want));

  test('uses Huffman code for what goes into the table, and where it is shorter', () => {
    assert.equal(block(new HpackEncoder(), ['cache-control', 'private']), '5885aec3771a4b');
    assert.equal(block(new HpackEncoder(), ['cache-control', '!!']), `5802${Buffer.from('!!').toString('hex')}`);
    assert.equal(block(new HpackEncoder(), ['content-length', '13']), '0f0d023133');
  });

  test('takes the name of a field from the dynamic table where the static one lacks it', () => {
    const encoder = new HpackEncoder();
    block(encoder, ['x-frame-options', 'DENY']);
    assert.equal(block(encoder, ['x-frame-options', '!']), '7e0121');
  });

  test('indexes nothing of a name that came as never to be indexed, not even what a table holds', () => {
    const encoder = new HpackEncoder();
    block(encoder, ['server', 'a']);
    assert.equal(block(encoder, ['server', 'a'], ['server']), '1f270161');
    assert.equal(block(encoder, [':method', 'GET'], [':method']), '1203474554');
    assert.equal(block(encoder, ['server', 'a']), 'be');
  });

  test('remembers fields in whatever place they come', () => {
    const encoder = new HpackEncoder();
    const one = ['server', 'a', 'vary', 'b', 'allow', 'c'];
    block(encoder, one);
    assert.equal(block(encoder, ['allow', 'c', 'server', 'a', 'vary', 'b']), 'bec0bf');
    assert.equal(block(encoder, ['vary', 'b']), 'bf');
    assert.equal(block(encoder, one), 'c0bfbe');
  });

  test('remembers several values of one name', () => {
    const encoder = new HpackEncoder();
    block(encoder, ['vary', 'a', 'vary', 'b']);
    assert.equal(block(encoder, ['vary', 'b', 'vary', 'a', 'vary', 'b']), 'bebfbe');
  });

  test('gives two connections no common table', () => {
    block(new HpackEncoder(), ['server', 'a']);
    assert.equal(block(new HpackEncoder(), ['server', 'a']), '760161');
  });

  test('appends behind what is written', () => {
    const out = new ByteWriter(4);
    out.reserve(3);
    out.length = 3;
    out.bytes.fill(7, 0, 3);
    new HpackEncoder().encode([':status', '200', 'content-length', '13'], out);
    assert.equal(out.bytes.toString('hex', 0, out.length), '070707880f0d023133');
  });

  for (const name of ['content-length', 'server', 'x-other']) {
    test(`refuses a character above U+00FF: it would become another one (${name})`, () => {
      assert.throws(() => block(new HpackEncoder(), [name, 'a\u010d']), TypeError);
    });
  }
});

test('a block that was refused leaves both sides with one table', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder({ maxTableBytes: 4096 });
  const limits = { maxListBytes: 1000, maxFields: 10 };
  decoder.decode(Buffer.from(block(encoder, ['server', 'a', 'vary', 'b']), 'hex'), limits);
  const out = new ByteWriter();
  assert.throws(() => encoder.encode(['server', 'new', 'vary', 'new', 'allow', '\u0141'], out), TypeError);
  assert.equal(out.length, 0);
  const fields = ['server', 'a', 'vary', 'new'];
  const next = block(encoder, fields);
  assert.match(next, /^203fe11f/);
  assert.deepEqual(decoder.decode(Buffer.from(next, 'hex'), limits).fields, fields);
  assert.equal(block(encoder, fields), 'bfbe');
  encoder.setMaxTableBytes(100);
  assert.throws(() => encoder.encode(['etag', '\u0141'], out), TypeError);
  const last = block(encoder, fields);
  assert.match(last, /^203f45/);
  assert.deepEqual(decoder.decode(Buffer.from(last, 'hex'), limits).fields, fields);
});

suite('the size of the encoder’s table', () => {
  const cases: readonly (readonly [name: string, settings: readonly number[], want: string])[] = [
    ['is not said where the peer said nothing', [], '82'],
    ['is not said where the peer allows more than we use', [65_536], '82'],
    ['is said where the peer allows less', [100], '3f4582'],
    ['is said once for several changes', [200, 100], '3f4582'],
    ['is said twice where it went down and up again', [0, 100], '203f4582'],
    ['is said twice where it went down and back', [0, 4096], '203fe11f82'],
    ['is the last of all, behind the lowest of all', [300, 20, 50, 200], '343fa90182'],
  ];
  for (const [name, settings, want] of cases) {
    test(name, () => {
      const encoder = new HpackEncoder();
      for (const size of settings) encoder.setMaxTableBytes(size);
      assert.equal(block(encoder, [':method', 'GET']), want);
      assert.equal(block(encoder, [':method', 'GET']), '82');
    });
  }

  test('is what it puts into it', () => {
    const encoder = new HpackEncoder();
    block(encoder, ['server', 'a']);
    encoder.setMaxTableBytes(0);
    assert.equal(block(encoder, ['server', 'a']), '200f270161');
    encoder.setMaxTableBytes(4096);
    assert.equal(block(encoder, ['server', 'a']), '3fe11f760161');
    assert.equal(block(encoder, ['server', 'a']), 'be');
  });

  test('is never exceeded', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder({ maxTableBytes: 4096 });
    for (let i = 0; i < 500; i++) {
      const fields = ['date', String(i), 'vary', 'x'.repeat(i)];
      const bytes = Buffer.from(block(encoder, fields), 'hex');
      assert.deepEqual(decoder.decode(bytes, { maxListBytes: 65_536, maxFields: 10 }).fields, fields);
    }
  });
});
