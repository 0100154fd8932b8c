import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import { mutations } from '../../test/support/http-mutations.ts';
import { createNodeReader } from '../../test/support/node-http.ts';
import { bodyReader } from './body.ts';
import type { BodyReader } from './body-reader.ts';
import { type HeadLimits, HttpMalformed, type RequestHead } from './head.ts';
import { RequestHeadReader } from './head-reader.ts';
import { fieldLines, requestHead } from './write.ts';

/** Times as many cases; 1 where the variable is not set. */
const effort = Number(process.env['LYCHGATE_FUZZ'] ?? 1);
const limits: HeadLimits = { headBytes: 8192, headerCount: 100 };

interface Reading {
  readonly messages: { head: RequestHead; body: string; complete: boolean }[];
  /** Status of the refusal that ended it, or undefined. */
  readonly refused: number | undefined;
}

/** Every request on one connection, pushed in pieces of the given sizes in turn. */
function read(octets: Buffer, sizes: readonly number[]): Reading {
  const reader = new RequestHeadReader(limits);
  const messages: Reading['messages'] = [];
  let body: BodyReader | undefined;
  let at = 0;
  try {
    for (let turn = 0; at < octets.length; turn++) {
      const end = Math.min(octets.length, at + (sizes[turn % sizes.length] ?? 1));
      while (at < end) {
        const last = messages.at(-1);
        if (body === undefined || last === undefined) {
          if (last !== undefined && !last.head.keepAlive) return { messages, refused: undefined };
          const head = reader.push(octets, at, end);
          at += reader.consumed;
          if (head === undefined) continue;
          body = bodyReader(head.framing);
          messages.push({ head, body: '', complete: body.done });
        } else {
          at += body.push(octets, at, end, (bytes, from, to) => {
            last.body += bytes.toString('latin1', from, to);
          });
          last.complete = body.done;
        }
        if (body.done) body = undefined;
      }
    }
    return { messages, refused: undefined };
  } catch (error) {
    if (!(error instanceof HttpMalformed)) throw error;
    return { messages, refused: error.status };
  }
}

const messages: readonly string[] = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a?b=c HTTP/1.1\r\nHost: a.example:8443\r\nAccept: */*\r\nCookie: a=b; c="d"\r\n\r\n',
  'HEAD / HTTP/1.0\r\n\r\n',
  'GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
  'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3;a=b;c="d e"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Client-Cert\r\nX-Client-Cert: forged\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
];

const fragments: readonly string[] = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\0',
    '\t',
    ' ',
    '  ',
    '\x0b',
    '\x7f',
    '\x80',
    '\xa0',
    '\xff',
    ':',
    ';',
    ',',
    '"',
    '=',
    '\\',
  ],
  ...[
    '#',
    '?',
    '/',
    '*',
    '@',
    '%',
    '[',
    ']',
    '+',
    '-',
    '_',
    '.',
    '0',
    '1',
    '7',
    'f',
    '0x',
    '00',
    'chunked',
    'CHUNKED',
    'identity',
  ],
  ...[
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'Host: b\r\n',
    ' folded\r\n',
  ],
  ...[
    'Content-Length',
    'Transfer-Encoding',
    'Content_Length: 5\r\n',
    'Connection: close\r\n',
    'HTTP/1.0',
    'HTTP/2.0',
    'http://b',
    'Host:',
  ],
  ...[
    'Expect: 100-continue\r\n',
    'Upgrade: h2c\r\n',
    '0\r\n\r\n',
    '1\r\nx\r\n',
    '9007199254740993',
    '18446744073709551617',
    'X_A: b\r\n',
  ],
];

test('no request is accepted that Node refuses, or read differently', async () => {
  const readWithNode = createNodeReader();
  const next = mutations(20_261_124, messages, fragments);
  let compared = 0;
  let refused = 0;
  for (let i = 0; i < 12_000 * effort; i++) {
    const text = next();
    const octets = Buffer.from(text, 'latin1');
    const ours = read(octets, [octets.length]);
    if (ours.refused !== undefined) refused++;
    const theirs = ours.messages.length === 0 ? [] : await readWithNode(octets);
    for (const { head } of ours.messages) assertUnambiguous(head, text);
    for (const [k, { head, body, complete }] of ours.messages.entries()) {
      // Behind an upgrade Node reads no more HTTP, whatever the upgrade.
      if (head.fields.some((name, n) => n % 2 === 0 && name.toLowerCase() === 'upgrade')) break;
      // Node knows a list of methods; the token is all that RFC 9110 9.1 asks for.
      if (!METHODS.includes(head.method)) break;
      compared++;
      const got = theirs[k] ?? { start: 'refused', body: '', complete: false };
      const label = `request ${k} of ${JSON.stringify(text)}`;
      assert.equal(got.start, `${head.method} ${head.target}`, label);
      // Of a body that we refuse somewhere, what went before it must be what Node read too.
      if (!complete) assert.ok(got.body.startsWith(body), label);
      else assert.deepEqual({ body: got.body, complete: got.complete }, { body, complete }, label);
    }
  }
  // Else the corpus has gone stale and nothing is tried any more.
  assert.ok(compared > 3000 && refused > 3000, `${compared} requests compared, ${refused} refused`);
});

test('what is read does not depend on how the octets are cut', () => {
  const next = mutations(7, messages, fragments);
  const sizes = mutations(8, ['123', '9'], ['1', '2', '5', '8']);
  for (let i = 0; i < 8000 * effort; i++) {
    // The end of a head stands at the end: pieces are judged when a head is whole, and what is cut off never is.
    const text = `${next()}\r\n\r\n`;
    const octets = Buffer.from(text, 'latin1');
    const whole = read(octets, [octets.length]);
    const cuts = [...sizes()].map((digit) => (digit >= '1' && digit <= '9' ? Number(digit) : 1));
    const label = `${JSON.stringify(text)} in ${cuts.join(',')}`;
    for (const pieces of [[1], cuts.length === 0 ? [2] : cuts]) {
      const got = read(octets, pieces);
      // The status may differ: an octet that no head may have ends it before a limit or a later line does.
      assert.equal(got.refused === undefined, whole.refused === undefined, label);
      assert.deepEqual(got.messages, whole.messages, label);
    }
  }
});

test('what is written again is read again as the same', () => {
  const next = mutations(9, messages, fragments);
  let count = 0;
  for (let i = 0; i < 8000 * effort; i++) {
    for (const { head } of read(Buffer.from(next(), 'latin1'), [8192]).messages) {
      if (!head.target.startsWith('/') && head.target !== '*') continue;
      if (head.minorVersion === 0) continue;
      const text = requestHead(head.method, head.target, fieldLines(head.fields));
      const again = read(Buffer.from(text, 'latin1'), [8192]).messages[0]?.head;
      assert.deepEqual(again, { ...head, size: text.length });
      count++;
    }
  }
  assert.ok(count > 1000, `${count} heads were written again`);
});

/** What RFC 9112 3.2 and 6.1 forbid, some of which Node takes; asked of the fields anew, not of what the codec made of them. */
function assertUnambiguous(head: RequestHead, text: string): void {
  const label = `accepted: ${JSON.stringify(text)}`;
  const values = (wanted: string) =>
    head.fields.filter((_, n) => n % 2 === 1 && head.fields[n - 1]?.toLowerCase() === wanted);
  const hosts = values('host');
  const lengths = values('content-length');
  const codings = values('transfer-encoding');
  assert.ok(hosts.length === 1 || (hosts.length === 0 && head.minorVersion === 0), label);
  assert.ok(
    hosts.every((host) => /^([\w.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/.test(host)),
    label,
  );
  assert.ok(lengths.length + codings.length <= 1, label);
  assert.ok(
    lengths.every((length) => /^(0|[1-9]\d{0,15})$/.test(length)),
    label,
  );
  assert.ok(
    codings.every((coding) => /^chunked$/i.test(coding) && head.minorVersion === 1),
    label,
  );
  assert.ok(
    head.fields.every((part) => !/[\0-\x08\n-\x1f\x7f]/.test(part)),
    label,
  );
  assert.match(head.target, /^[!-"$-~]+$/, label);
}
