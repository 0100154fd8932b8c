import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutations } from '../../test/support/http-mutations.ts';
import { readResponseWithNode } from '../../test/support/node-http.ts';
import { bodyReader } from './body.ts';
import { HttpMalformed, type ResponseHead } from './head.ts';
import { ResponseHeadReader } from './head-reader.ts';

/** Times as many cases; 1 where the variable is not set. */
const effort = Number(process.env['LYCHGATE_FUZZ'] ?? 1);

interface Reading {
  head: ResponseHead | undefined;
  body: string;
  /** Until close counts as whole: the octets end with the connection. */
  complete: boolean;
}

/** The first answer that is not interim, as an answer to `method`, pushed in pieces of `size`. */
function read(octets: Buffer, method: string, size: number): Reading {
  const reader = new ResponseHeadReader({ headBytes: 8192, headerCount: 100 });
  const reading: Reading = { head: undefined, body: '', complete: false };
  let body: ReturnType<typeof bodyReader> | undefined;
  let at = 0;
  try {
    while (at < octets.length && !reading.complete) {
      const end = Math.min(octets.length, at + size);
      if (body === undefined) {
        const head = reader.push(octets, at, end, method);
        at += reader.consumed;
        if (head === undefined) continue;
        if (head.status < 200 && head.status !== 101) {
          // Behind an interim answer that ends the connection Node reads nothing more.
          if (!head.keepAlive) return reading;
          continue;
        }
        reading.head = head;
        body = bodyReader(head.framing, 502);
      } else {
        at += body.push(octets, at, end, (bytes, from, to) => {
          reading.body += bytes.toString('latin1', from, to);
        });
      }
      reading.complete = body.done;
    }
    if (reading.head?.framing.kind === 'close') reading.complete = true;
  } catch (error) {
    if (!(error instanceof HttpMalformed)) throw error;
    assert.ok(error.status === 502 || error.status === 431);
  }
  return reading;
}

const messages: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\n\r\nuntil close',
  'HTTP/1.0 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno',
  'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
];

const fragments: readonly string[] = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\0',
    '\t',
    ' ',
    '\x0b',
    '\x7f',
    '\xff',
    ':',
    ';',
    ',',
    '"',
    '=',
    '0',
    '1',
    '7',
    'f',
    '0x',
    '-',
    '+',
  ],
  ...[
    'chunked',
    'identity',
    'HTTP/1.0',
    'HTTP/1.1',
    'HTTP/2.0',
    '99',
    '204',
    '304',
    '599',
    ' folded\r\n',
    'close',
    'X_A: b\r\n',
  ],
  ...[
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    '0\r\n\r\n',
    '1\r\nx\r\n',
  ],
];

test('no response is accepted that Node refuses, or read differently', async () => {
  const next = mutations(20_261_125, messages, fragments);
  let compared = 0;
  for (let i = 0; i < 4000 * effort; i++) {
    const text = next();
    const octets = Buffer.from(text, 'latin1');
    const method = i % 4 === 0 ? 'HEAD' : 'GET';
    const ours = read(octets, method, octets.length);
    // A 101 ends HTTP on the connection; Node shows it as an upgrade or an error, depending on its fields.
    if (ours.head === undefined || ours.head.status === 101) continue;
    compared++;
    const theirs = (await readResponseWithNode(octets, method)) ?? { start: 'refused', body: '', complete: false };
    const label = `${method}: ${JSON.stringify(text)}`;
    assert.equal(theirs.start, String(ours.head.status), label);
    if (!ours.complete) assert.ok(theirs.body.startsWith(ours.body), label);
    else assert.deepEqual({ body: theirs.body, complete: theirs.complete }, { body: ours.body, complete: true }, label);
  }
  assert.ok(compared > 1500, `${compared} responses compared`);
});

test('a response read in pieces is the response read whole', () => {
  const next = mutations(11, messages, fragments);
  for (let i = 0; i < 8000 * effort; i++) {
    const text = `${next()}\r\n\r\n`;
    const octets = Buffer.from(text, 'latin1');
    const whole = read(octets, 'GET', octets.length);
    for (const size of [1, 2 + (i % 7)])
      assert.deepEqual(read(octets, 'GET', size), whole, `${JSON.stringify(text)} by ${size}`);
  }
});
