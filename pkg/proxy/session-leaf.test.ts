import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import { makePki } from '../../test/support/pki.ts';
import { der } from '../x509/der.ts';
import { leafOfSession } from './session-leaf.ts';

const pki = makePki({ nowMs: Date.now(), ocspUrl: 'http://ocsp.test/' });
const good = pki.client('good');

suite('the leaf of a TLS session', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`is the certificate that the client presented, ${version}`, async () => {
      await accepted(version, { cert: good.chainPem, key: good.keyPem }, (socket) => {
        const leaf = leafOfSession(socket);
        assert.ok(leaf?.equals(good.certificate.der));
        assert.deepEqual(socket.getPeerX509Certificate()?.raw, good.certificate.der);
      });
    });

    test(`is not there where the client presented none, ${version}`, async () => {
      await accepted(version, {}, (socket) => assert.equal(leafOfSession(socket), undefined));
    });

    test(`leaves nothing of the session beside it in memory, ${version}`, async () => {
      await accepted(version, { cert: good.chainPem, key: good.keyPem }, (socket) => {
        const session = socket.getSession();
        assert.ok(session !== undefined);
        const leaf = leafOfSession({ getSession: () => session });
        assert.ok(leaf !== undefined);
        const at = session.indexOf(leaf);
        assert.ok(at > 0);
        assert.deepEqual([...session.subarray(0, at), ...session.subarray(at + leaf.length)].filter(Boolean), []);
      });
    });
  }
});

const certificate = der.sequence(der.integer(1));
const session = (...elements: readonly Buffer[]) =>
  der.sequence(der.integer(1), der.octetString(Buffer.alloc(200, 7)), ...elements);
const peer = (content: Buffer) => Buffer.concat([Buffer.of(0xa3, content.length), content]);

suite('an encoded session', () => {
  for (const { name, bytes, want } of [
    { name: 'with a certificate', bytes: session(peer(certificate)), want: certificate },
    { name: 'with more behind it', bytes: session(peer(certificate), Buffer.of(0xa4, 0)), want: certificate },
    { name: 'without one', bytes: session(Buffer.of(0xa4, 0)), want: undefined },
    {
      name: 'with two certificates in one place',
      bytes: session(peer(Buffer.concat([certificate, certificate]))),
      want: undefined,
    },
    { name: 'with something else in its place', bytes: session(peer(der.integer(1))), want: undefined },
    { name: 'that is no SEQUENCE', bytes: der.integer(1), want: undefined },
    { name: 'that is not all', bytes: Buffer.concat([session(peer(certificate)), Buffer.of(0)]), want: undefined },
    { name: 'of nothing', bytes: Buffer.alloc(0), want: undefined },
  ]) {
    test(`${name}: ${want === undefined ? 'none is found, and it is overwritten' : 'that is found'}`, () => {
      const given = Buffer.from(bytes);
      assert.deepEqual(leafOfSession({ getSession: () => given }), want);
      if (want === undefined) assert.deepEqual(given, Buffer.alloc(given.length));
    });
  }

  test('that is cut short anywhere, or has another octet anywhere, gives a certificate whole or none', () => {
    const whole = session(peer(certificate), Buffer.of(0xa4, 0));
    for (let at = 0; at < whole.length; at++) {
      assert.equal(leafOfSession({ getSession: () => Buffer.from(whole.subarray(0, at)) }), undefined);
      for (const octet of [0, 0x7f, 0x80, 0x84, 0xa3, 0xff]) {
        const other = Buffer.from(whole);
        other[at] = octet;
        const found = leafOfSession({ getSession: () => other });
        assert.ok(found === undefined || (found[0] === 0x30 && found.length === 2 + (found[1] ?? 0)));
      }
    }
  });
});

/** Calls `look` with the server's socket of a connection of this version. */
async function accepted(
  version: SecureVersion,
  client: { readonly cert?: string; readonly key?: string },
  look: (socket: TLSSocket) => void,
): Promise<void> {
  const server = createServer({
    ...{ cert: pki.server.chainPem, key: pki.server.keyPem, ca: pki.caPem },
    ...{ requestCert: true, rejectUnauthorized: false },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({
    port,
    host: '127.0.0.1',
    minVersion: version,
    maxVersion: version,
    rejectUnauthorized: false,
    ...client,
  });
  socket.on('error', () => undefined);
  try {
    const [peerSocket]: TLSSocket[] = await once(server, 'secureConnection');
    assert.ok(peerSocket !== undefined);
    peerSocket.on('error', () => undefined);
    try {
      look(peerSocket);
    } finally {
      peerSocket.destroy();
    }
  } finally {
    socket.destroy();
    server.close();
  }
}
