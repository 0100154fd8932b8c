import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { FakeOcsp, goodStatus, until } from '../../test/support/gate.ts';
import { answer, askingOcsp, get, pki, startWorld } from '../../test/support/talk.ts';
import type { RevocationStatus } from '../ocsp/status.ts';
import { readClient } from './client-reads.ts';

test('all sockets are read into one buffer, which the next read writes over', async (t) => {
  const seen: Buffer[] = [];
  const [one, other] = await pairs(t, 2);
  for (const { server } of [one, other]) readClient(server, (chunk) => seen.push(chunk));
  one.client.write('from the one');
  await until('the one', () => seen.length === 1);
  assert.equal(String(seen[0]), 'from the one');
  other.client.write('of the other');
  await until('the other', () => seen.length === 2);
  assert.equal(String(seen[0]), 'of the other');
});

test('bytes come whole and in order, whatever their number, over pauses and until the end', async (t) => {
  const [pair] = await pairs(t, 1);
  const parts: Buffer[] = [];
  let received = 0;
  let ended = false;
  readClient(pair.server, (chunk) => {
    parts.push(Buffer.from(chunk));
    received += chunk.length;
    pair.server.pause();
    setImmediate(() => pair.server.resume());
  });
  pair.server.on('end', () => {
    ended = true;
  });
  const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  pair.client.write(sent);
  await until('all', () => received === sent.length);
  pair.client.end('the end');
  await until('the end', () => ended);
  assert.ok(Buffer.concat(parts).equals(Buffer.concat([sent, Buffer.from('the end')])));
});

test('a paused socket stops reading: what is not read stays with the client', async (t) => {
  const [pair] = await pairs(t, 1);
  let received = 0;
  readClient(pair.server, (chunk) => {
    received += chunk.length;
    pair.server.pause();
  });
  pair.client.write(Buffer.alloc(64 * 1_048_576));
  await until('the first bytes', () => received > 0);
  for (let i = 0; i < 50; i++) await turn();
  assert.ok(received <= 65_536 + 16_384, `${received} bytes`);
  assert.ok(pair.client.writableLength > 0);
});

test('what was received before is not lost', async (t) => {
  const [pair] = await pairs(t, 1);
  pair.client.write('early, ');
  await until('the early bytes', () => pair.server.readableLength > 0);
  let text = '';
  readClient(pair.server, (chunk) => {
    text += String(chunk);
  });
  pair.client.write('late');
  await until('all', () => text === 'early, late');
});

test('requests in pieces on several connections are not mixed up', async (t) => {
  const { talk, app } = await startWorld(t, { respond: (text) => answer(`got ${/\/[^ ]*/.exec(text)?.[0]}.`) });
  const clients = await Promise.all(
    ['a', 'b', 'c'].map(async (letter) => {
      const word = letter.repeat(40);
      return { client: await talk(), word, request: get(`/${word}`, `X-Of: ${word}\r\n`) };
    }),
  );
  for (let at = 0; at < 200; at += 7) {
    for (const { client, request } of clients) client.send(request.slice(at, at + 7));
    await turn();
  }
  for (const { client, word } of clients) await client.take(`got /${word}.`);
  assert.equal(app.received.filter((text) => /([abc])\1{39} [^]*X-Of: \1{40}\r\n/.test(text)).length, 3);
});

test('a body that waits for its verdict is as it was, whatever others send meanwhile', async (t) => {
  const ocsp = new FakeOcsp();
  const { app, talk } = await startWorld(t, {
    ocsp,
    profile: { clientAuth: askingOcsp() },
    respond: (text) => (/^GET|b$/.test(text) ? answer('ok') : undefined),
  });
  let tell: (status: RevocationStatus) => void = () => undefined;
  ocsp.answer = () => new Promise((resolve) => (tell = resolve));
  const waiting = await talk();
  const other = await talk(null);
  const body = `${'a'.repeat(5000)}b`;
  waiting.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until('the question', () => ocsp.asked === 1);
  other.send(get(`/${'x'.repeat(6000)}`));
  await other.take('400 ');
  tell(goodStatus(Date.now() + 60_000));
  await waiting.take('ok');
  assert.equal(app.received.join('').split('\r\n\r\n')[1], body);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Pair {
  readonly server: TLSSocket;
  readonly client: TLSSocket;
}

async function pairs(t: TestContext, count: 1): Promise<[Pair]>;
async function pairs(t: TestContext, count: 2): Promise<[Pair, Pair]>;
async function pairs(t: TestContext, count: number): Promise<Pair[]> {
  const { certificate, keyPem } = pki.server;
  const server = createServer({ cert: certificate.pem, key: keyPem, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const made: Pair[] = [];
  t.after(() => {
    for (const pair of made) {
      pair.client.destroy();
      pair.server.destroy();
    }
    server.close();
  });
  for (let i = 0; i < count; i++) {
    const client = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
    });
    const [accepted] = (await once(server, 'secureConnection')) as [TLSSocket];
    for (const socket of [client, accepted]) socket.on('error', () => undefined);
    made.push({ server: accepted, client });
  }
  return made;
}
