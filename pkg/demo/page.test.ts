import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { requestPage, requestText, shownCertificate } from './page.ts';
import { makeDemoPki } from './pki.ts';
import type { ReceivedRequest } from './received-request.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const pki = makeDemoPki({ nowMs, responderUrl: 'http://127.0.0.1:8090' });
const identity = pki.clients[0]?.identity;
assert.ok(identity !== undefined);
const certificateHeader = encodeURIComponent(identity.certificate.pem);

function received(...headers: [string, string][]): ReceivedRequest {
  return { method: 'GET', target: '/a?b=<c>', headers };
}

suite('the application shows', () => {
  test('the request line and the headers as they came', () => {
    const text = requestText(received(['Host', 'localhost'], ['X-Two', '1'], ['X-Two', '2']));
    assert.equal(
      text,
      'The application received:\n\nGET /a?b=<c>\nHost: localhost\nX-Two: 1\nX-Two: 2\n\n' +
        'No X-Client-Cert header: nobody has vouched for this client.\n',
    );
  });

  test('the decoded certificate', () => {
    const shown = shownCertificate(received(['x-client-cert', certificateHeader]));
    assert.equal(shown?.fault, undefined);
    assert.deepEqual(shown?.rows.slice(0, 4), [
      ['Subject', 'CN=client, O=Lychgate Demo'],
      ['Issuer', 'CN=Demo Issuing CA, O=Lychgate Demo'],
      ['Serial', identity.certificate.serialHex],
      ['Alternative names', 'URI:spiffe://demo.lychgate.dev/client'],
    ]);
    assert.match(
      requestText(received(['X-Client-Cert', certificateHeader])),
      /^ {2}Subject +CN=client, O=Lychgate Demo$/m,
    );
    assert.match(requestPage(received(['X-Client-Cert', certificateHeader])), />CN=client, O=Lychgate Demo</);
  });

  const unreadable: readonly { readonly name: string; readonly values: readonly string[]; readonly want: RegExp }[] = [
    { name: 'that a header holds no certificate', values: ['nonsense'], want: /./ },
    { name: 'that a header is not percent-encoded', values: ['%zz'], want: /URI malformed/ },
    { name: 'that there are two', values: [certificateHeader, certificateHeader], want: /^there are 2 of them$/ },
  ];
  for (const { name, values, want } of unreadable) {
    test(name, () => {
      const request = received(...values.map((value): [string, string] => ['X-Client-Cert', value]));
      assert.match(shownCertificate(request)?.fault ?? '', want);
      assert.match(requestText(request), /X-Client-Cert cannot be read: /);
      assert.match(requestPage(request), /It cannot be read: /);
    });
  }

  test('every value of the page escaped', () => {
    const page = requestPage({ method: '<i>', target: '/"&', headers: [["<b>'", '<script>alert(1)</script>']] });
    assert.match(page, /<b>&#60;i&#62;<\/b> \/&#34;&#38;<\/p>/);
    assert.match(page, /<th scope="row">&#60;b&#62;&#39;<\/th><td>&#60;script&#62;alert\(1\)&#60;\/script&#62;<\/td>/);
    assert.doesNotMatch(page, /<script/);
  });
});
