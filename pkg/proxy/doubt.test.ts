import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeOcsp, goodStatus, ManualClock, revokedStatus, until } from '../../test/support/gate.ts';
import { askingOcsp, get, pki, startWorld } from '../../test/support/talk.ts';
import type { RevocationStatus } from '../ocsp/status.ts';

for (const { name, found, want } of [
  { name: 'the client', found: pki.client('good').certificate, want: 'closed' },
  { name: 'its CA', found: pki.intermediate.certificate, want: 'closed' },
  { name: 'a stranger', found: pki.stranger.certificate, want: 'open' },
]) {
  test(`an open connection whose verdict still holds, when ${name} is found to be revoked: ${want}`, async (t) => {
    const clock = new ManualClock();
    const ocsp = new FakeOcsp();
    const world = await startWorld(t, { clock, ocsp, profile: { clientAuth: askingOcsp() } });
    const client = await world.talk();
    client.send(get('/'));
    await client.take('ok');
    ocsp.answer = () => revokedStatus;
    world.gate.gate.doubt(found.sha256);
    world.gate.gate.sweep();
    if (want === 'closed') await until('the end', () => client.closed);
    client.send(get('/again'));
    await until('an end', () => client.closed || client.text.includes('ok'));
    assert.equal(client.closed ? 'closed' : 'open', want);
  });
}

test('a question that is under way when its certificate is found to be revoked is asked again, and nobody passes by the first answer', async (t) => {
  const clock = new ManualClock();
  const ocsp = new FakeOcsp();
  const first = Promise.withResolvers<RevocationStatus>();
  ocsp.answer = () => first.promise;
  const world = await startWorld(t, { clock, ocsp, profile: { clientAuth: askingOcsp() } });
  const client = await world.talk();
  client.send(get('/'));
  await until('the question', () => ocsp.asked > 0);
  ocsp.answer = () => revokedStatus;
  world.gate.gate.doubt(pki.intermediate.certificate.sha256);
  first.resolve(goodStatus(clock.wallMs() + 3_600_000));
  assert.match(await client.rest(), /^HTTP\/1\.1 400 [^]*Revoked/);
  assert.deepEqual(world.app.received, []);
});
