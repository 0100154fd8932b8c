import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRewrite } from './compile.ts';
import type { CertificateFacts } from './rewrite.ts';
import {
  accepted,
  certificate,
  connection,
  edits,
  type Given,
  header,
  request,
  rule,
  run,
  set,
  when,
  withSubject,
} from './testdata/facts.ts';

const leaf = certificate({
  pem: 'PEM\n',
  der: Buffer.from('der'),
  sha256: 'ab',
  subject: { der: Buffer.alloc(0), text: 'CN=a' },
});
const issuer = certificate({ pem: 'CA\n' });
for (const { format, want, unverifiedWant } of [
  { format: 'UrlEncodedPem', want: 'PEM%0A', unverifiedWant: 'PEM%0A' },
  { format: 'Base64Der', want: 'ZGVy', unverifiedWant: 'ZGVy' },
  { format: 'Rfc9440', want: ':ZGVy:', unverifiedWant: ':ZGVy:' },
  {
    format: 'Xfcc',
    want: 'Hash=ab;Cert="PEM%0A";Chain="PEM%0A";Subject="CN=a";URI=',
    unverifiedWant: 'Hash=ab;Cert="PEM%0A";Subject="CN=a";URI=',
  },
] as const) {
  test(`the certificate is forwarded as ${format} when accepted, unverified only where that is allowed`, () => {
    const values = (unverified: 'Allow' | 'Deny', facts: CertificateFacts) =>
      compileRewrite([], { header: 'X-Client-Cert', format, unverified }).bind(connection(facts)).constant;
    const with_ = (value: string) => edits({ remove: ['x-client-cert'], set: ['X-Client-Cert', value] });
    const without = edits({ remove: ['x-client-cert'], set: [] });
    assert.deepEqual(values('Deny', accepted(leaf, issuer)), with_(want));
    assert.deepEqual(values('Allow', { kind: 'unverified', certificate: leaf }), with_(unverifiedWant));
    assert.deepEqual(values('Deny', { kind: 'unverified', certificate: leaf }), without);
    assert.deepEqual(values('Allow', { kind: 'none' }), without);
    assert.deepEqual(values('Allow', { kind: 'failed', reason: 'Expired' }), without);
  });
}

test('what depends on the connection only is made once', () => {
  const rules = [
    rule({
      sequence: 1,
      conditions: [when('var_client_certificate_subject', 'CN=(\\w+)')],
      requestHeaders: [header('X-CN', '{var_client_certificate_subject_1}@{var_client_ip}')],
    }),
    rule({ sequence: 2, conditions: [when('var_client_certificate_verification', 'NONE')], url: { path: '/login' } }),
    rule({ sequence: 3, conditions: [when('var_http_method', 'GET')], responseHeaders: [header('X-R', '1')] }),
  ];
  const rewrite = compileRewrite([set(...rules)], undefined);
  const bound = rewrite.bind(connection(accepted(withSubject('CN=zoe,O=x'))));
  assert.deepEqual(bound.constant, edits({ remove: ['x-cn'], set: ['X-CN', 'zoe@203.0.113.7'] }));
  assert.equal(bound.hasResponse, true);
  assert.equal(bound.request(request()).edits, bound.constant);
  // The second rule looks at paths, on connections without a certificate only.
  const anonymous = rewrite.bind(connection());
  assert.equal(anonymous.constant, undefined);
  assert.deepEqual(anonymous.request(request()).edits, edits({ path: '/login' }));
});

test('nothing is constant where a value or a condition looks at the request', () => {
  for (const over of [
    { requestHeaders: [header('X-A', '{var_http_method}')] },
    { conditions: [when('var_http_method', 'GET')], requestHeaders: [header('X-A', '1')] },
    { url: { path: '/a' } },
  ]) {
    assert.equal(compileRewrite([set(rule(over))], undefined).bind(connection()).constant, undefined);
  }
});

test('without rules nothing is done', () => {
  const bound = compileRewrite([], undefined).bind(connection());
  assert.deepEqual(bound.constant, edits({}));
  assert.equal(bound.hasResponse, false);
});

const long = 'x'.repeat(32_768);
const overflows: readonly (Given & { readonly name: string; readonly message: RegExp })[] = [
  {
    name: 'a line end in a request value',
    rules: [{ requestHeaders: [header('X-A', '{http_req_X-B}')] }],
    request: { fields: ['X-B', 'a\r\nX-C: d'] },
    message: /^rewrite set set, rule rule: the rules make a X-A with the character U\+000D, which no header may have$/,
  },
  {
    name: 'a NUL in a response value',
    rules: [{ responseHeaders: [header('X-A', '{http_resp_X-B}')] }],
    response: { status: 200, fields: ['X-B', 'a\0'] },
    message: /U\+0000/,
  },
  {
    name: 'a character outside Latin-1 of a certificate',
    rules: [{ requestHeaders: [header('X-A', '{var_client_certificate_subject}')] }],
    certificate: accepted(withSubject('CN=\u2603')),
    message: /U\+2603/,
  },
  {
    name: 'a user name with a control character',
    rules: [{ requestHeaders: [header('X-User', '{var_client_user}')] }],
    request: { fields: ['Authorization', `Basic ${Buffer.from('a\nb:').toString('base64')}`] },
    message: /U\+000A/,
  },
  {
    name: 'a value of more than 32768 characters',
    rules: [{ requestHeaders: [header('X-A', '1{http_req_X-B}')] }],
    request: { fields: ['X-B', long] },
    message: /^rewrite set set, rule rule: the rules make a X-A of 32769 characters, limit 32768$/,
  },
  {
    name: 'headers of more than 61440 characters together',
    rules: [{ requestHeaders: [header('X-A', '{http_req_X-B}'), header('X-C', '{http_req_X-B}')] }],
    request: { fields: ['X-B', long] },
    message: /^the rules make headers of 65550 characters together, limit 61440$/,
  },
  {
    name: 'headers of more than 61440 characters together, of which the connection knows one',
    rules: [{ requestHeaders: [header('X-A', 'a'.repeat(30_000)), header('X-C', '{http_req_X-B}')] }],
    request: { fields: ['X-B', long] },
    message: /^the rules make headers of 62782 characters together, limit 61440$/,
  },
  {
    name: 'a condition on more than 32768 characters',
    rules: [{ conditions: [when('http_req_X-B', 'y')], requestHeaders: [header('X-A', '1')] }],
    request: { fields: ['X-B', `${long}x`] },
    message: /^rewrite set set, rule rule: a condition's value has 32769 characters, limit 32768 for its pattern$/,
  },
  {
    name: 'a space in a path',
    rules: [{ url: { path: '/{http_req_X-B}' } }],
    request: { fields: ['X-B', 'a b'] },
    message: /^rewrite set set, rule rule: the rules make a path with U\+0020, which no path may have$/,
  },
  {
    name: 'a question mark in a path',
    rules: [{ url: { path: '/{http_req_X-B}' } }],
    request: { fields: ['X-B', 'a?b'] },
    message: /path with U\+003F/,
  },
  {
    name: 'a fragment in a query',
    rules: [{ url: { queryString: '{http_req_X-B}' } }],
    request: { fields: ['X-B', 'a#b'] },
    message: /^rewrite set set, rule rule: the rules make a query with U\+0023, which no query may have$/,
  },
  {
    name: 'a URL of more than 32768 characters',
    rules: [{ url: { queryString: '{http_req_X-B}' } }],
    request: { fields: ['X-B', long] },
    message: /^the rules make a URL of 32781 characters, limit 32768$/,
  },
  {
    name: 'a Host that comes out empty',
    rules: [{ requestHeaders: [header('Host', '{http_req_X-B}')] }],
    message: /^rewrite set set, rule rule: the rules make a Host that is not a host name with an optional port$/,
  },
  {
    name: 'a Host with a path',
    rules: [{ requestHeaders: [header('Host', '{http_req_X-B}')] }],
    request: { fields: ['X-B', 'a/b'] },
    message: /not a host name/,
  },
];
for (const { name, message, ...given } of overflows) {
  test(`${name} refuses the message, nothing is cut`, () => {
    assert.throws(() => run(given), { code: 'REWRITE_OVERFLOW', message });
  });
}

test('a value that never fits fails when a request runs its rule, not before', () => {
  const never = rule({
    conditions: [when('var_http_method', 'POST')],
    requestHeaders: [header('X-A', '{var_client_certificate_subject}')],
  });
  const bound = compileRewrite([set(never)], undefined).bind(connection(accepted(withSubject('CN=\n'))));
  assert.deepEqual(bound.request(request()).edits, edits({}));
  assert.throws(() => bound.request(request({ method: 'POST' })), { code: 'REWRITE_OVERFLOW' });
});

test('a value that never fits fails at once where every request would run its rule', () => {
  const always = compileRewrite(
    [set(rule({ requestHeaders: [header('X-A', '{var_client_certificate_subject}')] }))],
    undefined,
  );
  assert.throws(() => always.bind(connection(accepted(withSubject('CN=\n')))), { code: 'REWRITE_OVERFLOW' });
});

test('the names that may be edited are those of rules that may run on the connection', () => {
  const rules = [
    rule({
      sequence: 1,
      conditions: [when('var_http_method', 'GET')],
      requestHeaders: [header('X-Get', '1'), header('Server', '')],
    }),
    rule({ sequence: 2, conditions: [when('var_client_ip', '^10')], requestHeaders: [header('X-Inner', '1')] }),
    rule({ sequence: 3, responseHeaders: [header('X-Response', '1')] }),
  ];
  const forwarded = { header: 'X-Client-Cert', format: 'Xfcc', unverified: 'Deny' } as const;
  const bound = compileRewrite([set(...rules)], forwarded).bind(connection());
  assert.deepEqual([...bound.editedNames], ['x-client-cert', 'x-get', 'server']);
});

for (const [value, want] of [
  ['{http_req_X-A}', true],
  ['{var_cookie_a}', true],
  ['{var_client_user}', true],
  ['{var_add_x_forwarded_for_proxy}', true],
  ['{http_req_Host}', false],
  ['{var_uri_path}', false],
  ['{var_client_ip}', false],
] as const) {
  test(`${value} ${want ? 'reads' : 'does not read'} request fields`, () => {
    const bound = compileRewrite([set(rule({ requestHeaders: [header('X-Out', value)] }))], undefined).bind(
      connection(),
    );
    assert.equal(bound.readsFields, want);
  });
}
