import { describe, test } from 'node:test';
import { checkField, type FieldCase } from './testdata/field-case.ts';
import { profileBase } from './testdata/leaf-world.ts';

const cases: readonly FieldCase[] = [
  {
    name: 'ocsp.scope: Chain asks about every certificate but the root',
    leaf: 'clientAuthConfiguration.ocsp.scope',
    value: 'Chain',
    at: 'ocsp.scope',
    want: 'Chain',
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
];

describe('a field of ocsp in the policy', () => {
  for (const wanted of cases) test(wanted.name, () => checkField('SslProfile', profileBase, wanted));
});
