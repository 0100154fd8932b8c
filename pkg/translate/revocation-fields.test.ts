import { describe, test } from 'node:test';
import { checkField, type FieldCase } from './testdata/field-case.ts';
import { fileRef, profileBase } from './testdata/leaf-world.ts';

const cases: readonly FieldCase[] = [
  {
    name: 'ocsp.trustedResponderRefs are read from a Secret',
    leaf: 'clientAuthConfiguration.ocsp.trustedResponderRefs[].kind',
    value: 'Secret',
    with: { 'clientAuthConfiguration.ocsp.trustedResponderRefs': [fileRef('responders')] },
    at: 'ocsp.trustedResponders',
    want: ['${other-responder}'],
  },
  {
    name: 'ocsp.trustedResponderRefs are read from the object of that name',
    leaf: 'clientAuthConfiguration.ocsp.trustedResponderRefs[].name',
    value: 'second-responders',
    with: { 'clientAuthConfiguration.ocsp.trustedResponderRefs': [fileRef('responders')] },
    at: 'ocsp.trustedResponders',
    want: ['${other-responder}'],
  },
  {
    name: 'ocsp.trustedResponderRefs are read from the file of that key',
    leaf: 'clientAuthConfiguration.ocsp.trustedResponderRefs[].key',
    value: 'second.crt',
    with: { 'clientAuthConfiguration.ocsp.trustedResponderRefs': [fileRef('responders')] },
    at: 'ocsp.trustedResponders',
    want: ['${other-responder}'],
  },
  {
    name: 'ocsp.caRefs are read from a Secret',
    leaf: 'clientAuthConfiguration.ocsp.caRefs[].kind',
    value: 'Secret',
    with: { 'clientAuthConfiguration.ocsp.caRefs': [fileRef('ca')] },
    at: 'ocsp.responderCas',
    want: ['${second-root}'],
  },
  {
    name: 'ocsp.caRefs are read from the object of that name',
    leaf: 'clientAuthConfiguration.ocsp.caRefs[].name',
    value: 'second-ca',
    with: { 'clientAuthConfiguration.ocsp.caRefs': [fileRef('ca')] },
    at: 'ocsp.responderCas',
    want: ['${second-root}'],
  },
  {
    name: 'ocsp.caRefs are read from the file of that key',
    leaf: 'clientAuthConfiguration.ocsp.caRefs[].key',
    value: 'second.crt',
    with: { 'clientAuthConfiguration.ocsp.caRefs': [fileRef('ca')] },
    at: 'ocsp.responderCas',
    want: ['${second-root}'],
  },
  {
    name: 'ocsp.proxy.url is where every request goes first',
    leaf: 'clientAuthConfiguration.ocsp.proxy.url',
    value: 'http://proxy:3128',
    at: 'ocsp.proxy',
    want: { url: 'http://proxy:3128' },
  },
  {
    name: 'crl.refs are read from a Secret',
    leaf: 'clientAuthConfiguration.crl.refs[].kind',
    value: 'Secret',
    with: {
      'clientAuthConfiguration.verifyClientRevocation': 'CRL',
      'clientAuthConfiguration.crl.refs': [fileRef('crls')],
    },
    at: 'crl.lists',
    want: ['${other-crl}'],
  },
  {
    name: 'crl.refs are read from the object of that name',
    leaf: 'clientAuthConfiguration.crl.refs[].name',
    value: 'second-crls',
    with: {
      'clientAuthConfiguration.verifyClientRevocation': 'CRL',
      'clientAuthConfiguration.crl.refs': [fileRef('crls')],
    },
    at: 'crl.lists',
    want: ['${other-crl}'],
  },
  {
    name: 'crl.refs are read from the file of that key',
    leaf: 'clientAuthConfiguration.crl.refs[].key',
    value: 'second.crt',
    with: {
      'clientAuthConfiguration.verifyClientRevocation': 'CRL',
      'clientAuthConfiguration.crl.refs': [fileRef('crls')],
    },
    at: 'crl.lists',
    want: ['${other-crl}'],
  },
  {
    name: 'crl.maxAge is the oldest list that counts',
    leaf: 'clientAuthConfiguration.crl.maxAge',
    value: '1h',
    with: { 'clientAuthConfiguration.verifyClientRevocation': 'CRL' },
    at: 'crl.maxAgeMs',
    want: 3_600_000,
  },
  {
    name: 'crl.maxBytes is the largest list that is read',
    leaf: 'clientAuthConfiguration.crl.maxBytes',
    value: 2048,
    with: { 'clientAuthConfiguration.verifyClientRevocation': 'CRL' },
    at: 'crl.maxBytes',
    want: 2048,
  },
];

describe('where revocation is asked, in the policy', () => {
  for (const wanted of cases) test(wanted.name, () => checkField('SslProfile', profileBase, wanted));
});
