import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alternativeNames,
  opensslDate,
  rfc9440Chain,
  urlEncodedChain,
  urlEncodedPem,
  xfccElement,
} from './certificate-values.ts';
import { certificate } from './testdata/facts.ts';

test('PEM is percent-encoded to the byte as Azure and nginx send it', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMII+/w==\n-----END CERTIFICATE-----\n';
  assert.equal(
    urlEncodedPem(certificate({ pem })),
    '-----BEGIN%20CERTIFICATE-----%0AMII%2B%2Fw%3D%3D%0A-----END%20CERTIFICATE-----%0A',
  );
});

test('everything outside A-Za-z0-9-._~ is percent-encoded', () => {
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
  assert.match(urlEncodedPem(certificate({ pem: ascii })), /^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+$/);
  assert.equal(decodeURIComponent(urlEncodedPem(certificate({ pem: ascii }))), ascii);
});

for (const { name, iso, want } of [
  { name: 'pads a day of one digit with a space', iso: '2023-05-03T15:32:00Z', want: 'May  3 15:32:00 2023 GMT' },
  { name: 'writes a day of two digits', iso: '2023-04-30T05:02:09Z', want: 'Apr 30 05:02:09 2023 GMT' },
  { name: 'does not depend on the local time zone', iso: '2026-12-31T23:59:59Z', want: 'Dec 31 23:59:59 2026 GMT' },
  { name: 'writes the last date of X.509', iso: '9999-12-31T23:59:59Z', want: 'Dec 31 23:59:59 9999 GMT' },
]) {
  test(`a date ${name}`, () => assert.equal(opensslDate(Date.parse(iso)), want));
}

for (const { name, names, want } of [
  { name: 'are joined by a comma', names: ['a.example', 'b.example'], want: 'a.example,b.example' },
  { name: 'cannot pass for two by a comma', names: ['a.example,b.example'], want: 'a.example%2Cb.example' },
  { name: 'keep a percent-encoded URI as it is', names: ['spiffe://a/b%20c?d=e'], want: 'spiffe://a/b%20c?d=e' },
  { name: 'escape line ends, quotes and white space', names: ['a\r\nb"c; d\\'], want: 'a%0D%0Ab%22c%3B%20d%5C' },
  { name: 'escape what is not ASCII as UTF-8', names: ['zoë@example.😀'], want: 'zo%C3%AB@example.%F0%9F%98%80' },
  { name: 'are empty where there are none', names: [], want: '' },
]) {
  test(`alternative names ${name}`, () => assert.equal(alternativeNames(names), want));
}

const leaf = certificate({
  pem: 'LEAF\n',
  der: Buffer.from('leaf'),
  sha256: 'abcdef',
  subject: { der: Buffer.alloc(0), text: 'CN=a,O=b' },
  san: { dns: ['a.example', 'b.example'], uri: ['spiffe://x/y'], email: [], ip: [] },
});
const intermediate = certificate({ pem: 'INT\n', der: Buffer.from('int') });
const root = certificate({ pem: 'ROOT\n', der: Buffer.from('root') });

for (const { name, got, want } of [
  {
    name: 'an XFCC element has the keys in the order of Envoy',
    got: xfccElement(leaf, [leaf, intermediate, root]),
    want: 'Hash=abcdef;Cert="LEAF%0A";Chain="LEAF%0AINT%0A";Subject="CN=a,O=b";URI=spiffe://x/y;DNS=a.example;DNS=b.example',
  },
  {
    name: 'an XFCC element without a verified path has no chain, and an empty URI stays',
    got: xfccElement(certificate({ pem: 'P', sha256: '00' }), undefined),
    want: 'Hash=00;Cert="P";Subject="";URI=',
  },
  {
    name: 'a subject cannot end its XFCC quotes by a backslash or a quote',
    got: xfccElement(certificate({ subject: { der: Buffer.alloc(0), text: 'CN=a\\\\,O=\\"x\\\\' } }), undefined),
    want: 'Hash=;Cert="";Subject="CN=a\\5C,O=\\"x\\5C";URI=',
  },
  {
    name: 'alternative names cannot add elements or keys to XFCC',
    got: xfccElement(certificate({ san: { dns: ['a,Hash=0'], uri: ['u;DNS=b"\\'], email: [], ip: [] } }), undefined),
    want: 'Hash=;Cert="";Subject="";URI="u;DNS=b%22%5C";DNS="a,Hash=0"',
  },
  {
    name: 'the chain has leaf and intermediates without the trust anchor',
    got: urlEncodedChain([leaf, intermediate, root]),
    want: 'LEAF%0AINT%0A',
  },
  { name: 'the chain of a leaf that is trusted itself is the leaf', got: urlEncodedChain([leaf]), want: 'LEAF%0A' },
  {
    name: 'the RFC 9440 chain has intermediates only',
    got: rfc9440Chain([leaf, intermediate, root]),
    want: `:${Buffer.from('int').toString('base64')}:`,
  },
  {
    name: 'the RFC 9440 chain is a list',
    got: rfc9440Chain([leaf, intermediate, intermediate, root]),
    want: ':aW50:, :aW50:',
  },
  { name: 'the RFC 9440 chain is empty under a root', got: rfc9440Chain([leaf, root]), want: '' },
]) {
  test(name, () => assert.equal(got, want));
}
