import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePki } from '../../test/support/pki.ts';
import { toPem } from './certificate.ts';
import { certificatesFromPem, maxPemLength, numberedCertificatesFromPem } from './pem.ts';

const pki = makePki({ nowMs: Date.UTC(2026, 10, 24) });
const root = pki.root.certificate.pem;
const intermediate = pki.intermediate.certificate.pem;
const subjects = (text: string) => certificatesFromPem(text).map(({ subject }) => subject.text);
const both = ['CN=Test Root,O=Lychgate', 'CN=Test Intermediate,O=Lychgate'];

for (const { name, text } of [
  { name: 'blocks in order', text: root + intermediate },
  { name: 'a repeated block once', text: root + intermediate + root },
  { name: 'text around blocks', text: `# root\n${root}\nsubject: x\n${intermediate}# end` },
  { name: 'CRLF and trailing spaces', text: (root + intermediate).replaceAll('\n', ' \r\n') },
  { name: 'the old label', text: root.replaceAll('CERTIFICATE', 'X509 CERTIFICATE') + intermediate },
]) {
  test(`PEM: ${name} are read`, () => assert.deepEqual(subjects(text), both));
}

for (const { name, text, want } of [
  { name: 'a text without a block', text: 'hello', want: 'no PEM block found, expected -----BEGIN CERTIFICATE-----' },
  {
    name: 'a block that is no certificate',
    text: root + toPem('CERTIFICATE', Buffer.of(5, 0)),
    want: 'PEM block 2: certificate malformed: expected a certificate with tag 0x30, found 0x05, at byte 0',
  },
  {
    name: 'a block that is not base64',
    text: root + intermediate.replace('\nMII', '\nM!I'),
    want: 'PEM block 2: its content is not base64',
  },
  {
    name: 'an empty block',
    text: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
    want: 'PEM block 1: its content is not base64',
  },
  {
    name: 'a block without an end',
    text: root + intermediate.replace(/-----END.*/, ''),
    want: 'PEM block 2: no -----END CERTIFICATE-----',
  },
  {
    name: 'a block that begins within another',
    text: root.replace(/-----END.*\n/, '') + intermediate,
    want: 'PEM block 1: expected -----END CERTIFICATE-----, found another BEGIN',
  },
  {
    name: 'an end of another label',
    text: root.replace('END CERTIFICATE', 'END X509 CRL'),
    want: 'PEM block 1: -----END X509 CRL----- without its BEGIN',
  },
  {
    name: 'a broken BEGIN line',
    text: root.replace('-----BEGIN CERTIFICATE-----', '-----BEGIN CERTIFICATE----'),
    want: 'PEM block 1: "-----BEGIN CERTIFICATE----" is not a BEGIN or END line',
  },
  {
    name: 'a private key',
    text: root + pki.root.keyPem,
    want: 'PEM block 2: a private key (PRIVATE KEY) has no place here; remove it',
  },
  {
    name: 'an encrypted private key',
    text: toPem('ENCRYPTED PRIVATE KEY', Buffer.of(1)),
    want: 'PEM block 1: a private key (ENCRYPTED PRIVATE KEY) has no place here; remove it',
  },
  {
    name: 'a CRL',
    text: toPem('X509 CRL', Buffer.of(0x30, 0)),
    want: 'PEM block 1: expected CERTIFICATE, found X509 CRL',
  },
  {
    name: 'a certificate above the size limit',
    text: toPem('CERTIFICATE', Buffer.alloc(65_537)),
    want: 'PEM block 1: 65537 bytes, limit 65536',
  },
  {
    name: 'a text above the size limit',
    text: '\n'.repeat(maxPemLength + 1),
    want: 'PEM text of 1048577 characters, limit 1048576',
  },
  {
    name: 'too many blocks',
    text: toPem('CERTIFICATE', Buffer.of(5, 0)).repeat(257),
    want: 'PEM block 257: more blocks than the limit of 256',
  },
]) {
  test(`PEM: ${name} refuses the whole text`, () => {
    assert.throws(() => certificatesFromPem(text), { name: 'PemMalformed', code: 'PEM_MALFORMED', message: want });
  });
}

test('PEM: certificates keep the number of their first block', () => {
  const numbers = numberedCertificatesFromPem(root + root + intermediate).map(({ block }) => block);
  assert.deepEqual(numbers, [1, 3]);
});
