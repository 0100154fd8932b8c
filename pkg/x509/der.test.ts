import assert from 'node:assert/strict';
import { test } from 'node:test';
import forge from 'node-forge';
import { makePki } from '../../test/support/pki.ts';
import { DerMalformed, type DerNode, der, readDer } from './der.ts';
import {
  readBitString,
  readBoolean,
  readGeneralizedTime,
  readInteger,
  readOid,
  readSmallInteger,
  readString,
  readUtcTime,
} from './der-values.ts';

const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const malformed = (run: () => unknown) => {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof DerMalformed, String(error));
    assert.equal(error.code, 'DER_MALFORMED');
    return error.message;
  }
};

for (const { name, input, want } of [
  { name: 'an empty input has no tag', input: '', want: 'expected a tag, found the end, at byte 0' },
  { name: 'a tag alone has no length', input: '30', want: 'expected a length, found the end, at byte 1' },
  {
    name: 'trailing bytes are refused',
    input: '0500 00',
    want: 'expected the end of the input, found 1 more bytes, at byte 2',
  },
  {
    name: 'the indefinite length is refused',
    input: '3080 0000',
    want: 'expected a definite length, found the indefinite form, at byte 1',
  },
  {
    name: 'a long length below 128 is not minimal',
    input: '3081 03 020105',
    want: 'expected a minimal length, at byte 1',
  },
  {
    name: 'a length with a leading zero is not minimal',
    input: '04820080',
    want: 'expected a minimal length, at byte 1',
  },
  {
    name: 'a length of five octets is refused',
    input: '048500000000 01',
    want: 'expected a length of at most four octets, found 5, at byte 1',
  },
  {
    name: 'content beyond the end is refused',
    input: '0403 0102',
    want: 'expected 3 bytes of content, found 2, at byte 2',
  },
  {
    name: 'a child beyond its parent is refused',
    input: '3003 040301',
    want: 'expected 3 bytes of content, found 1, at byte 4',
  },
  {
    name: 'a constructed OCTET STRING is refused',
    input: '2403 040101',
    want: 'expected tag 0x24 to be primitive as DER has it, at byte 0',
  },
  {
    name: 'a primitive SEQUENCE is refused',
    input: '1000',
    want: 'expected tag 0x10 to be constructed as DER has it, at byte 0',
  },
  { name: 'end-of-contents is refused', input: '0000', want: 'expected a tag, found end-of-contents, at byte 0' },
  {
    name: 'a high tag below 31 is refused',
    input: '9f1e00',
    want: 'expected the low-tag form for tag number 30, at byte 1',
  },
  {
    name: 'a high tag with a leading zero is refused',
    input: '9f801f00',
    want: 'expected a minimal tag number, at byte 1',
  },
  {
    name: 'a high tag of five octets is refused',
    input: '9f8181818101 00',
    want: 'expected a tag number of at most four octets, at byte 1',
  },
]) {
  test(`DER: ${name}`, () =>
    assert.equal(
      malformed(() => readDer(bytes(input))),
      want,
    ));
}

test('DER: low and high tags are walked with their slices', () => {
  const input = bytes('3008 9f1f 0102 a003 020105');
  const { children } = readDer(bytes('3009 9f1f0102 a003020105'));
  assert.equal(
    malformed(() => readDer(input)),
    'expected 3 bytes of content, found 2, at byte 8',
  );
  assert.deepEqual(
    children.map(({ tag, bytes: whole, content, offset }) => [
      tag,
      whole.toString('hex'),
      content.toString('hex'),
      offset,
    ]),
    [
      [0x9f, '9f1f0102', '02', 2],
      [0xa0, 'a003020105', '020105', 6],
    ],
  );
});

test('DER: depth and number of elements are bounded', () => {
  const nested = (levels: number) =>
    Array.from({ length: levels - 1 }).reduce<Buffer>((inner) => der.sequence(inner), der.sequence());
  assert.equal(readDer(nested(32)).tag, 0x30);
  assert.equal(
    malformed(() => readDer(nested(33))),
    'expected at most 32 levels, at byte 64',
  );
  const wide = der.sequence(...Array.from({ length: 10 }, () => der.nullValue()));
  assert.equal(readDer(wide, { maxDepth: 2, maxNodes: 11 }).children.length, 10);
  assert.equal(
    malformed(() => readDer(wide, { maxDepth: 2, maxNodes: 10 })),
    'expected at most 10 elements, at byte 20',
  );
});

for (const { name, input, read, want } of [
  {
    name: 'an empty INTEGER is refused',
    input: '0200',
    read: readInteger,
    want: 'expected x to have content, at byte 0',
  },
  {
    name: 'an INTEGER with a leading zero is refused',
    input: '0202007f',
    read: readInteger,
    want: 'expected x to be a minimal integer, at byte 0',
  },
  {
    name: 'an INTEGER with a leading ff is refused',
    input: '0202ff80',
    read: readInteger,
    want: 'expected x to be a minimal integer, at byte 0',
  },
  { name: 'a sign octet is kept', input: '02020080', read: readInteger, want: bytes('0080') },
  {
    name: 'a negative small INTEGER is refused',
    input: '0201ff',
    read: readSmallInteger,
    want: 'expected x between 0 and 2147483647, at byte 0',
  },
  {
    name: 'a small INTEGER of five octets is refused',
    input: '02050100000000',
    read: readSmallInteger,
    want: 'expected x between 0 and 2147483647, at byte 0',
  },
  { name: 'a small INTEGER is a number', input: '02047fffffff', read: readSmallInteger, want: 2147483647 },
  {
    name: 'a BOOLEAN of 01 is refused',
    input: '010101',
    read: readBoolean,
    want: 'expected x to be 00 or ff, at byte 0',
  },
  { name: 'a BOOLEAN of ff is true', input: '0101ff', read: readBoolean, want: true },
  {
    name: 'an OID arc with a leading 80 is refused',
    input: '0606802b06010505',
    read: readOid,
    want: 'expected x to have minimal arcs, at byte 0',
  },
  {
    name: 'an OID that ends within an arc is refused',
    input: '06022b86',
    read: readOid,
    want: 'expected x to be a whole object identifier of at most 64 bytes, at byte 0',
  },
  {
    name: 'an empty OID is refused',
    input: '0600',
    read: readOid,
    want: 'expected x to be a whole object identifier of at most 64 bytes, at byte 0',
  },
  { name: 'an OID below 2 may have a second arc above 39', input: '0603883703', read: readOid, want: '2.999.3' },
  {
    name: 'a BIT STRING without its first octet is refused',
    input: '0300',
    read: readBitString,
    want: 'expected x to be a bit string with 0 to 7 unused bits, all zero, at byte 0',
  },
  {
    name: 'a BIT STRING with 8 unused bits is refused',
    input: '03020800',
    read: readBitString,
    want: 'expected x to be a bit string with 0 to 7 unused bits, all zero, at byte 0',
  },
  {
    name: 'a BIT STRING with set unused bits is refused',
    input: '03020181',
    read: readBitString,
    want: 'expected x to be a bit string with 0 to 7 unused bits, all zero, at byte 0',
  },
  {
    name: 'a BIT STRING gives bits and their unused number',
    input: '03020780',
    read: readBitString,
    want: { bits: bytes('80'), unusedBits: 7 },
  },
  {
    name: 'UTF8String that is not UTF-8 is refused',
    input: '0c02c328',
    read: readString,
    want: 'expected x to fit its string type, at byte 0',
  },
  {
    name: 'a lone surrogate in a BMPString is refused',
    input: '1e02d800',
    read: readString,
    want: 'expected x to fit its string type, at byte 0',
  },
  {
    name: 'an octet above 7f in an IA5String is refused',
    input: '160180',
    read: readString,
    want: 'expected x to fit its string type, at byte 0',
  },
  { name: 'a BMPString is text', input: '1e0400e92603', read: readString, want: 'é☃' },
  {
    name: 'a number is no string',
    input: '020101',
    read: readString,
    want: 'expected x to be a character string, at byte 0',
  },
] satisfies { name: string; input: string; read: (node: DerNode, what: string) => unknown; want: unknown }[]) {
  test(`DER: ${name}`, () =>
    assert.deepEqual(
      malformed(() => read(readDer(bytes(input)), 'x')),
      want,
    ));
}

for (const { name, text, want } of [
  { name: 'a leap day exists', text: '20240229235959Z', want: Date.UTC(2024, 1, 29, 23, 59, 59) },
  { name: '29 February 2026 does not exist', text: '20260229000000Z', want: undefined },
  { name: 'month 13 does not exist', text: '20261301000000Z', want: undefined },
  { name: 'hour 24 does not exist', text: '20260101240000Z', want: undefined },
  { name: 'second 60 does not exist', text: '20261231235960Z', want: undefined },
  { name: 'fractions are refused', text: '20260101000000.5Z', want: undefined },
  { name: 'an offset is refused', text: '20260101000000+0100', want: undefined },
  { name: 'a time without Z is refused', text: '20260101000000', want: undefined },
  { name: 'the year 9999 is a date', text: '99991231235959Z', want: 253402300799000 },
  { name: 'the year 50 is not 1950', text: '00500101000000Z', want: -60589296000000 },
]) {
  test(`GeneralizedTime: ${name}`, () => {
    const node = readDer(der.element(0x18, Buffer.from(text)));
    const got = malformed(() => readGeneralizedTime(node, 'x'));
    assert.equal(got, want ?? 'expected x as YYYYMMDDHHMMSSZ and a real date, at byte 0');
  });
}

test('UTCTime: 49 is 2049 and 50 is 1950, and seconds are required', () => {
  const read = (text: string) => malformed(() => readUtcTime(readDer(der.element(0x17, Buffer.from(text))), 'x'));
  assert.deepEqual(
    [read('491231235959Z'), read('500101000000Z'), read('2601010000Z')],
    [
      Date.UTC(2049, 11, 31, 23, 59, 59),
      Date.UTC(1950, 0, 1),
      'expected x as YYMMDDHHMMSSZ and a real date, at byte 0',
    ],
  );
});

test('DER writer: what it writes is what the reader reads', () => {
  const node = readDer(
    der.sequence(
      der.integer(128),
      der.integer(0),
      der.boolean(true),
      der.nullValue(),
      der.oid('2.25.329800735698586629295641978511506172918'),
      der.octetString(Buffer.alloc(300, 1)),
      der.bitString(Buffer.of(0x80), 7),
      der.enumerated(6),
      der.time(Date.UTC(2049, 11, 31)),
      der.time(Date.UTC(2050, 0, 1)),
      der.explicit(3, der.utf8('é')),
      der.implicit(1, Buffer.of(7)),
      der.implicit(2, der.nullValue(), true),
      der.set(der.integer(2), der.integer(1)),
      der.printable('a'),
      der.ia5('b'),
    ),
  );
  assert.deepEqual(
    node.children.map(({ bytes: whole }) => whole.subarray(0, 24).toString('hex')),
    [
      '02020080',
      '020100',
      '0101ff',
      '0500',
      '0614698 3f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'.replace(' ', ''),
      `0482012c${'01'.repeat(20)}`,
      '03020780',
      '0a0106',
      '170d3439313233313030303030305a',
      '180f32303530303130313030303030305a',
      'a3040c02c3a9',
      '810107',
      'a2020500',
      '3106020101020102',
      '130161',
      '160162',
    ],
  );
  assert.equal(readOid(node.children[4], 'x'), '2.25.329800735698586629295641978511506172918');
});

test('DER writer: what is no object identifier, number or low tag is refused', () => {
  for (const dotted of ['', '1', '3.1', '1.40', '1.02', '1.2.']) assert.throws(() => der.oid(dotted), RangeError);
  assert.throws(() => der.integer(-1), RangeError);
  assert.throws(() => der.explicit(31), RangeError);
});

test('DER: node-forge reads the same elements out of a certificate', () => {
  const { der: certificate } = makePki({ nowMs: Date.UTC(2026, 10, 24) }).client('good').certificate;
  const shape = (node: DerNode): unknown => [
    node.tag & 0x1f,
    node.children.length > 0 ? node.children.map(shape) : node.content.toString('hex'),
  ];
  const forgeShape = (node: forge.asn1.Asn1): unknown => [
    node.type,
    Array.isArray(node.value) ? node.value.map(forgeShape) : Buffer.from(node.value, 'latin1').toString('hex'),
  ];
  // The published types lack the options object.
  const theirs = forge.asn1.fromDer(forge.util.createBuffer(certificate.toString('latin1')), {
    strict: true,
    decodeBitStrings: false,
  } as unknown as boolean);
  assert.deepEqual(shape(readDer(certificate)), forgeShape(theirs));
});

test('DER: any one octet changed is read, or refused as DerMalformed, never otherwise', () => {
  const { der: certificate } = makePki({ nowMs: Date.UTC(2026, 10, 24) }).client('good').certificate;
  for (let at = 0; at < certificate.length; at += 1) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = Buffer.from(certificate);
      changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
      malformed(() => readDer(changed));
      malformed(() => readDer(changed.subarray(0, at)));
    }
  }
});
