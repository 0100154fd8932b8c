import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fieldBlock, frame } from '../../test/support/http2-frames.ts';
import {
  data,
  endHeaders,
  endStream,
  get,
  headers,
  padded,
  post,
  priority,
  rstStream,
  SessionProbe,
  settings,
  settingsAck,
  uint32,
  windowUpdate,
} from '../../test/support/http2-session.ts';
import { clientPreface, frameType } from './frame.ts';

/** What a client sends behind its preface, and every frame that it gets for it. */
interface Rule {
  readonly name: string;
  readonly sent: readonly Buffer[];
  readonly want: readonly string[];
  /** Whether nothing came before: the preface is in `sent`. */
  readonly bare?: boolean;
}

const type = frameType;
const goaway = (last: number, code: string) => [`GOAWAY ${last} ${code}`];
const reset = (id: number, code: string) => [`RST_STREAM ${id} ${code}`];
const upload = headers(1, post, endHeaders);
const raw = (kind: number, flags: number, stream: number, ...bytes: readonly number[]) =>
  frame(kind, flags, stream, Buffer.from(bytes));
const long = (kind: number, stream: number) => {
  const head = raw(kind, 0, stream);
  head.writeUIntBE(16_385, 0, 3);
  return head;
};
const withField = (name: string, value: string) => headers(1, [...get, [name, value]]);
const block = fieldBlock(get);

const rules: readonly Rule[] = [
  // --- 3.4, 4.1, 4.2, 5.5
  {
    name: '3.4 another protocol',
    bare: true,
    sent: [Buffer.from('GET / HTTP/1.1\r\n')],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '3.4 a first frame that is not SETTINGS',
    bare: true,
    sent: [clientPreface, headers(1)],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '3.4 a first frame of DATA',
    bare: true,
    sent: [clientPreface, data(1, '')],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '3.4 an acknowledgement first',
    bare: true,
    sent: [clientPreface, settingsAck],
    want: goaway(0, 'protocolError'),
  },
  { name: '3.4 SETTINGS first', bare: true, sent: [clientPreface, settings()], want: ['SETTINGS ack'] },
  {
    name: '4.1 the reserved bit of a stream',
    sent: [raw(type.ping, 0, 0x8000_0000, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61)],
    want: ['PING ack aaaaaaaa'],
  },
  { name: '4.2 DATA that is too long', sent: [upload, long(type.data, 1)], want: goaway(1, 'frameSizeError') },
  { name: '4.2 HEADERS that are too long', sent: [long(type.headers, 1)], want: goaway(0, 'frameSizeError') },
  { name: '5.5 a frame of an unknown type', sent: [raw(0x7f, 0xff, 7, 1, 2, 3)], want: [] },
  {
    name: '5.5 an unknown frame within a field block',
    sent: [headers(1, get, endStream), raw(0x7f, 0, 1)],
    want: goaway(0, 'protocolError'),
  },
  // --- 5.1
  { name: '5.1 DATA on an idle stream', sent: [data(1, 'x')], want: goaway(0, 'protocolError') },
  { name: '5.1 RST_STREAM on an idle stream', sent: [rstStream(1, 8)], want: goaway(0, 'protocolError') },
  { name: '5.1 WINDOW_UPDATE on an idle stream', sent: [windowUpdate(1, 1)], want: goaway(0, 'protocolError') },
  { name: '5.1 PRIORITY on an idle stream', sent: [raw(type.priority, 0, 1, 0, 0, 0, 0, 1)], want: [] },
  {
    name: '5.1 CONTINUATION on an idle stream',
    sent: [raw(type.continuation, endHeaders, 1)],
    want: goaway(0, 'protocolError'),
  },
  { name: '5.1 DATA behind END_STREAM', sent: [headers(1), data(1, 'x')], want: reset(1, 'streamClosed') },
  { name: '5.1 HEADERS behind END_STREAM', sent: [headers(1), headers(1)], want: reset(1, 'streamClosed') },
  {
    name: '5.1 CONTINUATION behind END_STREAM',
    sent: [headers(1), raw(type.continuation, endHeaders, 1)],
    want: goaway(1, 'protocolError'),
  },
  {
    name: '5.1 WINDOW_UPDATE, PRIORITY behind END_STREAM',
    sent: [headers(1), windowUpdate(1, 1), raw(type.priority, 0, 1, 0, 0, 0, 0, 1)],
    want: [],
  },
  { name: '5.1 DATA behind RST_STREAM', sent: [upload, rstStream(1, 8), data(1, 'x')], want: reset(1, 'streamClosed') },
  {
    name: '5.1 HEADERS behind RST_STREAM',
    sent: [upload, rstStream(1, 8), headers(1)],
    want: reset(1, 'streamClosed'),
  },
  { name: '5.1 RST_STREAM twice', sent: [upload, rstStream(1, 8), rstStream(1, 8)], want: [] },
  {
    name: '5.1 what was on its way when we reset',
    sent: [
      upload,
      data(1, 'x', endStream),
      data(1, 'y'),
      data(1, 'z'),
      headers(1),
      windowUpdate(1, 1),
      rstStream(1, 8),
    ],
    want: reset(1, 'streamClosed'),
  },
  { name: '5.1.1 an even stream', sent: [headers(2)], want: goaway(0, 'protocolError') },
  { name: '5.1.1 DATA on an even stream', sent: [headers(3), data(2, 'x')], want: goaway(3, 'protocolError') },
  { name: '5.1.1 a lower stream than the last', sent: [headers(5), headers(3)], want: goaway(5, 'protocolError') },
  { name: '5.1.1 DATA on a stream that was skipped', sent: [headers(5), data(3, 'x')], want: reset(3, 'streamClosed') },
  {
    name: '5.3.1 PRIORITY of a stream that depends on itself',
    sent: [upload, raw(type.priority, 0, 1, 0, 0, 0, 1, 1)],
    want: reset(1, 'protocolError'),
  },
  {
    name: '5.3.1 PRIORITY of an idle stream that depends on itself',
    sent: [raw(type.priority, 0, 1, 0, 0, 0, 1, 1)],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '5.3.1 HEADERS of a stream that depends on itself',
    sent: [frame(type.headers, endHeaders | priority, 1, Buffer.concat([Buffer.of(0x80, 0, 0, 1, 7), block]))],
    want: reset(1, 'protocolError'),
  },
  // --- 6.1, 6.2
  { name: '6.1 DATA on the connection', sent: [data(0, 'x')], want: goaway(0, 'protocolError') },
  {
    name: '6.1 DATA without its pad length',
    sent: [upload, raw(type.data, padded, 1)],
    want: goaway(1, 'frameSizeError'),
  },
  {
    name: '6.1 DATA padded beyond its payload',
    sent: [upload, raw(type.data, padded, 1, 3, 0, 0)],
    want: goaway(1, 'protocolError'),
  },
  { name: '6.1 DATA of padding alone', sent: [upload, raw(type.data, padded, 1, 2, 0, 0)], want: [] },
  { name: '6.2 HEADERS on the connection', sent: [headers(0)], want: goaway(0, 'protocolError') },
  {
    name: '6.2 HEADERS padded beyond its payload',
    sent: [frame(type.headers, endHeaders | padded, 1, Buffer.concat([Buffer.of(255), block]))],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '6.2 HEADERS without its pad length',
    sent: [raw(type.headers, endHeaders | padded, 1)],
    want: goaway(0, 'frameSizeError'),
  },
  {
    name: '6.2 HEADERS too short for its priority',
    sent: [raw(type.headers, endHeaders | priority, 1, 0, 0, 0, 0)],
    want: goaway(0, 'frameSizeError'),
  },
  {
    name: '6.2 HEADERS within another field block',
    sent: [headers(1, get, endStream), headers(3)],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '6.2 DATA within a field block',
    sent: [upload, headers(3, get, endStream), data(1, 'x')],
    want: goaway(1, 'protocolError'),
  },
  // --- 6.3 to 6.6
  {
    name: '6.3 PRIORITY on the connection',
    sent: [raw(type.priority, 0, 0, 0, 0, 0, 1, 1)],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '6.3 PRIORITY not of 5 octets',
    sent: [upload, raw(type.priority, 0, 1, 0, 0, 0, 3)],
    want: reset(1, 'frameSizeError'),
  },
  { name: '6.4 RST_STREAM on the connection', sent: [rstStream(0, 8)], want: goaway(0, 'protocolError') },
  {
    name: '6.4 RST_STREAM not of 4 octets',
    sent: [upload, raw(type.rstStream, 0, 1, 0, 0, 8)],
    want: goaway(1, 'frameSizeError'),
  },
  {
    name: '6.5 an acknowledgement with values',
    sent: [raw(type.settings, 1, 0, 0, 3, 0, 0, 0, 1)],
    want: goaway(0, 'frameSizeError'),
  },
  { name: '6.5 SETTINGS on a stream', sent: [raw(type.settings, 0, 1)], want: goaway(0, 'protocolError') },
  {
    name: '6.5 SETTINGS of 5 octets',
    sent: [raw(type.settings, 0, 0, 0, 3, 0, 0, 0)],
    want: goaway(0, 'frameSizeError'),
  },
  { name: '6.5.2 ENABLE_PUSH of 2', sent: [settings(2, 2)], want: goaway(0, 'protocolError') },
  { name: '6.5.2 ENABLE_PUSH of 1', sent: [settings(2, 1)], want: ['SETTINGS ack'] },
  {
    name: '6.5.2 INITIAL_WINDOW_SIZE above the limit',
    sent: [settings(4, 0x8000_0000)],
    want: goaway(0, 'flowControlError'),
  },
  { name: '6.5.2 MAX_FRAME_SIZE below the limit', sent: [settings(5, 16_383)], want: goaway(0, 'protocolError') },
  { name: '6.5.2 MAX_FRAME_SIZE above the limit', sent: [settings(5, 16_777_216)], want: goaway(0, 'protocolError') },
  { name: '6.5.2 an unknown setting', sent: [settings(0xff, 7)], want: ['SETTINGS ack'] },
  { name: 'RFC 8441 3 ENABLE_CONNECT_PROTOCOL of 2', sent: [settings(8, 2)], want: goaway(0, 'protocolError') },
  { name: 'RFC 9218 2.1 NO_RFC7540_PRIORITIES of 2', sent: [settings(9, 2)], want: goaway(0, 'protocolError') },
  {
    name: '6.6 PUSH_PROMISE',
    sent: [raw(type.pushPromise, endHeaders, 1, 0, 0, 0, 2)],
    want: goaway(0, 'protocolError'),
  },
  // --- 6.7 to 6.10
  { name: '6.7 PING', sent: [frame(type.ping, 0, 0, Buffer.from('12345678'))], want: ['PING ack 12345678'] },
  { name: '6.7 an acknowledgement of no PING', sent: [frame(type.ping, 1, 0, Buffer.from('12345678'))], want: [] },
  {
    name: '6.7 PING on a stream',
    sent: [frame(type.ping, 0, 1, Buffer.from('12345678'))],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '6.7 PING not of 8 octets',
    sent: [frame(type.ping, 0, 0, Buffer.from('1234567'))],
    want: goaway(0, 'frameSizeError'),
  },
  {
    name: '6.8 GOAWAY on a stream',
    sent: [raw(type.goaway, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '6.8 GOAWAY that is too short',
    sent: [raw(type.goaway, 0, 0, 0, 0, 0, 0)],
    want: goaway(0, 'frameSizeError'),
  },
  { name: '6.9 WINDOW_UPDATE of 0 on the connection', sent: [windowUpdate(0, 0)], want: goaway(0, 'protocolError') },
  { name: '6.9 WINDOW_UPDATE of 0 on a stream', sent: [upload, windowUpdate(1, 0)], want: reset(1, 'protocolError') },
  {
    name: '6.9 WINDOW_UPDATE not of 4 octets',
    sent: [raw(type.windowUpdate, 0, 0, 0, 0, 1)],
    want: goaway(0, 'frameSizeError'),
  },
  {
    name: '6.9.1 a window of the connection above the limit',
    sent: [windowUpdate(0, 0x7fff_ffff)],
    want: goaway(0, 'flowControlError'),
  },
  {
    name: '6.9.1 a window of a stream above the limit',
    sent: [upload, windowUpdate(1, 0x7fff_ffff)],
    want: reset(1, 'flowControlError'),
  },
  {
    name: '6.9.2 a window that SETTINGS moves above the limit',
    sent: [upload, windowUpdate(1, 0x7fff_0000), settings(4, 0x7fff_ffff)],
    want: goaway(1, 'flowControlError'),
  },
  {
    name: '6.10 CONTINUATION without HEADERS',
    sent: [upload, raw(type.continuation, endHeaders, 1)],
    want: goaway(1, 'protocolError'),
  },
  {
    name: '6.10 CONTINUATION of another stream',
    sent: [headers(1, get, endStream), raw(type.continuation, endHeaders, 3)],
    want: goaway(0, 'protocolError'),
  },
  {
    name: '4.3 a field block that cannot be read',
    sent: [frame(type.headers, endHeaders, 1, Buffer.of(0x80))],
    want: goaway(1, 'compressionError'),
  },
  // --- 8
  {
    name: '8.1 trailers without END_STREAM',
    sent: [upload, headers(1, [['x', 'y']], endHeaders)],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.2.1 a trailer with LF',
    sent: [upload, headers(1, [['x', 'y\nz']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.1 trailers over the limit',
    sent: [upload, headers(1, [['x', 'y'.repeat(16_360)]])],
    want: reset(1, 'enhanceYourCalm'),
  },
  {
    name: '8.1 trailers with a pseudo-header field',
    sent: [upload, headers(1, [[':path', '/']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.1.1 a content-length and no body',
    sent: [withField('content-length', '5')],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.1.1 a body shorter than content-length',
    sent: [headers(1, [...post, ['content-length', '5']], endHeaders), data(1, 'four', endStream)],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.1.1 a body longer than content-length',
    sent: [headers(1, [...post, ['content-length', '5']], endHeaders), data(1, 'five, and more')],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.1.1 a body shorter than content-length, with trailers',
    sent: [headers(1, [...post, ['content-length', '5']], endHeaders), headers(1, [['x', 'y']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.1.1 two content-lengths',
    sent: [headers(1, [...get, ['content-length', '0'], ['content-length', '0']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.1.1 a content-length that is no number',
    sent: [withField('content-length', '+0')],
    want: reset(1, 'protocolError'),
  },
  { name: '8.2 an upper-case name', sent: [withField('X-A', '1')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a name with a space', sent: [withField('x a', '1')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a name with a colon', sent: [withField('x:a', '1')], want: reset(1, 'protocolError') },
  { name: '8.2.1 an empty name', sent: [withField('', '1')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a name beyond ASCII', sent: [withField('x-\xe4', '1')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a value with NUL', sent: [withField('x-a', '1\0')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a value with LF', sent: [withField('x-a', '1\n2')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a value with CR', sent: [withField('x-a', '1\r2')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a value that begins with a space', sent: [withField('x-a', ' 1')], want: reset(1, 'protocolError') },
  { name: '8.2.1 a value that ends with a tab', sent: [withField('x-a', '1\t')], want: reset(1, 'protocolError') },
  { name: '8.2.2 connection', sent: [withField('connection', 'x')], want: reset(1, 'protocolError') },
  { name: '8.2.2 keep-alive', sent: [withField('keep-alive', '5')], want: reset(1, 'protocolError') },
  { name: '8.2.2 proxy-connection', sent: [withField('proxy-connection', 'x')], want: reset(1, 'protocolError') },
  {
    name: '8.2.2 transfer-encoding',
    sent: [withField('transfer-encoding', 'chunked')],
    want: reset(1, 'protocolError'),
  },
  { name: '8.2.2 upgrade', sent: [withField('upgrade', 'h2c')], want: reset(1, 'protocolError') },
  {
    name: '8.2.2 te other than trailers',
    sent: [withField('te', 'trailers, deflate')],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.2.2 connection in trailers',
    sent: [upload, headers(1, [['connection', 'x']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.3 an unknown pseudo-header field',
    sent: [headers(1, [...get, [':x', '1']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.3 a pseudo-header field of an answer',
    sent: [headers(1, [...get, [':status', '200']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.3 a pseudo-header field behind a field',
    sent: [headers(1, [['x', '1'], ...get])],
    want: reset(1, 'protocolError'),
  },
  { name: '8.3.1 no :method', sent: [headers(1, get.slice(1))], want: reset(1, 'protocolError') },
  {
    name: '8.3.1 no :scheme',
    sent: [
      headers(
        1,
        get.filter(([name]) => name !== ':scheme'),
      ),
    ],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.3.1 no :path',
    sent: [
      headers(
        1,
        get.filter(([name]) => name !== ':path'),
      ),
    ],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.3.1 an empty :path',
    sent: [
      headers(
        1,
        get.map(([name, value]) => [name, name === ':path' ? '' : value]),
      ),
    ],
    want: reset(1, 'protocolError'),
  },
  { name: '8.3.1 two :path', sent: [headers(1, [...get, [':path', '/']])], want: reset(1, 'protocolError') },
  {
    name: '8.5 CONNECT with :path',
    sent: [headers(1, [[':method', 'CONNECT'], ...get.slice(1)])],
    want: reset(1, 'protocolError'),
  },
  {
    name: '8.5 CONNECT without :authority',
    sent: [headers(1, [[':method', 'CONNECT']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: 'RFC 8441 4 :protocol without CONNECT',
    sent: [headers(1, [...get, [':protocol', 'websocket']])],
    want: reset(1, 'protocolError'),
  },
  {
    name: 'RFC 8441 4 :protocol without :path',
    sent: [
      headers(1, [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        [':authority', 'a'],
      ]),
    ],
    want: reset(1, 'protocolError'),
  },
];

suite('a rule of HTTP/2:', () => {
  for (const { name, sent, want, bare } of rules) {
    test(name, () => {
      const probe = new SessionProbe();
      if (bare === true) {
        probe.turn();
        probe.forget();
      } else {
        probe.open();
      }
      probe.receive(...sent);
      assert.deepEqual(probe.sent, want);
      assert.equal(probe.ended, want[0]?.startsWith('GOAWAY') === true);
    });
  }
});

suite('a request that keeps the rules:', () => {
  const request = (fields: readonly (readonly [string, string])[], end = ' end') =>
    `request 1 ${fields.flat().join(' ')}${end}`;
  const cases: readonly { name: string; sent: readonly Buffer[]; want: readonly string[] }[] = [
    { name: 'without a body', sent: [headers(1)], want: [request(get)] },
    {
      name: 'with a body and trailers',
      sent: [upload, data(1, 'ab'), data(1, 'c'), headers(1, [['x', 'y']])],
      want: [request(post, ''), 'data 1 ab', 'data 1 c', 'end 1 x y'],
    },
    {
      name: 'with a body of the length it says',
      sent: [headers(1, [...post, ['content-length', '3']], endHeaders), data(1, 'ab'), data(1, 'c', endStream)],
      want: [request([...post, ['content-length', '3']], ''), 'data 1 ab', 'data 1 c', 'end 1'],
    },
    {
      name: 'padded, with priority',
      sent: [
        frame(
          type.headers,
          endHeaders | endStream | padded | priority,
          1,
          Buffer.concat([Buffer.of(2, 0x80, 0, 0, 3, 7), block, Buffer.alloc(2)]),
        ),
      ],
      want: [request(get)],
    },
    {
      name: 'padded DATA',
      sent: [upload, frame(type.data, padded | endStream, 1, Buffer.from('\x02ab\0\0', 'latin1'))],
      want: [request(post, ''), 'data 1 ab', 'end 1'],
    },
    {
      name: 'in several frames',
      sent: [
        frame(type.headers, endStream, 1, block.subarray(0, 3)),
        frame(type.continuation, 0, 1, block.subarray(3, 9)),
        raw(type.continuation, 0, 1),
        frame(type.continuation, endHeaders, 1, block.subarray(9)),
      ],
      want: [request(get)],
    },
    {
      name: 'CONNECT',
      sent: [
        headers(
          1,
          [
            [':method', 'CONNECT'],
            [':authority', 'a:1'],
          ],
          endHeaders,
        ),
      ],
      want: ['request 1 :method CONNECT :authority a:1'],
    },
    {
      name: 'CONNECT for another protocol',
      sent: [headers(1, [[':method', 'CONNECT'], [':protocol', 'websocket'], ...get.slice(1)], endHeaders)],
      want: [`request 1 :method CONNECT :protocol websocket ${get.slice(1).flat().join(' ')}`],
    },
    {
      name: 'TE: Trailers, a value with high octets, an empty one',
      sent: [headers(1, [...get, ['te', 'Trailers'], ['x', '\xe4\tb'], ['y', '']])],
      want: [request([...get, ['te', 'Trailers'], ['x', '\xe4\tb'], ['y', '']])],
    },
    {
      name: 'over the limit of its head',
      sent: [headers(1, [...get, ['x', 'y'.repeat(16_100)], ['z', 'z'.repeat(60)]])],
      want: [`request 1 ${[...get, ['x', 'y'.repeat(16_100)]].flat().join(' ')} end over limit`],
    },
    {
      name: 'that is reset in the same chunk is never told',
      sent: [Buffer.concat([headers(1), rstStream(1, 8), headers(3), uint32(0).subarray(4)])],
      want: [`request 3 ${get.flat().join(' ')} end`],
    },
  ];
  for (const { name, sent, want } of cases) {
    test(name, () => {
      const probe = new SessionProbe().open();
      probe.receive(...sent);
      assert.deepEqual(probe.events, want);
      assert.deepEqual(probe.sent, []);
    });
  }
});

test('HEADERS on a stream that ended in order is an error of the connection', () => {
  const probe = new SessionProbe({}, (stream) => stream.respond([':status', '204'], true)).open();
  probe.receive(headers(1), headers(1));
  assert.deepEqual(probe.sent, ['HEADERS 1 END :status 204', 'GOAWAY 1 streamClosed']);
  assert.deepEqual(probe.events.slice(1), [
    'closed 1 in order',
    'failed streamClosed: HEADERS on a stream that has ended',
  ]);
});

test('DATA on a stream that ended in order is an error of the connection', () => {
  const probe = new SessionProbe({}, (stream) => stream.respond([':status', '204'], true)).open();
  probe.receive(headers(1), windowUpdate(1, 1), rstStream(1, 0), data(1, 'x'));
  assert.deepEqual(probe.sent, ['HEADERS 1 END :status 204', 'GOAWAY 1 streamClosed']);
});

test('more streams than allowed are refused, and the others live', () => {
  const probe = new SessionProbe({ maxConcurrentStreams: 2 }).open();
  probe.receive(headers(1), headers(3), headers(5));
  assert.deepEqual(probe.sent, ['RST_STREAM 5 refusedStream']);
  probe.stream(1).respond([':status', '200'], true);
  probe.receive(headers(7));
  assert.deepEqual(probe.sent.slice(1), ['HEADERS 1 END :status 200']);
  assert.equal(probe.session.streamCount, 2);
});

test('a client that opened hundreds of streams before it knew the limit keeps its connection, whatever was on its way', () => {
  const probe = new SessionProbe({ maxConcurrentStreams: 2 });
  const ids = Array.from({ length: 500 }, (_, i) => 2 * i + 1);
  probe.receive(Buffer.from(clientPreface), settings(), ...ids.map((id) => headers(id, post, endHeaders)));
  probe.forget();
  probe.receive(...ids.slice(2).map((id) => data(id, 'x')));
  probe.receive(...ids.slice(2).map((id) => headers(id, [['x-trailer', '1']])));
  assert.deepEqual([probe.sent, probe.session.streamCount], [[], 2]);
});
