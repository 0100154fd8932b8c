import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HpackDecoder } from './decoder.ts';

const limits = { maxListBytes: 16_384, maxFields: 100 };

/** Decodes blocks in order; the flat fields of each. */
function decodeAll(blocks: readonly string[], maxTableBytes = 4096): (readonly string[])[] {
  const decoder = new HpackDecoder({ maxTableBytes });
  return blocks.map((hex) => decoder.decode(Buffer.from(hex, 'hex'), limits).fields);
}

const authority = [':authority', 'www.example.com'];
const requests = [
  [':method', 'GET', ':scheme', 'http', ':path', '/', ...authority],
  [':method', 'GET', ':scheme', 'http', ':path', '/', ...authority, 'cache-control', 'no-cache'],
  [':method', 'GET', ':scheme', 'https', ':path', '/index.html', ...authority, 'custom-key', 'custom-value'],
];
const location = ['location', 'https://www.example.com'];
const found = ['cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:21 GMT', ...location];
const cookie = 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const later = ['cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:22 GMT', ...location];
const responses = [
  [':status', '302', ...found],
  [':status', '307', ...found],
  [':status', '200', ...later, 'content-encoding', 'gzip', 'set-cookie', cookie],
];

suite('RFC 7541 appendix C', () => {
  const vectors: readonly {
    readonly name: string;
    readonly maxTableBytes?: number;
    readonly blocks: readonly string[];
    readonly fields: readonly (readonly string[])[];
    readonly tableBytes: readonly number[];
  }[] = [
    {
      name: 'C.2.1, a literal with indexing',
      blocks: ['400a637573746f6d2d6b65790d637573746f6d2d686561646572'],
      fields: [['custom-key', 'custom-header']],
      tableBytes: [55],
    },
    {
      name: 'C.2.2, a literal without indexing',
      blocks: ['040c2f73616d706c652f70617468'],
      fields: [[':path', '/sample/path']],
      tableBytes: [0],
    },
    {
      name: 'C.2.3, a literal that is never indexed',
      blocks: ['100870617373776f726406736563726574'],
      fields: [['password', 'secret']],
      tableBytes: [0],
    },
    { name: 'C.2.4, an indexed field', blocks: ['82'], fields: [[':method', 'GET']], tableBytes: [0] },
    {
      name: 'C.3, requests without Huffman code',
      blocks: [
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
      fields: requests,
      tableBytes: [57, 110, 164],
    },
    {
      name: 'C.4, requests in Huffman code',
      blocks: [
        '828684418cf1e3c2e5f23a6ba0ab90f4ff',
        '828684be5886a8eb10649cbf',
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ],
      fields: requests,
      tableBytes: [57, 110, 164],
    },
    {
      name: 'C.5, responses without Huffman code, through a table of 256 octets',
      maxTableBytes: 256,
      blocks: [
        `48033330325807${hex('private')}611d${hex('Mon, 21 Oct 2013 20:13:21 GMT')}6e17${hex('https://www.example.com')}`,
        '4803333037c1c0bf',
        `88c1611d${hex('Mon, 21 Oct 2013 20:13:22 GMT')}c05a04${hex('gzip')}7738${hex(cookie)}`,
      ],
      fields: responses,
      tableBytes: [222, 222, 215],
    },
    {
      name: 'C.6, responses in Huffman code, through a table of 256 octets',
      maxTableBytes: 256,
      blocks: [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
      fields: responses,
      tableBytes: [222, 222, 215],
    },
  ];
  for (const { name, maxTableBytes = 4096, blocks, fields, tableBytes } of vectors) {
    test(name, () => {
      const decoder = new HpackDecoder({ maxTableBytes });
      const decoded = blocks.map((block) => {
        const { fields: list } = decoder.decode(Buffer.from(block, 'hex'), limits);
        return { list, bytes: decoder.tableBytes };
      });
      assert.deepEqual(
        decoded,
        fields.map((list, i) => ({ list, bytes: tableBytes[i] })),
      );
    });
  }
});

suite('a block is refused', () => {
  const cases: readonly (readonly [name: string, blocks: readonly string[], message: string])[] = [
    ['with index 0', ['80'], 'index 0, and no such field in the tables'],
    ['with an index behind an empty table', ['be'], 'index 62, and no such field in the tables'],
    ['with an index behind the last of the table', ['4001610162', 'bf'], 'index 63, and no such field in the tables'],
    ['with a name index behind the table', ['7f000161'], 'index 63, and no such field in the tables'],
    ['with an index that was evicted', ['4001610162', '20be'], 'index 62, and no such field in the tables'],
    ['that ends where a value should begin', ['400161'], 'the block ends where a string should begin'],
    ['that ends where a name should begin', ['40'], 'the block ends where a string should begin'],
    ['that ends within a string', ['00016103'], 'string of 3 octets, and 0 are there'],
    ['that ends within an integer', ['ff80'], 'the block ends within an integer'],
    ['that ends before an integer', ['ff'], 'the block ends within an integer'],
    ['with an integer of six octets', ['ff8080808001'], 'integer of more than five octets'],
    ['with an integer that goes on for ever', [`ff${'80'.repeat(100)}`], 'integer of more than five octets'],
    ['with a length beyond all memory', ['007fffffff7f'], 'string of 268435582 octets, and 0 are there'],
    ['with a size update behind a field', ['8220'], 'table size update behind a field'],
    ['with three size updates', ['202020'], 'more than two table size updates'],
    ['with a size above the maximum', ['3fe21f'], 'table size update to 4097 octets, maximum 4096'],
    [
      'with Huffman code that ends in zeros',
      ['0001618100'],
      'Huffman code: padding that is not one to seven bits of 1',
    ],
    ['with the end-of-string symbol', ['00016184ffffffff'], 'Huffman code: the end-of-string symbol'],
  ];
  for (const [name, blocks, message] of cases) {
    test(name, () => assert.throws(() => decodeAll(blocks), { code: 'HPACK_MALFORMED', message }));
  }
});

suite('the table', () => {
  test('takes the newest field first and evicts the oldest', () => {
    const fields = decodeAll(['400161013140016201324001630133', 'c0bfbe']);
    assert.deepEqual(fields[1], ['a', '1', 'b', '2', 'c', '3']);
    // Two of three fit into 68 octets.
    assert.deepEqual(decodeAll(['400161013140016201324001630133', '3f25bfbe', '4001640134', 'bfbe']).slice(1), [
      ['b', '2', 'c', '3'],
      ['d', '4'],
      ['c', '3', 'd', '4'],
    ]);
  });

  test('is emptied by a field that is larger than it', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 40 });
    decoder.decode(Buffer.from('4001610131', 'hex'), limits);
    assert.equal(decoder.tableBytes, 34);
    decoder.decode(Buffer.from(`400162${text('x'.repeat(8))}`, 'hex'), limits);
    assert.equal(decoder.tableBytes, 0);
  });

  test('gives the name of a field that its own value evicts', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 40 });
    decoder.decode(Buffer.from('4001610131', 'hex'), limits);
    const { fields } = decoder.decode(Buffer.from('7e0132', 'hex'), limits);
    assert.deepEqual(fields, ['a', '2']);
  });

  test('holds as many of the smallest fields as its octets allow', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 4096 });
    for (let i = 0; i < 300; i++) decoder.decode(Buffer.from('400000', 'hex'), limits);
    assert.equal(decoder.tableBytes, 4096);
    assert.deepEqual(decoder.decode(Buffer.from('ff3e', 'hex'), limits).fields, ['', '']);
    assert.throws(() => decoder.decode(Buffer.from('ff3f', 'hex'), limits), { message: /^index 190,/ });
  });
});

suite('table size updates', () => {
  const cases: readonly {
    readonly name: string;
    readonly settings: readonly number[];
    readonly block: string;
    readonly want: string;
  }[] = [
    { name: 'are not due where nothing changed', settings: [], block: '82', want: 'taken' },
    { name: 'may come at any time', settings: [], block: '2082', want: 'taken' },
    { name: 'may be a block of their own', settings: [100], block: '20', want: 'taken' },
    {
      name: 'are due where the maximum was lowered',
      settings: [100],
      block: '82',
      want: 'no table size update to 100 octets at the start of the block',
    },
    { name: 'may go to the lowered maximum', settings: [100], block: '3f4582', want: 'taken' },
    { name: 'may go below it', settings: [100], block: '2082', want: 'taken' },
    {
      name: 'may not go above it',
      settings: [100],
      block: '3f4682',
      want: 'table size update to 101 octets, maximum 100',
    },
    { name: 'are not due where the maximum was raised', settings: [8192], block: '82', want: 'taken' },
    { name: 'may go to the raised maximum', settings: [8192], block: '3fe13f82', want: 'taken' },
    {
      name: 'are due where the maximum was lowered and raised again',
      settings: [100, 8192],
      block: '82',
      want: 'no table size update to 100 octets at the start of the block',
    },
    {
      name: 'go down first where the maximum was lowered and raised again',
      settings: [100, 8192],
      block: '3fe13f82',
      want: 'table size update to 8192 octets, maximum 100',
    },
    {
      name: 'may then go up in a second',
      settings: [100, 8192],
      block: '3f453fe13f82',
      want: 'taken',
    },
    {
      name: 'go to the lowest of several',
      settings: [200, 100, 150],
      block: '3f7782',
      want: 'table size update to 150 octets, maximum 100',
    },
  ];
  for (const { name, settings, block, want } of cases) {
    test(name, () => {
      const decoder = new HpackDecoder({ maxTableBytes: 4096 });
      for (const size of settings) decoder.setMaxTableBytes(size);
      let got = 'taken';
      try {
        decoder.decode(Buffer.from(block, 'hex'), limits);
      } catch (error) {
        got = error instanceof Error ? error.message : '';
      }
      assert.equal(got, want);
    });
  }

  test('are not due twice', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 4096 });
    decoder.setMaxTableBytes(100);
    decoder.decode(Buffer.from('3f45', 'hex'), limits);
    assert.deepEqual(decoder.decode(Buffer.from('82', 'hex'), limits).fields, [':method', 'GET']);
  });
});

suite('the limits of a list', () => {
  test('are met by a list of just their size', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 4096 });
    const { fields, overLimit } = decoder.decode(Buffer.from('828182', 'hex').subarray(0, 1), {
      maxListBytes: 42,
      maxFields: 1,
    });
    assert.deepEqual({ fields, overLimit }, { fields: [':method', 'GET'], overLimit: false });
  });

  for (const [name, maxListBytes, maxFields] of [
    ['octets', 83, 100],
    ['fields', 1000, 1],
  ] as const) {
    test(`end the keeping of fields, not the reading: ${name}`, () => {
      const decoder = new HpackDecoder({ maxTableBytes: 4096 });
      const over = decoder.decode(Buffer.from('82824001610131', 'hex'), { maxListBytes, maxFields });
      assert.deepEqual(over, { fields: [':method', 'GET'], overLimit: true, accepted: true, neverIndexed: [] });
      assert.deepEqual(decoder.decode(Buffer.from('be', 'hex'), limits).fields, ['a', '1']);
    });
  }

  test('keep nothing of what comes behind the field that was too much', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 4096 });
    const block = Buffer.from(`8200${text('a')}${text('b'.repeat(100))}82`, 'hex');
    const { fields, overLimit } = decoder.decode(block, { maxListBytes: 130, maxFields: 100 });
    assert.deepEqual({ fields, overLimit }, { fields: [':method', 'GET'], overLimit: true });
  });

  test('hold against a block of references to one large field', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 4096 });
    decoder.decode(Buffer.from(`40${text('a')}${text('b'.repeat(4000))}`, 'hex'), limits);
    const { fields, overLimit } = decoder.decode(Buffer.alloc(16_000, 0xbe), limits);
    assert.equal(overLimit, true);
    // Four fields of 4033 octets are below 16 384, and they are one text.
    assert.equal(fields.length, 8);
  });

  test('do not hide a malformed end', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 4096 });
    assert.throws(() => decoder.decode(Buffer.from('828280', 'hex'), { maxListBytes: 0, maxFields: 0 }), {
      code: 'HPACK_MALFORMED',
    });
  });
});

test('a block may lie within a longer buffer', () => {
  const decoder = new HpackDecoder({ maxTableBytes: 4096 });
  assert.deepEqual(decoder.decode(Buffer.from('80828480', 'hex'), limits, 1, 3).fields, [
    ':method',
    'GET',
    ':path',
    '/',
  ]);
  assert.throws(() => decoder.decode(Buffer.from('0001610162', 'hex'), limits, 0, 4), {
    message: 'string of 1 octets, and 0 are there',
  });
});

test('names of fields that may never be indexed are told, those of others are not', () => {
  const decoder = new HpackDecoder({ maxTableBytes: 4096 });
  const { neverIndexed } = decoder.decode(Buffer.from('821001610131000162013240016301331f080134', 'hex'), limits);
  assert.deepEqual(neverIndexed, ['a', 'authorization']);
});

test('whether a field is accepted is asked once, and the table remembers the answer', () => {
  const asked: string[] = [];
  const decoder = new HpackDecoder({
    maxTableBytes: 4096,
    accepts: (name, value) => {
      asked.push(`${name}=${value}`);
      return name !== 'A';
    },
  });
  const accepted = ['824001610131', 'be', '4001410132', '82bf', 'be', '0001410133'].map(
    (block) => decoder.decode(Buffer.from(block, 'hex'), limits).accepted,
  );
  assert.deepEqual(accepted, [true, true, false, true, false, false]);
  assert.deepEqual(asked, ['a=1', 'A=2', 'A=3']);
});

test('a long string in Huffman code has room', () => {
  const decoder = new HpackDecoder({ maxTableBytes: 4096 });
  // Five bits each: 8 characters in 5 octets, the best there is.
  const zeros = Buffer.alloc(50_000);
  const block = Buffer.concat([Buffer.from('000161ffd18503', 'hex'), zeros]);
  assert.equal(block.readUInt8(3), 0xff);
  const { fields } = decoder.decode(block, { maxListBytes: 100_000, maxFields: 10 });
  assert.equal(fields[1], '0'.repeat(80_000));
});

suite('a block that repeats the one before', () => {
  const decoder = () => new HpackDecoder({ maxTableBytes: 4096 });
  const read = (of: HpackDecoder, block: string, within = limits) => of.decode(Buffer.from(block, 'hex'), within);

  test('is the same object from the third time on', () => {
    const one = decoder();
    read(one, '82840001610131');
    const second = read(one, '82840001610131');
    assert.equal(read(one, '82840001610131'), second);
    assert.equal(read(one, '82840001610131'), second);
  });

  test('may lie anywhere in its buffer', () => {
    const one = decoder();
    read(one, '8284');
    const second = read(one, '8284');
    assert.equal(one.decode(Buffer.from('ff8284ff', 'hex'), limits, 1, 3), second);
    assert.deepEqual(one.decode(Buffer.from('ff8285ff', 'hex'), limits, 1, 3).fields, [
      ...[':method', 'GET'],
      ...[':path', '/index.html'],
    ]);
  });

  for (const { name, blocks, want } of [
    {
      name: 'a field has gone into the table',
      blocks: ['400161013140016201324001630133', 'bf', 'bf', '4001640134', 'bf'],
      want: ['a1 b2 c3', 'b2', 'b2', 'd4', 'c3'],
    },
    {
      name: 'the block itself puts a field into the table',
      blocks: ['40016101314001620132', 'bf4001630133', 'bf4001630133', 'bf4001630133'],
      want: ['a1 b2', 'a1 c3', 'b2 c3', 'c3 c3'],
    },
    {
      name: 'the block before it was another of its length',
      blocks: ['0001610131', '0001610131', '0001610132', '0001610131', '0001620131'],
      want: ['a1', 'a1', 'a2', 'a1', 'b1'],
    },
  ]) {
    test(`is read by the table as it is: ${name}`, () => {
      const one = decoder();
      const texts = blocks.map((block) => {
        const { fields } = read(one, block);
        return fields.map((text, i) => (i % 2 === 0 && i > 0 ? ` ${text}` : text)).join('');
      });
      assert.deepEqual(texts, want);
    });
  }

  test('refers to nothing where the table was emptied meanwhile', () => {
    const one = decoder();
    read(one, '4001610131');
    for (let i = 0; i < 3; i += 1) read(one, 'be');
    read(one, '203fe11f82');
    assert.throws(() => read(one, 'be'), { message: 'index 62, and no such field in the tables' });
  });

  test('must confirm a table that was made smaller meanwhile', () => {
    const one = decoder();
    for (let i = 0; i < 3; i += 1) read(one, '82');
    one.setMaxTableBytes(100);
    assert.throws(() => read(one, '82'), { message: /^no table size update to 100 octets/ });
  });

  test('is held against the limits of its own', () => {
    const one = decoder();
    for (let i = 0; i < 3; i += 1) assert.equal(read(one, '8284').overLimit, false);
    assert.equal(read(one, '8284', { maxListBytes: 50, maxFields: 100 }).overLimit, true);
    assert.equal(read(one, '8284').overLimit, false);
  });

  test('is read anew once nothing is kept', () => {
    const one = decoder();
    for (let i = 0; i < 2; i += 1) read(one, '8284');
    const kept = read(one, '8284');
    one.forget();
    const anew = read(one, '8284');
    assert.notEqual(anew, kept);
    assert.deepEqual(anew, kept);
  });
});

function hex(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('hex');
}

/** A string without Huffman code. */
function text(latin1: string): string {
  const { length } = latin1;
  if (length < 127) return Buffer.of(length).toString('hex') + hex(latin1);
  const rest = length - 127;
  const octets = rest < 128 ? Buffer.of(127, rest) : Buffer.of(127, (rest & 127) | 128, rest >> 7);
  return octets.toString('hex') + hex(latin1);
}
