import { describe, test } from 'node:test';
import { checkField, type FieldCase } from './testdata/field-case.ts';
import { otherFingerprint, profileBase } from './testdata/leaf-world.ts';

const auth = 'clientAuthConfiguration';

const cases: readonly FieldCase[] = [
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
];

describe('a field of clientAuthConfiguration in the policy', () => {
  for (const wanted of cases) test(wanted.name, () => checkField('SslProfile', profileBase, wanted));
});
