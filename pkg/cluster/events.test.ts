import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type FakeApiServer, type Fault, startFakeApiServer } from '../../test/support/fake-api-server.ts';
import { createManualTime, eventually, type ManualTime } from '../../test/support/manual-time.ts';
import { silentLog } from '../process/log.ts';
import { connectCluster } from './connect.ts';
import { createEventRecorder, type EventRecorder, type RecordedEvent } from './events.ts';

const event: RecordedEvent = {
  regarding: {
    apiVersion: 'lychgate.dev/v1alpha1',
    kind: 'SslProfile',
    namespace: 'shop',
    name: 'web',
    uid: 'u1',
  },
  type: 'Warning',
  reason: 'SecretMissing',
  action: 'Resolve',
  note: 'Secret shop/web-tls does not exist',
};

suite('an event', () => {
  test('is written with all that events.k8s.io/v1 asks for', async (t) => {
    const { server, recorder } = await start(t);
    recorder.record(event);
    await recorder.idle();
    const { path, body } = server.requests[0] ?? {};
    assert.equal(path, '/apis/events.k8s.io/v1/namespaces/shop/events');
    const { metadata, ...rest } = body as { metadata: { name: string; namespace: string } };
    assert.match(metadata.name, /^web\.[0-9a-f]{16}$/);
    assert.equal(metadata.namespace, 'shop');
    assert.deepEqual(rest, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'lychgate.dev/operator',
      reportingInstance: 'operator-0',
      type: 'Warning',
      reason: 'SecretMissing',
      action: 'Resolve',
      regarding: event.regarding,
      note: 'Secret shop/web-tls does not exist',
    });
  });

  test('of an object without a namespace goes to default', async (t) => {
    const { server, recorder } = await start(t);
    recorder.record({ ...event, regarding: { ...event.regarding, kind: 'Namespace', namespace: '' } });
    await recorder.idle();
    assert.equal(server.requests[0]?.path, '/apis/events.k8s.io/v1/namespaces/default/events');
  });

  for (const { name, note, wants } of [
    { name: 'of 1024 bytes is whole', note: 'x'.repeat(1024), wants: 'x'.repeat(1024) },
    { name: 'that is longer is cut', note: 'x'.repeat(1025), wants: `${'x'.repeat(1021)}…` },
    { name: 'is not cut within a character', note: 'é'.repeat(600), wants: `${'é'.repeat(510)}…` },
  ]) {
    test(`a note ${name}`, async (t) => {
      const { server, recorder } = await start(t);
      recorder.record({ ...event, note });
      await recorder.idle();
      assert.equal((server.requests[0]?.body as { note: string } | undefined)?.note, wants);
    });
  }
});

suite('repeats', () => {
  test('are counted in one event, written at most once a minute', async (t) => {
    const { server, time, recorder } = await start(t);
    recorder.record(event);
    time.advance(1000);
    recorder.record(event);
    time.advance(1000);
    recorder.record(event);
    await recorder.idle();
    assert.equal(server.requests.length, 1);
    time.advance(58_000);
    await recorder.idle();
    const { method, path, headers, body } = server.requests[1] ?? {};
    assert.deepEqual([method, headers?.['content-type']], ['PATCH', 'application/merge-patch+json']);
    assert.ok(server.at(path ?? '') !== undefined);
    assert.deepEqual(body, { series: { count: 3, lastObservedTime: '2026-01-01T00:00:02.000000Z' } });
    time.advance(600_000);
    await recorder.idle();
    assert.equal(server.requests.length, 2, 'no repeat, no write');
  });

  for (const { name, other } of [
    { name: 'another note', other: { note: 'other' } },
    { name: 'another reason', other: { reason: 'Other' } },
    { name: 'another object', other: { regarding: { ...event.regarding, uid: 'u2' } } },
  ] satisfies readonly { name: string; other: Partial<RecordedEvent> }[]) {
    test(`${name} is no repeat`, async (t) => {
      const { server, recorder } = await start(t);
      recorder.record(event);
      recorder.record({ ...event, ...other });
      await recorder.idle();
      assert.deepEqual(
        server.requests.map(({ method }) => method),
        ['POST', 'POST'],
      );
    });
  }

  test('after ten quiet minutes the same is a new event', async (t) => {
    const { server, time, recorder } = await start(t);
    recorder.record(event);
    time.advance(600_000);
    recorder.record(event);
    await recorder.idle();
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ['POST', 'POST'],
    );
  });

  test('of an event that is no longer there begin a new one', async (t) => {
    const { server, time, recorder } = await start(t);
    recorder.record(event);
    await recorder.idle();
    const { name } = (server.requests[0]?.body as { metadata: { name: string } } | undefined)?.metadata ?? {};
    server.remove(`/apis/events.k8s.io/v1/namespaces/shop/events/${name}`);
    recorder.record(event);
    time.advance(60_000);
    await recorder.idle();
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ['POST', 'PATCH', 'POST'],
    );
  });
});

suite('too many', () => {
  test('events of one object are dropped: ten at once, then one a minute', async (t) => {
    const { server, time, recorder } = await start(t);
    for (let n = 0; n < 15; n += 1) recorder.record({ ...event, note: String(n) });
    await recorder.idle();
    assert.deepEqual([server.requests.length, recorder.dropped], [10, 5]);
    time.advance(60_000);
    for (const note of ['a', 'b']) recorder.record({ ...event, note });
    await recorder.idle();
    assert.deepEqual([server.requests.length, recorder.dropped], [11, 6]);
  });

  test('events of many objects are dropped: a hundred at once, then two a second', async (t) => {
    const { server, time, recorder } = await start(t);
    const of = (uid: string) => ({ ...event, regarding: { ...event.regarding, uid } });
    for (let n = 0; n < 150; n += 1) recorder.record(of(`u${n}`));
    await recorder.idle();
    assert.deepEqual([server.requests.length, recorder.dropped], [100, 50]);
    time.advance(1000);
    for (let n = 0; n < 3; n += 1) recorder.record(of(`v${n}`));
    await recorder.idle();
    assert.deepEqual([server.requests.length, recorder.dropped], [102, 51]);
  });
});

suite('an event that cannot be written', () => {
  for (const { name, fault, requests, dropped } of [
    { name: '500 once is tried again', fault: { kind: 'status', status: 500 }, requests: 2, dropped: 0 },
    { name: '403 is not tried again', fault: { kind: 'status', status: 403 }, requests: 1, dropped: 1 },
  ] satisfies readonly { name: string; fault: Fault; requests: number; dropped: number }[]) {
    test(name, async (t) => {
      const { server, time, recorder } = await start(t);
      server.fail({}, fault);
      recorder.record(event);
      if (dropped === 0) {
        await eventually('the pause', () => time.pending.includes(1000));
        time.advance(1000);
      }
      await recorder.idle();
      assert.deepEqual([server.requests.length, recorder.dropped], [requests, dropped]);
    });
  }

  test('is given up after three times, and the next one is written', async (t) => {
    const { server, time, recorder } = await start(t);
    server.fail({}, { kind: 'reset' }, 3);
    recorder.record(event);
    recorder.record({ ...event, note: 'next' });
    for (const wait of [1000, 2000]) {
      await eventually('the pause', () => time.pending.includes(wait));
      time.advance(wait);
    }
    await recorder.idle();
    assert.deepEqual([server.requests.length, recorder.dropped], [4, 1]);
  });

  test('is forgotten on close, and nothing stays behind', async (t) => {
    const { server, time, recorder } = await start(t);
    server.fail({}, { kind: 'status', status: 500 }, Number.POSITIVE_INFINITY);
    recorder.record(event);
    recorder.record(event);
    await eventually('the pause', () => time.pending.includes(1000));
    recorder.close();
    await recorder.idle();
    recorder.record(event);
    assert.deepEqual([server.requests.length, time.pending], [1, []]);
  });
});

async function start(t: TestContext): Promise<{ server: FakeApiServer; time: ManualTime; recorder: EventRecorder }> {
  const server = await startFakeApiServer();
  const time = createManualTime(Date.UTC(2026, 0, 1));
  const { clock, timers } = time;
  const { kubeconfig } = server;
  const cluster = connectCluster({ log: silentLog, clock, timers, random: () => 0, userAgent: 'test', kubeconfig });
  const [component, instance] = ['lychgate.dev/operator', 'operator-0'];
  const recorder = createEventRecorder({ cluster, component, instance, clock, timers, log: silentLog });
  t.after(async () => {
    recorder.close();
    cluster.close();
    await server.close();
  });
  return { server, time, recorder };
}
