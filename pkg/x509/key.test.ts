import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { testKey } from '../../test/support/pki.ts';
import { issueCertificate } from './issue.ts';
import { keyFault } from './key.ts';

const dates = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2027, 0, 1) };
const issuer = {
  certificate: issueCertificate({ ...dates, subject: 'CN=CA', key: testKey('root'), isCa: true }),
  key: testKey('root'),
};
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const explicitCurve = () =>
  createPrivateKey(
    execFileSync('openssl', [
      'genpkey',
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-pkeyopt',
      'ec_param_enc:explicit',
    ]),
  );
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;

for (const { name, key, want } of [
  { name: 'P-256', key: ec('P-256'), want: undefined },
  { name: 'P-384', key: ec('P-384'), want: undefined },
  { name: 'P-521', key: ec('P-521'), want: undefined },
  { name: 'secp256k1', key: ec('secp256k1'), want: 'EC key on secp256k1, expected P-256, P-384 or P-521' },
  {
    name: 'P-256 written out',
    key: explicitCurve(),
    want: 'EC key with explicit curve parameters, expected a named curve',
  },
  { name: 'Ed25519', key: generateKeyPairSync('ed25519').privateKey, want: undefined },
  {
    name: 'Ed448',
    key: generateKeyPairSync('ed448').privateKey,
    want: 'key of type ed448, expected RSA, EC or Ed25519',
  },
  { name: 'RSA 2048', key: testKey('rsa', 2048), want: undefined },
  { name: 'RSA 2047', key: rsa(2047), want: 'RSA key of 2047 bits, expected 2048 to 8192' },
  { name: 'RSA 2048 with exponent 3', key: rsa(2048, 3), want: undefined },
] satisfies { name: string; key: KeyObject; want: string | undefined }[]) {
  test(`key: ${name}: ${want ?? 'accepted'}`, () => {
    assert.equal(keyFault(issueCertificate({ ...dates, subject: 'CN=a', key, issuer })), want);
  });
}

test('key: RSA above 8192 bits and huge exponents are refused', () => {
  const certificate = issueCertificate({ ...dates, subject: 'CN=a', key: testKey('rsa', 2048) });
  const withDetails = (modulusLength: number, publicExponent: bigint) =>
    keyFault({
      ...certificate,
      publicKey: Object.create(certificate.publicKey, {
        asymmetricKeyType: { value: 'rsa' },
        asymmetricKeyDetails: { value: { modulusLength, publicExponent } },
      }),
    });
  assert.deepEqual(
    [
      withDetails(8192, 65_537n),
      withDetails(8193, 65_537n),
      withDetails(2048, 0x1_0000_0001n),
      withDetails(2048, 1n),
      withDetails(2048, 4n),
    ],
    [
      undefined,
      'RSA key of 8193 bits, expected 2048 to 8192',
      'RSA key with exponent 4294967297, expected an odd one from 3 to 4294967295',
      'RSA key with exponent 1, expected an odd one from 3 to 4294967295',
      'RSA key with exponent 4, expected an odd one from 3 to 4294967295',
    ],
  );
});
