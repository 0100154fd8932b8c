import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { freePort } from '../../test/support/free-port.ts';
import { defaultBackend, ManualClock, profileOf, startGate, until } from '../../test/support/gate.ts';
import { makePki } from '../../test/support/pki.ts';

const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

test('an application that begins to listen on its own address after the gate is found, and found gone again', {
  skip: own === undefined ? 'this machine has only loopback addresses' : false,
}, async (t) => {
  const clock = new ManualClock();
  const pki = makePki({ nowMs: clock.wallMs() });
  const port = await freePort();
  const profile = profileOf(pki, port, { backend: { ...defaultBackend, target: { port }, whenExposed: 'Refuse' } });
  const gate = await startGate([profile], { clock });
  t.after(() => gate.close());
  assert.deepEqual(gate.gate.notReady(), []);

  const app = createServer((socket) => socket.destroy());
  app.listen(port, own);
  await once(app, 'listening');
  t.after(() => app.close());
  clock.advance(31_000);
  gate.gate.sweep();
  await until('found', () => gate.gate.notReady().length > 0);
  assert.deepEqual(gate.gate.notReady(), [
    `shop/partners: the application also listens on ${own}; bind it to 127.0.0.1, or set backend.whenExposed: Warn`,
  ]);
  assert.deepEqual(gate.gate.exposed(), [`shop/partners ${own}:${port}`]);

  app.close();
  await once(app, 'close');
  clock.advance(31_000);
  gate.gate.sweep();
  await until('gone', () => gate.gate.notReady().length === 0);
  assert.deepEqual(gate.gate.exposed(), []);
});
