import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { frame } from '../../test/support/http2-frames.ts';
import {
  data,
  endHeaders,
  endStream,
  headers,
  padded,
  post,
  rstStream,
  SessionProbe,
  settings,
  windowUpdate,
} from '../../test/support/http2-session.ts';
import { errorCode, frameType } from './frame.ts';

const ok = [':status', '200'];
const upload = (id: number) => headers(id, post, endHeaders);

suite('an answer leaves in as few frames as can be:', () => {
  const cases: readonly { name: string; act: (probe: SessionProbe) => void; want: readonly string[] }[] = [
    { name: 'a head alone', act: (probe) => probe.stream(1).respond(ok, true), want: ['HEADERS 1 END :status 200'] },
    {
      name: 'a head that turns out to be all',
      act: (probe) => {
        probe.stream(1).respond(ok, false);
        probe.stream(1).end();
      },
      want: ['HEADERS 1 END :status 200'],
    },
    {
      name: 'END_STREAM stands on the last DATA',
      act: (probe) => {
        probe.stream(1).respond(ok, false);
        probe.stream(1).write(Buffer.from('ab'), true);
        probe.stream(1).write(Buffer.from('cd'), false);
        probe.stream(1).end();
      },
      want: ['HEADERS 1 :status 200', 'DATA 1 END abcd'],
    },
    {
      name: 'END_STREAM in a later turn stands alone',
      act: (probe) => {
        probe.stream(1).respond(ok, false);
        probe.stream(1).write(Buffer.from('ab'), true);
        probe.turn();
        probe.stream(1).end();
      },
      want: ['HEADERS 1 :status 200', 'DATA 1 ab', 'DATA 1 END '],
    },
    {
      name: 'trailers carry END_STREAM',
      act: (probe) => {
        probe.stream(1).respond(ok, false);
        probe.stream(1).write(Buffer.from('ab'), true);
        probe.stream(1).end(['x', 'y']);
      },
      want: ['HEADERS 1 :status 200', 'DATA 1 ab', 'HEADERS 1 END x y'],
    },
    {
      name: 'a hint is a head of its own',
      act: (probe) => {
        probe.stream(1).informational([':status', '103', 'link', '</a>']);
        probe.stream(1).respond(ok, true);
      },
      want: ['HEADERS 1 :status 103 link </a>', 'HEADERS 1 END :status 200'],
    },
    {
      name: 'octets of two streams are not mixed up',
      act: (probe) => {
        probe.stream(1).respond(ok, false);
        probe.stream(1).write(Buffer.from('1'), true);
        probe.stream(3).respond(ok, false);
        probe.stream(3).write(Buffer.from('3'), true);
        probe.stream(1).write(Buffer.from('1'), true);
        probe.stream(3).end();
        probe.stream(1).end();
      },
      want: ['HEADERS 1 :status 200', 'DATA 1 1', 'HEADERS 3 :status 200', 'DATA 3 END 3', 'DATA 1 END 1'],
    },
  ];
  for (const { name, act, want } of cases) {
    test(name, () => {
      const probe = new SessionProbe().open();
      probe.receive(headers(1), headers(3));
      probe.sent.length = 0;
      act(probe);
      probe.turn();
      assert.deepEqual(probe.sent, want);
      assert.ok(probe.writes <= 2, `${probe.writes} writes`);
    });
  }

  test('a head longer than a frame goes on in CONTINUATION, and END_STREAM is on its HEADERS', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1));
    probe.stream(1).respond([...ok, 'x', '~'.repeat(40_000)], false);
    probe.stream(1).end();
    probe.turn();
    assert.deepEqual(probe.sent, [`HEADERS 1 END in 3 frames :status 200 x ${'~'.repeat(40_000)}`]);
  });

  test('a character that no field may have is refused at once, and another answer can be given', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1));
    const stream = probe.stream(1);
    assert.throws(() => stream.respond([...ok, 'x', '\u0100'], false), TypeError);
    stream.respond(ok, false);
    stream.write(Buffer.alloc(70_000), true);
    assert.throws(() => stream.end(['x', '\u0100']), TypeError);
    stream.reset(errorCode.internalError);
    probe.turn();
    assert.deepEqual(
      probe.sent.filter((text) => !text.startsWith('DATA')),
      ['HEADERS 1 :status 200', 'RST_STREAM 1 internalError'],
    );
  });
});

suite('the windows of the client', () => {
  test('hold octets back, which leave as the windows open, in turn', () => {
    const probe = new SessionProbe().open();
    probe.receive(settings(4, 3), headers(1), headers(3));
    probe.forget();
    for (const id of [1, 3]) {
      probe.stream(id).respond(ok, false);
      assert.equal(probe.stream(id).write(Buffer.from(`${id}bcdefgh`), true), false);
      probe.stream(id).end();
    }
    probe.turn();
    assert.deepEqual(probe.sent, ['HEADERS 1 :status 200', 'DATA 1 1bc', 'HEADERS 3 :status 200', 'DATA 3 3bc']);
    probe.forget().receive(windowUpdate(1, 2), windowUpdate(3, 2), windowUpdate(1, 2));
    assert.deepEqual(probe.sent, ['DATA 1 de', 'DATA 3 de', 'DATA 1 fg']);
    probe.forget().receive(settings(4, 5));
    assert.deepEqual(probe.sent, ['SETTINGS ack', 'DATA 1 END h', 'DATA 3 fg']);
    probe.forget().receive(windowUpdate(3, 100));
    assert.deepEqual(probe.sent, ['DATA 3 END h']);
    assert.deepEqual(probe.events, ['closed 3 in order']);
  });

  test('may become negative, and count up from there', () => {
    const probe = new SessionProbe().open();
    probe.receive(settings(4, 10), headers(1));
    probe.stream(1).respond(ok, false);
    probe.stream(1).write(Buffer.from('0123456789'), true);
    probe.receive(settings(4, 2));
    probe.forget();
    assert.equal(probe.stream(1).write(Buffer.from('abc'), true), false);
    probe.receive(windowUpdate(1, 8));
    assert.deepEqual(probe.sent, []);
    probe.receive(windowUpdate(1, 1));
    assert.deepEqual(probe.sent, ['DATA 1 a']);
    probe.receive(settings(4, 100));
    assert.deepEqual(probe.sent, ['DATA 1 a', 'SETTINGS ack', 'DATA 1 bc']);
    assert.deepEqual(probe.events, ['writable 1']);
  });

  test('of the connection hold all streams back; then each gets a frame in turn', () => {
    const probe = new SessionProbe().open();
    probe.receive(settings(4, 1_000_000), headers(1), headers(3));
    probe.forget();
    for (const id of [1, 3]) probe.stream(id).respond(ok, false);
    probe.stream(1).write(Buffer.alloc(65_535 + 40_000), true);
    probe.stream(3).write(Buffer.alloc(40_000), true);
    probe.turn();
    assert.equal(probe.sent.filter((text) => text.startsWith('DATA 3')).length, 0);
    probe.forget().receive(windowUpdate(0, 60_000));
    assert.deepEqual(probe.sent, ['DATA 1 of 16384', 'DATA 3 of 16384', 'DATA 1 of 16384', 'DATA 3 of 10848']);
  });

  test('that never open keep nothing of a stream that is reset', () => {
    const probe = new SessionProbe().open();
    probe.receive(settings(4, 0), headers(1));
    probe.stream(1).respond(ok, false);
    probe.stream(1).write(Buffer.from('abc'), true);
    probe.receive(rstStream(1, errorCode.cancel), settings(4, 100));
    assert.deepEqual(probe.sent.slice(1), ['HEADERS 1 :status 200', 'SETTINGS ack']);
    assert.equal(probe.session.streamCount, 0);
  });

  test('of the connection that never opens keeps no turn of a stream that is reset', () => {
    const taken: boolean[] = [];
    const probe = new SessionProbe({}, (stream) => {
      stream.respond(ok, false);
      taken.push(stream.write(Buffer.alloc(stream.id === 1 ? 65_536 : 1), true));
    }).open();
    probe.receive(settings(4, 100_000), headers(1), rstStream(1, errorCode.cancel));
    // The window opens in the chunk of the next request: whoever still waited would go first.
    probe.receive(Buffer.concat([windowUpdate(0, 1), headers(3)]));
    assert.deepEqual(taken, [false, true]);
  });
});

suite('an outlet that has enough', () => {
  test('gets no DATA until it is drained', () => {
    const probe = new SessionProbe().open();
    probe.receive(headers(1));
    probe.takes = false;
    const stream = probe.stream(1);
    stream.respond(ok, false);
    probe.turn();
    assert.equal(stream.write(Buffer.from('abc'), true), false);
    probe.turn();
    assert.deepEqual(probe.sent, ['HEADERS 1 :status 200']);
    probe.takes = true;
    probe.session.drained();
    probe.turn();
    assert.deepEqual(probe.sent, ['HEADERS 1 :status 200', 'DATA 1 abc']);
    assert.equal(probe.events.at(-1), 'writable 1');
  });

  test('holds the input where answers to it pile up, and lets it go on', () => {
    const probe = new SessionProbe().open();
    probe.takes = false;
    const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
    probe.receive(ping);
    assert.equal(probe.holding, false);
    for (let i = 0; i < 10_000 && !probe.holding; i++) {
      // Ten seconds pass: no flood.
      probe.nowMs += 10_000;
      probe.receive(ping);
    }
    assert.ok(probe.session.gathered >= 65_536 && probe.session.gathered < 65_600);
    assert.equal(probe.holding, true);
    probe.takes = true;
    probe.session.drained();
    assert.equal(probe.holding, false);
    assert.equal(probe.session.gathered, 0);
  });
});

suite('the windows that we open', () => {
  const full = 'x'.repeat(16_384);

  test('follow what the handler takes, by halves', () => {
    const probe = new SessionProbe({ streamWindow: 65_535, sessionWindow: 131_072 }).open();
    probe.receive(upload(1), data(1, full));
    assert.deepEqual(probe.sent, []);
    probe.receive(data(1, full));
    assert.deepEqual(probe.sent, ['WINDOW_UPDATE 1 32768']);
    probe.receive(data(1, full), data(1, full));
    assert.deepEqual(probe.sent.slice(1), ['WINDOW_UPDATE 1 32768', 'WINDOW_UPDATE 0 65536']);
  });

  test('count padding', () => {
    const probe = new SessionProbe({ streamWindow: 65_535, sessionWindow: 131_072 }).open();
    const padding = frame(frameType.data, padded, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(16_383)]));
    probe.receive(upload(1), padding, padding);
    assert.deepEqual(probe.sent, ['WINDOW_UPDATE 1 32768']);
  });

  test('of a paused stream stay shut until it resumes, those of the connection do not', () => {
    const probe = new SessionProbe({ streamWindow: 65_535, sessionWindow: 65_536 }).open();
    probe.receive(upload(1));
    probe.stream(1).pause();
    probe.receive(data(1, full), data(1, full), data(1, full));
    assert.deepEqual(probe.sent, ['WINDOW_UPDATE 0 32768']);
    probe.stream(1).resume();
    probe.turn();
    assert.deepEqual(probe.sent, ['WINDOW_UPDATE 0 32768', 'WINDOW_UPDATE 1 49152']);
  });

  test('of the connection stay shut while paused streams hold too much together', () => {
    const probe = new SessionProbe({ streamWindow: 131_072, sessionWindow: 65_536, maxHeldBytes: 40_000 }).open();
    probe.receive(upload(1), upload(3));
    for (const id of [1, 3]) probe.stream(id).pause();
    probe.receive(data(1, full), data(1, full), data(3, full), data(3, full));
    // 65536 are held, 25536 of them too many.
    assert.deepEqual(probe.sent, ['WINDOW_UPDATE 0 32768', 'WINDOW_UPDATE 0 7232']);
    probe.forget().receive(data(1, full), data(1, full));
    assert.deepEqual(probe.sent, []);
    // Nothing but 7232 octets of window are left to the client: another frame would be too much.
    probe.stream(1).resume();
    probe.turn();
    assert.deepEqual(probe.sent, ['WINDOW_UPDATE 0 58304', 'WINDOW_UPDATE 1 65536']);
    probe.receive(data(1, full), data(1, full), data(3, full));
    probe.forget().receive(data(3, full.slice(1)));
    assert.deepEqual(probe.events.at(-1)?.slice(0, 6), 'data 3');
  });

  test('of the connection stay shut also for what a paused stream holds whose request is whole', () => {
    const probe = new SessionProbe({ streamWindow: 131_072, sessionWindow: 65_536, maxHeldBytes: 0 }).open();
    probe.receive(upload(1));
    probe.stream(1).pause();
    probe.receive(data(1, full), data(1, full), data(1, full, endStream));
    assert.deepEqual(probe.sent, []);
    probe.stream(1).resume();
    probe.turn();
    assert.deepEqual(probe.sent, ['WINDOW_UPDATE 0 49152']);
  });

  test('stay shut for a stream whose request is whole', () => {
    const probe = new SessionProbe({ streamWindow: 65_535 }).open();
    probe.receive(upload(1), data(1, full), data(1, full, endStream));
    assert.deepEqual(probe.sent, []);
  });

  test('open again for what comes behind our reset', () => {
    const probe = new SessionProbe({ sessionWindow: 65_536 }).open();
    probe.receive(upload(1));
    probe.stream(1).reset(errorCode.cancel);
    probe.receive(data(1, full), data(1, full));
    assert.deepEqual(probe.sent, ['RST_STREAM 1 cancel', 'WINDOW_UPDATE 0 32768']);
  });

  test('are the limit of a stream', () => {
    const probe = new SessionProbe({ streamWindow: 65_536 }).open();
    probe.receive(upload(1));
    probe.stream(1).pause();
    for (let i = 0; i < 4; i++) probe.receive(data(1, full));
    assert.deepEqual(probe.sent, []);
    probe.receive(data(1, 'x'));
    assert.deepEqual(probe.sent, ['RST_STREAM 1 flowControlError']);
  });

  test('are the limit of the connection', () => {
    const probe = new SessionProbe({ sessionWindow: 65_536, maxHeldBytes: 0 }).open();
    probe.receive(upload(1));
    probe.stream(1).pause();
    for (let i = 0; i < 4; i++) probe.receive(data(1, full));
    assert.deepEqual(probe.sent, []);
    probe.receive(data(1, 'x'));
    assert.deepEqual(probe.sent, ['GOAWAY 1 flowControlError']);
  });
});
