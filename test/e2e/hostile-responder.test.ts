import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { succeed } from '../support/command.ts';
import { curl } from '../support/curl.ts';
import { freePort } from '../support/free-port.ts';
import type { OpensslIdentity, OpensslResponder } from '../support/openssl.ts';
import { startOpensslResponder } from '../support/openssl.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { until } from '../support/until.ts';

suite('a responder that', () => {
  let shop: Shop;
  let hostile: Server;
  let badSignatures: OpensslResponder;
  let asked: string[];
  /** What openssl's responder says of the good certificate. */
  let goodAnswer: Buffer;
  const clients = new Map<string, OpensslIdentity>();

  const behaviours: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
    hangs: () => undefined,
    redirects: (_request, response) => {
      response.writeHead(302, { location: shop.ocspUrl }).end();
    },
    'answers for another certificate': (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(goodAnswer);
    },
    'drips without end': (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/ocsp-response' });
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(timer));
    },
    'sends a megabyte': (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(Buffer.alloc(1_000_000));
    },
    'answers 500': (_request, response) => {
      response.writeHead(500).end();
    },
  };

  before(async () => {
    asked = [];
    hostile = createServer((request, response) => {
      const name = decodeURIComponent((request.url ?? '').split('/')[1] ?? '');
      asked.push(name);
      behaviours[name]?.(request, response);
    });
    hostile.listen(0, '127.0.0.1');
    await once(hostile, 'listening');
    shop = await openShop();
    const base = `http://127.0.0.1:${(hostile.address() as AddressInfo).port}`;
    for (const [i, name] of Object.keys(behaviours).entries()) {
      clients.set(name, await shop.ca.issue(`victim-${i}`, { ocspUrl: `${base}/${encodeURIComponent(name)}` }));
    }
    const port = await freePort();
    badSignatures = await startOpensslResponder(shop.ca, port, shop.ca, ['-badsig']);
    clients.set('signs badly', await shop.ca.issue('victim-of-a-bad-signature', { ocspUrl: badSignatures.url }));
    const file = join(shop.directory, 'good.der');
    await succeed('openssl', [
      ...['ocsp', '-sha256', '-issuer', shop.ca.crt, '-cert', shop.client.crt, '-url', shop.ocspUrl],
      ...['-respout', file, '-noverify', '-no_nonce'],
    ]);
    goodAnswer = readFileSync(file);
  });
  after(async () => {
    hostile.closeAllConnections();
    hostile.close();
    await badSignatures?.stop();
    await shop?.close();
  });

  const wants = [
    { name: 'redirects', body: /RevocationUnavailable \(http-status, / },
    { name: 'answers for another certificate', body: /RevocationUnavailable \(wrong-certificate, / },
    { name: 'drips without end', body: /RevocationUnavailable \(timeout, / },
    { name: 'sends a megabyte', body: /RevocationUnavailable \(too-large, / },
    { name: 'answers 500', body: /RevocationUnavailable \(http-status, / },
    { name: 'signs badly', body: /RevocationUnavailable \(untrusted-signer, .*the signature does not verify/ },
  ] as const;
  for (const { name, body } of wants) {
    test(`${name} lets nobody through`, async () => {
      const before = shop.app.received.length;
      const answer = await curl(shop.sidecar.port, { client: clients.get(name) });
      assert.equal(answer.status, 400, answer.error);
      assert.match(answer.body, body);
      assert.equal(shop.app.received.length, before);
    });
  }

  test('hangs delays only its own certificates, and those until the deadline', async () => {
    const begun = performance.now();
    const hanging = curl(shop.sidecar.port, { client: clients.get('hangs') });
    await until(() => asked.includes('hangs') || undefined, 'the hanging responder is asked');
    assert.equal((await curl(shop.sidecar.port, { client: shop.client })).status, 200);
    const { status, body } = await hanging;
    assert.equal(status, 400);
    assert.match(body, /^client certificate refused: RevocationUnavailable \(timeout, /);
    // A guard, not a measurement: two seconds are the default.
    const seconds = (performance.now() - begun) / 1000;
    assert.ok(seconds >= 1.9 && seconds < 15, `${seconds} s`);
  });
});
