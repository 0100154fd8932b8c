import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RewriteRule, RewriteSetPolicy } from '../policy/policy.ts';
import { compileRewrite } from './compile.ts';
import { rewriteFaults, usesCertificateVariable } from './faults.ts';
import { header, rule, set, setCookie, when } from './testdata/facts.ts';

const request0 = 'rewriteRules[0].actionSet.requestHeaderConfigurations[0]';
const response0 = 'rewriteRules[0].actionSet.responseHeaderConfigurations[0]';
const url0 = 'rewriteRules[0].actionSet.urlConfiguration';
const onPath = when('var_uri_path', '^/(a)/(b)');

const cases: readonly {
  readonly name: string;
  readonly rule: Partial<RewriteRule>;
  readonly want: Readonly<Record<string, string>>;
}[] = [
  {
    name: 'an unknown variable in a condition',
    rule: { conditions: [when('var_uri_pth', 'a')], requestHeaders: [header('X-A', 'b')] },
    want: { 'rewriteRules[0].conditions[0].variable': 'var_uri_pth is not a variable; did you mean var_uri_path?' },
  },
  {
    name: 'an unknown variable in a value',
    rule: { requestHeaders: [header('X-A', '{var_hosts}')] },
    want: { [`${request0}.headerValue`]: '{var_hosts}: var_hosts is not a variable; did you mean var_host?' },
  },
  {
    name: 'a pattern that is not RE2',
    rule: { conditions: [when('var_host', '(?=x)')], requestHeaders: [header('X-A', 'b')] },
    want: {
      'rewriteRules[0].conditions[0].pattern': 'error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
    },
  },
  {
    name: 'a matcher pattern that is not RE2',
    rule: { responseHeaders: [setCookie('{capt_header_value_matcher_1}', '(')] },
    want: { [`${response0}.headerValueMatcher.pattern`]: 'error parsing regexp: missing closing ): `(`' },
  },
  ...[
    'Connection',
    'Upgrade',
    'content-length',
    'Transfer-Encoding',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Proxy-Authorization',
    'Expect',
  ].map((name) => ({
    name: `the header ${name}`,
    rule: { requestHeaders: [header(name, 'a')] },
    want: {
      [`${request0}.headerName`]: `${name} belongs to one connection or frames the message: rules cannot change it`,
    },
  })),
  {
    name: 'a response header that frames',
    rule: { responseHeaders: [header('Transfer-Encoding', '')] },
    want: {
      [`${response0}.headerName`]:
        'Transfer-Encoding belongs to one connection or frames the message: rules cannot change it',
    },
  },
  {
    name: 'deleting Host',
    rule: { requestHeaders: [header('host', '')] },
    want: { [`${request0}.headerName`]: 'host cannot be deleted: every request has a host' },
  },
  {
    name: 'X-Original-Host',
    rule: { requestHeaders: [header('X-Original-Host', 'a')] },
    want: { [`${request0}.headerName`]: 'X-Original-Host is set by the sidecar alone' },
  },
  {
    name: 'a pseudo header',
    rule: { requestHeaders: [header(':path', '/')] },
    want: { [`${request0}.headerName`]: ':path is a pseudo header: rewrite the URL instead' },
  },
  {
    name: 'an underscore in a request header',
    rule: { requestHeaders: [header('X_A', 'a')] },
    want: {
      [`${request0}.headerName`]:
        'X_A may have letters, digits and hyphens only: others are dropped from every request',
    },
  },
  {
    name: 'an empty header name',
    rule: { requestHeaders: [header('', 'a')] },
    want: { [`${request0}.headerName`]: 'is empty: name a header' },
  },
  {
    name: 'a response header name with a space',
    rule: { responseHeaders: [header('X A', 'a')] },
    want: { [`${response0}.headerName`]: 'X A is not a header name (RFC 9110 5.1)' },
  },
  {
    name: 'a response variable in a request header',
    rule: { requestHeaders: [header('X-A', '{http_resp_Via}')] },
    want: {
      [`${request0}.headerValue`]:
        '{http_resp_Via}: a request is rewritten before there is a response; use it in responseHeaderConfigurations',
    },
  },
  {
    name: 'a response variable in a path',
    rule: { url: { path: '/{var_http_status}' } },
    want: {
      [`${url0}.modifiedPath`]:
        '{var_http_status}: a request is rewritten before there is a response; use it in responseHeaderConfigurations',
    },
  },
  {
    name: 'request actions under a response condition',
    rule: {
      conditions: [when('var_http_status', '404')],
      requestHeaders: [header('X-A', 'a')],
      url: { queryString: '' },
    },
    want: {
      [request0]:
        'the condition on var_http_status is known only after the request has gone: put the action into a rule without it',
      [url0]:
        'the condition on var_http_status is known only after the request has gone: put the action into a rule without it',
    },
  },
  {
    name: 'a capture without a condition',
    rule: { requestHeaders: [header('X-A', '{var_uri_path_1}')] },
    want: {
      [`${request0}.headerValue`]: '{var_uri_path_1}: a capture needs a condition on var_uri_path in the same rule',
    },
  },
  {
    name: 'a capture in another case than the condition',
    rule: {
      conditions: [when('http_req_User-Agent', '(a)')],
      requestHeaders: [header('X-A', '{http_req_user-agent_1}')],
    },
    want: {
      [`${request0}.headerValue`]:
        '{http_req_user-agent_1}: the condition is on http_req_User-Agent: write it in the same case',
    },
  },
  {
    name: 'a group that the pattern lacks',
    rule: { conditions: [onPath], url: { path: '{var_uri_path_3}' } },
    want: { [`${url0}.modifiedPath`]: '{var_uri_path_3}: there is no group 3: the pattern has 1 to 2' },
  },
  {
    name: 'group 0',
    rule: { conditions: [onPath], url: { path: '{var_uri_path_0}' } },
    want: { [`${url0}.modifiedPath`]: '{var_uri_path_0}: there is no group 0: the pattern has 1 to 2' },
  },
  {
    name: 'a capture of a pattern without groups',
    rule: { conditions: [when('var_host', 'a')], requestHeaders: [header('X-A', '{var_host_1}')] },
    want: {
      [`${request0}.headerValue`]: '{var_host_1}: the pattern has no group: put parentheses around what to capture',
    },
  },
  {
    name: 'a capture of a negated condition',
    rule: { conditions: [when('var_host', '(a)', { negate: true })], requestHeaders: [header('X-A', '{var_host_1}')] },
    want: { [`${request0}.headerValue`]: '{var_host_1}: the condition on var_host is negated: it captures nothing' },
  },
  {
    name: 'a capture that two conditions could mean',
    rule: { conditions: [onPath, when('var_uri_path', '(c)')], requestHeaders: [header('X-A', '{var_uri_path_1}')] },
    want: {
      [`${request0}.headerValue`]:
        '{var_uri_path_1}: 2 conditions are on var_uri_path: it cannot be told whose group is meant',
    },
  },
  {
    name: 'a cookie that could be a capture',
    rule: {
      conditions: [when('var_cookie_a', '(x)'), when('var_cookie_a_1', 'y')],
      requestHeaders: [header('X-A', '{var_cookie_a_1}')],
    },
    want: {
      [`${request0}.headerValue`]:
        '{var_cookie_a_1}: conditions are on var_cookie_a and on var_cookie_a_1: it cannot be told which is meant',
    },
  },
  {
    name: 'a matcher reference without a matcher',
    rule: { responseHeaders: [header('Set-Cookie', '{capt_header_value_matcher}')] },
    want: { [`${response0}.headerValue`]: '{capt_header_value_matcher}: the action has no headerValueMatcher' },
  },
  {
    name: 'a group of a negated matcher',
    rule: { responseHeaders: [setCookie('{capt_header_value_matcher_1}', '(a)', { negate: true })] },
    want: {
      [`${response0}.headerValue`]:
        '{capt_header_value_matcher_1}: the headerValueMatcher is negated: it captures nothing',
    },
  },
  {
    name: 'a group that the matcher lacks',
    rule: { responseHeaders: [setCookie('{capt_header_value_matcher_2}', '(a)')] },
    want: {
      [`${response0}.headerValue`]: '{capt_header_value_matcher_2}: there is no group 2: the pattern has 1 to 1',
    },
  },
  {
    name: 'a matcher on another header',
    rule: { responseHeaders: [{ ...setCookie('a', 'b'), headerName: 'Via' }] },
    want: { [`${response0}.headerValueMatcher`]: 'only the response header Set-Cookie can have one, not Via' },
  },
  {
    name: 'a matcher on a request header',
    rule: { requestHeaders: [setCookie('a', 'b')] },
    want: { [`${request0}.headerValueMatcher`]: 'only the response header Set-Cookie can have one, not Set-Cookie' },
  },
  {
    name: 'an open brace',
    rule: { requestHeaders: [header('X-A', 'ab{var_host')] },
    want: {
      [`${request0}.headerValue`]: 'unbalanced { at character 3: braces only enclose a variable, such as {var_host}',
    },
  },
  {
    name: 'a closing brace alone',
    rule: { requestHeaders: [header('X-A', '{var_host}}')] },
    want: {
      [`${request0}.headerValue`]: 'unbalanced } at character 11: braces only enclose a variable, such as {var_host}',
    },
  },
  {
    name: 'empty braces',
    rule: { requestHeaders: [header('X-A', '{}')] },
    want: {
      [`${request0}.headerValue`]:
        '{}: the empty name is not a variable: names begin with var_, http_req_ or http_resp_',
    },
  },
  {
    name: 'a line end in a value',
    rule: { requestHeaders: [header('X-A', 'a\r\nX-B: c')] },
    want: { [`${request0}.headerValue`]: 'has a character that is not visible ASCII, a space or a tab (RFC 9110 5.5)' },
  },
  {
    name: 'an empty path',
    rule: { url: { path: '' } },
    want: { [`${url0}.modifiedPath`]: 'is empty: leave it out to keep the path' },
  },
  {
    name: 'a path made of the whole request URI',
    rule: { url: { path: '/v2{var_request_uri}' } },
    want: { [`${url0}.modifiedPath`]: '{var_request_uri} holds the query too: use {var_uri_path} in a path' },
  },
  {
    name: 'a query in the path',
    rule: { url: { path: '/a?b' } },
    want: { [`${url0}.modifiedPath`]: 'contains ?: put the query into modifiedQueryString' },
  },
  {
    name: 'a fragment in the path',
    rule: { url: { path: '/a#b' } },
    want: { [`${url0}.modifiedPath`]: 'has a character that a path cannot have: percent-encode it' },
  },
  {
    name: 'a question mark before the query',
    rule: { url: { queryString: '?a=b' } },
    want: { [`${url0}.modifiedQueryString`]: 'begins with ?: leave it out, it is put in' },
  },
  {
    name: 'a space in the query',
    rule: { url: { queryString: 'a=b c' } },
    want: { [`${url0}.modifiedQueryString`]: 'has a character that a query cannot have: percent-encode it' },
  },
  {
    name: 'a rule that does nothing',
    rule: {},
    want: { 'rewriteRules[0].actionSet': 'the rule changes nothing: give it a header or a URL configuration' },
  },
  {
    name: 'an empty URL configuration',
    rule: { url: {} },
    want: { [url0]: 'neither modifiedPath nor modifiedQueryString is given: nothing would change' },
  },
  {
    name: 'reading a certificate header of another proxy',
    rule: { conditions: [when('http_req_X-SSL-Client-Verify', 'SUCCESS')], requestHeaders: [header('X-A', 'a')] },
    want: {
      'rewriteRules[0].conditions[0].variable':
        "X-SSL-Client-Verify is removed from every request, since a client could forge it: use the certificate's variables, such as var_client_certificate_verification",
    },
  },
  {
    name: 'reading a header that the same set makes a proof',
    rule: {
      requestHeaders: [header('X-Who', '{var_client_certificate_subject}'), header('X-Copy', '{http_req_x-who}')],
    },
    want: {
      'rewriteRules[0].actionSet.requestHeaderConfigurations[1].headerValue':
        "x-who is removed from every request, since a client could forge it: use the certificate's variables, such as var_client_certificate_verification",
    },
  },
];
for (const { name, rule: over, want } of cases) {
  test(`${name} is a fault at its path`, () => {
    const faulty = set(rule(over));
    const got = Object.fromEntries(rewriteFaults(faulty).map(({ path, message }) => [path, message]));
    assert.deepEqual(got, want);
    assert.throws(() => compileRewrite([faulty], undefined), { code: 'REWRITE_INVALID' });
  });
}

test('a sequence that occurs twice is a fault, at the index of the given order', () => {
  const touch = { requestHeaders: [header('X-A', 'a')] };
  const given = set(
    rule({ name: 'late', sequence: 200, ...touch }),
    rule({ name: 'a', ...touch }),
    rule({ name: 'b', ...touch }),
  );
  assert.deepEqual(rewriteFaults(given), [
    { path: 'rewriteRules[2].ruleSequence', message: '100 is already that of rule a: sequences are unique in a set' },
  ]);
});

for (const { name, given, want } of [
  { name: '40 actions and 40 conditions are taken', given: many(40, 40), want: [] },
  {
    name: '41 actions are a fault',
    given: many(41, 0),
    want: ['41 header and URL configurations, limit 40 in a set: split it'],
  },
  { name: '41 conditions are a fault', given: many(1, 41), want: ['41 conditions, limit 40 in a set: split it'] },
]) {
  test(name, () =>
    assert.deepEqual(
      rewriteFaults(given).map((fault) => fault.message),
      want,
    ),
  );
}

function many(actions: number, conditions: number): RewriteSetPolicy {
  const headers = Array.from({ length: actions }, (_, i) => header(`X-${i}`, 'a'));
  return set(
    rule({ requestHeaders: headers, conditions: Array.from({ length: conditions }, () => when('var_host', 'a')) }),
  );
}

for (const [name, over, want] of [
  ['a value', { requestHeaders: [header('X-A', 'a{var_client_certificate}')] }, true],
  ['a response value', { responseHeaders: [header('X-A', '{var_client_certificate_serial}')] }, true],
  ['a condition', { conditions: [when('var_client_certificate_verification', 'SUCCESS')] }, true],
  ['a capture', { requestHeaders: [header('X-A', '{var_client_certificate_subject_1}')] }, true],
  ['a path', { url: { path: '/{var_client_certificate_serial}' } }, true],
  ['an unverified variable', { requestHeaders: [header('X-A', '{var_client_certificate_unverified}')] }, true],
  ['a TLS variable', { requestHeaders: [header('X-A', '{var_ssl_server_name}')] }, false],
  ['a cookie named like one', { requestHeaders: [header('X-A', '{var_cookie_client_certificate}')] }, false],
  ['plain text', { requestHeaders: [header('X-A', 'var_client_certificate')] }, false],
] as const) {
  test(`${name} ${want ? 'uses' : 'does not use'} a certificate variable`, () => {
    const given: Partial<RewriteRule> = structuredClone(over) as Partial<RewriteRule>;
    assert.equal(usesCertificateVariable([set(rule(given))]), want);
  });
}

for (const [header, message] of [
  [
    'X_Cert',
    'forwardClientCertificate.header: X_Cert may have letters, digits and hyphens only: others are dropped from every request',
  ],
  ['Host', 'forwardClientCertificate.header: Host cannot carry a certificate'],
  [
    'Connection',
    'forwardClientCertificate.header: Connection belongs to one connection or frames the message: rules cannot change it',
  ],
] as const) {
  test(`a forwarded certificate in ${header} is refused`, () => {
    const forwarded = { header, format: 'UrlEncodedPem', unverified: 'Deny' } as const;
    assert.throws(() => compileRewrite([], forwarded), { code: 'REWRITE_INVALID', message });
  });
}
