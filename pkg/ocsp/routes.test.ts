import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, beforeEach, describe, test } from 'node:test';
import { startForwardProxy } from '../../test/support/forward-proxy.ts';
import { ocspSettings } from '../../test/support/judging.ts';
import { startOcspResponder } from '../../test/support/ocsp-responder.ts';
import { makePki, testKey } from '../../test/support/pki.ts';
import type { OcspSettings } from '../policy/policy.ts';
import { createOcspChecker } from './checker.ts';
import type { RevocationStatus } from './status.ts';

/* https responders and forward proxies: who may be asked, and who is at the other end. */

const nowMs = Date.UTC(2026, 10, 20, 10);
const now = () => nowMs;
const wall = Date.now();
const pki = makePki({ nowMs });
/** TLS looks at the real clock. */
const tlsPki = makePki({ nowMs: wall });
const { certificate: issuer, key } = pki.intermediate;
const signer = { certificate: issuer, key };
const server = tlsPki.intermediate.issue({ san: { dns: ['ocsp.test'] }, extendedKeyUsage: [] }, testKey('tls server'));
const addressed = tlsPki.intermediate.issue(
  { san: { ip: ['127.0.0.1'] }, extendedKeyUsage: [] },
  testKey('tls server'),
);
const plain = await startOcspResponder({ issuer, signer, now });
const secure = await startOcspResponder({ issuer, signer, now, tls: { cert: server.chainPem, key: server.keyPem } });
const byAddress = await startOcspResponder({
  ...{ issuer, signer, now },
  tls: { cert: addressed.chainPem, key: addressed.keyPem },
});
const old = await startOcspResponder({
  ...{ issuer, signer, now },
  tls: {
    cert: server.chainPem,
    key: server.keyPem,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL@SECLEVEL=0',
  },
});
const proxy = await startForwardProxy(plain.port);
const secureProxy = await startForwardProxy(secure.port);
const looked: string[] = [];
const checker = createOcspChecker({
  now,
  monotonicNow: () => performance.now(),
  lookup: (host) => {
    looked.push(host);
    return Promise.resolve([{ address: host.startsWith('metadata') ? '169.254.169.254' : '127.0.0.1' }]);
  },
  random: randomBytes,
});
after(async () => {
  checker.close();
  await Promise.all([plain, secure, byAddress, old, proxy, secureProxy].map((one) => one.close()));
});
beforeEach(() => {
  checker.clear();
  looked.length = 0;
  proxy.lines.length = 0;
  secureProxy.lines.length = 0;
  proxy.refuseWith = undefined;
  secureProxy.refuseWith = undefined;
});

const settings: OcspSettings = { ...ocspSettings, allowInternalAddresses: ['127.0.0.1/32'] };

async function ask(url: string, changes: Partial<OcspSettings>): Promise<string> {
  const client = pki.intermediate.issue({ ocspUrls: [url] }).certificate;
  for (const responder of [plain, secure, byAddress, old]) responder.verdicts.set(client.serialHex, { kind: 'good' });
  return short(await checker.check(client, issuer, { ...settings, ...changes }));
}

interface Row {
  readonly name: string;
  readonly url?: string;
  readonly changes?: Partial<OcspSettings>;
  readonly status?: number;
  readonly want: RegExp;
}

function rows(list: readonly Row[]): readonly Row[] {
  return list;
}

function short(status: RevocationStatus): string {
  return status.kind === 'unavailable'
    ? `${status.cause}${status.softenable ? ', softenable' : ''}: ${status.detail}`
    : status.kind;
}

describe('an https responder', () => {
  const cas = [tlsPki.root.certificate.pem];
  test('is asked where its certificate leads to caRefs and names its host', async () => {
    assert.equal(await ask(`https://ocsp.test:${secure.port}/`, { responderCas: cas }), 'good');
  });
  test('is told by its address where the URL has one', async () => {
    assert.equal(await ask(byAddress.url, { responderCas: cas }), 'good');
  });
  for (const { name, url = secure.url, changes = { responderCas: cas }, want } of rows([
    {
      name: 'is not asked without caRefs: the public roots count for nothing',
      ...{ url: `https://ocsp.test:${secure.port}/`, changes: {}, want: /^address-refused: .*is not http.*caRefs/ },
    },
    {
      name: 'of another CA is refused, and that is not softenable',
      url: `https://ocsp.test:${secure.port}/`,
      changes: { responderCas: [tlsPki.stranger.certificate.pem] },
      want: /^tls: ocsp\.test:\d+ could not prove itself by TLS \(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO/,
    },
    {
      name: 'with the certificate of another host is refused',
      ...{ url: `https://other.test:${secure.port}/`, want: /^tls: .*ERR_TLS_CERT_ALTNAME_INVALID/ },
    },
    {
      name: 'whose certificate does not name the address of the URL is refused',
      ...{ url: secure.url, want: /^tls: .*ERR_TLS_CERT_ALTNAME_INVALID/ },
    },
    { name: 'that knows no TLS 1.2 is refused', url: `https://ocsp.test:${old.port}/`, want: /^tls: / },
    {
      name: 'on an address that is not permitted is refused before a byte is sent',
      ...{ url: 'https://metadata.test/', want: /^address-refused: .*169\.254\.169\.254/ },
    },
    {
      name: 'that speaks no TLS is refused',
      ...{ url: `https://ocsp.test:${plain.port}/`, want: /^tls: / },
    },
  ])) {
    test(name, async () => assert.match(await ask(url, changes), want));
  }
});

describe('a forward proxy', () => {
  const through = (changes: Partial<OcspSettings> = {}): Partial<OcspSettings> => ({
    proxy: { url: `http://proxy.test:${proxy.port}` },
    responderAllowList: ['ocsp.test'],
    ...changes,
  });
  test('gets http in absolute form, and the responder itself is not looked up', async () => {
    assert.equal(await ask('http://ocsp.test/ca?x=1', through()), 'good');
    assert.deepEqual(looked, ['proxy.test']);
    assert.match(proxy.lines.join(), /^GET http:\/\/ocsp\.test\/ca\/[^/]+\?x=1$/);
  });
  test('gets https by CONNECT, and the responder proves itself through it', async () => {
    const changes = through({
      proxy: { url: `http://proxy.test:${secureProxy.port}` },
      responderCas: [tlsPki.root.certificate.pem],
      responderAllowList: ['ocsp.test', 'other.test'],
    });
    assert.equal(await ask('https://ocsp.test/', changes), 'good');
    assert.deepEqual(secureProxy.lines, ['CONNECT ocsp.test:443']);
    assert.match(await ask('https://other.test/', changes), /^tls: .*ALTNAME/);
  });
  for (const { name, url = 'http://ocsp.test/', changes = {}, status, want } of rows([
    {
      name: 'needs an allow list of responders',
      ...{ changes: { responderAllowList: [] }, want: /^address-refused: .*needs a responderAllowList/ },
    },
    {
      name: 'is not asked for a host that is not listed',
      ...{ url: 'http://metadata.test/', want: /^address-refused: .*not in responderAllowList/ },
    },
    {
      name: 'is not asked for a listed host on another port, which nobody could judge',
      ...{ url: 'http://ocsp.test:8500/', want: /^address-refused: .*add 'ocsp\.test:8500'/ },
    },
    {
      name: 'is not asked for a listed literal of a special address',
      url: 'http://169.254.169.254/',
      changes: { responderAllowList: ['169.254.169.254'] },
      want: /^address-refused: .*link-local/,
    },
    {
      name: 'on an address that is not permitted is refused',
      ...{ changes: { proxy: { url: 'http://metadata.test' } }, want: /^address-refused: proxy 'metadata\.test'/ },
    },
    {
      name: 'of another form is refused',
      ...{ changes: { proxy: { url: 'http://proxy.test/path' } }, want: /^address-refused: proxy URL/ },
    },
    { name: 'that has trouble is softenable', status: 502, want: /^http-status, softenable: / },
    { name: 'that refuses is not', status: 407, want: /^http-status: / },
  ])) {
    test(name, async () => {
      proxy.refuseWith = status;
      assert.match(await ask(url, through(changes)), want);
    });
  }
  test('that refuses CONNECT leaves the responder unasked', async () => {
    secureProxy.refuseWith = 403;
    const changes = through({
      proxy: { url: `http://proxy.test:${secureProxy.port}` },
      responderCas: [tlsPki.root.certificate.pem],
    });
    assert.match(await ask('https://ocsp.test/', changes), /^http-status: .*CONNECT with status 403/);
  });
});
