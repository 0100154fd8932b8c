import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { command } from '../support/command.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { getRequest, tlsClient } from '../support/tls-client.ts';

/** `openssl s_client` against the sidecar; `input` is typed once the handshake is over. */
suite('a handshake', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ responder: false, auth: '    {verifyClientRevocation: None}' });
  });
  after(() => shop?.close());

  const request = getRequest('/', 'Connection: close\r\n').replaceAll('\r\n', '\n');
  const sClient = (args: readonly string[], input = request) =>
    command(
      'openssl',
      [
        ...['s_client', '-connect', `127.0.0.1:${shop.sidecar.port}`, '-servername', 'localhost', '-crlf', '-ign_eof'],
        ...['-cert', shop.client.crt, '-key', shop.client.key, '-cert_chain', shop.ca.crt, ...args],
      ],
      { input },
    );

  /** Ends with its input; an R at the beginning of a line asks for a renegotiation. */
  const interactive = (args: readonly string[], input: string) =>
    command(
      'openssl',
      [
        ...['s_client', '-connect', `127.0.0.1:${shop.sidecar.port}`, '-servername', 'localhost'],
        ...['-cert', shop.client.crt, '-key', shop.client.key, ...args],
      ],
      { input },
    );

  for (const version of ['-tls1_2', '-tls1_3']) {
    test(`is never resumed from a saved session, ${version}`, async () => {
      const session = join(shop.directory, `session${version}`);
      const first = await sClient([version, '-sess_out', session]);
      assert.match(first.stdout, /HTTP\/1\.1 200 OK/);
      assert.match(first.stdout, /^New, TLSv1\.[23], Cipher is/m);
      const second = await sClient([version, '-sess_in', session]);
      // Where the first handshake left nothing to save there is nothing to begin from.
      if (!/Can't open session file|No such file/.test(second.stderr)) {
        assert.doesNotMatch(second.stdout, /^Reused, /m);
        assert.match(second.stdout, /^New, TLSv1\.[23], Cipher is/m);
        assert.match(second.stdout, /HTTP\/1\.1 200 OK/);
      }
    });
  }

  test('is made anew on each of the five connections of -reconnect', async () => {
    const { stdout } = await interactive(['-tls1_2', '-reconnect'], '');
    assert.equal(stdout.match(/^New, TLSv1\.2/gm)?.length, 6);
    assert.doesNotMatch(stdout, /^Reused, /m);
    assert.doesNotMatch(stdout, /session ticket/i);
  });

  test('is not renegotiated by the client', async () => {
    const { stdout, stderr } = await interactive(['-tls1_2'], 'R\n');
    assert.match(stdout + stderr, /^RENEGOTIATING$/m);
    assert.match(stderr, /no renegotiation/);
  });

  for (const version of ['-tls1_1', '-tls1']) {
    test(`of ${version} fails with protocol version`, async () => {
      const { code, stderr } = await sClient([version, '-cipher', 'ALL@SECLEVEL=0']);
      assert.notEqual(code, 0);
      assert.match(stderr, /alert protocol version/);
    });
  }

  test('with a cipher suite that the SSL policy does not have fails', async () => {
    const { code, stderr } = await sClient(['-tls1_2', '-cipher', 'AES128-SHA:@SECLEVEL=0']);
    assert.notEqual(code, 0);
    assert.match(stderr, /alert handshake failure/);
  });

  test('names the trusted CAs', async () => {
    const { stdout } = await sClient([]);
    assert.match(
      stdout,
      /^Acceptable client certificate CA names\nO = Lychgate, CN = ca-root\nO = Lychgate, CN = ca\n/m,
    );
  });

  test('that is 64 KiB of plain HTTP is ended, and the next client is served', async () => {
    const socket = createConnection({ host: '127.0.0.1', port: shop.sidecar.port });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.write(Buffer.alloc(65_536, 'GET / HTTP/1.1\r\n'));
    await closed;
    const { socket: next } = await tlsClient(shop.sidecar.port, shop.client);
    next.destroy();
  });

  test('that failed is counted', async () => {
    assert.ok((await shop.sidecar.metric('lychgate_proxy_tls_handshakes_total{result="failed",version=""}')) >= 4);
  });
});
