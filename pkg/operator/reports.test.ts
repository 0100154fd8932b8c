import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createManualTime } from '../../test/support/manual-time.ts';
import type { SidecarReport } from '../push/report.ts';
import { createReplicaLink, type LeaseView } from './replica-link.ts';
import { createReports } from './reports.ts';

const startMs = Date.UTC(2026, 10, 25);

suite('reports', () => {
  test('the newest of a pod counts, wherever it came from', () => {
    const reports = createReports(createManualTime(startMs).clock);
    reports.addOwn(report('a', 10, 'Ack'));
    reports.addOthers([report('a', 9, 'Nack')]);
    assert.equal(reports.of('a')?.result, 'Ack');
    reports.addOthers([report('a', 11, 'Nack')]);
    assert.equal(reports.of('a')?.result, 'Nack');
  });

  test("a sidecar that has dialled another replica is no longer this one's to report", () => {
    const reports = createReports(createManualTime(startMs).clock);
    reports.addOwn(report('a', 10, 'Ack'));
    reports.addOwn(report('b', 10, 'Ack'));
    reports.addOthers([report('a', 11, 'Ack')]);
    assert.deepEqual(
      reports.own.map(({ podUid }) => podUid),
      ['b'],
    );
  });

  test('a replica whose clock runs ahead does not win for ever', () => {
    const reports = createReports(createManualTime(startMs).clock);
    reports.addOthers([report('a', startMs + 3_600_000, 'Nack')]);
    reports.addOwn(report('a', startMs, 'Ack'));
    assert.equal(reports.of('a')?.result, 'Ack');
  });

  test('pods that are gone are forgotten, but not one that the watch has not seen yet', () => {
    const time = createManualTime(startMs);
    const reports = createReports(time.clock);
    reports.addOwn(report('gone', startMs, 'Ack'));
    reports.addOwn(report('there', startMs, 'Ack'));
    time.advance(60_001);
    reports.addOwn(report('new', startMs + 60_001, 'Ack'));
    assert.deepEqual(reports.keepOnly(new Set(['there'])), ['gone']);
    assert.deepEqual(
      reports.own.map(({ podUid }) => podUid),
      ['there', 'new'],
    );
  });
});

suite('the link to the lease holder', () => {
  test('follows the lease, tells a new holder everything, and never dials itself', () => {
    const reports = createReports(createManualTime(startMs).clock);
    reports.addOwn(report('a', 1, 'Ack'));
    const calls: string[] = [];
    const link = createReplicaLink({
      identity: 'me',
      reports,
      start: ({ address }) => ({
        send: (sent) => calls.push(`${address} ${sent.map(({ podUid }) => podUid).join()}`),
        forget: (uids) => calls.push(`${address} forget ${[...uids].join()}`),
        close: () => calls.push(`${address} closed`),
      }),
    });
    const follow = (leading: boolean, holder?: LeaseView['holder']) => link.follow({ leading, holder });
    link.send(report('b', 1, 'Ack'));
    follow(false);
    follow(false, { identity: 'one', address: 'one:1' });
    follow(false, { identity: 'one', address: 'one:1' });
    link.send(report('b', 1, 'Ack'));
    link.forget(['b']);
    follow(false, { identity: 'two', address: 'two:1' });
    follow(true, { identity: 'me', address: 'me:1' });
    link.send(report('b', 1, 'Ack'));
    follow(false, { identity: 'me', address: 'me:1' });
    follow(false, { identity: 'three', address: '' });
    assert.deepEqual(calls, ['one:1 a', 'one:1 b', 'one:1 forget b', 'one:1 closed', 'two:1 a', 'two:1 closed']);
  });
});

function report(podUid: string, atMs: number, result: SidecarReport['result']): SidecarReport {
  return {
    podUid,
    namespace: 'shop',
    name: podUid,
    digest: 'd',
    schema: 1,
    features: [],
    version: '0',
    result,
    exposed: [],
    atMs,
  };
}
