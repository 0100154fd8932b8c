import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type FakeApiServer, startFakeApiServer } from '../../test/support/fake-api-server.ts';
import { createManualTime, eventually, type ManualTime } from '../../test/support/manual-time.ts';
import { silentLog } from '../process/log.ts';
import { connectCluster } from './connect.ts';
import { type LeaderElection, startLeaderElection } from './leader.ts';

suite('the lease', () => {
  test('is created by the first, with times of six digits and an address', async (t) => {
    const { server, join } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    const lease = server.at(path);
    assert.deepEqual(lease?.['spec'], {
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    assert.deepEqual(lease?.metadata['annotations'], { 'lychgate.dev/address': 'a:9443' });
    assert.deepEqual(a.holder, { identity: 'a', address: 'a:9443' });
  });

  test('has one holder; the others know who it is and where', async (t) => {
    const { join, changes } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    const b = join('b');
    await eventually('the holder', () => b.holder !== undefined);
    assert.deepEqual([b.leading, b.holder], [false, { identity: 'a', address: 'a:9443' }]);
    assert.deepEqual([changes.get('a'), changes.get('b')], [1, 1]);
  });

  test('is renewed every 2 s, and its time of acquisition stays', async (t) => {
    const { server, time, join } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    for (let round = 1; round <= 10; round += 1) {
      await eventually('the pause', () => time.pending.includes(2000));
      time.advance(2000);
      await eventually('the renewal', () => renewed(server, time));
    }
    assert.ok(a.leading);
    const { acquireTime, renewTime, leaseTransitions } = specOf(server);
    assert.deepEqual(
      [acquireTime, renewTime, leaseTransitions],
      ['2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:20.000000Z', 0],
    );
  });

  test('goes over 15 s after it was seen to change last, whatever its own times say', async (t) => {
    const { server, time, join } = await start(t);
    server.put(leaseOf('gone', '2030-01-01T00:00:00.000000Z'));
    const b = join('b');
    await eventually('the holder', () => b.holder !== undefined);
    for (let at = 2000; at < 15_000; at += 2000) {
      await eventually('the pause', () => time.pending.includes(2000));
      time.advance(2000);
      assert.equal(b.leading, false);
    }
    await eventually('the pause', () => time.pending.includes(2000));
    time.advance(2000);
    await eventually('leading', () => b.leading);
    const { holderIdentity, leaseTransitions } = specOf(server);
    assert.deepEqual([holderIdentity, leaseTransitions, b.holder?.address], ['b', 4, 'b:9443']);
  });

  test('is lost by its holder before anybody else can take it', async (t) => {
    const { server, time, join, changes } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    await eventually('the pause', () => time.pending.includes(2000));
    // Renewals fail from now on.
    server.fail({ method: 'PUT' }, { kind: 'status', status: 500 }, Number.POSITIVE_INFINITY);
    for (let round = 1; round <= 4; round += 1) {
      time.advance(2000);
      await eventually('the pause', () => time.pending.includes(2000));
    }
    assert.match(a.fault ?? '', /^PUT \S+lychgate-operator: 500/);
    time.advance(1999);
    assert.ok(a.leading);
    assert.equal(changes.get('a'), 1);
    time.advance(1);
    assert.equal(a.leading, false);
    // Told by its own timer, not only when asked.
    assert.equal(changes.get('a'), 2);
  });

  test('a hanging API server takes the lead away, too, and an answer that comes late gives it for what is left', async (t) => {
    const { server, time, join } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    await eventually('the pause', () => time.pending.includes(2000));
    const lift = server.fail({}, { kind: 'hang' }, Number.POSITIVE_INFINITY);
    const sent = server.requests.length;
    time.advance(2000);
    await eventually('the request', () => server.requests.length > sent);
    time.advance(8000);
    assert.equal(a.leading, false);
    lift();
    await eventually('the pause', () => time.pending.some((left) => left === 2000));
    time.advance(2000);
    await eventually('leading again', () => a.leading);
  });

  test('is given back on release, and the next one leads at once', async (t) => {
    const { server, time, join } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    const b = join('b');
    await eventually('the holder', () => b.holder !== undefined);
    await a.release();
    assert.deepEqual([a.leading, a.holder, specOf(server).holderIdentity], [false, undefined, '']);
    await eventually('the pause', () => time.pending.includes(2000));
    time.advance(2000);
    await eventually('leading', () => b.leading);
    assert.equal(specOf(server).leaseTransitions, 1);
  });

  test('is not touched on release by one that does not hold it', async (t) => {
    const { server, join } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    const b = join('b');
    await eventually('the holder', () => b.holder !== undefined);
    await b.release();
    assert.equal(specOf(server).holderIdentity, 'a');
  });

  test('a release that fails does not reject', async (t) => {
    const { server, time, join } = await start(t);
    const a = join('a');
    await eventually('leading', () => a.leading);
    server.fail({}, { kind: 'status', status: 500 }, Number.POSITIVE_INFINITY);
    await a.release();
    assert.equal(a.leading, false);
    assert.deepEqual(time.pending, []);
  });

  test('is fought for by two at once: one wins, and the other is no fault', async (t) => {
    const { server, join } = await start(t);
    server.put(leaseOf('', '2026-01-01T00:00:00.000000Z'));
    const both = [join('a'), join('b')];
    await eventually('a leader', () => both.some(({ leading }) => leading));
    await eventually('attempts', () => server.requests.filter(({ method }) => method !== 'GET').length >= 1);
    assert.equal(both.filter(({ leading }) => leading).length, 1);
    assert.deepEqual(
      both.map(({ fault }) => fault),
      [undefined, undefined],
    );
  });
});

async function start(t: TestContext): Promise<{
  server: FakeApiServer;
  time: ManualTime;
  changes: Map<string, number>;
  join(identity: string): LeaderElection;
}> {
  const server = await startFakeApiServer();
  const time = createManualTime(Date.UTC(2026, 0, 1));
  const { clock, timers } = time;
  const changes = new Map<string, number>();
  const members: LeaderElection[] = [];
  const cluster = connectCluster({
    log: silentLog,
    clock,
    timers,
    random: () => 0,
    userAgent: 'test',
    kubeconfig: server.kubeconfig,
  });
  t.after(async () => {
    cluster.close();
    await Promise.all(members.map((member) => member.release()));
    await server.close();
  });
  return {
    server,
    time,
    changes,
    join: (identity) => {
      const member = startLeaderElection({
        cluster,
        namespace: 'lychgate',
        name: 'lychgate-operator',
        identity,
        address: `${identity}:9443`,
        clock,
        timers,
        random: () => 0,
        log: silentLog,
        onChange: () => changes.set(identity, (changes.get(identity) ?? 0) + 1),
      });
      members.push(member);
      return member;
    },
  };
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

function specOf(server: FakeApiServer): LeaseSpec {
  return (server.at(path)?.['spec'] ?? {}) as LeaseSpec;
}

function renewed(server: FakeApiServer, time: ManualTime): boolean {
  return specOf(server).renewTime === new Date(time.clock.wallMs()).toISOString().replace('Z', '000Z');
}

function leaseOf(holderIdentity: string, renewTime: string): Record<string, unknown> {
  const metadata = { name: 'lychgate-operator', namespace: 'lychgate' };
  const spec = { holderIdentity, leaseDurationSeconds: 15, acquireTime: renewTime, renewTime, leaseTransitions: 3 };
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
}

const path = '/apis/coordination.k8s.io/v1/namespaces/lychgate/leases/lychgate-operator';
