import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { judge, type Verdict } from './judge.ts';
import { profile, rewriteSet } from './resources.ts';

/** What a person reads who applies it. */
interface Case {
  readonly name: string;
  readonly object: unknown;
  readonly want: readonly string[];
}

const rule = 'rewriteRules[]';
const cases: readonly Case[] = [
  { name: 'the shortest profile is taken', object: profile(), want: [] },
  { name: 'the shortest rewrite set is taken', object: rewriteSet(), want: [] },
  {
    name: 'a misspelt field',
    object: profile({ 'backend.prot': 8080 }),
    want: ['strict decoding error: unknown field "spec.backend.prot"'],
  },
  {
    name: 'an unknown value',
    object: profile({ 'clientAuthConfiguration.verifyClientAuthMode': 'strict' }),
    want: [
      'spec.clientAuthConfiguration.verifyClientAuthMode: Unsupported value: "strict": supported values: "Off", "Optional", "Passthrough", "Strict"',
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    ],
  },
  {
    name: 'a profile without a backend',
    object: profile({ backend: {} }),
    want: [
      'spec.backend: Invalid value: "object": neither port nor socket is given; name where the application listens',
    ],
  },
  {
    name: 'a port and a socket',
    object: profile({ 'backend.socket': '/run/app.sock' }),
    want: ['spec.backend: Invalid value: "object": port and socket are both given; keep one'],
  },
  {
    name: 'an empty selector',
    object: profile({ selector: {} }),
    want: [
      'spec.selector: Invalid value: "object": it is empty and selects no pod; name the labels of the pods it is for',
    ],
  },
  {
    name: 'Strict without a CA',
    object: profile({ trustedClientCertificates: undefined }),
    want: [
      'spec.trustedClientCertificates: Invalid value: "object": required in Strict and Optional: without a trusted CA nobody could pass; name a CA bundle, or choose Passthrough or Off as verifyClientAuthMode',
    ],
  },
  {
    name: 'a duration without a unit',
    object: profile({ 'clientAuthConfiguration.ocsp.timeout': '2' }),
    want: [
      'spec.clientAuthConfiguration.ocsp.timeout: Invalid value: "2": spec.clientAuthConfiguration.ocsp.timeout in body should match \'^(0|([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$\'',
      "spec.clientAuthConfiguration.ocsp.timeout: Invalid value: \"string\": type conversion error from 'string' to 'google.protobuf.Duration' evaluating rule: write it like 2s, 1m30s or 100ms; 10ms to 60s are legal",
    ],
  },
  {
    name: 'a duration out of range',
    object: profile({ 'clientAuthConfiguration.ocsp.timeout': '2m' }),
    want: [
      'spec.clientAuthConfiguration.ocsp.timeout: Invalid value: "string": write it like 2s, 1m30s or 100ms; 10ms to 60s are legal',
    ],
  },
  {
    name: 'a retired SSL policy',
    object: profile({ 'sslPolicy.policyName': 'AppGwSslPolicy20170401' }),
    want: [
      'spec.sslPolicy.policyName: Invalid value: "object": it permits TLS 1.1 or older, which Azure retired on 2025-08-31; use AppGwSslPolicy20220101S',
    ],
  },
  {
    name: 'an address as a host name',
    object: profile({ hostnames: ['10.0.0.1'] }),
    want: [
      'spec.hostnames[0]: Invalid value: "string": it is an address or ends like one; clients send no server name for addresses, so name a host',
    ],
  },
  {
    name: 'a certificate in Authorization',
    object: profile({ 'forwardClientCertificate.header': 'Authorization' }),
    want: [
      'spec.forwardClientCertificate.header: Invalid value: "string": it has a meaning of its own; choose another name, such as X-Client-Cert',
    ],
  },
  {
    name: 'a pattern with look-ahead',
    object: rewriteSet({ [`${rule}.conditions`]: [{ variable: 'var_uri_path', pattern: '(?=a)' }] }),
    want: [
      'spec.rewriteRules[0].conditions[0].pattern: Invalid value: "string": error parsing regexp: invalid or unsupported Perl syntax: `(?=` evaluating rule: it is not an RE2 pattern: look-around and back-references do not exist; correct it',
    ],
  },
  {
    name: 'a sequence that is there twice',
    object: rewriteSet({
      rewriteRules: [1, 2].map((n) => ({
        name: `rule-${n}`,
        ruleSequence: 100,
        actionSet: { requestHeaderConfigurations: [{ headerName: 'X-One', headerValue: 'one' }] },
      })),
    }),
    want: [
      'spec.rewriteRules[1]: Duplicate value: {"ruleSequence":100}',
      'spec.rewriteRules: Invalid value: "array": two rules have the same ruleSequence: sequences are unique in a set; give one another number',
    ],
  },
  {
    name: 'a header that frames the message',
    object: rewriteSet({ [`${rule}.actionSet.requestHeaderConfigurations[].headerName`]: 'Transfer-Encoding' }),
    want: [
      'spec.rewriteRules[0].actionSet.requestHeaderConfigurations[0].headerName: Invalid value: "object": belongs to one connection or frames the message: rules cannot change it; name another header',
    ],
  },
  {
    name: 'reroute',
    object: rewriteSet({ [`${rule}.actionSet.urlConfiguration`]: { modifiedPath: '/a', reroute: true } }),
    want: [
      'spec.rewriteRules[0].actionSet.urlConfiguration.reroute: Invalid value: "object": true has no meaning: there is one application; remove it',
    ],
  },
  {
    name: 'a list of CRLs that nobody asks',
    object: profile({ 'clientAuthConfiguration.crl': { maxAge: '1h' } }),
    want: [
      'spec.clientAuthConfiguration.crl: Invalid value: "object": has no effect where no CRL is asked; set verifyClientRevocation to CRL or OCSPThenCRL, or remove it',
    ],
  },
];

let verdicts: readonly Verdict[] = [];
before(async () => {
  verdicts = (await judge(cases.map(({ object }) => ({ object })))).resources;
});

for (const [index, { name, want }] of cases.entries()) {
  test(want.length === 0 ? name : `${name} is refused in words to act on`, () => {
    assert.deepEqual(verdicts[index]?.errors, want);
  });
}
