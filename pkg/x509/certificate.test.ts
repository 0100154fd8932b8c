import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makePki, testKey } from '../../test/support/pki.ts';
import { type Certificate, CertificateMalformed, isSelfSigned, parseCertificate } from './certificate.ts';
import { der, readDer } from './der.ts';
import { oids } from './extensions.ts';
import { type CertificateRequest, issueCertificate, issueCertificateDer } from './issue.ts';

const nowMs = Date.UTC(2026, 10, 24);
const dayMs = 86_400_000;
const pki = makePki({ nowMs, ocspUrl: 'http://ocsp.test/' });
const base: CertificateRequest = {
  subject: 'CN=client,O=Lychgate',
  key: testKey('leaf'),
  issuer: { certificate: pki.intermediate.certificate, key: pki.intermediate.key },
  notBeforeMs: nowMs - dayMs,
  notAfterMs: nowMs + dayMs,
};
const octets = (text: string) => Buffer.from(text, 'hex');

test('certificate: every field of one that openssl made', () => {
  const directory = ['-noout', '-serial', '-subject', '-issuer', '-fingerprint', '-sha256', '-nameopt', 'RFC2253'];
  const certificate = issueCertificate({
    ...base,
    serial: octets('00a1b2'),
    keyUsage: ['digitalSignature', 'decipherOnly'],
    extendedKeyUsage: [oids.clientAuth, '1.2.3'],
    san: { dns: ['a.test'], uri: ['spiffe://a/b'], email: ['a@b.test'], ip: ['10.0.0.1', '2001:db8::1'] },
    ocspUrls: ['http://one.test/', 'ldap://two.test/'],
    caIssuersUrls: ['http://three.test/'],
  });
  const printed = execFileSync('openssl', ['x509', ...directory], { input: certificate.pem }).toString();
  const node = new X509Certificate(certificate.der);
  assert.deepEqual(printed.replaceAll(':', '').toLowerCase().trim().split('\n'), [
    `serial=${certificate.serialHex.toLowerCase()}`,
    `subject=${certificate.subject.text.toLowerCase()}`,
    `issuer=${certificate.issuer.text.toLowerCase()}`,
    `sha256 fingerprint=${certificate.sha256}`,
  ]);
  const { publicKey, isIssuedBy, extensions, subject, issuer, ...rest } = certificate;
  assert.deepEqual(rest, {
    der: node.raw,
    pem: node.toString(),
    version: 3,
    serial: octets('00a1b2'),
    serialHex: 'A1B2',
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + dayMs,
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    subjectPublicKey: publicKey.export({ type: 'spki', format: 'der' }).subarray(-65),
    sha256: node.fingerprint256.replaceAll(':', '').toLowerCase(),
    sha1: node.fingerprint.replaceAll(':', '').toLowerCase(),
    spkiSha256: rest.spkiSha256,
    isCa: false,
    pathLength: undefined,
    keyUsage: new Set(['digitalSignature', 'decipherOnly']),
    extendedKeyUsage: [oids.clientAuth, '1.2.3'],
    san: { dns: ['a.test'], uri: ['spiffe://a/b'], email: ['a@b.test'], ip: ['10.0.0.1', '2001:db8::1'] },
    ocspUrls: ['http://one.test/', 'ldap://two.test/'],
    hasOcspNoCheck: false,
    authorityKeyId: pki.intermediate.certificate.subjectKeyId,
    subjectKeyId: rest.subjectKeyId,
    signatureOid: '1.2.840.10045.4.3.2',
    unknownCritical: [],
  });
  assert.deepEqual([subject.text, issuer.text], ['CN=client,O=Lychgate', 'CN=Test Intermediate,O=Lychgate']);
  assert.equal(isIssuedBy(pki.intermediate.certificate), true);
  assert.equal(extensions.get(oids.keyUsage)?.critical, true);
});

for (const { name, change, want } of [
  {
    name: 'a negative serial',
    change: { serial: octets('80') },
    want: 'certificate malformed: serial number is negative',
  },
  {
    name: 'a serial that is not minimal',
    change: { serial: octets('0001') },
    want: 'certificate malformed: expected serialNumber to be a minimal integer, at byte 13',
  },
  {
    name: 'a serial of 22 bytes',
    change: { serial: Buffer.alloc(22, 1) },
    want: 'certificate malformed: serial number of 22 bytes, limit 20',
  },
  {
    name: 'a SAN with a NUL',
    change: { san: { dns: ['good.test\0.evil.test'] } },
    want: 'certificate malformed: subjectAltName value: expected a dNSName to be printable ASCII, at byte 2',
  },
  {
    name: 'a SAN beyond ASCII',
    change: { san: { uri: ['http://\xe9/'] } },
    want: 'certificate malformed: subjectAltName value: expected a uniformResourceIdentifier to be printable ASCII, at byte 2',
  },
  {
    name: 'an address of 5 bytes',
    change: { extensions: [raw(oids.subjectAltName, der.sequence(der.implicit(7, Buffer.alloc(5))))] },
    want: 'certificate malformed: subjectAltName value: expected an iPAddress of 4 or 16 bytes, at byte 2',
  },
  {
    name: 'an extension twice',
    change: { extensions: [raw('1.2.3', der.nullValue()), raw('1.2.3', der.nullValue())] },
    want: /expected extension 1\.2\.3 once/,
  },
  {
    name: 'trailing bytes in an extension',
    change: { extensions: [raw(oids.subjectKeyId, octets('04010100'))] },
    want: 'certificate malformed: subjectKeyIdentifier value: expected the end of the input, found 1 more bytes, at byte 3',
  },
  {
    name: 'a path length without cA',
    change: { isCa: false, pathLength: 1 },
    want: /expected no pathLenConstraint without cA/,
  },
  {
    name: 'an empty extendedKeyUsage',
    change: { extensions: [raw(oids.extendedKeyUsage, der.sequence())] },
    want: /expected a purpose in extendedKeyUsage/,
  },
] satisfies { name: string; change: Partial<CertificateRequest>; want: string | RegExp }[]) {
  test(`certificate: ${name} is refused`, () => {
    assert.throws(() => issueCertificate({ ...base, ...change }), {
      name: 'CertificateMalformed',
      code: 'CERTIFICATE_MALFORMED',
      message: want,
    });
  });
}

test('certificate: extensions in version 1, and a version 4, are refused', () => {
  const swap = (certificate: Buffer, version: Buffer | undefined) => {
    const [tbs, ...outside] = readDer(certificate).children;
    const parts = tbs?.children.slice(1).map(({ bytes }) => bytes) ?? [];
    return der.sequence(
      der.sequence(...(version === undefined ? [] : [version]), ...parts),
      ...outside.map(({ bytes }) => bytes),
    );
  };
  const good = issueCertificateDer(base);
  assert.throws(() => parseCertificate(swap(good, undefined)), {
    message: 'certificate malformed: extensions in version 1',
  });
  assert.throws(() => parseCertificate(swap(good, der.explicit(0, der.integer(3)))), {
    message: 'certificate malformed: version 4, expected 1 (absent), 2 or 3',
  });
  assert.throws(() => parseCertificate(swap(good, der.explicit(0, der.integer(0)))), {
    message: 'certificate malformed: version 1, expected 1 (absent), 2 or 3',
  });
});

test('certificate: different signature algorithms inside and outside are refused', () => {
  const [tbs, , signature] = readDer(issueCertificateDer(base)).children;
  const other = der.sequence(der.oid('1.2.840.10045.4.3.3'));
  const swapped = der.sequence(tbs?.bytes ?? Buffer.alloc(0), other, signature?.bytes ?? Buffer.alloc(0));
  assert.throws(() => parseCertificate(swapped), {
    message: 'certificate malformed: the signature algorithms inside and outside tbsCertificate differ',
  });
});

test('certificate: above 64 KiB it is not read', () => {
  assert.throws(() => parseCertificate(Buffer.alloc(65_537)), {
    message: 'certificate malformed: 65537 bytes, limit 65536',
  });
});

test('certificate: one that is critical and unknown is reported, policies and name constraints are known', () => {
  const { unknownCritical } = issueCertificate({
    ...base,
    extensions: ['1.2.3.4', '2.5.29.32', '2.5.29.30', '2.5.29.36'].map((oid) => ({
      ...raw(oid, der.sequence()),
      critical: true,
    })),
  });
  assert.deepEqual(unknownCritical, ['1.2.3.4', '2.5.29.36']);
});

test('certificate: an explicit critical FALSE is read', () => {
  const extension = der.sequence(der.oid('1.2.3'), der.boolean(false), der.octetString(der.nullValue()));
  const [tbs] = readDer(issueCertificateDer({ ...base, extensions: [] })).children;
  const kept = tbs?.children.slice(0, -1).map(({ bytes }) => bytes) ?? [];
  const certificate = der.sequence(
    der.sequence(...kept, der.explicit(3, der.sequence(extension))),
    tbs?.children[2]?.bytes ?? Buffer.alloc(0),
    der.bitString(Buffer.alloc(8)),
  );
  assert.deepEqual(
    [...parseCertificate(certificate).extensions],
    [['1.2.3', { critical: false, value: der.nullValue() }]],
  );
});

test('certificate: the buffer it was read from may be used again', () => {
  const buffer = issueCertificateDer(base);
  const certificate = parseCertificate(buffer);
  const before = certificate.pem;
  buffer.fill(0);
  assert.equal(new X509Certificate(certificate.der).toString(), before);
});

for (const { name, certificate, issuer, want } of [
  { name: 'its issuer', certificate: pki.client('good').certificate, issuer: pki.intermediate.certificate, want: true },
  {
    name: 'not the issuer of its issuer',
    certificate: pki.client('good').certificate,
    issuer: pki.root.certificate,
    want: false,
  },
  {
    name: 'not a same-name twin',
    certificate: pki.client('good').certificate,
    issuer: pki.twin.certificate,
    want: false,
  },
  {
    name: 'not the right key under another name',
    certificate: pki.client('good').certificate,
    issuer: issueCertificate({ ...base, subject: 'CN=Other', key: pki.intermediate.key, isCa: true }),
    want: false,
  },
  {
    name: 'not a key of another type',
    certificate: pki.client('good').certificate,
    issuer: issueCertificate({
      ...base,
      subject: 'CN=Test Intermediate,O=Lychgate',
      key: testKey('rsa', 2048),
      isCa: true,
    }),
    want: false,
  },
  {
    name: 'not over SHA-1',
    certificate: issueCertificate({ ...base, signatureHash: 'sha1' }),
    issuer: pki.intermediate.certificate,
    want: false,
  },
  {
    name: 'an RSA issuer',
    certificate: issueCertificate({ ...base, issuer: rsaAuthority() }),
    issuer: rsaAuthority().certificate,
    want: true,
  },
  {
    name: 'an RSA issuer, not over MD5',
    certificate: issueCertificate({ ...base, issuer: rsaAuthority(), signatureHash: 'md5' }),
    issuer: rsaAuthority().certificate,
    want: false,
  },
]) {
  test(`certificate: it is issued by ${name}`, () => assert.equal(certificate.isIssuedBy(issuer), want));
}

test('certificate: a root signed with its own key over SHA-1 is self-signed, one named so is not', () => {
  const { issuer: _, ...self } = base;
  assert.equal(isSelfSigned(issueCertificate({ ...self, isCa: true, signatureHash: 'sha1' })), true);
  assert.equal(isSelfSigned(issueCertificate({ ...base, subject: 'CN=Test Intermediate,O=Lychgate' })), false);
});

test('certificate: any one octet changed is read, or refused as CertificateMalformed, and never verifies', () => {
  const { der: good } = pki.client('good').certificate;
  const taken: number[] = [];
  for (let at = 0; at < good.length; at += 1) {
    const changed = Buffer.from(good);
    changed.writeUInt8(changed.readUInt8(at) ^ 0x15, at);
    let certificate: Certificate;
    try {
      certificate = parseCertificate(changed);
    } catch (error) {
      assert.ok(error instanceof CertificateMalformed, String(error));
      continue;
    }
    if (certificate.isIssuedBy(pki.intermediate.certificate)) taken.push(at);
  }
  assert.deepEqual(taken, []);
});

function raw(oid: string, value: Buffer) {
  return { oid, critical: false, value };
}

function rsaAuthority() {
  const key = testKey('rsa', 2048);
  const { issuer: _, ...self } = base;
  return { certificate: issueCertificate({ ...self, subject: 'CN=RSA', key, isCa: true, serial: Buffer.of(1) }), key };
}
