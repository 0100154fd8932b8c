import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { freePort } from '../../test/support/free-port.ts';
import { connectTo, exchange, policyOf, startGate, until } from '../../test/support/gate.ts';
import { connectHttp2, ask as request } from '../../test/support/http2-client.ts';
import { frame, frameTypes, Http2Frames } from '../../test/support/http2-frames.ts';
import { get, pki, startWorld, Talk, type World } from '../../test/support/talk.ts';

async function frames(t: TestContext, world: World): Promise<Http2Frames> {
  const socket = await connectTo(world.gate.port, pki, pki.client('good'), { ALPNProtocols: ['h2'] });
  t.after(() => socket.destroy());
  return new Http2Frames(socket);
}

function ask(client: Http2Frames, stream: number): Promise<string> {
  client.headers(stream, [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', 'localhost'],
  ]);
  return client.outcome(stream);
}

/** The last stream that each GOAWAY names; the notice names the highest there can be. */
function goaways(client: Http2Frames): readonly number[] {
  return client.frames.filter(({ type }) => type === frameTypes.goaway).map(({ payload }) => payload.readUInt32BE(0));
}

test('a gate that retires is not ready from then on', async (t) => {
  const world = await startWorld(t);
  assert.deepEqual(world.gate.gate.notReady(), []);
  world.gate.gate.retire();
  assert.deepEqual(world.gate.gate.notReady(), ['shutting down']);
});

for (const [name, end] of [
  ['retires', (world: World) => world.gate.gate.retire()],
  ['stops', (world: World) => void world.gate.gate.stop(AbortSignal.abort())],
] as const) {
  test(`a gate that ${name} opens no port any more, whatever policy comes`, async (t) => {
    const world = await startWorld(t);
    end(world);
    const port = await freePort();
    const policy = policyOf(port, [world.profile]);
    assert.equal((await world.gate.gate.apply(policy)).policy.listeners[0]?.port, port);
    await assert.rejects(connectTo(port, pki, pki.client('good')), { code: 'ECONNREFUSED' });
  });
}

test('HTTP/1.1: an idle connection stays, and its next answer is whole and the last', async (t) => {
  const world = await startWorld(t);
  const socket = await connectTo(world.gate.port, pki, pki.client('good'));
  const talk = new Talk(socket);
  talk.send(get('/first'));
  assert.doesNotMatch(await talk.take('\r\n\r\nok'), /connection: close/i);
  world.gate.gate.retire();
  talk.send(get('/second'));
  assert.match(await talk.rest(), /^HTTP\/1\.1 200 .*\r\nConnection: close\r\n.*ok$/is);
});

test('HTTP/1.1: a new connection is served, once', async (t) => {
  const world = await startWorld(t);
  world.gate.gate.retire();
  const text = await exchange(await connectTo(world.gate.port, pki, pki.client('good')), get('/late'));
  assert.match(text, /^HTTP\/1\.1 200 .*\r\nConnection: close\r\n.*ok$/is);
});

test('HTTP/2: a client that has asked before is told, what is on its way is served, then the connection ends', async (t) => {
  const world = await startWorld(t);
  const client = await frames(t, world);
  assert.equal(await ask(client, 1), '200');
  world.gate.gate.retire();
  await until('the notice', () => goaways(client).length === 1);
  assert.equal(await ask(client, 3), '200');
  const ping = client.frames.find(({ type }) => type === frameTypes.ping);
  client.send(frame(frameTypes.ping, ack, 0, ping?.payload));
  await until('the end', () => client.closed);
  assert.deepEqual(goaways(client), [noStreamYet, 3]);
});

test('HTTP/2: a new connection is served, and then told', async (t) => {
  const world = await startWorld(t);
  world.gate.gate.retire();
  const client = await frames(t, world);
  client.send(frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
  await until('an answer to the ping', () => client.frames.some(({ type }) => type === frameTypes.ping));
  assert.deepEqual(goaways(client), []);
  assert.equal(await ask(client, 1), '200');
  await until('the notice', () => goaways(client).length === 1);
  assert.equal(await ask(client, 3), '200');
  const stopped = world.gate.gate.stop(AbortSignal.timeout(5000));
  await until('the end', () => client.closed);
  assert.deepEqual(goaways(client), [noStreamYet, 3]);
  await stopped;
});

test('HTTP/2: a usual client that comes late gets what it came for', async (t) => {
  const world = await startWorld(t);
  world.gate.gate.retire();
  const session = await connectHttp2(t, world);
  const answers = await Promise.all([request(session, {}), request(session, {})]);
  assert.deepEqual(
    answers.map(({ status, body, end }) => [status, body, end]),
    [
      [200, 'ok', 'end'],
      [200, 'ok', 'end'],
    ],
  );
  await until('the client to leave', () => session.destroyed);
});

test('what it means that nothing is served is for the caller to say', async (t) => {
  const gate = await startGate([]);
  t.after(() => gate.close());
  assert.deepEqual(gate.gate.notReady(), []);
  assert.deepEqual(gate.gate.notReady({ policy: undefined, profiles: 'nobody' }), ['nobody']);
  await gate.gate.apply({
    ...policyOf(gate.port, []),
    holds: [{ namespace: 'shop', name: 'held', selected: 'Yes', trustedCas: null }],
  });
  assert.match(gate.gate.notReady({ policy: undefined, profiles: 'nobody' }).join(), /^shop\/held: [^,]*, [^,]*$/);
});

const noStreamYet = 2 ** 31 - 1;
const ack = 1;
