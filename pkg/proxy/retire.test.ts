import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connectTo, exchange, policyOf, startGate, until } from '../../test/support/gate.ts';
import { frameTypes, Http2Frames } from '../../test/support/http2-frames.ts';
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

/** The last stream that each GOAWAY names. */
function goaways(client: Http2Frames): readonly number[] {
  return client.frames.filter(({ type }) => type === frameTypes.goaway).map(({ payload }) => payload.readUInt32BE(0));
}

test('a gate that retires is not ready from then on', async (t) => {
  const world = await startWorld(t);
  assert.deepEqual(world.gate.gate.notReady(), []);
  world.gate.gate.retire();
  assert.deepEqual(world.gate.gate.notReady(), ['shutting down']);
});

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

test('HTTP/2: streams are served on connections old and new, until the gate stops', async (t) => {
  const world = await startWorld(t);
  const old = await frames(t, world);
  assert.equal(await ask(old, 1), '200');
  world.gate.gate.retire();
  const late = await frames(t, world);
  assert.equal(await ask(old, 3), '200');
  assert.equal(await ask(late, 1), '200');
  assert.deepEqual(goaways(old), []);
  const stopped = world.gate.gate.stop(AbortSignal.timeout(5000));
  await until('the end', () => old.closed && late.closed);
  assert.deepEqual([goaways(old), goaways(late)], [[3], [1]]);
  await stopped;
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
