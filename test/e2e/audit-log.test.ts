import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import type { LogLine } from '../support/sidecar.ts';

suite('the audit log', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop({ args: ['--audit', 'all'] });
  });
  after(() => shop?.close());

  const lineOf = (path: string): Promise<LogLine> =>
    shop.sidecar.logged((line) => line['path'] === path, `request of ${path}`);

  test('has who was refused, why, and under which policy', async () => {
    const revoked = await shop.ca.issue('revoked', { ocspUrl: shop.ocspUrl });
    shop.ca.revoke(revoked);
    await shop.responder.refresh();
    await curl(shop.sidecar.port, { client: revoked, path: '/refused?q=1' });
    const { time, clientPort, requestId, seconds, ...line } = await lineOf('/refused');
    const spki = new X509Certificate(revoked.pem).publicKey.export({ type: 'spki', format: 'der' });
    const { version } = JSON.parse((await shop.sidecar.admin('/config')).body) as { version: string };
    assert.deepEqual(line, {
      level: 'info',
      msg: 'request refused',
      profile: 'shop/partners',
      policy: version,
      clientIp: '127.0.0.1',
      serverName: 'localhost',
      method: 'GET',
      path: '/refused',
      protocol: 'HTTP/1.1',
      status: 400,
      sentBytes: 0,
      end: 'finished',
      verdict: 'refuse',
      reason: 'Revoked',
      detail: 'since 2025-11-20T10:00:00Z, keyCompromise',
      subject: 'CN=revoked,O=Lychgate',
      issuer: 'CN=ca,O=Lychgate',
      serial: revoked.serial.toLowerCase(),
      spkiSha256: createHash('sha256').update(spki).digest('hex'),
      responder: new URL(shop.ocspUrl).host,
    });
    for (const value of [time, requestId]) assert.equal(typeof value, 'string');
    for (const value of [clientPort, seconds]) assert.equal(typeof value, 'number');
  });

  test('has who was let through', async () => {
    await curl(shop.sidecar.port, { client: shop.client, path: '/accepted', http: '2' });
    const line = await lineOf('/accepted');
    assert.deepEqual(
      [
        line.msg,
        line['verdict'],
        line['status'],
        line['subject'],
        line['protocol'],
        line['sentBytes'],
        line['responder'],
      ],
      ['request', 'accept', 200, 'CN=client,O=Lychgate', 'HTTP/2.0', 6, new URL(shop.ocspUrl).host],
    );
  });

  test('cannot be forged by a name with quotes, line ends and an overridden direction of writing', async () => {
    const forged = '{"msg":"request","path":"forged"}';
    const nasty = await shop.ca.issue('nasty', {
      ocspUrl: shop.ocspUrl,
      subject: `/O=Lychgate/CN=x"}\r\n${forged}\n\u202e\u009b2J`,
      listed: false,
    });
    const before = shop.sidecar.log().length;
    await curl(shop.sidecar.port, { client: nasty, path: '/nasty' });
    const line = await lineOf('/nasty');
    assert.equal(line['reason'], 'RevocationUnknown');
    assert.match(String(line['subject']), /forged/);
    const lines = shop.sidecar.log().slice(before);
    // Every line was parsed as JSON, and none of them is the forged one.
    assert.deepEqual(
      lines.map((entry) => entry['path']),
      ['/nasty'],
    );
    shop.sidecar.kill('SIGTERM');
    const { stdout } = await shop.sidecar.ended;
    assert.doesNotMatch(stdout, /[\u202e\u009b\r]/);
    assert.equal(
      stdout.split('\n').some((text) => text.startsWith(forged)),
      false,
    );
  });
});
