import assert from 'node:assert/strict';
import { test } from 'node:test';
import { der, readDer } from './der.ts';
import { DnMalformed, nameKey, parseDnText, parseName, sameName } from './name.ts';

const cn = '2.5.4.3';
const attribute = (oid: string, value: Buffer) => der.sequence(der.oid(oid), value);
const rdn = (...attributes: Buffer[]) => der.element(0x31, ...attributes);
const name = (...rdns: Buffer[]) => parseName(readDer(der.sequence(...rdns)));
const common = (text: string) => name(rdn(attribute(cn, der.utf8(text))));

// Every text below is what `openssl x509 -noout -subject -nameopt RFC2253` prints for that name.
for (const { what, dn, want } of [
  {
    what: 'RDNs are reversed, comma without a space',
    dn: name(rdn(attribute('2.5.4.6', der.printable('GB'))), rdn(attribute(cn, der.utf8('a')))),
    want: 'CN=a,C=GB',
  },
  {
    what: 'a multi-valued RDN is reversed too',
    dn: name(rdn(attribute(cn, der.utf8('a')), attribute('2.5.4.10', der.utf8('b')))),
    want: 'O=b+CN=a',
  },
  {
    what: 'specials are escaped, = is not',
    dn: common('a,b+c;d<e>f"g\\h=i'),
    want: 'CN=a\\,b\\+c\\;d\\<e\\>f\\"g\\\\h=i',
  },
  { what: 'spaces at both ends are escaped', dn: common('  a b '), want: 'CN=\\  a b\\ ' },
  { what: 'a hash is escaped in front only', dn: common('#a#'), want: 'CN=\\#a#' },
  { what: 'a lone hash is not escaped', dn: common('#'), want: 'CN=#' },
  { what: 'non-ASCII is escaped octet by octet', dn: common('Zoë☃'), want: 'CN=Zo\\C3\\AB\\E2\\98\\83' },
  { what: 'control characters are escaped', dn: common('a\r\n\0\x7f'), want: 'CN=a\\0D\\0A\\00\\7F' },
  {
    what: 'a BMPString and a TeletexString become UTF-8',
    dn: name(
      rdn(attribute(cn, der.element(0x1e, Buffer.from('00e9', 'hex')))),
      rdn(attribute(cn, der.element(0x14, Buffer.of(0xe9)))),
    ),
    want: 'CN=\\C3\\A9,CN=\\C3\\A9',
  },
  {
    what: 'an unknown type is its OID and the value in hexadecimal',
    dn: name(rdn(attribute('1.2.3.4', der.utf8('odd')))),
    want: '1.2.3.4=#0C036F6464',
  },
  {
    what: 'a value that is no string is hexadecimal',
    dn: name(rdn(attribute(cn, der.integer(5)))),
    want: 'CN=#020105',
  },
  { what: 'an empty name is empty', dn: name(), want: '' },
]) {
  test(`name text: ${what}`, () => assert.equal(dn.text, want));
}

for (const { what, a, b, want } of [
  { what: 'string types do not count', a: name(rdn(attribute(cn, der.printable('a')))), b: common('a'), want: true },
  { what: 'ASCII case does not count', a: common('Shop CA'), b: common('sHOP ca'), want: true },
  { what: 'white space is folded', a: common('  Shop \t CA '), b: common('shop ca'), want: true },
  { what: 'case beyond ASCII counts', a: common('É'), b: common('é'), want: false },
  { what: 'the Kelvin sign is not k', a: common('\u212aate'), b: common('kate'), want: false },
  { what: 'attribute types count', a: common('a'), b: name(rdn(attribute('2.5.4.10', der.utf8('a')))), want: false },
  { what: 'a multi-valued RDN is a set', a: parseDnText('CN=a+O=b'), b: parseDnText('O=b+CN=a'), want: true },
  { what: 'a multi-valued RDN is not two RDNs', a: parseDnText('CN=a+O=b'), b: parseDnText('CN=a,O=b'), want: false },
  { what: 'the order of RDNs counts', a: parseDnText('CN=a,O=b'), b: parseDnText('O=b,CN=a'), want: false },
  { what: 'text that looks like two RDNs is one', a: common('a,O=b'), b: parseDnText('CN=a,O=b'), want: false },
  { what: 'a prefix is another name', a: parseDnText('CN=a'), b: parseDnText('CN=a,O=b'), want: false },
  {
    what: 'a value in hexadecimal is not the text of it',
    a: name(rdn(attribute(cn, der.integer(5)))),
    b: common('#020105'),
    want: false,
  },
]) {
  test(`same name: ${what}`, () => {
    assert.equal(sameName(a, b), want);
    assert.equal(sameName(b, a), want);
    assert.equal(nameKey(a) === nameKey(b), want);
  });
}

for (const { what, text, want } of [
  {
    what: 'the text that we print',
    text: 'CN=a\\,b\\+\\"\\\\ \\#\\ ,O=Zo\\C3\\AB,C=GB',
    want: 'CN=a\\,b\\+\\"\\\\ #\\ ,O=Zo\\C3\\AB,C=GB',
  },
  { what: 'characters beyond ASCII as they are', text: 'CN=Zoë 😀', want: 'CN=Zo\\C3\\AB \\F0\\9F\\98\\80' },
  { what: 'spaces after separators', text: 'CN=a, O = b , C=GB ', want: 'CN=a,O=b,C=GB' },
  {
    what: 'types in any case, and as OIDs',
    text: 'cn=a,2.5.4.10=b,emailaddress=c@d',
    want: 'CN=a,O=b,emailAddress=c@d',
  },
  { what: 'values in hexadecimal', text: 'CN=#0C0161', want: 'CN=a' },
  { what: 'an escaped comma is no separator', text: 'CN=a\\2Cb\\,c', want: 'CN=a\\,b\\,c' },
]) {
  test(`name from text: ${what}`, () => assert.equal(parseDnText(text).text, want));
}

for (const { what, text } of [
  { what: 'nothing', text: ' ' },
  { what: 'no type', text: 'shop' },
  { what: 'an unknown type', text: 'XYZ=a' },
  { what: 'an empty value', text: 'CN=' },
  { what: 'an empty RDN', text: 'CN=a,,O=b' },
  { what: 'a bare quote', text: 'CN="a"' },
  { what: 'a bare semicolon', text: 'CN=a;O=b' },
  { what: 'a backslash at the end', text: 'CN=a\\' },
  { what: 'an escape of nothing', text: 'CN=\\q' },
  { what: 'half a hexadecimal digit', text: 'CN=#0C016' },
  { what: 'hexadecimal that is no DER', text: 'CN=#0C05' },
  { what: 'octets that are not UTF-8', text: 'CN=\\C3' },
  { what: 'an OID that is none', text: '9.9=a' },
]) {
  test(`name from text: ${what} is refused`, () => {
    assert.throws(
      () => parseDnText(text),
      (error) => error instanceof DnMalformed && error.code === 'DN_MALFORMED',
    );
  });
}

test('name: an empty RDN, and an attribute with too much in it, are refused', () => {
  assert.throws(() => name(rdn()), {
    code: 'DER_MALFORMED',
    message: 'expected an attribute in a relative distinguished name, found its end, at byte 4',
  });
  assert.throws(() => name(rdn(der.sequence(der.oid(cn), der.utf8('a'), der.nullValue()))), { code: 'DER_MALFORMED' });
});
