import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { openShop, type Shop } from '../support/shop.ts';
import { getRequest, tlsClient } from '../support/tls-client.ts';

const changeCipherSpec = 20;
const handshake = 22;
const certificate = 11;
const certificateVerify = 15;
const failedHandshakes = 'lychgate_proxy_tls_handshakes_total{result="failed",version=""}';

/**
 * What no client of a library can be made to send: a client's handshake messages are changed on their way. In TLS 1.2
 * its Certificate and CertificateVerify travel in clear.
 */
suite('a client certificate that OpenSSL cannot take ends the handshake with an alert and never reaches the application', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop();
  });
  after(() => shop?.close());

  const cases: readonly { name: string; type: number; spoil(message: Buffer): void; alert: RegExp }[] = [
    {
      name: 'a CertificateVerify with another signature',
      type: certificateVerify,
      spoil: (message) => {
        message.writeUInt8((message.at(-1) ?? 0) ^ 1, message.length - 1);
      },
      alert: /alert decrypt error|alert bad signature/i,
    },
    {
      name: 'a certificate that is no DER',
      type: certificate,
      // The outer tag of the first certificate: behind the message header, and the lengths of the list and of it.
      spoil: (message) => {
        message.writeUInt8(0x31, 4 + 3 + 3);
      },
      alert: /alert (bad certificate|decode error|unsupported certificate|illegal parameter)/i,
    },
    {
      name: 'a public key that is no point of its curve',
      type: certificate,
      spoil: (message) => {
        // SEQUENCE { ecPublicKey, prime256v1 } BIT STRING: an uncompressed point begins with 4.
        const at = message.indexOf(Buffer.from('2a8648ce3d030107034200', 'hex')) + 11;
        message.writeUInt8(5, at);
      },
      alert:
        /alert (bad certificate|decode error|decrypt error|unsupported certificate|handshake failure|internal error|illegal parameter)/i,
    },
  ];
  for (const { name, type, spoil, alert } of cases) {
    test(name, async () => {
      let spoilt = 0;
      const proxy = await spoilingProxy(
        shop.sidecar.port,
        type,
        (message) => {
          spoilt += 1;
          spoil(message);
        },
        true,
      );
      const failed = await shop.sidecar.metric(failedHandshakes);
      try {
        await assert.rejects(
          tlsClient((proxy.address() as AddressInfo).port, shop.client, { maxVersion: 'TLSv1.2' }),
          alert,
        );
      } finally {
        proxy.close();
      }
      assert.equal(spoilt, 1);
      assert.equal(await shop.sidecar.metric(failedHandshakes), failed + 1);
      assert.deepEqual(shop.app.received, []);
    });
  }

  test('where nothing is changed on the way, the same client is served', async () => {
    const proxy = await spoilingProxy(shop.sidecar.port, certificateVerify, () => undefined, false);
    const { send, until, socket } = await tlsClient((proxy.address() as AddressInfo).port, shop.client, {
      maxVersion: 'TLSv1.2',
    });
    send(getRequest('/'));
    assert.match(await until((text) => text.endsWith('hello\n')), /^HTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
    proxy.close();
  });
});

/**
 * Passes bytes on both ways; the client's plain handshake messages of one type are given to `spoil` first. Nothing
 * follows a record with such a message where `last`: unread bytes would turn the gate's alert into a reset.
 */
async function spoilingProxy(
  port: number,
  type: number,
  spoil: (message: Buffer) => void,
  last: boolean,
): Promise<Server> {
  const server = createServer((client) => {
    const gate = connect(port, '127.0.0.1');
    for (const socket of [client, gate]) socket.on('error', () => undefined);
    gate.pipe(client);
    client.on('close', () => gate.destroy());
    gate.on('close', () => client.destroy());
    let held = Buffer.alloc(0);
    let encrypted = false;
    let over = false;
    client.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (!over && held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) {
        const record = held.subarray(0, 5 + held.readUInt16BE(3));
        held = held.subarray(record.length);
        const kind = record.readUInt8(0);
        encrypted ||= kind === changeCipherSpec;
        if (kind === handshake && !encrypted) {
          for (let at = 5; at + 4 <= record.length; at += 4 + record.readUIntBE(at + 1, 3)) {
            const message = record.subarray(at, at + 4 + record.readUIntBE(at + 1, 3));
            if (message.readUInt8(0) !== type) continue;
            spoil(message);
            over = last;
          }
        }
        gate.write(record);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
