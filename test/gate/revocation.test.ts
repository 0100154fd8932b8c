import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { createCrlChecker } from '../../pkg/crl/checker.ts';
import { createRevocationChecker } from '../../pkg/crl/revocation.ts';
import { createOcspChecker } from '../../pkg/ocsp/checker.ts';
import { type CrlEntry, distributionPoints, makeCrl, makeCrlPem } from '../support/crl.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import type { ManualClock } from '../support/gate.ts';
import { startOcspResponder } from '../support/ocsp-responder.ts';
import { testKey } from '../support/pki.ts';
import { configMapText, type ManifestsGate, type ManifestsOptions, testFields } from '../support/profile.ts';
import { pki } from '../support/talk.ts';

/* Whom the gate asks besides the responder of the leaf: CAs' responders, lists, trusted responders, https and proxies. */

const nowMs = Date.now();
const hourMs = 3_600_000;
const issuer = pki.intermediate;
const foreign = pki.stranger.issue({ subject: 'CN=foreign responder' }, testKey('foreign responder'));
const tlsServer = pki.stranger.issue(
  { subject: 'CN=tls', extendedKeyUsage: [], san: { ip: ['127.0.0.1'] } },
  testKey('tls'),
);
let now = () => nowMs;
const common = { issuer: issuer.certificate, now: () => now() };
const [responder, pinned, secure] = await Promise.all([
  startOcspResponder({ ...common, signer: issuer }),
  startOcspResponder({ ...common, signer: foreign }),
  startOcspResponder({ ...common, signer: issuer, tls: { cert: tlsServer.chainPem, key: tlsServer.keyPem } }),
]);
const proxy = await startForwardProxy(responder.port);
const many = Array.from({ length: 100 }, (_, index) => ({ serial: Buffer.of(0x52, index), atMs: nowMs - hourMs }));
const lists = createServer((_, response) => {
  response.end(makeCrl({ issuer, thisUpdateMs: nowMs - hourMs, nextUpdateMs: nowMs + 48 * hourMs, entries: many }));
});
await new Promise<void>((listening) => lists.listen(0, '127.0.0.1', listening));
const listsUrl = `http://127.0.0.1:${(lists.address() as AddressInfo).port}/ca.crl`;
after(async () => {
  lists.closeAllConnections();
  lists.close();
  await Promise.all([responder, pinned, secure, proxy].map((one) => one.close()));
});

function clientOf(serial: number, url: string) {
  const identity = issuer.issue({ subject: 'CN=asked', serial: Buffer.of(0x53, serial), ocspUrls: [url] });
  for (const one of [responder, pinned, secure]) one.verdicts.set(identity.certificate.serialHex, { kind: 'good' });
  return identity;
}

const asked = clientOf(1, responder.url);
const ofPinned = clientOf(2, pinned.url);
const ofSecure = clientOf(3, secure.url);
const listed = issuer.issue({
  subject: 'CN=listed',
  serial: Buffer.of(0x52, 7),
  extensions: [distributionPoints(listsUrl)],
});
const unlisted = issuer.issue({ subject: 'CN=unlisted', extensions: [distributionPoints(listsUrl)] });

const crlPem = (entries: readonly CrlEntry[]) =>
  makeCrlPem({ issuer, thisUpdateMs: nowMs - 2 * hourMs, nextUpdateMs: nowMs + hourMs, entries });
const options: ManifestsOptions = {
  names: { proxy: proxy.port },
  documents: [
    configMapText('responder', { 'ca.crt': foreign.certificate.pem }),
    configMapText('tls-ca', { 'ca.crt': pki.stranger.certificate.pem }),
    configMapText('lists', {
      'ca.crt': crlPem([]),
      'revoked.crl': crlPem([{ serial: asked.certificate.serial, atMs: nowMs - hourMs }]),
    }),
  ],
  revocation: (clock: ManualClock) => {
    now = () => clock.wallMs();
    const deps = {
      ...{ now, monotonicNow: () => clock.monotonicMs(), random: (bytes: number) => randomBytes(bytes) },
      lookup: () => Promise.reject(new Error('no name may be looked up')),
    };
    return createRevocationChecker(createOcspChecker(deps), createCrlChecker(deps));
  },
};

const spec = (kind: string, ocsp = '', crl = '') => ({
  clientAuthConfiguration: `{verifyClientRevocation: ${kind}, ocsp: {allowInternalAddresses: [127.0.0.1/32]${ocsp}}${crl}}`,
});
const of =
  (identity: typeof asked) =>
  ({ outcome }: ManifestsGate): Promise<string> =>
    outcome({ identity });

testFields([
  {
    name: 'ocsp.scope: Chain asks about the CA of the client too',
    ...{ options, question: of(asked), specs: [spec('OCSP', ', scope: Leaf'), spec('OCSP', ', scope: Chain')] },
    want: ['200', '400 ResponderMissing'],
  },
  {
    name: 'ocsp.trustedResponderRefs names a responder whose answers count without a word of the CA',
    ...{ options, question: of(ofPinned) },
    specs: [spec('OCSP'), spec('OCSP', ', trustedResponderRefs: [{kind: ConfigMap, name: responder}]')],
    want: ['400 RevocationUnavailable', '200'],
  },
  {
    name: 'ocsp.caRefs names the CAs of https responders, which are not asked without',
    ...{ options, question: of(ofSecure) },
    specs: [
      spec('OCSP'),
      spec('OCSP', ', caRefs: [{kind: ConfigMap, name: tls-ca}]'),
      spec('OCSP', ', caRefs: [{kind: ConfigMap, name: partner-ca}]'),
    ],
    want: ['400 RevocationUnavailable', '200', '400 RevocationUnavailable'],
  },
  {
    name: 'ocsp.proxy.url is asked in place of the responder',
    options,
    specs: ['', ', proxy: {url: "http://127.0.0.1:$proxy"}'].map((more) =>
      spec('OCSP', `, responderAllowList: ["127.0.0.1:${responder.port}"]${more}`),
    ),
    question: async (gate) => {
      proxy.lines.length = 0;
      return `${await of(asked)(gate)}, by proxy ${proxy.lines.length}`;
    },
    want: ['200, by proxy 0', '200, by proxy 1'],
  },
  {
    name: 'verifyClientRevocation: CRL asks the list that the certificate names',
    ...{ options, specs: [spec('None'), spec('CRL')] },
    question: async (gate) => `${await of(listed)(gate)}, ${await of(unlisted)(gate)}`,
    want: ['200, 200', '400 Revoked, 200'],
  },
  {
    name: 'crl.refs brings lists along',
    ...{ options, question: of(asked) },
    specs: ['ca.crt', 'revoked.crl'].map((key) =>
      spec('CRL', '', `, crl: {refs: [{kind: ConfigMap, name: lists, key: ${key}}]}`),
    ),
    want: ['200', '400 Revoked'],
  },
  {
    name: 'crl.maxAge is how old a list may be',
    ...{ options, question: of(asked) },
    specs: ['1h', '3h'].map((age) =>
      spec('CRL', '', `, crl: {maxAge: ${age}, refs: [{kind: ConfigMap, name: lists}]}`),
    ),
    want: ['400 RevocationUnavailable', '200'],
  },
  {
    name: 'crl.maxBytes is how large a list may be',
    ...{ options, question: of(unlisted) },
    specs: [1024, 10_000].map((size) => spec('CRL', '', `, crl: {maxBytes: ${size}}`)),
    want: ['400 RevocationUnavailable', '200'],
  },
]);
