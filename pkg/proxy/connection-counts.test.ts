import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { until } from '../../test/support/gate.ts';
import { ask, connectHttp2 } from '../../test/support/http2-client.ts';
import { get, startWorld, type World } from '../../test/support/talk.ts';

test('open connections are counted by their protocol, handshakes by version and result', async (t) => {
  const world = await startWorld(t);
  assert.deepEqual(await counts(world), { open: [0, 0], completed: [0, 0], refused: [] });
  const session = await connectHttp2(t, world);
  await ask(session, { ':path': '/' });
  const talk = await world.talk(undefined, { maxVersion: 'TLSv1.2' });
  talk.send(get('/'));
  await until('an answer', () => talk.text !== '');
  assert.deepEqual(await counts(world), { open: [1, 1], completed: [1, 1], refused: [] });
  talk.socket.destroy();
  session.destroy();
  await until('the end of both', () => world.gate.gate.connectionCount() === 0);
  assert.deepEqual(await counts(world), { open: [0, 0], completed: [1, 1], refused: [] });
});

test('a handshake after which nothing is served is no completed one', async (t) => {
  const world = await startWorld(t);
  t.mock.method(TLSSocket.prototype, 'isSessionReused', () => true);
  // The client may see its end before or after it has finished.
  const said = await world.talk(undefined, { maxVersion: 'TLSv1.2' }).then(
    (talk) => talk.rest(),
    () => '',
  );
  assert.equal(said, '');
  assert.deepEqual(await counts(world), { open: [0, 0], completed: [0, 0], refused: ['refused TLSv1.2 1'] });
});

/** HTTP/1.1 and HTTP/2; TLS 1.2 and 1.3; every other result that was counted. */
async function counts(world: World) {
  const { registry } = world.gate.metrics;
  const numbers = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values ?? [];
  const of = (values: Awaited<ReturnType<typeof numbers>>, name: string, value: string) =>
    values.filter(({ labels }) => labels[name] === value).reduce((sum, one) => sum + one.value, 0);
  const open = await numbers('lychgate_proxy_connections');
  const handshakes = await numbers('lychgate_proxy_tls_handshakes_total');
  const completed = handshakes.filter(({ labels }) => labels['result'] === 'completed');
  return {
    open: [of(open, 'protocol', 'http/1.1'), of(open, 'protocol', 'h2')],
    completed: [of(completed, 'version', 'TLSv1.2'), of(completed, 'version', 'TLSv1.3')],
    refused: handshakes
      .filter(({ labels }) => labels['result'] !== 'completed')
      .map(({ labels, value }) => `${labels['result']} ${labels['version']} ${value}`),
  };
}
