import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { profileObject } from '../../test/support/cluster-objects.ts';
import { createManualTime, eventually } from '../../test/support/manual-time.ts';
import { ApiError } from '../cluster/api-error.ts';
import type { ApplyOptions } from '../cluster/cluster.ts';
import type { RecordedEvent } from '../cluster/events.ts';
import type { KubernetesObject } from '../cluster/object.ts';
import { silentLog } from '../process/log.ts';
import { sslProfileResource } from '../translate/world.ts';
import { createOperatorMetrics } from './metrics.ts';
import type { WantedStatus } from './status.ts';
import { createStatusWriter } from './status-writer.ts';

const path = '/apis/lychgate.dev/v1alpha1/namespaces/shop/sslprofiles/partners/status';
const pending = '1970-01-01T00:00:00Z';

suite('a status', () => {
  test('is applied with its UID and by one field manager, and its times are those of the changes', async () => {
    const { writer, applied, time } = start();
    time.advance(1500);
    writer.set([wanted({ ready: 'True', before: [['Ready', 'False', '2026-01-01T00:00:00Z']] })]);
    await eventually('the write', () => applied.length === 1);
    assert.deepEqual(applied, [
      {
        path,
        options: { fieldManager: 'lychgate-operator', force: true },
        body: {
          apiVersion: 'lychgate.dev/v1alpha1',
          kind: 'SslProfile',
          metadata: { namespace: 'shop', name: 'partners', uid: 'uid-partners' },
          status: {
            observedGeneration: 1,
            conditions: [{ ...ready('True'), lastTransitionTime: '2026-11-25T00:00:01Z' }],
          },
        },
      },
    ]);
  });

  for (const { name, before, want } of [
    { name: 'keeps its time while the status stays', before: '2026-01-01T00:00:00Z', want: '2026-01-01T00:00:00Z' },
    { name: 'that nobody had looked at gets a time', before: pending, want: '2026-11-25T00:00:00Z' },
  ]) {
    test(name, async () => {
      const { writer, applied } = start();
      writer.set([wanted({ ready: 'Unknown', message: 'new', before: [['Ready', 'Unknown', before]] })]);
      await eventually('the write', () => applied.length === 1);
      assert.deepEqual(timesOf(applied), [[want]]);
    });
  }

  test('that stands there already is not written, whatever others wrote beside it', async () => {
    const { writer, applied, settled } = start();
    const before = [['Ready', 'True', '2026-01-01T00:00:00Z'] as const, ['Other', 'True', pending] as const];
    writer.set([wanted({ ready: 'True', before, observedGeneration: 1 })]);
    await settled();
    assert.deepEqual(applied, []);
  });

  test('is written once an interval: the newest', async () => {
    const { writer, applied, time, settled } = start();
    writer.set([wanted({ ready: 'True', message: '1' })]);
    await eventually('the write', () => applied.length === 1);
    writer.set([wanted({ ready: 'True', message: '2' })]);
    writer.set([wanted({ ready: 'False', message: '3' })]);
    time.advance(1999);
    await settled();
    assert.equal(applied.length, 1);
    time.advance(1);
    await eventually('the second write', () => applied.length === 2);
    assert.deepEqual(messagesOf(applied), ['1', '3']);
  });

  test('that went back to what was written is not written again', async () => {
    const { writer, applied, time, settled } = start();
    writer.set([wanted({ ready: 'True', message: '1' })]);
    await eventually('the write', () => applied.length === 1);
    writer.set([wanted({ ready: 'True', message: '2' })]);
    writer.set([wanted({ ready: 'True', message: '1' })]);
    time.advance(10_000);
    await settled();
    assert.equal(applied.length, 1);
  });

  test('that somebody else changed is put right', async () => {
    const { writer, applied, time } = start();
    writer.set([wanted({ ready: 'True' })]);
    await eventually('the write', () => applied.length === 1);
    time.advance(2000);
    writer.set([wanted({ ready: 'True', before: [['Ready', 'False', pending]], resourceVersion: '9' })]);
    await eventually('the second write', () => applied.length === 2);
  });

  for (const status of [404, 409]) {
    test(`of an object that is gone (${status}) is given up until the watch tells more`, async () => {
      const { writer, applied, fail, time, settled, results } = start();
      fail(status, 1);
      writer.set([wanted({ ready: 'True' })]);
      await eventually('the attempt', () => applied.length === 1);
      time.advance(60_000);
      writer.set([wanted({ ready: 'True' })]);
      await settled();
      assert.equal(applied.length, 1);
      assert.deepEqual(await results(), [status === 404 ? 'gone 1' : 'conflict 1']);
      writer.set([wanted({ ready: 'True', resourceVersion: '2' })]);
      await eventually('the next attempt', () => applied.length === 2);
    });
  }

  test('that cannot be written is tried again, no sooner than the API server asks', async () => {
    const { writer, applied, fail, time, settled, results } = start();
    fail(429, 1, 7000);
    writer.set([wanted({ ready: 'True' })]);
    await eventually('the attempt', () => applied.length === 1);
    await settled();
    time.advance(6999);
    await settled();
    assert.equal(applied.length, 1);
    time.advance(1);
    await eventually('the next attempt', () => applied.length === 2);
    await settled();
    assert.deepEqual(await results(), ['failure 1', 'success 1']);
  });

  test('is not written any more once another replica leads', async () => {
    const { writer, applied, time, settled } = start();
    writer.set([wanted({ ready: 'True', message: '1' })]);
    await eventually('the write', () => applied.length === 1);
    writer.set([wanted({ ready: 'True', message: '2' })]);
    writer.stop();
    time.advance(10_000);
    await settled();
    assert.equal(applied.length, 1);
  });
});

test('an event is recorded where the status of a condition changed, and is known', async () => {
  const { writer, events, applied } = start();
  const conditions: WantedStatus['status']['conditions'] = [
    { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'as before' },
    { type: 'ResolvedRefs', status: 'Unknown', reason: 'RefUnknown', message: 'not known' },
    { type: 'Programmed', status: 'False', reason: 'SidecarRejected', message: 'refused' },
    { type: 'Exposed', status: 'True', reason: 'BackendExposed', message: 'exposed' },
    { type: 'Ready', status: 'False', reason: 'SidecarRejected', message: 'refused' },
  ];
  const resource = wanted({ ready: 'True', before: [['Accepted', 'True', '2026-01-01T00:00:00Z']] }).resource;
  writer.set([{ resource, status: { conditions } }]);
  await eventually('the write', () => applied.length === 1 && events.length > 0);
  assert.deepEqual(
    events.map(({ type, reason, action, note }) => [type, reason, action, note]),
    [
      ['Warning', 'SidecarRejected', 'Programmed', 'refused'],
      ['Warning', 'BackendExposed', 'Exposed', 'exposed'],
    ],
  );
});

type Word = 'False' | 'True' | 'Unknown';

interface WantedText {
  readonly ready: Word;
  readonly message?: string;
  /** Conditions that stand there: type, status, time. */
  readonly before?: readonly (readonly [type: string, status: Word, time: string])[];
  readonly observedGeneration?: number;
  readonly resourceVersion?: string;
}

function ready(status: Word, message = 'm') {
  return { type: 'Ready', status, reason: 'R', message };
}

function wanted({
  ready: status,
  message,
  before,
  observedGeneration,
  resourceVersion = '1',
}: WantedText): WantedStatus {
  const object = profileObject();
  const conditions = before?.map(([type, was, lastTransitionTime]) => ({ ...ready(was), type, lastTransitionTime }));
  return {
    resource: sslProfileResource({
      ...object,
      metadata: { ...object.metadata, resourceVersion },
      ...(conditions === undefined ? {} : { status: { observedGeneration, conditions } }),
    }),
    status: { observedGeneration: 1, conditions: [ready(status, message)] },
  };
}

interface Applied {
  readonly path: string;
  readonly body: object;
  readonly options: ApplyOptions;
}

function conditionsOf(applied: readonly Applied[]): readonly { message: string; lastTransitionTime: string }[][] {
  return applied.map(({ body }) => Reflect.get(Reflect.get(body, 'status'), 'conditions'));
}

function timesOf(applied: readonly Applied[]): readonly string[][] {
  return conditionsOf(applied).map((list) => list.map(({ lastTransitionTime }) => lastTransitionTime));
}

function messagesOf(applied: readonly Applied[]): readonly (string | undefined)[] {
  return conditionsOf(applied).map(([first]) => first?.message);
}

function start() {
  const time = createManualTime(Date.UTC(2026, 10, 25));
  const metrics = createOperatorMetrics('0');
  const applied: Applied[] = [];
  const events: RecordedEvent[] = [];
  let failure: { status: number; times: number; retryAfterMs: number | undefined } | undefined;
  const writer = createStatusWriter({
    cluster: {
      apply: (to, body, options): Promise<KubernetesObject> => {
        applied.push({ path: to, body, options });
        if (failure === undefined || failure.times-- <= 0) return Promise.resolve({ metadata: { name: 'partners' } });
        return Promise.reject(new ApiError(failure.status, 'Reason', 'refused', failure.retryAfterMs));
      },
    },
    events: { record: (event) => events.push(event) },
    clock: time.clock,
    timers: time.timers,
    intervalMs: 2000,
    log: silentLog,
    metrics,
  });
  return {
    time,
    writer,
    applied,
    events,
    fail(status: number, times: number, retryAfterMs?: number) {
      failure = { status, times, retryAfterMs };
    },
    /** Until every promise that can settle without time has. */
    settled: () => new Promise((resolve) => setImmediate(resolve)),
    results: async () => {
      const { values } = await metrics.statusWrites.get();
      return values.map(({ labels, value }) => `${labels.result} ${value}`).toSorted();
    },
  };
}
