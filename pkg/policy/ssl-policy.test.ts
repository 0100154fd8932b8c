import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSecureContext, getCiphers } from 'node:tls';
import {
  cipherSuiteNames,
  customSslPolicy,
  isTls13Suite,
  opensslCipher,
  predefinedSslPolicy,
  predefinedSslPolicyNames,
  refusedCipher,
} from './ssl-policy.ts';

describe('SSL policies', () => {
  test('every supported suite is one that OpenSSL in Node offers', () => {
    const offered = new Set(getCiphers());
    assert.deepEqual(
      cipherSuiteNames().filter((name) => !offered.has((opensslCipher(name) ?? '').toLowerCase())),
      [],
    );
  });

  test('every forward-secret suite for RSA and ECDSA that Node offers has its IANA name here', () => {
    const known = new Set(cipherSuiteNames().map((name) => opensslCipher(name)?.toLowerCase()));
    const offered = getCiphers().filter(
      (name) => /^(ecdhe|dhe)-(rsa|ecdsa)-|^tls_/.test(name) && !name.includes('ccm_8'),
    );
    assert.deepEqual(
      offered.filter((name) => !known.has(name)),
      [],
    );
  });

  test('no supported suite is a refused one', () => {
    assert.deepEqual(
      cipherSuiteNames().filter((name) => refusedCipher(name) !== undefined),
      [],
    );
  });

  test('the predefined ones are those of Azure', () => {
    const shown = predefinedSslPolicyNames().map((name) => {
      const policy = predefinedSslPolicy(name);
      return policy?.kind === 'settings'
        ? `${name} ${policy.tls.minVersion} ${policy.tls.maxVersion} ${policy.tls.ciphers.length}`
        : `${name} refused`;
    });
    assert.deepEqual(shown, [
      'AppGwSslPolicy20150501 refused',
      'AppGwSslPolicy20170401 refused',
      'AppGwSslPolicy20170401S TLSv1.2 TLSv1.2 6',
      'AppGwSslPolicy20220101 TLSv1.2 TLSv1.3 10',
      'AppGwSslPolicy20220101S TLSv1.2 TLSv1.3 6',
    ]);
  });

  test('Node takes the settings of each', () => {
    for (const name of predefinedSslPolicyNames()) {
      const policy = predefinedSslPolicy(name);
      if (policy?.kind !== 'settings') continue;
      const { minVersion, maxVersion, ciphers } = policy.tls;
      createSecureContext({ minVersion, maxVersion, ciphers: ciphers.join(':') });
    }
  });

  test('the strict ones have no CBC suite', () => {
    const policy = predefinedSslPolicy('AppGwSslPolicy20220101S');
    assert.deepEqual(policy?.kind === 'settings' && policy.tls.ciphers.filter((name) => !name.includes('GCM')), []);
  });

  test('CustomV2 keeps the order and always has the two suites of TLS 1.3 that Azure makes mandatory', () => {
    assert.deepEqual(
      customSslPolicy('CustomV2', 'TLSv1.2', ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256']),
      {
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.3',
        ciphers: [
          'TLS_CHACHA20_POLY1305_SHA256',
          'TLS_AES_128_GCM_SHA256',
          'TLS_AES_256_GCM_SHA384',
          'ECDHE-RSA-AES128-GCM-SHA256',
        ],
      },
    );
  });

  test('Custom has no suite of TLS 1.3', () => {
    const { maxVersion, ciphers } = customSslPolicy('Custom', 'TLSv1.2', ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256']);
    assert.equal(maxVersion, 'TLSv1.2');
    assert.deepEqual(ciphers.filter(isTls13Suite), []);
  });
});
