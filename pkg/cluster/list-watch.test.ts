import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type FakeApiServer, type Fault, startFakeApiServer } from '../../test/support/fake-api-server.ts';
import { createManualTime, eventually, type ManualTime } from '../../test/support/manual-time.ts';
import { silentLog } from '../process/log.ts';
import type { Cluster } from './cluster.ts';
import { connectCluster } from './connect.ts';
import type { ClusterEvent, Watched, WatchTarget } from './watched.ts';

suite('listing', () => {
  test('pages are put together, and each object is kept as read made it', async (t) => {
    const { server, watch } = await start(t);
    for (let n = 0; n < 1001; n += 1) server.put(pod(`p-${n}`));
    const pods = watch();
    await eventually('the list', () => pods.listed);
    assert.deepEqual([...pods.values()].toSorted(), [...Array(1001).keys()].map((n) => `p-${n}`).toSorted());
    assert.equal(pods.get('shop/p-7'), 'p-7');
    const lists = server.requests.filter(({ isWatch }) => !isWatch).map(({ query }) => query);
    assert.deepEqual(
      lists.map(({ limit, continue: next }) => [limit, next?.replace(/@.*/, '')]),
      [
        ['500', undefined],
        ['500', '500'],
        ['500', '1000'],
      ],
    );
  });

  test('an empty collection is listed and empty', async (t) => {
    const { watch } = await start(t);
    const pods = watch();
    await eventually('the list', () => pods.listed);
    assert.deepEqual([...pods.values()], []);
  });

  test('half a list is no list: nothing is known until the last page', async (t) => {
    const { server, time, watch } = await start(t);
    for (let n = 0; n < 501; n += 1) server.put(pod(`p-${n}`));
    server.fail({ continued: true }, { kind: 'status', status: 500 });
    const pods = watch();
    await eventually('the fault', () => pods.fault !== undefined);
    assert.deepEqual([pods.listed, [...pods.values()].length], [false, 0]);
    await passPause(time, 500);
    await eventually('the list', () => pods.listed);
    assert.deepEqual([[...pods.values()].length, pods.fault], [501, undefined]);
  });

  test('a version that expires between two pages begins the list anew', async (t) => {
    const { server, time, events, watch } = await start(t);
    for (let n = 0; n < 501; n += 1) server.put(pod(`p-${n}`));
    server.fail({ continued: true }, { kind: 'status', status: 410, reason: 'Expired' });
    const pods = watch();
    await passPause(time, 500);
    await eventually('the list', () => pods.listed);
    assert.equal([...pods.values()].length, 501);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'Relist'),
      [{ kind: 'Relist', path: pods_, reason: 'expired' }],
    );
  });

  test('selectors are sent with list and watch', async (t) => {
    const { server, watch } = await start(t);
    server.put(pod('in', { labels: { app: 'web' } }));
    server.put(pod('out'));
    const pods = watch({ labelSelector: 'app=web', fieldSelector: 'metadata.namespace=shop' });
    await eventually('the watch', () => server.watches.length === 1);
    server.put(pod('late', { labels: { app: 'web' } }));
    server.put(pod('later'));
    await eventually('the event', () => pods.get('shop/late') !== undefined);
    assert.deepEqual([...pods.values()], ['in', 'late']);
    for (const { query } of server.requests) {
      assert.deepEqual([query['labelSelector'], query['fieldSelector']], ['app=web', 'metadata.namespace=shop']);
    }
  });

  test('what read gives undefined for is not of interest, also later', async (t) => {
    const { server, watch } = await start(t);
    server.put(pod('a'));
    server.put(pod('b'));
    const pods = watch({ read: ({ metadata }) => (metadata.labels?.['hide'] === 'yes' ? undefined : metadata.name) });
    await eventually('the watch', () => server.watches.length === 1);
    server.put(pod('a', { labels: { hide: 'yes' } }));
    await eventually('the event', () => pods.get('shop/a') === undefined);
    assert.deepEqual([...pods.values()], ['b']);
  });
});

suite('a list that fails is unknown, never empty', () => {
  for (const { name, fault, says, waitMs = 500 } of [
    {
      name: '401',
      fault: { kind: 'status', status: 401 },
      says: /^GET \/api\/v1\/pods: 401 .*check that the service account exists and its token is mounted$/,
    },
    { name: '403', fault: { kind: 'status', status: 403 }, says: /^GET \/api\/v1\/pods: 403 .*; grant list on pods$/ },
    {
      name: '404',
      fault: { kind: 'status', status: 404 },
      says: /: 404 .*; install the custom resource definition of pods$/,
    },
    {
      name: '429 with Retry-After',
      fault: { kind: 'status', status: 429, retryAfter: '7' },
      says: /: 429 .*asked again later$/,
      waitMs: 7000,
    },
    { name: '500', fault: { kind: 'status', status: 500 }, says: /: 500 Injected: injected by the test; / },
    { name: 'a reset', fault: { kind: 'reset' }, says: /cannot be reached \(.*ECONNRESET|socket hang up/ },
    { name: 'a page that is no JSON', fault: { kind: 'garbage' }, says: /the answer is no JSON: "<html>not/ },
    { name: 'a list without version', fault: { kind: 'body', body: '{"metadata":{}}' }, says: /no resourceVersion/ },
    {
      name: 'an item without a name',
      fault: { kind: 'body', body: '{"metadata":{"resourceVersion":"1"},"items":[{}]}' },
      says: /an item without metadata\.name/,
    },
  ] satisfies readonly { name: string; fault: Fault; says: RegExp; waitMs?: number }[]) {
    test(`${name}: at first and after a relist`, async (t) => {
      const { server, time, watch } = await start(t);
      server.put(pod('a'));
      server.fail({ watch: false }, fault);
      const pods = watch();
      await eventually('the fault', () => pods.fault !== undefined);
      assert.match(pods.fault ?? '', says);
      assert.equal(pods.listed, false);
      await passPause(time, waitMs);
      await eventually('the watch', () => server.watches.length === 1);
      assert.deepEqual([pods.listed, pods.fault, [...pods.values()]], [true, undefined, ['a']]);

      server.put(pod('b'));
      await eventually('the event', () => pods.get('shop/b') !== undefined);
      server.fail({ watch: false }, fault);
      server.writeToWatches(error410);
      await eventually('the fault', () => pods.fault !== undefined);
      assert.deepEqual([pods.listed, [...pods.values()]], [true, ['a', 'b']]);
    });
  }

  test('a list that is never answered fails after a minute', async (t) => {
    const { server, time, watch } = await start(t);
    server.fail({}, { kind: 'hang' });
    const pods = watch();
    await eventually('the request', () => server.requests.length === 1);
    time.advance(60_000);
    await eventually('the fault', () => pods.fault !== undefined);
    assert.match(pods.fault ?? '', /no answer within 60000 ms/);
  });
});

suite('watching', () => {
  test('additions, changes and deletions arrive', async (t) => {
    const { server, changes, watch } = await start(t);
    server.put(pod('a'));
    const pods = watch({ read: ({ metadata }) => `${metadata.name} ${metadata.labels?.['v'] ?? ''}` });
    await eventually('the watch', () => server.watches.length === 1);
    assert.equal(changes.count, 1);
    server.put(pod('b'));
    server.put(pod('a', { labels: { v: '2' } }));
    await eventually('the events', () => pods.get('shop/a') === 'a 2');
    assert.deepEqual([...pods.values()], ['a 2', 'b ']);
    server.remove('/api/v1/namespaces/shop/pods/b');
    await eventually('the deletion', () => pods.get('shop/b') === undefined);
    assert.deepEqual([...pods.values()], ['a 2']);
  });

  test('asks for bookmarks and for an end after 5 to 10 minutes, from the version of the list', async (t) => {
    const { server, watch } = await start(t);
    const version = server.put(pod('a')).metadata.resourceVersion;
    watch();
    await eventually('the watch', () => server.watches.length === 1);
    assert.deepEqual(server.requests.at(-1)?.query, {
      watch: 'true',
      resourceVersion: version,
      allowWatchBookmarks: 'true',
      timeoutSeconds: '300',
    });
  });

  test('goes on from the last bookmark after an end in order, without a list', async (t) => {
    const { server, time, events, watch } = await start(t);
    watch();
    await eventually('the watch', () => server.watches.length === 1);
    server.compact();
    server.bookmark();
    server.endWatches();
    await eventually('the second watch', () => watchesOf(server).length === 2);
    assert.equal(watchesOf(server)[1]?.query['resourceVersion'], '101');
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'Relist'),
      [],
    );
    assert.ok(!time.pending.includes(500), 'no pause was needed');
  });

  test('waits before it watches again where a watch ends at once', async (t) => {
    const { server, time, watch } = await start(t);
    watch();
    await eventually('the watch', () => server.watches.length === 1);
    server.endWatches();
    await passPause(time, 500);
    await eventually('the second watch', () => server.watches.length === 1);
    server.endWatches();
    await passPause(time, 1000);
  });

  test('after a reset it says so, and nothing that happened meanwhile is lost', async (t) => {
    const { server, time, events, watch } = await start(t);
    const pods = watch();
    await eventually('the watch', () => server.watches.length === 1);
    server.endWatches('reset');
    await eventually('the fault', () => pods.fault !== undefined);
    assert.match(pods.fault ?? '', /^GET \/api\/v1\/pods: the API server at http:\S+ cannot be reached/);
    server.put(pod('meanwhile'));
    await passPause(time, 500);
    await eventually('the event', () => pods.get('shop/meanwhile') !== undefined);
    assert.equal(pods.fault, undefined);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'Relist'),
      [],
    );
  });

  test('nothing heard for 90 s: a new watch from the same version, without a list and without a fault', async (t) => {
    const { server, time, events, watch } = await start(t);
    const pods = watch();
    await eventually('the watch', () => time.pending.includes(90_000));
    time.advance(89_999);
    assert.equal(server.watches.length, 1);
    time.advance(1);
    await eventually('the second watch', () => watchesOf(server).length === 2);
    assert.equal(pods.fault, undefined);
    assert.equal(watchesOf(server)[1]?.query['resourceVersion'], '100');
    assert.deepEqual(events.at(2), { kind: 'WatchEnd', path: pods_, why: 'silent' });
  });

  test('a bookmark is enough to be heard', async (t) => {
    const { server, time, watch } = await start(t);
    watch();
    await eventually('the watch', () => time.pending.includes(90_000));
    time.advance(60_000);
    server.bookmark();
    await eventually('the new limit', () => time.pending.includes(90_000));
    time.advance(60_000);
    assert.equal(watchesOf(server).length, 1);
  });

  test('everything is listed anew after 8 to 12 minutes', async (t) => {
    const { server, time, events, watch } = await start(t);
    server.put(pod('a'));
    const pods = watch();
    for (let round = 1; round <= 5; round += 1) {
      await eventually('the watch', () => time.pending.includes(90_000));
      time.advance(90_000);
    }
    await eventually('the watch', () => time.pending.includes(90_000));
    // The event is lost without a sign.
    server.muted = true;
    server.remove('/api/v1/namespaces/shop/pods/a');
    server.muted = false;
    assert.equal(pods.get('shop/a'), 'a');
    time.advance(30_000);
    await eventually('the list', () => pods.get('shop/a') === undefined);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'Relist'),
      [{ kind: 'Relist', path: pods_, reason: 'periodic' }],
    );
  });

  for (const { name, fault, says } of [
    { name: '401', fault: { kind: 'status', status: 401 }, says: /401/ },
    { name: '403', fault: { kind: 'status', status: 403 }, says: /; grant watch on pods$/ },
    { name: '500', fault: { kind: 'status', status: 500 }, says: /500/ },
    { name: 'a reset', fault: { kind: 'reset' }, says: /cannot be reached/ },
  ] satisfies readonly { name: string; fault: Fault; says: RegExp }[]) {
    test(`${name} for the watch is a fault; the list's success does not hide it`, async (t) => {
      const { server, time, watch } = await start(t);
      server.put(pod('a'));
      server.fail({ watch: true }, fault, 2);
      const pods = watch();
      await passPause(time, 500);
      await passPause(time, 1000);
      assert.match(pods.fault ?? '', says);
      assert.equal(pods.listed, true);
      await eventually('the watch', () => server.watches.length === 1);
      await eventually('the recovery', () => pods.fault === undefined);
    });
  }
});

suite('a watch that cannot go on lists anew', () => {
  for (const { name, breakIt, reason } of [
    { name: '410 for the watch', breakIt: (server) => server.endWatches('reset'), reason: 'expired' },
    { name: 'an ERROR event with 410', breakIt: (server) => server.writeToWatches(error410), reason: 'expired' },
    { name: 'another ERROR event', breakIt: (server) => server.writeToWatches(error500), reason: 'error' },
    {
      name: 'a line that is no JSON',
      breakIt: (server) => server.writeToWatches('{"type":"ADDE'),
      reason: 'malformed',
    },
    {
      name: 'an event without an object',
      breakIt: (server) => server.writeToWatches('{"type":"ADDED"}'),
      reason: 'malformed',
    },
    {
      name: 'an event of an unknown type',
      breakIt: (server) =>
        server.writeToWatches('{"type":"X","object":{"metadata":{"name":"a","resourceVersion":"9"}}}'),
      reason: 'malformed',
    },
    {
      name: '404 for the watch',
      breakIt: (server) => {
        server.fail({ watch: true }, { kind: 'status', status: 404 });
        server.endWatches('reset');
      },
      reason: 'notFound',
    },
  ] satisfies readonly { name: string; breakIt: (server: FakeApiServer) => void; reason: string }[]) {
    test(`${name}: what went is removed, what stayed is kept`, async (t) => {
      const { server, time, events, watch } = await start(t);
      server.put(pod('stays'));
      server.put(pod('goes'));
      const pods = watch();
      await eventually('the watch', () => server.watches.length === 1);
      server.muted = true;
      server.remove('/api/v1/namespaces/shop/pods/goes');
      server.put(pod('comes'));
      server.compact();
      server.muted = false;
      breakIt(server);
      await eventually('the fault or the end', () => server.watches.length === 0);
      assert.deepEqual([...pods.values()], ['goes', 'stays']);
      for (let wait = 500; pods.get('shop/goes') !== undefined; wait *= 2) await passPause(time, wait, 60_000, pods);
      assert.deepEqual([...pods.values()], ['comes', 'stays']);
      assert.deepEqual(
        events.filter(({ kind }) => kind === 'Relist'),
        [{ kind: 'Relist', path: pods_, reason }],
      );
      await eventually('the watch', () => server.watches.length === 1 && pods.fault === undefined);
    });
  }
});

suite('the faults of those who use it', () => {
  test('a read that throws costs that object only; what was known of it stays', async (t) => {
    const { server, events, watch } = await start(t);
    server.put(pod('bad', { labels: { broken: 'yes' } }));
    server.put(pod('good'));
    server.put(pod('turns'));
    const pods = watch({
      read: ({ metadata }) => {
        if (metadata.labels?.['broken'] === 'yes') throw new Error('cannot read');
        return metadata.name;
      },
    });
    await eventually('the watch', () => server.watches.length === 1);
    server.put(pod('turns', { labels: { broken: 'yes' } }));
    server.put(pod('next'));
    await eventually('the next event', () => pods.get('shop/next') !== undefined);
    assert.deepEqual([...pods.values()], ['good', 'turns', 'next']);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'Skipped').map((event) => ('key' in event ? event.key : '')),
      ['shop/bad', 'shop/turns'],
    );
  });

  test('an onChange that throws does not end the watching', async (t) => {
    const { server, cluster } = await start(t);
    const pods = cluster.watch({ path: pods_, read: ({ metadata }) => metadata.name }, () => {
      throw new Error('cannot take it');
    });
    await eventually('the watch', () => server.watches.length === 1);
    server.put(pod('a'));
    await eventually('the event', () => pods.get('shop/a') !== undefined);
  });
});

suite('close leaves nothing open', () => {
  for (const { name, prepare, isThere } of [
    {
      name: 'during the list',
      prepare: (server) => server.fail({}, { kind: 'hang' }),
      isThere: (s) => s.requests.length === 1,
    },
    {
      name: 'while the watch is opened',
      prepare: (server) => server.fail({ watch: true }, { kind: 'hang' }),
      isThere: (s) => s.requests.length === 2,
    },
    { name: 'while it watches', prepare: () => undefined, isThere: (s) => s.watches.length === 1 },
    {
      name: 'during a pause',
      prepare: (server) => server.fail({}, { kind: 'status', status: 500 }),
      isThere: (_, time) => time.pending.includes(500),
    },
    { name: 'before anything was sent', prepare: () => undefined, isThere: () => true },
  ] satisfies readonly {
    name: string;
    prepare: (server: FakeApiServer) => void;
    isThere: (server: FakeApiServer, time: ManualTime) => boolean;
  }[]) {
    test(name, async (t) => {
      const { server, time, cluster, changes, watch } = await start(t);
      prepare(server);
      const pods = watch();
      await eventually('the stage', () => isThere(server, time));
      const { count } = changes;
      pods.close();
      await eventually('no timer', () => time.pending.length === 0);
      cluster.close();
      await eventually('no connection', () => server.connections === 0);
      const sent = server.requests.length;
      time.advance(600_000);
      await new Promise((turned) => setImmediate(turned));
      assert.deepEqual([changes.count, server.requests.length], [count, sent]);
    });
  }
});

interface Stage {
  readonly server: FakeApiServer;
  readonly time: ManualTime;
  readonly cluster: Cluster;
  readonly events: ClusterEvent[];
  readonly changes: { count: number };
  watch(target?: Partial<WatchTarget<string>>): Watched<string>;
}

async function start(t: TestContext): Promise<Stage> {
  const server = await startFakeApiServer();
  const time = createManualTime(Date.UTC(2026, 0, 1));
  const events: ClusterEvent[] = [];
  const changes = { count: 0 };
  const cluster = connectCluster({
    log: silentLog,
    clock: time.clock,
    timers: time.timers,
    random: () => 0,
    userAgent: 'test',
    kubeconfig: server.kubeconfig,
    onEvent: (event) => events.push(event),
  });
  t.after(async () => {
    cluster.close();
    await server.close();
  });
  return {
    server,
    time,
    cluster,
    events,
    changes,
    watch: (target = {}) =>
      cluster.watch({ path: pods_, read: ({ metadata }) => metadata.name, ...target }, () => {
        changes.count += 1;
      }),
  };
}

/** Waits until a pause of that length is pending, and lets it pass; or until `done` has changed meanwhile. */
async function passPause(time: ManualTime, ms: number, upToMs = ms, done?: Watched<string>): Promise<void> {
  const before = done === undefined ? '' : [...done.values()].join();
  const changed = () => done !== undefined && [...done.values()].join() !== before;
  const pause = () => time.pending.find((left) => left >= ms && left <= upToMs && !limits.has(left));
  await eventually(`a pause of ${ms} ms`, () => changed() || pause() !== undefined);
  const found = pause();
  if (!changed() && found !== undefined) time.advance(found);
}

function watchesOf(server: FakeApiServer): FakeApiServer['requests'] {
  return server.requests.filter(({ isWatch }) => isWatch);
}

function pod(name: string, metadata: object = {}): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', ...metadata } };
}

const pods_ = '/api/v1/pods';
const error410 = '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}';
const error500 = '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"oops"}}';
/** Deadlines, which are no pauses. */
const limits = new Set([30_000, 60_000]);
