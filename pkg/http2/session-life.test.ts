import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fieldBlock, frame } from '../../test/support/http2-frames.ts';
import {
  data,
  endHeaders,
  endStream,
  get,
  headers,
  post,
  rstStream,
  SessionProbe,
  settings,
  windowUpdate,
} from '../../test/support/http2-session.ts';
import { clientPreface, errorCode, frameType } from './frame.ts';
import type { RequestFields } from './stream.ts';

const ok = [':status', '200'];
const done = (probe: SessionProbe, id: number) => probe.stream(id).respond(ok, true);
const pong = (text: string) => frame(frameType.ping, 1, 0, Buffer.from(text));
const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));

suite('a session', () => {
  test('says its limits first, before the client has said anything', () => {
    const probe = new SessionProbe({ maxConcurrentStreams: 7, streamWindow: 65_536, maxListBytes: 258 });
    probe.turn();
    assert.deepEqual(probe.sent, [
      'SETTINGS 000300000007000400010000000600000102000800000001',
      'WINDOW_UPDATE 0 983041',
    ]);
  });

  test('refuses windows that are smaller than clients assume', () => {
    assert.throws(() => new SessionProbe({ streamWindow: 65_534 }), RangeError);
    assert.throws(() => new SessionProbe({ sessionWindow: 65_534 }), RangeError);
  });

  test('that retires gives notice, serves on, and says the last stream when the client must have heard', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1));
    probe.session.retire();
    probe.session.retire();
    probe.receive(headers(3), pong('12345678'), headers(5));
    assert.deepEqual(probe.sent, ['GOAWAY 2147483647 noError', 'PING retiring']);
    probe.receive(pong('retiring'), headers(7));
    assert.deepEqual(probe.sent.slice(2), ['GOAWAY 5 noError']);
    assert.deepEqual([...probe.streams.keys()], [1, 3, 5]);
    for (const id of [1, 3]) done(probe, id);
    probe.turn();
    assert.equal(probe.ended, false);
    done(probe, 5);
    probe.turn();
    assert.equal(probe.ended, true);
    assert.deepEqual(probe.sent.at(-1), 'HEADERS 5 END :status 200');
  });

  test('that drains takes no later stream, keeps the table of fields in step, and ends with the last one', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1, post, endHeaders));
    probe.session.drain();
    probe.session.drain();
    const indexed = Buffer.concat([fieldBlock(get), Buffer.from('\x40\x01x\x01y', 'latin1')]);
    probe.receive(
      frame(frameType.headers, endHeaders, 3, indexed),
      data(3, 'lost'),
      headers(3, [['x', 'y']]),
      frame(frameType.headers, endHeaders | endStream, 1, Buffer.of(0x80 | 62)),
    );
    assert.deepEqual(probe.sent, ['GOAWAY 1 noError']);
    assert.deepEqual(probe.events.slice(1), ['end 1 x y']);
    done(probe, 1);
    assert.equal(probe.ended, true);
    probe.forget().receive(headers(5));
    probe.session.drain();
    probe.session.retire();
    probe.session.abort(1);
    assert.deepEqual([probe.sent, probe.events], [[], []]);
  });

  test('that fails while it drains never names a later stream than it did before', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1));
    probe.session.drain();
    probe.receive(headers(3));
    probe.session.abort(errorCode.internalError);
    assert.deepEqual(probe.sent, ['GOAWAY 1 noError', 'GOAWAY 1 internalError']);
  });

  test('without a stream ends as soon as it drains', () => {
    const probe = new SessionProbe().open();
    probe.session.drain();
    assert.deepEqual([probe.sent, probe.ended], [['GOAWAY 0 noError'], true]);
  });

  test('whose client says GOAWAY serves what runs, and ends', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1), frame(frameType.goaway, 0, 0, Buffer.alloc(8)), headers(3));
    assert.deepEqual([probe.sent, probe.ended], [['GOAWAY 1 noError'], false]);
    done(probe, 1);
    assert.deepEqual([probe.sent.slice(1), probe.ended], [['HEADERS 1 END :status 200'], true]);
  });

  test('that is aborted says why to the client and to every handler', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1), headers(3));
    probe.forget().session.abort(errorCode.internalError);
    assert.deepEqual(probe.sent, ['GOAWAY 3 internalError']);
    assert.deepEqual(probe.events, ['closed 1 internalError', 'closed 3 internalError']);
    assert.deepEqual([probe.ended, probe.session.streamCount], [true, 0]);
  });

  test('whose connection is gone tells every handler, and writes nothing', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1));
    probe.stream(1).respond(ok, false);
    probe.forget().session.close();
    probe.session.close();
    probe.turn();
    probe.stream(1).end();
    probe.receive(headers(3));
    assert.deepEqual([probe.sent, probe.events, probe.ended], [[], ['closed 1 cancel'], false]);
  });

  test('writes its GOAWAY though the outlet has enough', () => {
    const probe = new SessionProbe().open();
    probe.takes = false;
    probe.receive(ping, ping, data(0, ''));
    assert.deepEqual(
      probe.sent,
      ['PING ack \0\0\0\0\0\0\0\0', 'PING ack \0\0\0\0\0\0\0\0', 'GOAWAY 0 protocolError'].slice(0, probe.sent.length),
    );
    assert.deepEqual([probe.sent.at(-1), probe.ended], ['GOAWAY 0 protocolError', true]);
  });
});

suite('a stream', () => {
  test('is over when both sides have ended, whichever was first', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1, post, endHeaders), headers(3));
    done(probe, 1);
    done(probe, 3);
    assert.deepEqual(probe.events.slice(2), ['closed 3 in order']);
    probe.receive(data(1, 'x', endStream));
    assert.deepEqual(probe.events.slice(3), ['data 1 x', 'end 1', 'closed 1 in order']);
  });

  test('whose rest is refused is reset without an error behind its END_STREAM', () => {
    const probe = new SessionProbe().open();
    probe.receive(settings(4, 1), headers(1, post, endHeaders));
    const stream = probe.forget().stream(1);
    stream.respond(ok, false);
    stream.write(Buffer.from('ab'), true);
    stream.end();
    stream.refuseRest();
    probe.receive(data(1, 'x'));
    assert.deepEqual(probe.sent, ['HEADERS 1 :status 200', 'DATA 1 a']);
    probe.receive(windowUpdate(1, 1), data(1, 'late'));
    assert.deepEqual(probe.sent.slice(2), ['DATA 1 END b', 'RST_STREAM 1 noError']);
    assert.deepEqual(probe.events, ['data 1 x', 'closed 1 noError']);
  });

  for (const [name, late] of [
    ['HEADERS', headers(1)],
    ['DATA', data(1, 'x')],
  ] as const) {
    test(`that we reset and then its client too ignores ${name} before, and fails by it behind the client's`, () => {
      const probe = new SessionProbe().open();
      probe.receive(headers(1, post, endHeaders));
      probe.stream(1).refuseRest();
      done(probe, 1);
      probe.receive(late, rstStream(1, 8));
      assert.deepEqual(probe.sent, ['HEADERS 1 END :status 200', 'RST_STREAM 1 noError']);
      probe.receive(late);
      assert.deepEqual(probe.sent.slice(2), ['RST_STREAM 1 streamClosed']);
    });
  }

  test('whose request is whole has no rest to be refused', () => {
    const probe = new SessionProbe().open();
    probe.receive(settings(4, 0), headers(1));
    const stream = probe.forget().stream(1);
    stream.respond(ok, false);
    stream.write(Buffer.from('ab'), true);
    stream.end();
    stream.refuseRest();
    probe.receive(windowUpdate(1, 2));
    assert.deepEqual(probe.sent.slice(1), ['DATA 1 END ab']);
    assert.deepEqual(probe.events, ['closed 1 in order']);
  });

  test('that is reset from within its own data hears nothing more', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1, post, endHeaders));
    probe.onData = (stream) => stream.reset(errorCode.cancel);
    probe.forget().receive(data(1, 'a'), data(1, 'b', endStream));
    assert.deepEqual(probe.events, ['data 1 a', 'closed 1 cancel']);
    assert.deepEqual(probe.sent, ['RST_STREAM 1 cancel']);
  });

  test('is answered in order, or the mistake is ours', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1));
    const stream = probe.stream(1);
    assert.throws(() => stream.write(Buffer.from('x'), false), /before or behind the answer/);
    assert.throws(() => stream.end(), /the end before the answer/);
    stream.respond(ok, false);
    assert.throws(() => stream.respond(ok, false), /a second answer/);
    assert.throws(() => stream.informational([':status', '103']), /behind the answer/);
    stream.write(Buffer.alloc(100_000), false);
    stream.end();
    assert.throws(() => stream.write(Buffer.from('x'), false), /before or behind the answer/);
    assert.throws(() => stream.end(), /or twice/);
    stream.reset(errorCode.cancel);
    stream.reset(errorCode.cancel);
    stream.respond(ok, true);
    stream.informational([':status', '103']);
    stream.end();
    stream.resume();
    stream.refuseRest();
    assert.equal(stream.write(Buffer.from('x'), false), true);
    assert.equal(stream.open, false);
  });

  test('keeps a copy of what is only lent, and the octets themselves of what is not', () => {
    const probe = new SessionProbe().open();
    probe.receive(settings(4, 0), headers(1));
    const stream = probe.forget().stream(1);
    stream.respond(ok, false);
    const lent = Buffer.from('ab');
    stream.write(lent, true);
    lent.fill('-');
    const given = Buffer.from('cd');
    stream.write(given, false);
    given.fill('=');
    probe.receive(windowUpdate(1, 4));
    assert.deepEqual(probe.sent.slice(1), ['DATA 1 ab==']);
  });
});

suite('a flood ends the connection, counted by its name:', () => {
  const repeat = (times: number, make: (i: number) => Buffer) =>
    Buffer.concat(Array.from({ length: times }, (_, i) => make(i)));
  const upload = headers(1, post, endHeaders);
  const id = (i: number) => 2 * i + 1;
  const floods: readonly { name: string; flood: string; few: Buffer; many: Buffer }[] = [
    { name: 'PING', flood: 'pings', few: repeat(1000, () => ping), many: ping },
    {
      name: 'acknowledgements of no PING',
      flood: 'pings',
      few: repeat(1000, () => pong('12345678')),
      many: pong('12345678'),
    },
    { name: 'SETTINGS', flood: 'settings', few: repeat(98, () => settings()), many: settings() },
    {
      name: 'PRIORITY',
      flood: 'ignored-frames',
      few: repeat(1000, () => frame(frameType.priority, 0, 9, Buffer.from([0, 0, 0, 0, 1]))),
      many: frame(frameType.priority, 0, 9, Buffer.from([0, 0, 0, 0, 1])),
    },
    {
      name: 'frames of an unknown type',
      flood: 'ignored-frames',
      few: repeat(1000, () => frame(0x55, 0, 0)),
      many: frame(0x55, 0, 0),
    },
    {
      name: 'empty DATA',
      flood: 'empty-frames',
      few: Buffer.concat([upload, repeat(100, () => data(1, ''))]),
      many: data(1, ''),
    },
    {
      name: 'DATA of padding alone',
      flood: 'empty-frames',
      few: Buffer.concat([upload, repeat(100, () => frame(frameType.data, 8, 1, Buffer.of(1, 0)))]),
      many: frame(frameType.data, 8, 1, Buffer.of(1, 0)),
    },
    {
      name: 'windows opened by one octet',
      flood: 'window-updates',
      few: repeat(1000, () => windowUpdate(0, 1)),
      many: windowUpdate(0, 1),
    },
    {
      name: 'streams that are reset at once',
      flood: 'resets',
      few: repeat(100, (i) => Buffer.concat([headers(id(i)), rstStream(id(i), 8)])),
      many: Buffer.concat([headers(id(100)), rstStream(id(100), 8)]),
    },
    {
      name: 'streams that we are made to reset',
      flood: 'resets',
      few: repeat(100, (i) => Buffer.concat([headers(id(i), post, endHeaders), windowUpdate(id(i), 0)])),
      many: Buffer.concat([headers(id(100), post, endHeaders), windowUpdate(id(100), 0)]),
    },
    {
      name: 'malformed requests',
      flood: 'resets',
      few: repeat(100, (i) => headers(id(i), [])),
      many: headers(id(100), []),
    },
    {
      name: 'streams beyond the limit',
      flood: 'refused-streams',
      few: repeat(200, (i) => headers(id(i))),
      many: headers(id(200)),
    },
    {
      name: 'CONTINUATION',
      flood: 'continuation',
      few: Buffer.concat([headers(1, [], endStream), repeat(63, () => frame(frameType.continuation, 0, 1))]),
      many: frame(frameType.continuation, 0, 1),
    },
    {
      name: 'a field block without end',
      flood: 'continuation',
      few: Buffer.concat([
        headers(1, [], endStream),
        repeat(5, () => frame(frameType.continuation, 0, 1, Buffer.alloc(16_384))),
      ]),
      many: frame(frameType.continuation, 0, 1, Buffer.alloc(16_384)),
    },
  ];
  for (const { name, flood, few, many } of floods) {
    test(name, () => {
      const probe = new SessionProbe().open();
      probe.receive(few);
      assert.equal(probe.ended, false, 'not yet');
      const last = probe.session.streamCount;
      probe.receive(many);
      assert.deepEqual(
        probe.events.filter((event) => !/^(request|closed)/.test(event)),
        [`flooded ${flood}`],
      );
      assert.match(probe.sent.at(-1) ?? '', /^GOAWAY \d+ enhanceYourCalm$/);
      assert.deepEqual([probe.ended, probe.session.streamCount], [true, 0], `${last} streams before`);
    });
  }

  test('an answer that is let out an octet at a time', () => {
    const probe = new SessionProbe({}, (stream) => {
      stream.respond(ok, false);
      stream.write(Buffer.alloc(100_000), false);
    }).open();
    probe.receive(settings(4, 0), headers(1));
    for (let i = 0; i < 999; i++) probe.receive(windowUpdate(1, 1));
    assert.equal(probe.ended, false, 'not yet');
    for (let i = 0; i < 9; i++) probe.receive(windowUpdate(1, 1));
    assert.equal(probe.events.at(-2), 'flooded window-updates');
  });

  test('streams beyond a limit that the client never acknowledges', () => {
    const probe = new SessionProbe({ maxConcurrentStreams: 1 });
    probe.receive(clientPreface, settings(), ...Array.from({ length: 1001 }, (_, i) => headers(id(i))));
    assert.equal(probe.ended, false, 'not yet');
    probe.receive(headers(id(1001)));
    assert.ok(probe.events.includes('flooded refused-streams'));
  });

  for (const { name, late } of [
    { name: 'HEADERS', late: headers(1) },
    { name: 'DATA without octets, which ends the stream', late: data(1, '', endStream) },
  ]) {
    test(`${name} on a stream that we have reset, forgotten or not`, () => {
      for (const resets of [1, 200]) {
        const probe = new SessionProbe().open();
        for (let i = 0; i < resets; i++) {
          probe.receive(headers(id(i), post, endHeaders));
          probe.stream(id(i)).reset(errorCode.cancel);
        }
        for (let i = 0; i < 1000; i++) probe.receive(late);
        assert.equal(probe.ended, false, 'not yet');
        probe.receive(late);
        assert.equal(probe.events.at(-1), 'flooded ignored-frames');
      }
    });
  }

  test('not where as much is spread over time', () => {
    const probe = new SessionProbe().open();
    for (let i = 0; i < 3000; i++) {
      probe.nowMs += 100;
      probe.receive(headers(id(i)), rstStream(id(i), 8), ping);
    }
    assert.equal(probe.ended, false);
  });

  test('not where work is done between: requests that end, octets that go', () => {
    const probe = new SessionProbe({}, (stream) => stream.respond(ok, true)).open();
    for (let i = 0; i < 3000; i += 2) {
      probe.receive(headers(id(i)), headers(id(i + 1), post, endHeaders), rstStream(id(i + 1), 8), ping);
      probe.receive(windowUpdate(0, 1), windowUpdate(0, 1));
    }
    assert.equal(probe.ended, false);
  });

  test('not for streams beyond a limit that the client cannot know yet', () => {
    const probe = new SessionProbe({ maxConcurrentStreams: 1 });
    probe.receive(clientPreface, settings(), ...Array.from({ length: 300 }, (_, i) => headers(id(i))));
    assert.equal(probe.ended, false);
    assert.equal(probe.session.streamCount, 1);
  });
});

test('a request that repeats the one before is a request of its own, with a body where it has one', () => {
  const heads: RequestFields[] = [];
  const probe = new SessionProbe({}, (_, head) => heads.push(head)).open();
  const declared: typeof post = [...post, ['content-length', '2']];
  for (const id of [1, 3, 5]) probe.receive(headers(id, declared, endHeaders));
  probe.receive(data(5, 'ab', endStream), data(3, 'a', endStream));
  // No END_STREAM but for the length, which makes it malformed.
  probe.receive(headers(7, declared));
  for (const id of [9, 11, 13]) probe.receive(headers(id, get));
  probe.receive(headers(15, get, endHeaders));
  const said = declared.flat().join(' ');
  const asked = get.flat().join(' ');
  assert.deepEqual(probe.events, [
    ...[1, 3, 5].map((id) => `request ${id} ${said}`),
    ...['data 5 ab', 'end 5', 'data 3 a', 'closed 3 protocolError'],
    ...[9, 11, 13].map((id) => `request ${id} ${asked} end`),
    `request 15 ${asked}`,
  ]);
  assert.equal(heads[5], heads[4]);
  assert.deepEqual(probe.sent, ['RST_STREAM 3 protocolError', 'RST_STREAM 7 protocolError']);
});
