import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testKey } from '../../test/support/pki.ts';
import { der } from './der.ts';
import { oids } from './extensions.ts';
import { type CertificateRequest, issueCertificate } from './issue.ts';
import { parseDnText } from './name.ts';
import { nameConstraintFault } from './name-constraints.ts';

const dates = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2027, 0, 1) };
const subtree = (base: Buffer) => der.sequence(base);
const text = (tag: number) => (value: string) => der.implicit(tag, Buffer.from(value));
const [email, dns, uri] = [text(1), text(2), text(6)];
const ip = (hex: string) => der.implicit(7, Buffer.from(hex, 'hex'));
const directory = (dn: string) => der.explicit(4, parseDnText(dn).der);
const permitted = (...bases: Buffer[]) => der.explicit(0, ...bases.map(subtree));
const excluded = (...bases: Buffer[]) => der.explicit(1, ...bases.map(subtree));
const otherName = der.implicit(0, Buffer.concat([der.oid('1.2.3'), der.explicit(0, der.utf8('x'))]), true);
const rawSan = (...names: Buffer[]) => ({
  extensions: [{ oid: oids.subjectAltName, critical: false, value: der.sequence(...names) }],
});

for (const { name, constraints, leaf, want } of [
  {
    name: 'a host under a permitted domain',
    constraints: [permitted(dns('a.test'))],
    leaf: { san: { dns: ['a.test', 'x.A.test'] } },
    want: undefined,
  },
  {
    name: 'a host beside a permitted domain',
    constraints: [permitted(dns('a.test'))],
    leaf: { san: { dns: ['xa.test'] } },
    want: 'a not permitted DNS name',
  },
  {
    name: 'the domain itself under .domain',
    constraints: [permitted(dns('.a.test'))],
    leaf: { san: { dns: ['a.test'] } },
    want: 'a not permitted DNS name',
  },
  {
    name: 'one of two hosts outside',
    constraints: [permitted(dns('a.test'))],
    leaf: { san: { dns: ['a.test', 'b.test'] } },
    want: 'a not permitted DNS name',
  },
  {
    name: 'an excluded host within a permitted domain',
    constraints: [permitted(dns('a.test')), excluded(dns('x.a.test'))],
    leaf: { san: { dns: ['y.x.a.test'] } },
    want: 'an excluded DNS name',
  },
  {
    name: 'every host excluded',
    constraints: [excluded(dns(''))],
    leaf: { san: { dns: ['a.test'] } },
    want: 'an excluded DNS name',
  },
  {
    name: 'a wildcard that covers an excluded host',
    constraints: [excluded(dns('x.a.test'))],
    leaf: { san: { dns: ['*.a.test'] } },
    want: 'an excluded DNS name',
  },
  {
    name: 'names of a form that is not constrained',
    constraints: [permitted(dns('a.test'))],
    leaf: { san: { uri: ['http://b.test/'], email: ['a@b.test'], ip: ['10.0.0.1'] } },
    want: undefined,
  },
  {
    name: 'an address in a permitted mailbox, host and domain',
    constraints: [permitted(email('me@a.test'), email('b.test'), email('.c.test'))],
    leaf: { san: { email: ['me@A.test', 'x@b.test', 'x@y.c.test'] } },
    want: undefined,
  },
  {
    name: 'another local part',
    constraints: [permitted(email('me@a.test'))],
    leaf: { san: { email: ['ME@a.test'] } },
    want: 'a not permitted e-mail address',
  },
  {
    name: 'an address in the subject',
    constraints: [excluded(email('a.test'))],
    leaf: { subject: 'CN=a,emailAddress=x@a.test' },
    want: 'an excluded e-mail address',
  },
  {
    name: 'a URI with a permitted host',
    constraints: [permitted(uri('a.test'))],
    leaf: { san: { uri: ['spiffe://a.test/ns/x', 'https://u@A.test:1/?x'] } },
    want: undefined,
  },
  {
    name: 'a URI with a permitted host in its user part only',
    constraints: [permitted(uri('a.test'))],
    leaf: { san: { uri: ['https://a.test@b.test/'] } },
    want: 'a not permitted URI',
  },
  {
    name: 'a URI without a host where hosts are excluded',
    constraints: [excluded(uri('a.test'))],
    leaf: { san: { uri: ['urn:x:y'] } },
    want: 'an excluded URI',
  },
  {
    name: 'a URI with an address where hosts are permitted',
    constraints: [permitted(uri('a.test'))],
    leaf: { san: { uri: ['http://10.0.0.1/'] } },
    want: 'a not permitted URI',
  },
  {
    name: 'an address within a permitted network',
    constraints: [permitted(ip('0a000000ff000000'))],
    leaf: { san: { ip: ['10.9.8.7'] } },
    want: undefined,
  },
  {
    name: 'an address outside it',
    constraints: [permitted(ip('0a000000ff000000'))],
    leaf: { san: { ip: ['11.0.0.1'] } },
    want: 'a not permitted IP address',
  },
  {
    name: 'an IPv6 address where only IPv4 is permitted',
    constraints: [permitted(ip('0a000000ff000000'))],
    leaf: { san: { ip: ['::1'] } },
    want: 'a not permitted IP address',
  },
  {
    name: 'a subject under a permitted directory name',
    constraints: [permitted(directory('O=Shop'))],
    leaf: { subject: 'CN=a,O=shop' },
    want: undefined,
  },
  {
    name: 'a subject outside it',
    constraints: [permitted(directory('O=Shop'))],
    leaf: { subject: 'O=Shop,CN=a' },
    want: 'a not permitted directory name',
  },
  {
    name: 'a constrained form that is not supported',
    constraints: [excluded(otherName)],
    leaf: rawSan(otherName),
    want: 'a constrained name of a form that is not supported',
  },
  {
    name: 'a minimum',
    constraints: [der.explicit(0, der.sequence(dns('a.test'), der.implicit(0, Buffer.of(1))))],
    leaf: {},
    want: 'nameConstraints: expected the end of a subtree, found tag 0x80, at byte 14',
  },
  {
    name: 'a network without a mask',
    constraints: [permitted(ip('0a000000'))],
    leaf: {},
    want: 'nameConstraints: expected an address and a mask, at byte 4',
  },
  {
    name: 'too many of them',
    constraints: [excluded(...Array.from({ length: 400 }, () => dns('a.test')))],
    leaf: { san: { dns: Array.from({ length: 300 }, () => 'b.test') } },
    want: 'too many name constraints',
  },
] satisfies { name: string; constraints: Buffer[]; leaf: Partial<CertificateRequest>; want: string | undefined }[]) {
  test(`name constraints: ${name}: ${want ?? 'allowed'}`, () => {
    const issuer = issueCertificate({
      ...dates,
      subject: 'CN=CA',
      key: testKey('root'),
      isCa: true,
      extensions: [{ oid: oids.nameConstraints, critical: false, value: der.sequence(...constraints) }],
    });
    const certificate = issueCertificate({ ...dates, subject: 'CN=a', key: testKey('leaf'), ...leaf });
    assert.equal(nameConstraintFault(certificate, issuer), want);
  });
}
