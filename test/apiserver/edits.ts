import type { Json } from '../../pkg/translate/testdata/leaf-world.ts';

/** Values to try, by field; undefined takes the field away. Legal and illegal ones of every kind that a rule tells apart. */
export type Edits = Readonly<Record<string, readonly (Json | undefined)[]>>;

const auth = 'clientAuthConfiguration';
const durations = ['0', '0s', '9ms', '10ms', '1s', '61s', '1.5h', '25h', '200h', '9000h', '2', '-1s', '99999999999h'];
const cidrs = [['10.0.0.0/8'], ['fd00::/8'], ['10.0.0.1'], ['10.0.0.0/33'], ['example.com'], ['010.0.0.0/8'], []];
const refs = [{ kind: 'ConfigMap', name: 'ca', key: 'ca.crt' }];

export const profileEdits: Edits = {
  selector: [{}, undefined, { matchLabels: {} }, { matchExpressions: [] }],
  'selector.matchLabels': [
    { app: 'shop' },
    { 'example.com/app': 'shop' },
    { 'a b': 'shop' },
    { app: 'a b' },
    { ['x'.repeat(318)]: 'y' },
    Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, 'v'])),
  ],
  'selector.matchExpressions': [
    [{ key: 'tier', operator: 'In', values: ['web'] }],
    [{ key: 'tier', operator: 'Exists' }],
  ],
  'selector.matchExpressions[].operator': ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Has', undefined],
  'selector.matchExpressions[].values': [undefined, [], ['web'], ['a b']],
  port: [undefined, 8443, 8080, 1023, 65_536, 8443.5, '8443'],
  hostnames: [
    [],
    ['shop.example.com'],
    ['*.example.com'],
    ['10.0.0.1'],
    ['shop.1.'],
    [`${'x'.repeat(64)}.com`],
    [`${'abcdefg.'.repeat(31)}abcdef`],
    [`${'abcdefg.'.repeat(31)}abcde.`],
    ['SHOP.example.com.'],
    ['shop_1'],
    ['bad host'],
    ['a..b'],
  ],
  certificateRefs: [[], [{ name: 'server' }], [{ name: 'Server' }], undefined],
  sslPolicy: [
    undefined,
    {},
    ...['TLSv1_2', 'TLSv1_3'].flatMap((minProtocolVersion) =>
      ['TLS_AES_256_GCM_SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'].map((suite) => ({
        policyType: 'Custom',
        minProtocolVersion,
        cipherSuites: [suite],
      })),
    ),
  ],
  'sslPolicy.policyType': ['Predefined', 'Custom', 'CustomV2', 'Other', undefined],
  'sslPolicy.policyName': [
    undefined,
    'AppGwSslPolicy20150501',
    'AppGwSslPolicy20170401S',
    'AppGwSslPolicy20220101',
    'AppGwSslPolicy20990101',
  ],
  'sslPolicy.minProtocolVersion': [undefined, 'TLSv1_0', 'TLSv1_1', 'TLSv1_2', 'TLSv1_3'],
  'sslPolicy.cipherSuites': [
    undefined,
    [],
    ['TLS_AES_256_GCM_SHA384'],
    ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
    ['TLS_AES_256_GCM_SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
    ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
  ],
  trustedClientCertificates: [undefined, [], refs, [{ kind: 'Pod', name: 'ca' }], [{ kind: 'ConfigMap' }]],
  [auth]: [
    undefined,
    {},
    ...['1s', '9000h'].map((maxAge) => ({ verifyClientRevocation: 'CRL', crl: { maxAge } })),
    ...[[], ['ocsp.example.com']].map((responderAllowList) => ({
      ocsp: { proxy: { url: 'http://proxy.example.com:3128' }, responderAllowList },
    })),
    ...[undefined, refs].map((caRefs) => ({
      ocsp: { responder: { url: 'https://ocsp.example.com/' }, ...(caRefs === undefined ? {} : { caRefs }) },
    })),
  ],
  [`${auth}.verifyClientCertIssuerDN`]: [true, false, 'true'],
  [`${auth}.verifyClientRevocation`]: ['None', 'OCSP', 'CRL', 'OCSPThenCRL', undefined],
  [`${auth}.ocsp`]: [undefined, {}],
  ...Object.fromEntries(
    ['timeout', 'maxAge', 'clockSkew', 'maxAgeWithoutNextUpdate', 'maxResponseAge'].map((field) => [
      `${auth}.ocsp.${field}`,
      durations,
    ]),
  ),
  [`${auth}.ocsp.responder`]: [undefined, { url: 'http://ocsp.example.com/' }, { use: 'Override' }],
  [`${auth}.ocsp.responder.url`]: [
    'http://ocsp.example.com',
    'HTTP://ocsp.example.com:80/a?b=c',
    'https://ocsp.example.com/',
    'ftp://ocsp.example.com/',
    'http://user@ocsp.example.com/',
    'http://ocsp.example.com/#a',
    'ocsp.example.com',
    'http://',
  ],
  [`${auth}.ocsp.caRefs`]: [undefined, [], refs],
  [`${auth}.ocsp.proxy`]: [undefined, { url: 'http://proxy.example.com:3128' }, {}],
  [`${auth}.ocsp.responderAllowList`]: [[], ['ocsp.example.com'], ['']],
  [`${auth}.ocsp.allowInternalAddresses`]: cidrs,
  [`${auth}.ocsp.nonce`]: ['Off', 'Required', 'Never'],
  [`${auth}.crl`]: [undefined, {}, { maxBytes: 1 }],
  [`${auth}.crl.maxAge`]: durations,
  [`${auth}.allow`]: [[], [{}], [{ subjectDn: 'CN=a' }], [{ uri: 'spiffe://a/' }], [{ sha256Fingerprint: 'ab' }]],
  [`${auth}.publicPaths`]: [
    [],
    ...[
      '/',
      '/healthz',
      'healthz',
      '/a//b',
      '/a/../b',
      '/a;b',
      '/%41',
      '/a%2',
      '/a%20b',
      '/a?b',
      '/ü',
      '/.well-known',
    ].flatMap((value) => [[{ type: 'Exact', value }], [{ type: 'Prefix', value }]]),
  ],
  [`${auth}.refusal.status`]: [400, 401, 403, 404],
  // The mode is said with it, since only some modes take it.
  [`${auth}.verifyClientAuthMode`]: ['Off', 'Optional', 'Passthrough', 'Passthrough', 'Strict', 'strict', undefined],
  forwardClientCertificate: [undefined, {}, { unverified: 'Deny' }, { unverified: 'Allow' }],
  'forwardClientCertificate.header': [
    'X-Client-Cert',
    'X-My-Cert',
    'host',
    'Authorization',
    'Content-Location',
    'X-Original-Host',
    'TE',
    'x_y',
  ],
  rewriteSets: [[], [{ name: 'one' }], [{ name: 'one' }, { name: 'one' }], [{ name: 'one' }, { name: 'two' }]],
  backend: [{ port: 8080 }, { socket: '/run/app.sock' }, {}, { port: 8080, socket: '/run/app.sock' }, undefined],
  'backend.port': [0, 8444, 65_535, 65_536, '80'],
  'backend.socket': ['/run/app.sock', 'run/app.sock', '/run/\u0007', undefined],
  ...Object.fromEntries(
    ['connect', 'response', 'idle', 'head', 'request', 'connectionAge'].map((field) => [
      `backend.timeouts.${field}`,
      durations,
    ]),
  ),
  'backend.limits.requestBodyBytes': [0, -1, 1_125_899_906_842_624, 1_125_899_906_842_625],
  'backend.limits.headBytes': [1023, 1024, 2_000_000],
  trustedProxies: cidrs,
  unknown: [1],
  'backend.unknown': ['x'],
};

const rule = 'rewriteRules[]';
const request = `${rule}.actionSet.requestHeaderConfigurations`;
const response = `${rule}.actionSet.responseHeaderConfigurations`;
const url = `${rule}.actionSet.urlConfiguration`;
const patterns = ['^/a', '(?=a)', '(', 'a{2000}', '(a)\\1', '[[:alpha:]]+', '\\pL', '(?i)x', '(?P<n>a)', '*', ''];
const one = { headerName: 'X-One', headerValue: 'one' };
const names = [
  'X-One',
  'x_one',
  'Host',
  'Connection',
  'te',
  'Proxy-Authorization',
  'X-Original-Host',
  'a b',
  ':path',
  '',
];

function rules(...sequences: readonly number[]): Json {
  return sequences.map((ruleSequence) => ({
    name: `rule-${ruleSequence}`,
    ruleSequence,
    actionSet: { responseHeaderConfigurations: [one] },
  }));
}

/** Two rules with so many conditions each. */
function conditions(each: number): Json {
  return [1, 2].map((ruleSequence) => ({
    name: `rule-${ruleSequence}`,
    ruleSequence,
    conditions: Array.from({ length: each }, () => ({ variable: 'var_host', pattern: 'a' })),
    actionSet: { responseHeaderConfigurations: [one] },
  }));
}

export const rewriteSetEdits: Edits = {
  rewriteRules: [[], rules(1), rules(1, 2), rules(1, 2, 1), undefined, conditions(20), conditions(21)],
  [`${rule}.name`]: ['a', '', undefined],
  [`${rule}.ruleSequence`]: [1, 0, 1001, 1.5],
  [`${rule}.conditions`]: [
    [],
    undefined,
    Array.from({ length: 40 }, () => ({ variable: 'var_host', pattern: 'a' })),
    Array.from({ length: 41 }, () => ({ variable: 'var_host', pattern: 'a' })),
  ],
  [`${rule}.conditions[].variable`]: [
    'var_uri_path',
    'var_http_status',
    'http_req_X-A',
    'http_resp_X-A',
    'http_res_X-A',
    'uri_path',
    'http_req_',
    '',
  ],
  [`${rule}.conditions[].pattern`]: patterns,
  [`${rule}.actionSet`]: [{}, undefined, { urlConfiguration: {} }],
  [request]: [
    undefined,
    [],
    [one],
    [{ headerName: 'Host', headerValue: '' }],
    [{ headerName: 'Host', headerValue: 'a' }],
    Array.from({ length: 40 }, () => one),
  ],
  [`${request}[].headerName`]: names,
  [`${request}[].headerValue`]: ['', 'x', 'ü', '\n', undefined],
  [`${request}[].headerValueMatcher`]: [undefined, { pattern: 'a' }],
  [response]: [undefined, [], [one], Array.from({ length: 40 }, () => one)],
  [`${response}[].headerName`]: [...names, 'Set-Cookie'],
  [`${response}[].headerValueMatcher`]: [undefined, { pattern: 'a' }],
  [`${response}[].headerValueMatcher.pattern`]: patterns,
  [url]: [undefined, {}, { reroute: true }, { modifiedQueryString: '' }],
  [`${url}.modifiedPath`]: ['/a', '', '/a?b', '/a b', '/{var_host}', '/{', '/}', '/a#b', '/ü', undefined],
  [`${url}.modifiedQueryString`]: ['', 'a=b', '?a', 'a?b', 'a b', '{var_host}=1', '{', 'a#b', undefined],
  [`${url}.reroute`]: [true, false, 'no'],
};
