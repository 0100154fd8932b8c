import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { makePki, testKey } from '../../test/support/pki.ts';
import { KeyPair, KeyPairInvalid } from './key-pair.ts';

const pki = makePki({ nowMs: Date.UTC(2026, 10, 24) });
const { chainPem, keyPem } = pki.server;

describe('a key pair', () => {
  test('prints nothing of itself', () => {
    const pair = KeyPair.fromPem(chainPem, keyPem);
    const printed = [
      String(pair),
      JSON.stringify(pair),
      JSON.stringify({ pair }),
      inspect(pair),
      inspect({ pair }, { showHidden: true, depth: 9 }),
    ];
    assert.deepEqual(printed, [
      '[redacted]',
      '"[redacted]"',
      '{"pair":"[redacted]"}',
      '[redacted]',
      '{ pair: [redacted] }',
    ]);
  });

  test('takes SEC1 keys, and hands on PKCS #8', () => {
    const sec1 = testKey('server').export({ type: 'sec1', format: 'pem' }).toString();
    const pair = KeyPair.fromPem(chainPem, sec1);
    assert.equal(pair.kind, 'ECDSA');
    assert.equal(pair.revealKeyPem(), keyPem);
  });

  const encrypted = testKey('server')
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  const refused: readonly { name: string; chain: string; key: string; want: string }[] = [
    {
      name: 'of two strangers is refused',
      chain: chainPem,
      key: pki.client('good').keyPem,
      want: 'the private key does not belong to the first certificate of the chain',
    },
    {
      name: 'with an encrypted key is refused',
      chain: chainPem,
      key: encrypted,
      want: 'the private key is encrypted; decrypt it first (openssl pkey -in KEY -out PLAIN)',
    },
    {
      name: 'without a key is refused',
      chain: chainPem,
      key: chainPem,
      want: '0 PEM private keys found, expected one',
    },
    {
      name: 'with two keys is refused',
      chain: chainPem,
      key: keyPem + keyPem,
      want: '2 PEM private keys found, expected one',
    },
    {
      name: 'with a broken key is refused without quoting it',
      chain: chainPem,
      key: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n',
      want: 'the private key is not readable: expected PKCS #8, PKCS #1 or SEC1 PEM',
    },
    {
      name: 'with a key of another kind is refused',
      chain: chainPem,
      key: generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      want: 'key of type x25519, expected RSA, EC or Ed25519',
    },
    {
      name: 'with a small RSA key is refused',
      chain: chainPem,
      key: testKey('rsa-1024', 1024).export({ type: 'pkcs8', format: 'pem' }).toString(),
      want: 'RSA key of 1024 bits, 2048 to 8192 are legal',
    },
    { name: 'without a certificate is refused', chain: 'x', key: keyPem, want: 'the certificate chain is not PEM' },
  ];
  for (const { name, chain, key, want } of refused) {
    test(name, () => assert.throws(() => KeyPair.fromPem(chain, key), new KeyPairInvalid(want)));
  }
});
