import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeAuthority } from '../../test/support/pki.ts';
import {
  callerOf,
  offerOf,
  podByToken,
  pushPki,
  servingCertificate,
  startOperator,
  startSidecar,
  temporaryDirectory,
} from '../../test/support/push.ts';
import { until } from '../../test/support/until.ts';
import { PermissionDenied, Unavailable } from './caller.ts';

/* Both ends on loopback, over real TLS and real gRPC. */

suite('the push channel', { concurrency: true }, () => {
  test('a sidecar gets its policy, answers, and gets what follows; an equal one is not sent', async (t) => {
    const operator = await startOperator(t);
    const sidecar = await startSidecar(t, operator.server.port);
    operator.offer(offerOf(2001));
    const report = await operator.reported({ result: 'Ack', digest: offerOf(2001).digest });
    const { atMs, features, ...rest } = report;
    assert.deepEqual(rest, {
      podUid: 'uid-a',
      namespace: 'shop',
      name: 'a',
      digest: offerOf(2001).digest,
      schema: 1,
      version: '1.2.3',
      result: 'Ack',
      exposed: [],
    });
    assert.ok(atMs > 0 && features.includes('hold'));
    operator.offer(offerOf(2001, 2002));
    operator.offer(offerOf(2003));
    await operator.reported({ result: 'Ack', digest: offerOf(2003).digest });
    assert.deepEqual(sidecar.applied, [2001, 2003]);
    assert.equal(sidecar.subscriber.state.digest, offerOf(2003).digest);
    assert.equal(operator.server.streams, 1);
  });

  test('a policy that cannot be used is refused with the reason, and the one before it stays', async (t) => {
    const operator = await startOperator(t);
    const sidecar = await startSidecar(t, operator.server.port);
    operator.offer(offerOf(2001));
    await operator.reported({ result: 'Ack' });
    operator.offer(offerOf(6666));
    const { reason, message, digest } = await operator.reported({ result: 'Nack' });
    assert.deepEqual(
      { reason, message, digest },
      { reason: 'PolicyUnusable', message: 'port 6666 cannot be opened', digest: offerOf(6666).digest },
    );
    assert.equal(sidecar.subscriber.state.digest, offerOf(2001).digest);
    assert.equal(sidecar.subscriber.state.lastNack?.reason, 'PolicyUnusable');
    operator.offer(offerOf(7000));
    await operator.reported({ result: 'Ack', digest: offerOf(7000).digest });
    assert.equal(sidecar.subscriber.state.lastNack, undefined);
  });

  test('the certificate and its authority change without a stream being dropped', async (t) => {
    const operator = await startOperator(t);
    const first = await startSidecar(t, operator.server.port);
    operator.offer(offerOf(2001));
    await operator.reported({ result: 'Ack', digest: offerOf(2001).digest });

    const other = makeAuthority('other-ca', 'CN=Next CA', Date.now());
    operator.serve(servingCertificate(other));
    const second = await startSidecar(t, operator.server.port, {
      ca: async () => other.certificate.pem,
      token: async () => 'pod:b',
      identity: { namespace: 'shop', name: 'b', uid: 'uid-b', version: '1' },
    });
    await operator.reported({ result: 'Ack', podUid: 'uid-b' });
    operator.offer(offerOf(2002));
    await operator.reported({ result: 'Ack', digest: offerOf(2002).digest, podUid: 'uid-a' });
    assert.deepEqual([first.applied, second.applied.at(-1)], [[2001, 2002], 2002]);
    assert.ok(!first.lines.some((line) => line.includes('no stream')));
  });

  const refusals = [
    { name: 'another authority', ca: pushPki.stranger.certificate.pem, fault: /^UNAVAILABLE: .*certificate/ },
    { name: 'no authority', ca: '\n', fault: /the CA bundle for localhost:\d+ has no certificate/ },
  ] as const;
  for (const { name, ca, fault } of refusals) {
    test(`a sidecar with ${name} gives its token to nobody`, async (t) => {
      let asked = 0;
      const operator = await startOperator(t, {
        authenticate: async (token) => {
          asked += 1;
          return podByToken(token);
        },
      });
      const { subscriber } = await startSidecar(t, operator.server.port, { ca: async () => ca });
      await until(() => (subscriber.state.fault === undefined ? undefined : true), 'a fault');
      assert.match(subscriber.state.fault ?? '', fault);
      assert.equal(asked, 0);
    });
  }

  test('a sidecar that dials another host than the certificate is for gives its token to nobody', async (t) => {
    const operator = await startOperator(t);
    const { subscriber } = await startSidecar(t, 0, { address: `127.0.0.1:${operator.server.port}` });
    await until(() => (subscriber.state.fault === undefined ? undefined : true), 'a fault');
    assert.match(subscriber.state.fault ?? '', /^UNAVAILABLE: .*(altnames|127\.0\.0\.1)/i);
    assert.ok(!operator.lines.some((line) => line.includes('caller refused')));
  });

  const denials = [
    { name: 'a token that proves nothing', token: 'nonsense', fault: /^UNAUTHENTICATED: no token of ours$/ },
    { name: 'the token of another pod', token: 'pod:b', fault: /^PERMISSION_DENIED: the token is of pod uid-b/ },
    {
      name: 'a pod that is gone',
      error: new PermissionDenied('pod shop/a is not there'),
      fault: /^PERMISSION_DENIED: pod shop\/a is not there$/,
    },
    {
      name: 'no answer of the API server',
      error: new Unavailable('timeout'),
      fault: /^UNAVAILABLE: the token cannot be/,
    },
    {
      name: 'a fault of the operator',
      error: new Error('boom'),
      fault: /^UNAVAILABLE: the token cannot be checked now$/,
    },
    { name: 'an expired token', expiresAtMs: 1, fault: /^UNAUTHENTICATED: the token has expired/ },
  ] as const;
  for (const denial of denials) {
    test(`${denial.name}: no policy, and a status that says which`, async (t) => {
      const operator = await startOperator(t, {
        authenticate: async (token) => {
          if ('error' in denial) throw denial.error;
          return 'expiresAtMs' in denial ? callerOf('a', denial.expiresAtMs) : podByToken(token);
        },
      });
      if (!('expiresAtMs' in denial)) operator.offer(offerOf(2001));
      const { subscriber, applied } = await startSidecar(t, operator.server.port, {
        token: async () => ('token' in denial ? denial.token : 'pod:a'),
      });
      await until(() => (subscriber.state.fault === undefined ? undefined : true), 'a fault');
      assert.match(subscriber.state.fault ?? '', denial.fault);
      assert.deepEqual(applied, []);
    });
  }

  test('a newer token is passed on before the old one expires, and the stream lives on', async (t) => {
    let token = 'first';
    const seen: string[] = [];
    let nowMs = Date.now();
    const operator = await startOperator(t, {
      authenticate: async (given) => {
        seen.push(given);
        return callerOf('a', given === 'first' ? nowMs + 1_000 : nowMs + 3_600_000);
      },
      clock: { wallMs: () => nowMs, monotonicMs: () => performance.now() },
    });
    const { lines } = await startSidecar(t, operator.server.port, { token: async () => token });
    operator.offer(offerOf(2001));
    await operator.reported({ result: 'Ack' });
    token = 'second';
    await until(() => (seen.includes('second') ? true : undefined), 'the second token');
    nowMs += 10_000;
    operator.offer(offerOf(2002));
    await operator.reported({ result: 'Ack', digest: offerOf(2002).digest });
    assert.deepEqual(seen, ['first', 'second']);
    assert.ok(!lines.some((line) => line.includes('no stream')));
  });

  test('a token of another pod in the stream ends it', async (t) => {
    let token = 'pod:a';
    const operator = await startOperator(t);
    const { subscriber } = await startSidecar(t, operator.server.port, { token: async () => token });
    await until(() => (subscriber.state.connected ? true : undefined), 'a stream');
    token = 'pod:b';
    await until(() => (subscriber.state.fault?.startsWith('PERMISSION_DENIED') ? true : undefined), 'the end');
    assert.deepEqual(
      operator.reports.filter(({ podUid }) => podUid !== 'uid-a'),
      [],
    );
  });

  test('a deleted pod has no stream any more; the newest stream of a pod wins', async (t) => {
    const operator = await startOperator(t);
    const first = await startSidecar(t, operator.server.port, {
      timing: { backoff: { minMs: 60_000, maxMs: 60_000 } },
    });
    await until(() => (first.subscriber.state.connected ? true : undefined), 'the first stream');
    const second = await startSidecar(t, operator.server.port, {
      timing: { backoff: { minMs: 60_000, maxMs: 60_000 } },
    });
    await until(() => (first.subscriber.state.fault?.startsWith('ABORTED') ? true : undefined), 'the end of the first');
    assert.equal(operator.server.streams, 1);
    operator.server.closePod('uid-a');
    await until(() => second.subscriber.state.fault, 'the end of the second');
    assert.equal(second.subscriber.state.fault, 'PERMISSION_DENIED: the pod was deleted');
    assert.equal(operator.server.streams, 0);
  });

  test('a restarted sidecar starts from its last good policy without an operator, and is not sent the same again', async (t) => {
    const stateDir = temporaryDirectory(t);
    const operator = await startOperator(t);
    const before = await startSidecar(t, operator.server.port, { stateDir });
    operator.offer(offerOf(2001));
    await operator.reported({ result: 'Ack' });
    await before.subscriber.close();

    const alone = await startSidecar(t, 1, { stateDir });
    assert.deepEqual(alone.applied, [2001]);
    assert.equal(alone.subscriber.state.fromLastGood, true);
    await alone.subscriber.close();

    operator.reports.length = 0;
    const after = await startSidecar(t, operator.server.port, { stateDir });
    await operator.reported({ result: 'Ack', digest: offerOf(2001).digest });
    await until(() => (after.subscriber.state.fromLastGood ? undefined : true), 'the word that it is current');
    assert.deepEqual(after.applied, [2001]);
  });

  test('an older offer is refused as Stale, also after a restart', async (t) => {
    const stateDir = temporaryDirectory(t);
    const operator = await startOperator(t);
    const before = await startSidecar(t, operator.server.port, { stateDir });
    operator.offer(offerOf(2005));
    await operator.reported({ result: 'Ack' });
    operator.offer(offerOf(2004));
    await operator.reported({ result: 'Nack', reason: 'Stale' });
    await before.subscriber.close();
    operator.reports.length = 0;
    const after = await startSidecar(t, operator.server.port, { stateDir });
    await operator.reported({ result: 'Nack', reason: 'Stale' });
    assert.deepEqual(after.applied, [2005]);
  });

  test('exposure is reported when it changes', async (t) => {
    let exposed: string[] = [];
    const operator = await startOperator(t);
    await startSidecar(t, operator.server.port, { exposed: () => exposed });
    operator.offer(offerOf(2001));
    await operator.reported({ result: 'Ack' });
    exposed = ['shop/partners 10.0.0.1:8080'];
    await until(() => operator.reports.find((report) => report.exposed.length === 1), 'the exposure');
    assert.equal(operator.reports.at(-1)?.result, 'Ack');
  });

  test('a stream ends at its age and comes back by itself', async (t) => {
    const operator = await startOperator(t, { maxConnectionAgeMs: 300 });
    const { subscriber, applied, lines } = await startSidecar(t, operator.server.port);
    operator.offer(offerOf(2001));
    await operator.reported({ result: 'Ack' });
    await until(() => (lines.some((line) => line.includes('reached its age')) ? true : undefined), 'the age');
    await until(() => (subscriber.state.connected ? true : undefined), 'another stream');
    assert.deepEqual(applied, [2001]);
  });

  test('no private key and no token is in any log line', async (t) => {
    const operator = await startOperator(t);
    const sidecar = await startSidecar(t, operator.server.port);
    for (const port of [2001, 6666]) {
      operator.offer(offerOf(port));
      await operator.reported({ digest: offerOf(port).digest, result: port === 6666 ? 'Nack' : 'Ack' });
    }
    const text = [...operator.lines, ...sidecar.lines].join('');
    assert.ok(text.length > 100);
    const keyBody = pushPki.server.keyPem.split('\n')[1] ?? '?';
    for (const secret of ['PRIVATE KEY', keyBody, 'pod:a', 'BEGIN']) assert.ok(!text.includes(secret), secret);
  });
});
