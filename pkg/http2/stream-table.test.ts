import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame } from '../../test/support/http2-frames.ts';
import { headers, rstStream, SessionProbe } from '../../test/support/http2-session.ts';
import { errorCode, frameType } from './frame.ts';

const cases: readonly { readonly name: string; readonly id: (i: number) => number }[] = [
  { name: 'one after the other', id: (i) => 2 * i + 1 },
  { name: 'by leaps', id: (i) => 2 * i * 1000 + 1 },
  { name: 'so that all would stand in one place', id: (i) => i * 65_536 + 1 },
  { name: 'up to the last there is', id: (i) => 0x7fff_ffff - 2 * (99 - i) },
];
for (const { name, id } of cases) {
  test(`streams that are numbered ${name} are all found, whichever ends first`, () => {
    const probe = new SessionProbe().open();
    const ids = Array.from({ length: 100 }, (_, i) => id(i));
    probe.receive(...ids.map((one) => headers(one)));
    assert.equal(probe.session.streamCount, 100);
    probe.forget();
    for (const one of ids.filter((_, i) => i % 3 === 1)) probe.receive(rstStream(one, errorCode.cancel));
    for (const one of ids.filter((_, i) => i % 3 === 2)) probe.stream(one).respond([':status', '204'], true);
    assert.equal(probe.session.streamCount, 34);
    probe.receive(frame(frameType.goaway, 0, 0, Buffer.alloc(8)));
    for (const one of ids.filter((_, i) => i % 3 === 0)) probe.stream(one).respond([':status', '204'], true);
    assert.equal(probe.session.streamCount, 0);
    assert.deepEqual(probe.events, [
      ...ids.filter((_, i) => i % 3 === 1).map((one) => `closed ${one} cancel`),
      ...ids.filter((_, i) => i % 3 === 2).map((one) => `closed ${one} in order`),
      ...ids.filter((_, i) => i % 3 === 0).map((one) => `closed ${one} in order`),
    ]);
    assert.equal(probe.ended, true);
  });
}
