import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRewrite } from './compile.ts';
import type { RequestEdits, ResponseEdits } from './rewrite.ts';
import {
  accepted,
  connection,
  edits,
  type Given,
  header,
  rule,
  run,
  set,
  setCookie,
  when,
  withSubject,
} from './testdata/facts.ts';

const path = when('var_uri_path', '/(.+)/(.+)');

const documented: readonly (Given & {
  readonly name: string;
  readonly want?: RequestEdits;
  readonly wantResponse?: ResponseEdits;
})[] = [
  {
    name: 'the redirect of the application is given the host of the gate',
    rules: [
      {
        conditions: [when('http_resp_Location', '(https?):\\/\\/.*azurewebsites\\.net(.*)$')],
        responseHeaders: [header('Location', '{http_resp_Location_1}://contoso.com{http_resp_Location_2}')],
      },
    ],
    response: { status: 302, fields: ['Location', 'https://contoso.azurewebsites.net/path2'] },
    wantResponse: { remove: ['location'], set: ['Location', 'https://contoso.com/path2'] },
  },
  {
    name: 'a path becomes parameters',
    rules: [
      {
        conditions: [path],
        url: { path: 'buy.aspx', queryString: 'category={var_uri_path_1}&product={var_uri_path_2}' },
      },
    ],
    request: { path: '/cameras/canon', query: undefined },
    want: edits({ path: '/buy.aspx', query: 'category=cameras&product=canon' }),
  },
  {
    name: 'X-Forwarded-For loses its port',
    rules: [{ requestHeaders: [header('X-Forwarded-For', '{var_add_x_forwarded_for_proxy}')] }],
    request: { fields: ['X-Forwarded-For', '192.0.2.1'] },
    want: edits({ remove: ['x-forwarded-for'], set: ['X-Forwarded-For', '192.0.2.1, 203.0.113.7'] }),
  },
  {
    name: 'the common name is cut out of the subject',
    rules: [
      {
        conditions: [when('var_client_certificate_subject', 'CN=(.*?)[,|$]')],
        requestHeaders: [header('X-CN', '{var_client_certificate_subject_1}')],
      },
    ],
    certificate: accepted(withSubject('CN=FOO_987654321087654321,OU=IoT,O=Contoso,L=Take,ST=NY,C=US')),
    want: edits({ remove: ['x-cn'], set: ['X-CN', 'FOO_987654321087654321'] }),
  },
  {
    name: 'one cookie of several is made secure',
    rules: [
      {
        conditions: [when('http_resp_set-cookie', '.*', { ignoreCase: true })],
        responseHeaders: [
          setCookie('{capt_header_value_matcher_1}; HttpOnly; Secure', '(cookie1=.*)', { ignoreCase: true }),
        ],
      },
    ],
    response: {
      status: 200,
      fields: ['set-cookie', 'cookie0=z', 'Set-Cookie', 'Cookie1=a; Path=/', 'Set-Cookie', 'cookie2=b'],
    },
    wantResponse: {
      remove: ['set-cookie'],
      set: ['Set-Cookie', 'cookie0=z', 'Set-Cookie', 'Cookie1=a; Path=/; HttpOnly; Secure', 'Set-Cookie', 'cookie2=b'],
    },
  },
  {
    name: 'a cookie gets another age for one user agent',
    rules: [
      {
        conditions: [when('http_req_User-Agent', '2.0$')],
        responseHeaders: [setCookie('cookie2={capt_header_value_matcher_1};Max-Age=3600', 'cookie2=(.*)')],
      },
    ],
    request: { fields: ['user-agent', 'thing/2.0'] },
    response: { status: 200, fields: ['Set-Cookie', 'cookie2=v'] },
    wantResponse: { remove: ['set-cookie'], set: ['Set-Cookie', 'cookie2=v;Max-Age=3600'] },
  },
  {
    name: 'security headers are added to every response',
    rules: [{ responseHeaders: [header('Strict-Transport-Security', 'max-age=31536000')] }],
    wantResponse: { remove: ['strict-transport-security'], set: ['Strict-Transport-Security', 'max-age=31536000'] },
  },
  {
    name: 'a response header is deleted',
    rules: [{ responseHeaders: [header('Server', '')] }],
    wantResponse: { remove: ['server'], set: [] },
  },
  {
    name: 'both of two matching rules run, in their sequence',
    rules: [
      { sequence: 102, requestHeaders: [header('X-B', '2')] },
      { sequence: 100, requestHeaders: [header('X-A', '1')] },
    ],
    want: edits({ remove: ['x-a', 'x-b'], set: ['X-A', '1', 'X-B', '2'] }),
  },
];

const semantics: typeof documented = [
  {
    name: 'the later rule has the last word on a header',
    rules: [
      { requestHeaders: [header('X-A', '1'), header('X-B', '1')] },
      { requestHeaders: [header('x-a', '2'), header('X-B', '')] },
    ],
    want: edits({ remove: ['x-a', 'x-b'], set: ['x-a', '2'] }),
  },
  {
    name: 'variables see the request as it came, not what earlier rules made of it',
    rules: [
      { requestHeaders: [header('X-A', 'new')], url: { path: '/new' } },
      { requestHeaders: [header('X-B', '{http_req_X-A}{var_uri_path}')] },
    ],
    request: { fields: ['X-A', 'old'] },
    want: edits({ path: '/new', remove: ['x-a', 'x-b'], set: ['X-A', 'new', 'X-B', 'old/article.aspx'] }),
  },
  {
    name: 'all conditions must hold',
    rules: [
      {
        conditions: [when('var_http_method', 'GET'), when('var_host', 'fabrikam')],
        requestHeaders: [header('X-A', '1')],
      },
    ],
    want: edits({}),
  },
  {
    name: 'a negated condition holds where the pattern does not match',
    rules: [{ conditions: [when('var_host', 'fabrikam', { negate: true })], requestHeaders: [header('X-A', '1')] }],
    want: edits({ remove: ['x-a'], set: ['X-A', '1'] }),
  },
  {
    name: 'an absent header is matched as empty text',
    rules: [
      { conditions: [when('http_req_X-None', '^$')], requestHeaders: [header('X-Empty', '1')] },
      { conditions: [when('http_req_X-None', '.')], requestHeaders: [header('X-Some', '1')] },
      { conditions: [when('http_req_X-None', '.', { negate: true })], requestHeaders: [header('X-Not', '1')] },
    ],
    want: edits({ remove: ['x-empty', 'x-not'], set: ['X-Empty', '1', 'X-Not', '1'] }),
  },
  {
    name: 'a condition looks at case only where it is told to',
    rules: [
      { conditions: [when('var_http_method', '^get$')], requestHeaders: [header('X-A', '1')] },
      { conditions: [when('var_http_method', '^get$', { ignoreCase: true })], requestHeaders: [header('X-B', '1')] },
    ],
    want: edits({ remove: ['x-b'], set: ['X-B', '1'] }),
  },
  {
    name: 'a header sent twice is matched as one, joined by a comma and a space',
    rules: [
      {
        conditions: [when('http_req_X-A', '^(a), (b)$')],
        requestHeaders: [header('X-B', '{http_req_X-A_2}{http_req_X-A_1}')],
      },
    ],
    request: { fields: ['X-A', 'a', 'x-a', 'b'] },
    want: edits({ remove: ['x-b'], set: ['X-B', 'ba'] }),
  },
  {
    name: 'a value that comes out empty removes the header',
    rules: [{ requestHeaders: [header('X-A', '{var_client_certificate}'), header('X-B', ' {http_req_X-None}\t')] }],
    want: edits({ remove: ['x-a', 'x-b'], set: [] }),
  },
  {
    name: 'white space around a value goes, within it stays',
    rules: [{ requestHeaders: [header('X-A', ' a  b\t')] }],
    want: edits({ remove: ['x-a'], set: ['X-A', 'a  b'] }),
  },
  {
    name: 'an empty query string removes the query and leaves the path',
    rules: [{ url: { queryString: '' } }],
    want: edits({ query: '' }),
  },
  {
    name: 'the later rule has the last word on path and query, each for itself',
    rules: [{ url: { path: '/a', queryString: 'a' } }, { url: { path: '/b{var_uri_path}' } }],
    want: edits({ path: '/b/article.aspx', query: 'a' }),
  },
  {
    name: 'a path that comes out empty is the root',
    rules: [{ conditions: [when('var_uri_path', '^/article.aspx(.*)')], url: { path: '{var_uri_path_1}' } }],
    want: edits({ path: '/' }),
  },
  {
    name: 'the asterisk of OPTIONS is never rewritten, its headers are',
    rules: [{ requestHeaders: [header('X-A', '1')], url: { path: '/v2{var_uri_path}', queryString: 'a' } }],
    request: { method: 'OPTIONS', path: '*', query: undefined },
    want: edits({ remove: ['x-a'], set: ['X-A', '1'] }),
  },
  {
    name: 'a cookie name that ends like a group is a cookie where no condition says otherwise',
    rules: [
      { requestHeaders: [header('X-A', '{var_cookie_a_1}')] },
      { conditions: [when('var_cookie_a', '(.)$')], requestHeaders: [header('X-B', '{var_cookie_a_1}')] },
    ],
    request: { fields: ['cookie', 'a=xy; a_1=z'] },
    want: edits({ remove: ['x-a', 'x-b'], set: ['X-A', 'z', 'X-B', 'y'] }),
  },
  {
    name: 'a group that took no part is empty',
    rules: [
      {
        conditions: [when('var_http_method', '(POST)|(GET)')],
        requestHeaders: [header('X-A', '[{var_http_method_1}{var_http_method_2}]')],
      },
    ],
    want: edits({ remove: ['x-a'], set: ['X-A', '[GET]'] }),
  },
  {
    name: 'Host may be rewritten',
    rules: [{ requestHeaders: [header('Host', 'inner.{var_host}:80')] }],
    want: edits({ remove: ['host'], set: ['Host', 'inner.contoso.com:80'] }),
  },
  {
    name: 'response values use what the request was and what its conditions captured',
    rules: [
      {
        conditions: [path, when('var_http_status', '^(4)')],
        responseHeaders: [header('X-A', '{var_http_method} {var_uri_path_2} {var_http_status_1} {http_resp_Via}')],
      },
    ],
    request: { path: '/a/b' },
    response: { status: 404, fields: ['via', 'x'] },
    wantResponse: { remove: ['x-a'], set: ['X-A', 'GET b 4 x'] },
  },
  {
    name: 'a response rule does not run for a request that its conditions did not match',
    rules: [{ conditions: [path], responseHeaders: [header('X-A', '1')] }],
    wantResponse: { remove: [], set: [] },
  },
  {
    name: 'a response rule does not run for a response that its conditions did not match',
    rules: [{ conditions: [when('var_http_status', '^5')], responseHeaders: [header('X-A', '1')] }],
    wantResponse: { remove: [], set: [] },
  },
  {
    name: 'Set-Cookie without a matcher replaces every line',
    rules: [{ responseHeaders: [header('Set-Cookie', 'a=b')] }],
    response: { status: 200, fields: ['Set-Cookie', 'x', 'Set-Cookie', 'y'] },
    wantResponse: { remove: ['set-cookie'], set: ['Set-Cookie', 'a=b'] },
  },
  {
    name: 'a matcher with an empty value deletes the lines that match',
    rules: [{ responseHeaders: [setCookie('', '^x=')] }],
    response: { status: 200, fields: ['Set-Cookie', 'x=1', 'Set-Cookie', 'y=1'] },
    wantResponse: { remove: ['set-cookie'], set: ['Set-Cookie', 'y=1'] },
  },
  {
    name: 'a negated matcher changes the lines that do not match',
    rules: [{ responseHeaders: [setCookie('{capt_header_value_matcher}; Secure', 'Secure', { negate: true })] }],
    response: { status: 200, fields: ['Set-Cookie', 'x=1; Secure', 'Set-Cookie', 'y=1'] },
    wantResponse: { remove: ['set-cookie'], set: ['Set-Cookie', 'x=1; Secure', 'Set-Cookie', 'y=1; Secure'] },
  },
  {
    name: 'matchers build on what earlier rules made of the lines',
    rules: [
      { responseHeaders: [setCookie('{capt_header_value_matcher}; A', '^x')] },
      { responseHeaders: [setCookie('{capt_header_value_matcher}; B', ' A$')] },
    ],
    response: { status: 200, fields: ['Set-Cookie', 'x', 'Set-Cookie', 'y'] },
    wantResponse: { remove: ['set-cookie'], set: ['Set-Cookie', 'x; A; B', 'Set-Cookie', 'y'] },
  },
  {
    name: 'a matcher that matches no line changes nothing',
    rules: [{ responseHeaders: [setCookie('a', '^z')] }],
    response: { status: 200, fields: ['Set-Cookie', 'x'] },
    wantResponse: { remove: [], set: [] },
  },
];

for (const { name, want, wantResponse, ...given } of [...documented, ...semantics]) {
  test(name, () => {
    const got = run(given);
    if (want !== undefined) assert.deepEqual(got.edits, want);
    if (wantResponse !== undefined) assert.deepEqual(got.response, wantResponse);
  });
}

test('sets run in the given order, whatever their sequences', () => {
  const first = set(rule({ sequence: 900, requestHeaders: [header('X-A', 'first')] }));
  const second = set(rule({ sequence: 1, requestHeaders: [header('X-A', 'second')] }));
  assert.deepEqual(compileRewrite([first, second], undefined).bind(connection()).constant?.set, ['X-A', 'second']);
});
