import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { huffmanDecode, huffmanEncode, huffmanLength } from './huffman.ts';

function encode(text: string): string {
  const into = Buffer.alloc(4 * text.length + 1);
  return into.toString('hex', 0, huffmanEncode(text, into, 0));
}

function decode(hex: string): string {
  const from = Buffer.from(hex, 'hex');
  const into = Buffer.alloc(2 * from.length);
  return into.toString('latin1', 0, huffmanDecode(from, 0, from.length, into));
}

suite('Huffman code (RFC 7541 5.2, appendix B)', () => {
  const vectors: readonly (readonly [string, string])[] = [
    ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
    ['no-cache', 'a8eb10649cbf'],
    ['custom-key', '25a849e95ba97d7f'],
    ['302', '6402'],
    ['307', '640eff'],
    ['private', 'aec3771a4b'],
    ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
    ['gzip', '9bd9ab'],
    [
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
      '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ],
    ['', ''],
  ];
  for (const [text, hex] of vectors) {
    test(`"${text}" is the RFC's octets both ways`, () => {
      assert.equal(encode(text), hex);
      assert.equal(decode(hex), text);
      assert.equal(huffmanLength(text), hex.length / 2);
    });
  }

  test('every pair of octets comes back', () => {
    for (let one = 0; one < 256; one++) {
      for (let two = 0; two < 256; two++) {
        const text = String.fromCharCode(one, two);
        const hex = encode(text);
        assert.equal(decode(hex), text);
        assert.equal(huffmanLength(text), hex.length / 2);
      }
    }
  });

  const malformed: readonly (readonly [string, string, RegExp])[] = [
    ['padding of 0', '00', /padding/],
    ['padding with a 0 in it', '640efd', /padding/],
    ['padding of a whole octet', 'a8eb10649cbfff', /padding/],
    ['an octet of nothing but padding', 'ff', /padding/],
    ['a string that ends within a code', 'fffe', /padding/],
    ['the end-of-string symbol alone', 'ffffffff', /end-of-string/],
    ['the end-of-string symbol with 0 behind it', 'fffffffc', /end-of-string/],
    ['the end-of-string symbol behind text', 'a8eb10649cbfffffffff', /end-of-string/],
    ['the end-of-string symbol before text', 'fffffffe3f', /end-of-string/],
  ];
  for (const [name, hex, message] of malformed) {
    test(`${name} is refused`, () => assert.throws(() => decode(hex), { code: 'HPACK_MALFORMED', message }));
  }

  test('a character that is no octet is refused', () => assert.throws(() => huffmanLength('\u0141'), TypeError));
});
