import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makePki } from '../../test/support/pki.ts';
import type { CertificateFacts, ConnectionFacts, RequestView, ResponseView } from './rewrite.ts';
import { accepted, connection, request } from './testdata/facts.ts';
import { resolveVariable, serverVariableNames } from './variables.ts';

const pki = makePki({ nowMs: Date.parse('2026-05-03T15:32:00Z') });
const leaf = pki.client('good').certificate;
const path = accepted(leaf, pki.intermediate.certificate, pki.root.certificate);
// Another reader of the same certificate.
const node = new X509Certificate(leaf.der);
const base64 = node.raw.toString('base64');
const spkiSha256 = createHash('sha256')
  .update(node.publicKey.export({ type: 'spki', format: 'der' }))
  .digest('hex');
const intermediateBase64 = new X509Certificate(pki.intermediate.certificate.der).raw.toString('base64');

function read(
  name: string,
  facts: ConnectionFacts = connection(),
  view: RequestView = request(),
  response: ResponseView = { status: 404, fields: [] },
): string {
  const variable = resolveVariable(name);
  if ('fault' in variable) assert.fail(`${name} ${variable.fault}`);
  if (variable.depends === 'connection') return variable.read(facts);
  return variable.depends === 'request' ? variable.read(facts, view) : variable.read(response);
}

const one: readonly (readonly [string, string])[] = [
  ['', encodeURIComponent(node.toString())],
  ['_der_base64', base64],
  ['_end_date', node.validTo],
  ['_fingerprint', node.fingerprint.replaceAll(':', '').toLowerCase()],
  ['_issuer', 'CN=Test Intermediate,O=Lychgate'],
  ['_rfc9440', `:${base64}:`],
  [
    '_san_dns',
    (node.subjectAltName ?? '')
      .split(', ')
      .flatMap((n) => (n.startsWith('DNS:') ? [n.slice(4)] : []))
      .join(','),
  ],
  [
    '_san_email',
    (node.subjectAltName ?? '')
      .split(', ')
      .flatMap((n) => (n.startsWith('email:') ? [n.slice(6)] : []))
      .join(','),
  ],
  [
    '_san_uri',
    (node.subjectAltName ?? '')
      .split(', ')
      .flatMap((n) => (n.startsWith('URI:') ? [n.slice(4)] : []))
      .join(','),
  ],
  ['_serial', node.serialNumber],
  ['_sha256_fingerprint', node.fingerprint256.replaceAll(':', '').toLowerCase()],
  ['_spki_sha256', spkiSha256],
  ['_start_date', node.validFrom],
  ['_subject', 'CN=good client,O=Lychgate'],
];

for (const [suffix, want] of one) {
  test(`client_certificate${suffix} of an accepted certificate is what another reader reads`, () => {
    assert.equal(read(`var_client_certificate${suffix}`, connection(path)), want);
    assert.equal(read(`var_client_certificate_unverified${suffix}`, connection(path)), '');
  });
  test(`client_certificate_unverified${suffix} is the same of an unverified one`, () => {
    const unverified = connection({ kind: 'unverified', certificate: leaf });
    assert.equal(read(`var_client_certificate_unverified${suffix}`, unverified), want);
    assert.equal(read(`var_client_certificate${suffix}`, unverified), '');
  });
}

test('the chain variables say the verified path without its trust anchor', () => {
  const pems = encodeURIComponent(node.toString() + new X509Certificate(pki.intermediate.certificate.der).toString());
  assert.equal(read('var_client_certificate_chain', connection(path)), pems);
  assert.equal(read('var_client_certificate_rfc9440_chain', connection(path)), `:${intermediateBase64}:`);
  assert.match(
    read('var_client_certificate_xfcc', connection(path)),
    /^Hash=[0-9a-f]{64};Cert="[^"]+";Chain="[^"]+";Subject="CN=good client,O=Lychgate";URI=/,
  );
});

const verdicts: readonly {
  readonly name: string;
  readonly facts: CertificateFacts;
  readonly want: readonly [string, string];
}[] = [
  { name: 'an accepted certificate', facts: path, want: ['SUCCESS', 'good'] },
  {
    name: 'an allowed unavailability',
    facts: { kind: 'accepted', path: [leaf], revocation: 'unavailable' },
    want: ['SUCCESS', 'unavailable'],
  },
  {
    name: 'a refused one that is forwarded',
    facts: { kind: 'failed', reason: 'Revoked' },
    want: ['FAILED:Revoked', ''],
  },
  { name: 'none', facts: { kind: 'none' }, want: ['NONE', ''] },
  { name: 'an unverified one', facts: { kind: 'unverified', certificate: leaf }, want: ['NONE', ''] },
];
for (const { name, facts, want } of verdicts) {
  test(`verification and revocation of ${name} are ${want.join(' and ') || 'empty'}`, () => {
    const got = ['var_client_certificate_verification', 'var_client_certificate_revocation'].map((v) =>
      read(v, connection(facts)),
    );
    assert.deepEqual(got, want);
  });
}

test('every certificate variable is empty without a certificate, but for the verification', () => {
  const names = serverVariableNames().filter((name) => name.startsWith('var_client_certificate'));
  const filled = (facts: CertificateFacts) => names.filter((name) => read(name, connection(facts)) !== '');
  assert.ok(names.length > 35);
  assert.deepEqual(filled({ kind: 'none' }), ['var_client_certificate_verification']);
  assert.deepEqual(filled({ kind: 'failed', reason: 'Expired' }), ['var_client_certificate_verification']);
  const unverified = filled({ kind: 'unverified', certificate: leaf });
  assert.deepEqual(
    unverified.filter((name) => !name.startsWith('var_client_certificate_unverified')),
    ['var_client_certificate_verification'],
  );
});

const basic = (text: string) => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
const values: readonly { readonly name: string; readonly view?: Partial<RequestView>; readonly want: string }[] = [
  { name: 'var_add_x_forwarded_for_proxy', want: '203.0.113.7' },
  {
    name: 'var_add_x_forwarded_for_proxy',
    view: { fields: ['x-forwarded-for', '10.0.0.1'] },
    want: '10.0.0.1, 203.0.113.7',
  },
  { name: 'var_ciphers_used', want: 'TLS_AES_256_GCM_SHA384' },
  { name: 'var_client_ip', want: '203.0.113.7' },
  { name: 'var_client_port', want: '50123' },
  { name: 'var_client_user', want: '' },
  { name: 'var_client_user', view: { fields: ['Authorization', basic('zoe:a:b')] }, want: 'zoe' },
  { name: 'var_client_user', view: { fields: ['Authorization', basic('no colon')] }, want: '' },
  { name: 'var_client_user', view: { fields: ['Authorization', 'Bearer YTpi'] }, want: '' },
  { name: 'var_host', want: 'contoso.com' },
  { name: 'var_host', view: { authority: 'Contoso.COM' }, want: 'contoso.com' },
  { name: 'var_host', view: { authority: '[2001:DB8::1]:8443' }, want: '[2001:db8::1]' },
  { name: 'var_host', view: { authority: '[::1]' }, want: '[::1]' },
  { name: 'var_cookie_session', view: { fields: ['Cookie', 'a=1; session="x=y"; session=2'] }, want: '"x=y"' },
  { name: 'var_cookie_Session', view: { fields: ['Cookie', 'session=1'] }, want: '' },
  { name: 'var_cookie_b', view: { fields: ['cookie', 'a=1', 'cookie', 'b=2'] }, want: '2' },
  { name: 'var_http_method', want: 'GET' },
  { name: 'var_http_status', want: '404' },
  { name: 'var_http_version', view: { httpVersion: 'HTTP/2.0' }, want: 'HTTP/2.0' },
  { name: 'var_query_string', want: 'id=123&title=fabrikam' },
  { name: 'var_query_string', view: { query: undefined }, want: '' },
  { name: 'var_request_query', want: 'id=123&title=fabrikam' },
  { name: 'var_request_scheme', want: 'https' },
  { name: 'var_request_uri', want: '/article.aspx?id=123&title=fabrikam' },
  { name: 'var_request_uri', view: { query: '' }, want: '/article.aspx?' },
  { name: 'var_request_uri', view: { query: undefined }, want: '/article.aspx' },
  { name: 'var_server_port', want: '8443' },
  { name: 'var_ssl_connection_protocol', want: 'TLSv1.3' },
  { name: 'var_ssl_enabled', want: 'On' },
  { name: 'var_ssl_server_name', want: 'shop.example' },
  { name: 'var_uri_path', want: '/article.aspx' },
  { name: 'http_req_User-Agent', view: { fields: ['user-agent', 'curl'] }, want: 'curl' },
  { name: 'http_req_X-A', view: { fields: ['X-A', '1', 'x-b', '2', 'x-a', '3'] }, want: '1, 3' },
  { name: 'http_req_Cookie', view: { fields: ['cookie', 'a=1', 'Cookie', 'b=2'] }, want: 'a=1; b=2' },
  { name: 'http_req_Host', view: { fields: ['Host', 'ignored'] }, want: 'contoso.com:8080' },
  { name: 'http_req_X-None', want: '' },
];
for (const { name, view = {}, want } of values) {
  test(`${name} of ${JSON.stringify(view)} is ${want || 'empty'}`, () => {
    assert.equal(read(name, connection(), request(view)), want);
  });
}

test('response headers are read without case and joined', () => {
  const response = { status: 200, fields: ['VIA', 'a', 'via', 'b'] };
  assert.equal(read('http_resp_Via', connection(), request(), response), 'a, b');
});

const faults: readonly (readonly [string, string])[] = [
  ['var_uri_pth', 'is not a variable; did you mean var_uri_path?'],
  ['var_client_certificat', 'is not a variable; did you mean var_client_certificate?'],
  ['var_zzzzzzzzzzzz', 'is not a variable'],
  ['uri_path', 'is not a variable: write var_uri_path'],
  ['client_certificate', 'is not a variable: write var_client_certificate'],
  ['url_path', 'is not a variable: names begin with var_, http_req_ or http_resp_; did you mean var_uri_path?'],
  ['http_res_Location', 'is not a variable: write http_resp_Location'],
  ['http_req_X_A', 'names a header by other characters than letters, digits and hyphens'],
  ['http_req_', 'names a header by other characters than letters, digits and hyphens'],
  ['var_cookie_', 'does not name a cookie (RFC 6265 4.1.1)'],
  ['var_cookie_a b', 'does not name a cookie (RFC 6265 4.1.1)'],
  ['var_client_tcp_rtt', 'is not available in a sidecar: the kernel does not tell it to an unprivileged process'],
  [
    'var_ciphers_supported',
    "is not available in a sidecar: the TLS library does not tell the client's list; use var_ciphers_used",
  ],
  [
    'var_received_bytes',
    'is not available in a sidecar: the length of a request is not known before its body has ended',
  ],
  ['var_sent_bytes', 'is not available in a sidecar: the length of a response is not known before its body has ended'],
];
for (const [name, fault] of faults) {
  test(`the name ${name} is refused with what to do`, () => assert.deepEqual(resolveVariable(name), { fault }));
}

test('a name of any length is refused quickly', () => {
  assert.deepEqual(resolveVariable(`var_${'a'.repeat(100_000)}`), { fault: 'is not a variable' });
});
