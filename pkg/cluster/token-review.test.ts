import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type FakeApiServer, startFakeApiServer } from '../../test/support/fake-api-server.ts';
import { createManualTime, type ManualTime } from '../../test/support/manual-time.ts';
import { silentLog } from '../process/log.ts';
import { connectCluster } from './connect.ts';
import { createTokenReviewer, type TokenReviewer } from './token-review.ts';

const nowMs = Date.UTC(2026, 0, 1);
const subject = {
  namespace: 'shop',
  serviceAccount: 'web',
  podName: 'web-0',
  podUid: 'uid-0',
  audience: 'lychgate.dev',
  expiresAtMs: nowMs + 3_600_000,
};

const podUid = 'authentication.kubernetes.io/pod-uid';
const extra = { 'authentication.kubernetes.io/pod-name': ['web-0'], [podUid]: ['uid-0'] };

suite('a token', () => {
  test('of a pod for our audience gives the pod', async (t) => {
    const { server, review } = await start(t);
    assert.deepEqual(await review(server.issueToken(subject)), {
      username: 'system:serviceaccount:shop:web',
      namespace: 'shop',
      podName: 'web-0',
      podUid: 'uid-0',
      expiresAtMs: nowMs + 3_600_000,
    });
    const { path, body } = server.requests[0] ?? {};
    assert.equal(path, '/apis/authentication.k8s.io/v1/tokenreviews');
    assert.deepEqual((body as { spec: { audiences: unknown } }).spec.audiences, ['lychgate.dev']);
  });

  test('for another audience proves nothing', async (t) => {
    const { server, review } = await start(t);
    const token = server.issueToken({ ...subject, audience: 'https://kubernetes.default.svc' });
    await assert.rejects(review(token), {
      name: 'Unauthenticated',
      message: /not for this audience.*audience lychgate/,
    });
  });

  for (const token of ['', 'x', 'a.b', 'a.b.c.d', 'a.b.c\n', `a.b.${'c'.repeat(16 * 1024)}`]) {
    test(`${JSON.stringify(token.slice(0, 12))} is none, and nobody is asked`, async (t) => {
      const { server, review } = await start(t);
      await assert.rejects(review(token), { name: 'Unauthenticated' });
      assert.equal(server.requests.length, 0);
    });
  }

  for (const { name, status, says } of [
    { name: 'not authenticated', status: { authenticated: false }, says: /does not accept the token; mount one/ },
    { name: 'authenticated with an error', status: { ...good(), error: 'x' }, says: /does not accept the token \(x\)/ },
    { name: 'no audiences', status: { ...good(), audiences: undefined }, says: /not for audience lychgate\.dev/ },
    { name: 'no audience of ours', status: { ...good(), audiences: ['api'] }, says: /not for audience lychgate\.dev/ },
    { name: 'a user', status: good({ username: 'admin' }), says: /not a service account's: user "admin"/ },
    { name: 'no user', status: { ...good(), user: undefined }, says: /not a service account's: user null/ },
    { name: 'five parts', status: good({ username: 'system:serviceaccount:a:b:c' }), says: /not a service account's/ },
    { name: 'an empty part', status: good({ username: 'system:serviceaccount::b' }), says: /not a service account's/ },
    { name: 'no group', status: good({ groups: ['system:authenticated'] }), says: /not a service account's/ },
    { name: 'no pod', status: good({ extra: {} }), says: /is bound to no pod; mount it as a projected volume$/ },
    { name: 'two pods', status: good({ extra: { ...extra, [podUid]: ['a', 'b'] } }), says: /is bound to no pod/ },
  ]) {
    test(`that is answered with ${name} proves nothing`, async (t) => {
      const { server, review } = await start(t);
      server.fail({}, { kind: 'body', body: JSON.stringify({ status }) });
      await assert.rejects(review(server.issueToken(subject)), { name: 'Unauthenticated', message: says });
    });
  }

  test('without an expiry proves nothing', async (t) => {
    const { server, review } = await start(t);
    server.fail({}, { kind: 'body', body: JSON.stringify({ status: good() }) });
    await assert.rejects(review('e30.e30.e30'), { name: 'Unauthenticated', message: /has no expiry$/ });
  });
});

suite('whether a token proves anything cannot be told', () => {
  for (const { name, fault } of [
    { name: '403', fault: { kind: 'status', status: 403 } },
    { name: '429', fault: { kind: 'status', status: 429 } },
    { name: '500', fault: { kind: 'status', status: 500 } },
    { name: 'a reset', fault: { kind: 'reset' } },
    { name: 'no status', fault: { kind: 'body', body: '{}' } },
  ] as const) {
    test(`${name}, and the next question is asked again`, async (t) => {
      const { server, review } = await start(t);
      server.fail({}, fault);
      const token = server.issueToken(subject);
      await assert.rejects(review(token), { name: 'Unavailable', message: /^the token cannot be reviewed now: / });
      assert.equal((await review(token)).podName, 'web-0');
    });
  }
});

suite('an answer is remembered', () => {
  test('for 60 s: then a deleted pod is noticed', async (t) => {
    const { server, time, review } = await start(t);
    const token = server.issueToken(subject);
    await review(token);
    server.revokeToken(token);
    time.advance(59_999);
    await review(token);
    assert.equal(server.requests.length, 1);
    time.advance(1);
    await assert.rejects(review(token), { name: 'Unauthenticated' });
    assert.equal(server.requests.length, 2);
  });

  test('never beyond the expiry of the token', async (t) => {
    const { server, time, review } = await start(t);
    const token = server.issueToken({ ...subject, expiresAtMs: nowMs + 5000 });
    await review(token);
    time.advance(5000);
    await review(token);
    assert.equal(server.requests.length, 2);
  });

  test('for 10 s where it is a rejection', async (t) => {
    const { server, time, review } = await start(t);
    for (const wait of [0, 9999, 1]) {
      time.advance(wait);
      await assert.rejects(review('a.b.c'), { name: 'Unauthenticated' });
    }
    assert.equal(server.requests.length, 2);
  });

  test('while it is awaited: equal questions are asked once', async (t) => {
    const { server, review } = await start(t);
    const token = server.issueToken(subject);
    const all = await Promise.all([review(token), review(token), review(token)]);
    assert.deepEqual([server.requests.length, new Set(all).size], [1, 1]);
  });

  test('for its token only', async (t) => {
    const { server, review } = await start(t);
    const [first, second] = [server.issueToken(subject), server.issueToken({ ...subject, podUid: 'uid-1' })];
    assert.deepEqual([(await review(first)).podUid, (await review(second)).podUid], ['uid-0', 'uid-1']);
  });

  test('for 4096 tokens: the oldest is asked again', async (t) => {
    const { server } = await start(t);
    const tokens = Array.from({ length: 4097 }, () => server.issueToken(subject));
    let asked = 0;
    const counting = createTokenReviewer({
      audience: 'lychgate.dev',
      clock: createManualTime(nowMs).clock,
      cluster: {
        create: () => {
          asked += 1;
          return Promise.resolve({ metadata: { name: '' }, status: good() });
        },
      },
    });
    for (const token of tokens) await counting(token);
    await counting(tokens[4096] ?? '');
    assert.equal(asked, 4097);
    await counting(tokens[0] ?? '');
    assert.equal(asked, 4098);
  });
});

async function start(t: TestContext): Promise<{ server: FakeApiServer; time: ManualTime; review: TokenReviewer }> {
  const server = await startFakeApiServer();
  const time = createManualTime(nowMs);
  const { clock, timers } = time;
  const { kubeconfig } = server;
  const cluster = connectCluster({ log: silentLog, clock, timers, random: () => 0, userAgent: 'test', kubeconfig });
  t.after(async () => {
    cluster.close();
    await server.close();
  });
  return { server, time, review: createTokenReviewer({ cluster, audience: 'lychgate.dev', clock }) };
}

function good(user: object = {}): Record<string, unknown> {
  const groups = ['system:serviceaccounts'];
  return {
    authenticated: true,
    audiences: ['lychgate.dev'],
    user: { username: 'system:serviceaccount:shop:web', groups, extra, ...user },
  };
}
