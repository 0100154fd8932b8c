import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { certId, ocspRequest, requestForm, targetOf } from '../ocsp/request.ts';
import { parseOcspResponse } from '../ocsp/response.ts';
import { type DemoPki, makeDemoPki, responderPaths } from './pki.ts';
import { answersOf, type Responder, startResponder } from './responder.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);

suite("the demo's responder", () => {
  let responder: Responder;
  let pki: DemoPki;
  let origin: string;

  before(async () => {
    responder = await startResponder(0);
    origin = `http://127.0.0.1:${responder.port}`;
    pki = makeDemoPki({ nowMs, responderUrl: origin });
  });
  after(() => responder.close());

  function certificateOf(name: string) {
    const certificate = pki.clients.find((client) => client.name === name)?.identity?.certificate;
    assert.ok(certificate !== undefined, `no certificate ${name}`);
    return certificate;
  }

  async function ask(name: string, path: string, method: 'GET' | 'POST', hash: 'sha1' | 'sha256' = 'sha256') {
    const request = ocspRequest(targetOf(certificateOf(name)), pki.issuing.certificate, { hash });
    const form = requestForm(origin + path, path, request, method === 'POST');
    assert.equal(form.method, method);
    const response = await fetch(
      origin + form.path,
      form.method === 'POST' ? { method, body: Uint8Array.from(form.body) } : {},
    );
    assert.equal(response.headers.get('content-type'), 'application/ocsp-response');
    return parseOcspResponse(Buffer.from(await response.arrayBuffer()));
  }

  test('says tryLater until it has answers', async () => {
    const early = await startResponder(0);
    try {
      const response = await fetch(`http://127.0.0.1:${early.port}/`, { method: 'POST', body: 'anything' });
      assert.equal(parseOcspResponse(Buffer.from(await response.arrayBuffer())).status, 'tryLater');
    } finally {
      await early.close();
    }
  });

  const cases: readonly { readonly name: string; readonly client: string; readonly want: object }[] = [
    { name: 'a good client is good', client: 'client', want: { kind: 'good' } },
    {
      name: 'the revoked one is revoked since the day before, with the reason',
      client: 'revoked',
      want: { kind: 'revoked', atMs: nowMs - 86_400_000, reason: 'keyCompromise' },
    },
    { name: 'the one left out is unknown', client: 'unknown', want: { kind: 'unknown' } },
    { name: "a stranger's is unknown", client: 'stranger', want: { kind: 'unknown' } },
    { name: "a same-name CA's is unknown", client: 'twin', want: { kind: 'unknown' } },
  ];
  for (const { name, client, want } of cases) {
    for (const method of ['GET', 'POST'] as const) {
      test(`${name}, by ${method}`, async () => {
        responder.serve(answersOf(pki, { wallMs: () => nowMs, everythingIsGood: false }));
        const { basic } = await ask(client, '/', method, method === 'GET' ? 'sha1' : 'sha256');
        assert.deepEqual(
          basic?.responses.map(({ status, thisUpdateMs, nextUpdateMs }) => ({ status, thisUpdateMs, nextUpdateMs })),
          [{ status: want, thisUpdateMs: nowMs, nextUpdateMs: nowMs + 3_600_000 }],
        );
      });
    }
  }

  test('its control calls everything good', async () => {
    responder.serve(answersOf(pki, { wallMs: () => nowMs, everythingIsGood: true }));
    const { basic } = await ask('revoked', '/', 'POST');
    assert.deepEqual(
      basic?.responses.map(({ status }) => status),
      [{ kind: 'good' }],
    );
  });

  test('who signs depends on the path', async () => {
    responder.serve(answersOf(pki, { wallMs: () => nowMs, everythingIsGood: false }));
    const sent = async (path: string) => (await ask('client', path, 'POST')).basic?.certificates;
    assert.deepEqual(await sent(responderPaths.ca), []);
    assert.deepEqual(await sent(responderPaths.delegate), [pki.delegate.certificate.der]);
    assert.deepEqual(await sent(responderPaths.impostor), [pki.impostor.certificate.der]);
  });

  test('what is no request is malformedRequest', async () => {
    responder.serve(answersOf(pki, { wallMs: () => nowMs, everythingIsGood: false }));
    for (const [path, body] of [
      ['/', 'nonsense'],
      ['/', 'x'.repeat(20_000)],
      ['/%zz', undefined],
      ['/AAAA', undefined],
    ] as const) {
      const response = await fetch(origin + path, body === undefined ? {} : { method: 'POST', body });
      assert.equal(parseOcspResponse(Buffer.from(await response.arrayBuffer())).status, 'malformedRequest');
    }
  });

  test('the certificate it is asked about is the one it answers about', async () => {
    responder.serve(answersOf(pki, { wallMs: () => nowMs, everythingIsGood: false }));
    const { basic } = await ask('client', '/', 'POST', 'sha1');
    const asked = certId(targetOf(certificateOf('client')), pki.issuing.certificate, 'sha1');
    assert.ok(basic?.tbs.includes(asked));
  });
});
