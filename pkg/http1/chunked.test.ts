import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkedDecoder } from './chunked.ts';
import { HttpMalformed } from './head.ts';

interface Decoded {
  readonly body: string;
  readonly consumed: number;
  readonly done: boolean;
}

/** Pushes `text` in pieces of `size` octets, in a buffer with other octets around. */
function decode(text: string, size = text.length): Decoded {
  const decoder = new ChunkedDecoder();
  const buffer = Buffer.from(`0\r\n${text}0\r\n`, 'latin1');
  const end = buffer.length - 3;
  let at = 3;
  let body = '';
  while (at < end && !decoder.done) {
    const stop = Math.min(end, at + size);
    const consumed = decoder.push(buffer, at, stop, (bytes, from, to) => {
      assert.equal(bytes, buffer, 'a slice of what was pushed, no copy');
      assert.ok(from >= at && to <= stop && from < to);
      body += bytes.toString('latin1', from, to);
    });
    assert.ok(consumed === stop - at || decoder.done);
    at += consumed;
  }
  return { body, consumed: at - 3, done: decoder.done };
}

const whole: readonly (readonly [string, string, string])[] = [
  ['no data', '0\r\n\r\n', ''],
  ['several zeros as the last chunk', '000\r\n\r\n', ''],
  ['one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
  [
    'chunks with hexadecimal sizes of either case and leading zeros',
    `0a\r\n${'x'.repeat(10)}\r\nB\r\n${'y'.repeat(11)}\r\n0\r\n\r\n`,
    `${'x'.repeat(10)}${'y'.repeat(11)}`,
  ],
  ['data that looks like framing', '7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n', '0\r\n\r\n0\r'],
  ['extensions without and with values', '1;a;b=c;d="e;\\"\\\\\t\xe9 f"\r\nx\r\n0;z="";y\r\n\r\n', 'x'],
  ['a trailer section', '1\r\nx\r\n0\r\nX-Client-Cert: forged\r\nA:\r\n\r\n', 'x'],
];

for (const [name, text, body] of whole) {
  test(`reads ${name}, in one piece, in single octets, and stops behind it`, () => {
    for (const size of [1, 2, 3, text.length]) {
      assert.deepEqual(decode(text, size), { body, consumed: text.length, done: true });
      assert.deepEqual(decode(`${text}GET`, size), { body, consumed: text.length, done: true });
    }
    assert.deepEqual(decode(`${text}GET`), { body, consumed: text.length, done: true });
  });
  test(`is not done for a proper prefix: ${name}`, () => {
    for (let end = 0; end < text.length; end++) assert.equal(decode(text.slice(0, end)).done, false);
  });
}

const refused: readonly (readonly [string, string])[] = [
  ['no size', '\r\n'],
  ['a size in words', 'x\r\n'],
  ['a 0x prefix', '0x3\r\nabc\r\n'],
  ['a negative size', '-1\r\n'],
  ['a plus', '+1\r\n'],
  ['a size of 15 digits', '000000000000001\r\nx'],
  ['a size above 2^53-1', '20000000000000\r\n'],
  ['white space before the size', ' 1\r\nx\r\n'],
  ['white space behind the size', '1 \r\nx\r\n'],
  ['a tab before an extension', '1\t;a\r\nx\r\n'],
  ['a bare LF behind the size', '1\nx\r\n'],
  ['CR without LF behind the size', '1\rx'],
  ['CR CR LF behind the size', '1\r\r\n'],
  ['no CRLF behind the data', '1\r\nxy\r\n'],
  ['a bare LF behind the data', '1\r\nx\n0\r\n\r\n'],
  ['CR without LF behind the data', '1\r\nx\r0\r\n\r\n'],
  ['an extension without a name', '1;\r\nx\r\n'],
  ['two semicolons', '1;;a\r\nx\r\n'],
  ['white space in an extension', '1; a\r\nx\r\n'],
  ['an extension name with a bad character', '1;a[\r\nx\r\n'],
  ['an extension without its value', '1;a=\r\nx\r\n'],
  ['an extension value with a bad character', '1;a=b,\r\nx\r\n'],
  ['LF in an extension', '1;a\nb\r\nx\r\n'],
  ['LF in a quoted extension', '1;a="\n"\r\nx\r\n'],
  ['an escaped LF in a quoted extension', '1;a="\\\n"\r\nx\r\n'],
  ['text behind a quoted extension', '1;a="b"c\r\nx\r\n'],
  ['a size line of more than 256 octets', `1;${'a'.repeat(255)}`],
  ['a bare LF that ends the trailers', '0\r\n\n'],
  ['CR without LF that ends the trailers', '0\r\n\rx'],
  ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
  ['a trailer without a colon', '0\r\nA\r\n\r\n'],
  ['a trailer with NUL', '0\r\nA: \0\r\n\r\n'],
  ['a trailer section of more than 8 KiB', `0\r\nA: ${'b'.repeat(8200)}`],
  ['more than 64 trailers', `0\r\n${'A: b\r\n'.repeat(65)}\r\n`],
  ['Content-Length among the trailers', '0\r\nContent-Length: 1\r\n\r\n'],
  ['Transfer-Encoding among the trailers', '0\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['Host among the trailers', '0\r\nHost: a\r\n\r\n'],
];

for (const [name, text] of refused) {
  test(`refuses ${name}, in one piece and in single octets`, () => {
    for (const size of [text.length, 1]) {
      assert.throws(
        () => decode(text, size),
        (error) => error instanceof HttpMalformed && (error.status === 400 || error.status === 431),
      );
    }
  });
}

test('errors of a response body have status 502', () => {
  const decoder = new ChunkedDecoder(502);
  assert.throws(
    () => decoder.push(Buffer.from('x'), 0, 1, () => undefined),
    (error) =>
      error instanceof HttpMalformed && error.status === 502 && error.message === 'octet 0x78 in chunk size line',
  );
});

test('a size line of 256 octets passes, and the largest size is 2^53-1', () => {
  assert.equal(decode(`1;${'a'.repeat(254)}\r\nx\r\n0\r\n\r\n`).body, 'x');
  assert.deepEqual(decode('1fffffffffffff\r\nxyz'), { body: 'xyz', consumed: 19, done: false });
});

test('extensions of one body are bounded together', () => {
  const chunk = `1;${'a'.repeat(249)}\r\nx\r\n`;
  assert.equal(decode(chunk.repeat(32)).body, 'x'.repeat(32));
  assert.throws(() => decode(chunk.repeat(33)), {
    message: 'chunk extensions: more than 256 octets a line or 8192 a body',
  });
});

test('data of one chunk in one buffer is one call', () => {
  let calls = 0;
  const buffer = Buffer.from(`ffff\r\n${'x'.repeat(0xffff)}\r\n0\r\n\r\n`);
  new ChunkedDecoder().push(buffer, 0, buffer.length, () => calls++);
  assert.equal(calls, 1);
});
