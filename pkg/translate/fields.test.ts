import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  changed,
  type Json,
  otherFingerprint,
  outcome,
  predefined,
  profileBase,
  setBase,
} from './testdata/leaf-world.ts';
import { normalised } from './testdata/material.ts';

/** What each field comes to in the policy. `at` may begin with a short name of `places`. */
interface Case {
  readonly name: string;
  readonly leaf: string;
  readonly value: Json;
  readonly at: string;
  readonly want: Json;
  /** Fields that must be so for the value to be legal. */
  readonly with?: Readonly<Record<string, Json | undefined>>;
  /** A stricter profile in front of the same application. */
  readonly sibling?: true;
}

const auth = 'clientAuthConfiguration';
const rule = 'rewriteRules[]';
const first = 'listeners.0.profiles.0';
const places: Readonly<Record<string, string>> = {
  profile: first,
  ocsp: `${first}.clientAuth.revocation.ocsp`,
  allow: `${first}.clientAuth.allow.0`,
  backend: `${first}.backend`,
  rule: `${first}.rewriteSets.0.rules.0`,
};

const profileCases: readonly Case[] = [
  {
    name: 'a pod without the labels of matchLabels has no listener',
    leaf: 'selector.matchLabels',
    value: { app: 'other' },
    at: 'listeners',
    want: [],
  },
  {
    name: 'a pod without the label of a matchExpressions key has no listener',
    leaf: 'selector.matchExpressions[].key',
    value: 'absent',
    at: 'listeners',
    want: [],
  },
  {
    name: 'a pod whose label is among the values of NotIn has no listener',
    leaf: 'selector.matchExpressions[].operator',
    value: 'NotIn',
    at: 'listeners',
    want: [],
  },
  {
    name: 'a pod whose label is not among the values of In has no listener',
    leaf: 'selector.matchExpressions[].values[]',
    value: 'batch',
    at: 'listeners',
    want: [],
  },
  { name: 'port is the port of the listener', leaf: 'port', value: 8445, at: 'listeners.0.port', want: 8445 },
  {
    name: 'hostnames are folded',
    leaf: 'hostnames[]',
    value: '*.Example.COM.',
    at: 'profile.hostnames',
    want: ['*.example.com'],
  },
  {
    name: 'certificateRefs names the server certificate',
    leaf: 'certificateRefs[].name',
    value: 'server-other',
    at: 'profile.certificates.0.chainPem',
    want: '${server-other}${intermediate}',
  },
  {
    name: 'a Custom policy ends at TLS 1.2',
    leaf: 'sslPolicy.policyType',
    value: 'Custom',
    at: 'listeners.0.tls.maxVersion',
    want: 'TLSv1.2',
  },
  {
    name: 'policyName names the versions of TLS',
    leaf: 'sslPolicy.policyName',
    value: 'AppGwSslPolicy20170401S',
    at: 'listeners.0.tls.maxVersion',
    want: 'TLSv1.2',
    with: predefined,
  },
  {
    name: 'minProtocolVersion is the lowest version of TLS',
    leaf: 'sslPolicy.minProtocolVersion',
    value: 'TLSv1_3',
    at: 'listeners.0.tls.minVersion',
    want: 'TLSv1.3',
  },
  {
    name: 'cipherSuites are offered beside those of TLS 1.3 under their OpenSSL names',
    leaf: 'sslPolicy.cipherSuites[]',
    value: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
    at: 'listeners.0.tls.ciphers',
    want: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  },
  {
    name: 'trustedClientCertificates are read from a Secret',
    leaf: 'trustedClientCertificates[].kind',
    value: 'Secret',
    at: 'profile.clientAuth.trustedCas',
    want: ['${second-root}'],
  },
  {
    name: 'trustedClientCertificates are read from the object of that name',
    leaf: 'trustedClientCertificates[].name',
    value: 'second-ca',
    at: 'profile.clientAuth.trustedCas',
    want: ['${second-root}'],
  },
  {
    name: 'trustedClientCertificates are read from the file of that key',
    leaf: 'trustedClientCertificates[].key',
    value: 'second.crt',
    at: 'profile.clientAuth.trustedCas',
    want: ['${second-root}'],
  },
  {
    name: 'verifyClientAuthMode is the mode',
    leaf: 'clientAuthConfiguration.verifyClientAuthMode',
    value: 'Optional',
    at: 'profile.clientAuth.mode',
    want: 'Optional',
  },
  {
    name: 'verifyClientCertIssuerDN: false does not look at the issuer DN',
    leaf: 'clientAuthConfiguration.verifyClientCertIssuerDN',
    value: false,
    at: 'profile.clientAuth.verifyIssuerDn',
    want: false,
  },
  {
    name: 'verifyClientRevocation: None asks nobody',
    leaf: 'clientAuthConfiguration.verifyClientRevocation',
    value: 'None',
    at: 'profile.clientAuth.revocation',
    want: { kind: 'none' },
  },
  {
    name: 'ocsp.responder.url is the configured responder',
    leaf: 'clientAuthConfiguration.ocsp.responder.url',
    value: 'http://ocsp.example.com/other',
    at: 'ocsp.responder.url',
    want: 'http://ocsp.example.com/other',
  },
  {
    name: 'ocsp.responder.use: Override asks the configured responder always',
    leaf: 'clientAuthConfiguration.ocsp.responder.use',
    value: 'Override',
    at: 'ocsp.responder.use',
    want: 'Override',
  },
  {
    name: 'ocsp.timeout is for the whole question',
    leaf: 'clientAuthConfiguration.ocsp.timeout',
    value: '1.5s',
    at: 'ocsp.timeoutMs',
    want: 1500,
  },
  {
    name: 'ocsp.maxAge is how old a verdict may get',
    leaf: 'clientAuthConfiguration.ocsp.maxAge',
    value: '1m1s',
    at: 'ocsp.maxAgeMs',
    want: 61_000,
  },
  {
    name: 'ocsp.clockSkew is how far clocks may differ',
    leaf: 'clientAuthConfiguration.ocsp.clockSkew',
    value: '10s',
    at: 'ocsp.clockSkewMs',
    want: 10_000,
  },
  {
    name: 'ocsp.nonce: Required wants it echoed',
    leaf: 'clientAuthConfiguration.ocsp.nonce',
    value: 'Required',
    at: 'ocsp.nonce',
    want: 'Required',
  },
  {
    name: 'ocsp.certIdHash names the certificate by SHA-1',
    leaf: 'clientAuthConfiguration.ocsp.certIdHash',
    value: 'SHA1',
    at: 'ocsp.certIdHash',
    want: 'SHA1',
  },
  {
    name: 'ocsp.onMissingResponder: Allow lets certificates without AIA pass',
    leaf: 'clientAuthConfiguration.ocsp.onMissingResponder',
    value: 'Allow',
    at: 'ocsp.onMissingResponder',
    want: 'Allow',
  },
  {
    name: 'ocsp.onUnavailable: Allow softens an unavailable responder',
    leaf: 'clientAuthConfiguration.ocsp.onUnavailable',
    value: 'Allow',
    at: 'ocsp.onUnavailable',
    want: 'Allow',
  },
  {
    name: 'ocsp.responderAllowList is compared in lower case',
    leaf: 'clientAuthConfiguration.ocsp.responderAllowList[]',
    value: 'OCSP.example.com:8080',
    at: 'ocsp.responderAllowList',
    want: ['ocsp.example.com:8080'],
  },
  {
    name: 'ocsp.allowInternalAddresses takes one address as a block of one',
    leaf: 'clientAuthConfiguration.ocsp.allowInternalAddresses[]',
    value: '127.0.0.1',
    at: 'ocsp.allowInternalAddresses',
    want: ['127.0.0.1/32'],
  },
  {
    name: 'ocsp.maxAgeWithoutNextUpdate is how long an answer without nextUpdate counts',
    leaf: 'clientAuthConfiguration.ocsp.maxAgeWithoutNextUpdate',
    value: '1h',
    at: 'ocsp.maxAgeWithoutNextUpdateMs',
    want: 3_600_000,
  },
  {
    name: 'ocsp.maxResponseAge is the oldest thisUpdate',
    leaf: 'clientAuthConfiguration.ocsp.maxResponseAge',
    value: '24h',
    at: 'ocsp.maxResponseAgeMs',
    want: 86_400_000,
  },
  {
    name: 'ocsp.sha1Signatures: Allow takes answers signed with SHA-1',
    leaf: 'clientAuthConfiguration.ocsp.sha1Signatures',
    value: 'Allow',
    at: 'ocsp.sha1Signatures',
    want: 'Allow',
  },
  {
    name: 'allow.subjectDn is handed on',
    leaf: 'clientAuthConfiguration.allow[].subjectDn',
    value: 'CN=b',
    at: 'allow.subjectDn',
    want: 'CN=b',
  },
  {
    name: 'allow.dnsName is handed on',
    leaf: 'clientAuthConfiguration.allow[].dnsName',
    value: '*.example',
    at: 'allow.dnsName',
    want: '*.example',
  },
  {
    name: 'allow.uri is handed on',
    leaf: 'clientAuthConfiguration.allow[].uri',
    value: 'spiffe://a/',
    at: 'allow.uri',
    want: 'spiffe://a/',
  },
  {
    name: 'allow.email is handed on',
    leaf: 'clientAuthConfiguration.allow[].email',
    value: 'b@example.com',
    at: 'allow.email',
    want: 'b@example.com',
  },
  {
    name: 'allow.sha256Fingerprint is folded',
    leaf: 'clientAuthConfiguration.allow[].sha256Fingerprint',
    value: 'CD:'.repeat(31).concat('CD'),
    at: 'allow.sha256Fingerprint',
    want: otherFingerprint,
  },
  {
    name: 'allow.spkiSha256 is folded',
    leaf: 'clientAuthConfiguration.allow[].spkiSha256',
    value: 'CD'.repeat(32),
    at: 'allow.spkiSha256',
    want: otherFingerprint,
  },
  {
    name: 'allow.issuerSpkiSha256 is folded',
    leaf: 'clientAuthConfiguration.allow[].issuerSpkiSha256',
    value: 'CD'.repeat(32),
    at: 'allow.issuerSpkiSha256',
    want: otherFingerprint,
  },
  {
    name: 'publicPaths.type is handed on',
    leaf: 'clientAuthConfiguration.publicPaths[].type',
    value: 'Prefix',
    at: 'profile.clientAuth.publicPaths',
    want: [{ type: 'Prefix', value: '/healthz' }],
  },
  {
    name: 'publicPaths.value is handed on',
    leaf: 'clientAuthConfiguration.publicPaths[].value',
    value: '/livez',
    at: 'profile.clientAuth.publicPaths',
    want: [{ type: 'Exact', value: '/livez' }],
  },
  {
    name: 'weakerSibling: Allow lets a profile stand that asks less than its sibling',
    leaf: 'clientAuthConfiguration.weakerSibling',
    value: 'Allow',
    at: 'listeners.0.profiles.0.clientAuth.mode',
    want: 'Optional',
    with: { [`${auth}.verifyClientAuthMode`]: 'Optional' },
    sibling: true,
  },
  {
    name: 'advertiseTrustedCas: Disabled names no CA in the certificate request',
    leaf: 'clientAuthConfiguration.advertiseTrustedCas',
    value: 'Disabled',
    at: 'profile.clientAuth.advertiseTrustedCas',
    want: false,
  },
  {
    name: 'refusal.status is the status of a refusal',
    leaf: 'clientAuthConfiguration.refusal.status',
    value: 403,
    at: 'profile.clientAuth.refusal',
    want: { status: 403, detail: 'Reason' },
  },
  {
    name: 'refusal.detail: Generic keeps the reason back',
    leaf: 'clientAuthConfiguration.refusal.detail',
    value: 'Generic',
    at: 'profile.clientAuth.refusal',
    want: { status: 400, detail: 'Generic' },
  },
  {
    name: 'enforcement: Report refuses nobody',
    leaf: 'clientAuthConfiguration.enforcement',
    value: 'Report',
    at: 'profile.clientAuth.enforcement',
    want: 'Report',
  },
  {
    name: 'forwardClientCertificate.header names the header',
    leaf: 'forwardClientCertificate.header',
    value: 'X-Other-Cert',
    at: 'profile.forwardedCertificate.header',
    want: 'X-Other-Cert',
  },
  {
    name: 'forwardClientCertificate.format is how the certificate is written',
    leaf: 'forwardClientCertificate.format',
    value: 'Xfcc',
    at: 'profile.forwardedCertificate.format',
    want: 'Xfcc',
  },
  {
    name: 'forwardClientCertificate.unverified: Allow lets the header stand in Passthrough',
    leaf: 'forwardClientCertificate.unverified',
    value: 'Allow',
    at: 'profile.forwardedCertificate',
    want: { header: 'X-Client-Cert', format: 'UrlEncodedPem', unverified: 'Allow' },
    with: { [`${auth}.verifyClientAuthMode`]: 'Passthrough', trustedClientCertificates: undefined },
  },
  {
    name: 'rewriteSets names the rules',
    leaf: 'rewriteSets[].name',
    value: 'two',
    at: 'profile.rewriteSets.0.name',
    want: 'two',
  },
  {
    name: 'backend.port is where the application listens',
    leaf: 'backend.port',
    value: 8081,
    at: 'backend.target',
    want: { port: 8081 },
  },
  {
    name: 'backend.socket is where the application listens',
    leaf: 'backend.socket',
    value: '/run/app.sock',
    at: 'backend.target',
    want: { socket: '/run/app.sock' },
    with: { 'backend.port': undefined },
  },
  {
    name: 'backend.protocol: H2C speaks HTTP/2 to the application',
    leaf: 'backend.protocol',
    value: 'H2C',
    at: 'backend.protocol',
    want: 'H2C',
  },
  {
    name: 'backend.whenExposed: Refuse makes an exposed pod not ready',
    leaf: 'backend.whenExposed',
    value: 'Refuse',
    at: 'backend.whenExposed',
    want: 'Refuse',
  },
  {
    name: 'backend.timeouts.connect is handed on in milliseconds',
    leaf: 'backend.timeouts.connect',
    value: '90s',
    at: 'backend.timeouts.connectMs',
    want: 90_000,
  },
  {
    name: 'backend.timeouts.response is handed on in milliseconds',
    leaf: 'backend.timeouts.response',
    value: '90s',
    at: 'backend.timeouts.responseMs',
    want: 90_000,
  },
  {
    name: 'backend.timeouts.idle is handed on in milliseconds',
    leaf: 'backend.timeouts.idle',
    value: '90s',
    at: 'backend.timeouts.idleMs',
    want: 90_000,
  },
  {
    name: 'backend.timeouts.head is handed on in milliseconds',
    leaf: 'backend.timeouts.head',
    value: '90s',
    at: 'backend.timeouts.headMs',
    want: 90_000,
  },
  {
    name: 'backend.timeouts.request is handed on in milliseconds',
    leaf: 'backend.timeouts.request',
    value: '90s',
    at: 'backend.timeouts.requestMs',
    want: 90_000,
  },
  {
    name: 'backend.timeouts.connectionAge is handed on in milliseconds',
    leaf: 'backend.timeouts.connectionAge',
    value: '90s',
    at: 'backend.timeouts.connectionAgeMs',
    want: 90_000,
  },
  {
    name: 'backend.limits.requestBodyBytes is handed on',
    leaf: 'backend.limits.requestBodyBytes',
    value: 1,
    at: 'backend.limits.requestBodyBytes',
    want: 1,
  },
  {
    name: 'backend.limits.headBytes is handed on',
    leaf: 'backend.limits.headBytes',
    value: 2048,
    at: 'backend.limits.headBytes',
    want: 2048,
  },
  {
    name: 'backend.limits.headerCount is handed on',
    leaf: 'backend.limits.headerCount',
    value: 50,
    at: 'backend.limits.headerCount',
    want: 50,
  },
  {
    name: 'backend.limits.connections is handed on',
    leaf: 'backend.limits.connections',
    value: 0,
    at: 'backend.limits.connections',
    want: 0,
  },
  {
    name: 'trustedProxies take one address as a block of one',
    leaf: 'trustedProxies[]',
    value: '198.51.100.1',
    at: 'backend.trustedProxies',
    want: ['198.51.100.1/32'],
  },
];

const setCases: readonly Case[] = [
  { name: 'a rule has its name', leaf: 'rewriteRules[].name', value: 'other', at: 'rule.name', want: 'other' },
  {
    name: 'ruleSequence is the sequence',
    leaf: 'rewriteRules[].ruleSequence',
    value: 101,
    at: 'rule.sequence',
    want: 101,
  },
  {
    name: 'conditions.variable is what is looked at',
    leaf: 'rewriteRules[].conditions[].variable',
    value: 'var_host',
    at: 'rule.conditions.0.variable',
    want: 'var_host',
  },
  {
    name: 'conditions.pattern is searched for',
    leaf: 'rewriteRules[].conditions[].pattern',
    value: '^/b',
    at: 'rule.conditions.0.pattern',
    want: '^/b',
  },
  {
    name: 'conditions.ignoreCase folds case',
    leaf: 'rewriteRules[].conditions[].ignoreCase',
    value: true,
    at: 'rule.conditions.0.ignoreCase',
    want: true,
  },
  {
    name: 'conditions.negate turns a condition round',
    leaf: 'rewriteRules[].conditions[].negate',
    value: true,
    at: 'rule.conditions.0.negate',
    want: true,
  },
  {
    name: 'requestHeaderConfigurations.headerName names the request header',
    leaf: 'rewriteRules[].actionSet.requestHeaderConfigurations[].headerName',
    value: 'X-Two',
    at: 'rule.requestHeaders.0.headerName',
    want: 'X-Two',
  },
  {
    name: 'requestHeaderConfigurations.headerValue is its value',
    leaf: 'rewriteRules[].actionSet.requestHeaderConfigurations[].headerValue',
    value: '{var_uri_path}',
    at: 'rule.requestHeaders.0.headerValue',
    want: '{var_uri_path}',
  },
  {
    name: 'responseHeaderConfigurations.headerName names the response header',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerName',
    value: 'X-Two',
    at: 'rule.responseHeaders.0',
    want: { headerName: 'X-Two', headerValue: 'a=b' },
    with: { [`${rule}.actionSet.responseHeaderConfigurations[].headerValueMatcher`]: undefined },
  },
  {
    name: 'responseHeaderConfigurations.headerValue is its value',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValue',
    value: 'e=f',
    at: 'rule.responseHeaders.0.headerValue',
    want: 'e=f',
  },
  {
    name: 'headerValueMatcher.pattern picks cookies',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.pattern',
    value: '^b=',
    at: 'rule.responseHeaders.0.headerValueMatcher.pattern',
    want: '^b=',
  },
  {
    name: 'headerValueMatcher.ignoreCase folds case',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.ignoreCase',
    value: true,
    at: 'rule.responseHeaders.0.headerValueMatcher.ignoreCase',
    want: true,
  },
  {
    name: 'headerValueMatcher.negate picks the other cookies',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.negate',
    value: true,
    at: 'rule.responseHeaders.0.headerValueMatcher.negate',
    want: true,
  },
  {
    name: 'modifiedPath is the new path',
    leaf: 'rewriteRules[].actionSet.urlConfiguration.modifiedPath',
    value: '/e',
    at: 'rule.url.path',
    want: '/e',
  },
  {
    name: 'an empty modifiedQueryString is handed on, not left out',
    leaf: 'rewriteRules[].actionSet.urlConfiguration.modifiedQueryString',
    value: '',
    at: 'rule.url.queryString',
    want: '',
  },
];

describe('a field of an SslProfile in the policy', () => {
  for (const wanted of profileCases) test(wanted.name, () => check('SslProfile', profileBase, wanted));
});

describe('a field of a RewriteSet in the policy', () => {
  for (const wanted of setCases) test(wanted.name, () => check('RewriteSet', setBase, wanted));

  test('reroute: true is refused', () => {
    const { errors } = outcome(
      'RewriteSet',
      changed(setBase, { [`${rule}.actionSet.urlConfiguration.reroute`]: true }),
    );
    assert.deepEqual(
      errors.map(({ object, field, message }) => ({ object, field, message })),
      [
        {
          object: 'SslProfile shop/shop',
          field: 'spec.rewriteSets[0]',
          message: 'RewriteSet shop/one cannot be used; see its own condition',
        },
        {
          object: 'RewriteSet shop/one',
          field: 'spec.rewriteRules[0].actionSet.urlConfiguration.reroute',
          message: 'true has no meaning: there is one application; remove it',
        },
      ],
    );
  });

  test('a headerValueMatcher on a request header is refused', () => {
    const matcher = `${rule}.actionSet.requestHeaderConfigurations[].headerValueMatcher`;
    const { errors } = outcome('RewriteSet', changed(setBase, { [matcher]: { pattern: 'x' } }));
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['spec.rewriteSets[0]', 'spec.rewriteRules[0].actionSet.requestHeaderConfigurations[0].headerValueMatcher'],
    );
  });
});

function check(kind: 'RewriteSet' | 'SslProfile', base: Json, wanted: Case): void {
  const spec = changed(base, { ...wanted.with, [wanted.leaf]: wanted.value });
  const sibling = wanted.sibling ? changed(profileBase, { port: 9443 }) : undefined;
  const { errors, policy } = outcome(kind, spec, sibling);
  assert.deepEqual(errors, []);
  const [head = '', ...rest] = wanted.at.split('.');
  const path = [...(places[head] ?? head).split('.'), ...rest];
  let found: unknown = normalised(policy);
  for (const step of path) found = typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined;
  assert.deepEqual(found, wanted.want);
}
