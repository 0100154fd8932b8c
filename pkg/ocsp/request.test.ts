import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makePki } from '../../test/support/pki.ts';
import { parseOcspRequest } from './read-request.ts';
import { ocspRequest, requestForm, targetOf } from './request.ts';

const pki = makePki({ nowMs: Date.UTC(2026, 10, 20) });
const { certificate } = pki.client('good');
const issuer = pki.intermediate.certificate;
const leadingZero = pki.intermediate.issue({
  serial: Buffer.from('00f374542e3c7a68360a00000001103462', 'hex'),
}).certificate;

for (const hash of ['sha1', 'sha256'] as const) {
  for (const leaf of [certificate, leadingZero]) {
    test(`a request with ${hash} for serial ${leaf.serialHex} is openssl's to the byte`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'ocsp-request-'));
      try {
        const file = (name: string) => join(folder, name);
        writeFileSync(file('leaf.pem'), leaf.pem);
        writeFileSync(file('issuer.pem'), issuer.pem);
        const flags = ['-issuer', file('issuer.pem'), `-${hash}`, '-cert', file('leaf.pem'), '-no_nonce'];
        execFileSync('openssl', ['ocsp', ...flags, '-reqout', file('request.der')], { stdio: 'pipe' });
        const ours = ocspRequest(targetOf(leaf), issuer, { hash });
        assert.equal(ours.toString('hex'), readFileSync(file('request.der')).toString('hex'));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
}

test('a nonce is an OCTET STRING in the OCTET STRING of its extension', () => {
  const nonce = Buffer.alloc(32, 0xab);
  const request = ocspRequest(targetOf(certificate), issuer, { hash: 'sha256', nonce });
  assert.ok(request.includes(Buffer.concat([Buffer.of(0x04, 34, 0x04, 32), nonce])));
  assert.deepEqual(parseOcspRequest(request).nonce, nonce);
});

const request = Buffer.from('fbff3f', 'hex');
const rows: readonly { name: string; base: string; path: string; want: string }[] = [
  { name: 'base64 is escaped', base: 'http://ocsp.example/', path: '/', want: 'GET /%2B%2F8%2F' },
  {
    name: 'a path without a final slash gets one',
    base: 'http://ocsp.example/ca',
    path: '/ca',
    want: 'GET /ca/%2B%2F8%2F',
  },
  {
    name: 'a path with a final slash gets no second',
    base: 'http://ocsp.example/ca/',
    path: '/ca/',
    want: 'GET /ca/%2B%2F8%2F',
  },
  { name: 'a query stays behind', base: 'http://ocsp.example/ca?a=b', path: '/ca?a=b', want: 'GET /ca/%2B%2F8%2F?a=b' },
];
for (const { name, base, path, want } of rows) {
  test(`by GET ${name}`, () => {
    const form = requestForm(base, path, request, false);
    assert.equal(`${form.method} ${form.path}`, want);
  });
}

test('a URL of 255 bytes goes by GET, one of 256 by POST, and a nonce always by POST', () => {
  const path = (length: number) => `/${'a'.repeat(length - 'http://h/'.length - '/%2B%2F8%2F'.length)}`;
  const form = (length: number, hasNonce: boolean) =>
    requestForm(`http://h${path(length)}`, path(length), request, hasNonce);
  assert.equal(`http://h${form(255, false).path}`.length, 255);
  assert.deepEqual([form(255, false).method, form(256, false).method, form(255, true).method], ['GET', 'POST', 'POST']);
});
