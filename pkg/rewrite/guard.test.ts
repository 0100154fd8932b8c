import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldName } from '../http1/names.ts';
import { isGuarded } from './guard.ts';

for (const name of [
  'X-Client-Cert',
  'x_client_cert',
  'X.Client.Cert',
  'X-Client-Certificate',
  'X-Client-Cert-Serial',
  'X-ClientCert',
  'X-Client-Verify',
  'X-Client-DN',
  'X-SSL-Client-CN',
  'X_SSL_CLIENT_VERIFY',
  'ssl-client-cert',
  'SSL_CLIENT_S_DN',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Tls-Client-Cert',
  'X-Forwarded-Tls-Client-Cert-Info',
  'X-Amzn-Mtls-Clientcert',
  'X-Amzn-Mtls-Clientcert-Leaf',
  'Client-Cert',
  'Client-Cert-Chain',
  'Client_Cert',
  'X-ARR-ClientCert',
  'Cf-Client-Cert-Der-Base64',
  'Cf-Client-Cert-Sha256',
  'WL-Proxy-Client-Cert',
  '$WSCC',
  'l5d-client-id',
]) {
  test(`${name} is guarded whatever the policy says`, () => assert.equal(isGuarded(foldName(name)), true));
}

for (const name of [
  'X-Client-Id',
  'Client-Id',
  'Client-Certificates-Wanted',
  'X-Forwarded-For',
  'Accept',
  'SSL',
  'X-Certificate',
  'Cf-Ray',
  'Cookie',
]) {
  test(`${name} is not`, () => assert.equal(isGuarded(foldName(name)), false));
}

test('folding is lower case with a hyphen for everything else, non-ASCII letters too', () => {
  assert.equal(foldName('X_Über.Cert 1'), 'x--ber-cert-1');
});
