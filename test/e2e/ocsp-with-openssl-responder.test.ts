import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { type EchoApp, startEchoApp } from '../support/echo-app.ts';
import { freePort } from '../support/free-port.ts';
import { caConfigMap, sslProfile, tlsSecret, writeManifests } from '../support/manifests.ts';
import {
  type KeyAlgorithm,
  makeOpensslCa,
  type OpensslCa,
  type OpensslIdentity,
  type OpensslResponder,
  responderExtensions,
  serverExtensions,
  startOpensslResponder,
} from '../support/openssl.ts';
import { type Sidecar, startSidecar } from '../support/sidecar.ts';

/** `openssl ocsp -index` is the responder, openssl made every certificate, curl is the client. */
const worlds = [
  { algorithm: 'EC', delegated: false },
  { algorithm: 'RSA', delegated: true },
] as const satisfies readonly { algorithm: KeyAlgorithm; delegated: boolean }[];

for (const { algorithm, delegated } of worlds) {
  suite(`${algorithm} certificates, answers signed by ${delegated ? 'a delegated responder' : 'the CA'}`, () => {
    let directory: string;
    let ca: OpensslCa;
    let app: EchoApp;
    let responder: OpensslResponder;
    let sidecar: Sidecar;
    const clients = new Map<string, OpensslIdentity>();

    before(async () => {
      directory = mkdtempSync(join(tmpdir(), 'lychgate-e2e-'));
      ca = await makeOpensslCa(directory, 'ca', algorithm);
      const [appStarted, port, deadPort] = await Promise.all([startEchoApp(), freePort(), freePort()]);
      app = appStarted;
      const ocspUrl = `http://127.0.0.1:${port}/`;
      const server = await ca.issue('server', { extensions: serverExtensions });
      clients.set('good', await ca.issue('good', { ocspUrl }));
      const revoked = await ca.issue('revoked', { ocspUrl });
      ca.revoke(revoked);
      clients.set('revoked', revoked);
      clients.set('unknown', await ca.issue('unknown', { ocspUrl, listed: false }));
      clients.set('silent', await ca.issue('silent', { ocspUrl: `http://127.0.0.1:${deadPort}/` }));
      clients.set('no AIA', await ca.issue('no-aia'));
      const signer = delegated ? await ca.issue('responder', { extensions: responderExtensions }) : ca;
      responder = await startOpensslResponder(ca, port, signer);
      const folder = join(directory, 'manifests');
      writeManifests(folder, 'shop.yaml', [
        sslProfile({
          spec: `
  certificateRefs: [{name: shop-tls}]
  trustedClientCertificates: [{kind: ConfigMap, name: partner-ca}]
  clientAuthConfiguration:
    verifyClientRevocation: OCSP
    ocsp: {allowInternalAddresses: [127.0.0.1/32]}
  backend: {port: ${app.port}}`,
        }),
        tlsSecret('shop-tls', server.chain, server.key),
        caConfigMap('partner-ca', [ca.bundle]),
      ]);
      sidecar = await startSidecar(folder);
    });

    after(async () => {
      await sidecar?.stop();
      await responder?.stop();
      await app?.close();
      rmSync(directory, { recursive: true, force: true });
    });

    for (const http of ['1.1', '2'] as const) {
      test(`HTTP/${http}: a good certificate reaches the application in the header, to the byte`, async () => {
        const client = clients.get('good');
        const answer = await curl(sidecar.port, { client, http, path: `/over-${http}` });
        assert.deepEqual(answer, { status: 200, version: http, body: 'hello\n', code: 0, error: '' });
        assert.equal(app.received.at(-1)?.url, `/over-${http}`);
        assert.deepEqual(app.last('x-client-cert'), [encodeURIComponent(client?.pem ?? '')]);
      });

      const refusals = [
        { client: 'revoked', body: 'Revoked (since 2025-11-20T10:00:00Z, keyCompromise)' },
        {
          client: 'unknown',
          body: /^RevocationUnknown \(127\.0\.0\.1:\d+ does not know the certificate\)$/,
        },
        { client: 'silent', body: /^RevocationUnavailable \(connect, .*127\.0\.0\.1.*\)$/ },
        {
          client: 'no AIA',
          body: 'ResponderMissing (the certificate names no OCSP responder, and neither do the settings)',
        },
        { client: 'none', body: 'NoCertificate (none was presented)' },
      ] as const;
      for (const { client, body } of refusals) {
        test(`HTTP/${http}: ${client} is refused with 400 and the reason, and the application sees nothing`, async () => {
          const before = app.received.length;
          const answer = await curl(sidecar.port, { client: clients.get(client), http });
          assert.equal(answer.status, 400, answer.error);
          assert.equal(answer.version, http);
          const [, reason = ''] = /^client certificate refused: (.*)\n$/.exec(answer.body) ?? [];
          if (typeof body === 'string') assert.equal(reason, body);
          else assert.match(reason, body);
          assert.equal(app.received.length, before);
        });
      }
    }

    test('application/problem+json is given to who accepts it', async () => {
      const answer = await curl(sidecar.port, {
        client: clients.get('revoked'),
        args: ['-H', 'Accept: application/problem+json'],
      });
      const { requestId, ...problem } = JSON.parse(answer.body) as Record<string, unknown>;
      assert.deepEqual(problem, {
        type: 'about:blank',
        title: 'client certificate refused',
        status: 400,
        detail: 'Revoked (since 2025-11-20T10:00:00Z, keyCompromise)',
        reason: 'Revoked',
      });
      assert.equal(typeof requestId, 'string');
    });
  });
}
