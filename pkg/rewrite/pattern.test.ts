import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { compilePattern } from './pattern.ts';

const searches: readonly {
  readonly pattern: string;
  readonly subject: string;
  readonly ignoreCase?: boolean;
  readonly want: readonly string[] | undefined;
}[] = [
  { pattern: 'b', subject: 'abc', want: [] },
  { pattern: '^/api/', subject: '/api/v1', want: [] },
  { pattern: '^/api/', subject: '/x/api/', want: undefined },
  { pattern: '\\.php$', subject: '/a.php', want: [] },
  { pattern: '\\.php$', subject: '/aphp', want: undefined },
  { pattern: '^GET$', subject: 'get', want: undefined },
  { pattern: '^GET$', subject: 'get', ignoreCase: true, want: [] },
  { pattern: '^$', subject: '', want: [] },
  { pattern: '', subject: 'anything', want: [] },
  { pattern: 'k', subject: '\u212a', ignoreCase: true, want: [] },
  { pattern: 's', subject: '\u017f', ignoreCase: true, want: [] },
  { pattern: 'i', subject: '\u0130', ignoreCase: true, want: undefined },
  { pattern: '(?i)api', subject: 'API', want: [] },
  {
    pattern: '(https?):\\/\\/.*azurewebsites\\.net(.*)$',
    subject: 'https://a.azurewebsites.net/p?q',
    want: ['https', '/p?q'],
  },
  { pattern: '/(.+)/(.+)', subject: '/category/products/phones', want: ['category/products', 'phones'] },
  { pattern: '(\\d)+', subject: 'a123', want: ['3'] },
  { pattern: '(a)|(b)', subject: 'b', want: ['', 'b'] },
  { pattern: 'a.c', subject: 'a\nc', want: undefined },
  { pattern: 'a$', subject: 'a\n', want: undefined },
];
for (const { pattern, subject, ignoreCase = false, want } of searches) {
  const how = want === undefined ? 'does not match' : 'matches';
  test(`${JSON.stringify(pattern)}${ignoreCase ? ' without case' : ''} ${how} ${JSON.stringify(subject)}`, () => {
    const compiled = compilePattern(pattern, ignoreCase);
    assert.deepEqual(compiled.groups(subject), want);
    assert.equal(compiled.test(subject), want !== undefined);
  });
}

const invalid: readonly (readonly [string, string, RegExp])[] = [
  ['a missing parenthesis', '(', /^error parsing regexp: missing closing \): `\(`$/],
  ['a look-ahead', '(?=a)', /invalid or unsupported Perl syntax/],
  ['a look-behind', '(?<=a)b', /error parsing regexp/],
  ['a back-reference', '(a)\\1', /invalid escape sequence: `\\1`/],
  ['over 1024 characters', 'a'.repeat(1025), /^pattern has 1025 characters, limit 1024$/],
  [
    'a program over 1024 instructions',
    '(?:[a-z][0-9]){600}',
    /^pattern compiles to \d+ instructions, limit 1024: repeat less$/,
  ],
];
for (const [name, pattern, message] of invalid) {
  test(`a pattern with ${name} is refused`, () => {
    assert.throws(() => compilePattern(pattern, false), { code: 'PATTERN_INVALID', message });
  });
}

test('literals, anchored or not, match exactly what RE2 matches', () => {
  const anchor = (text: string) => fc.constantFrom('', text);
  const unit = fc.oneof(
    fc.constantFrom(...Array.from('aAkKsSiIzZ09 /-_:,=<>@~`!"#%&;\'')),
    fc.constantFrom(...Array.from('.$^*+?()[]{}|\\/-_!"')).map((c) => `\\${c}`),
  );
  const literal = fc
    .tuple(anchor('^'), fc.array(unit, { maxLength: 3 }), anchor('$'))
    .map(([s, units, e]) => s + units.join('') + e);
  const subject = fc
    .array(fc.constantFrom(...Array.from('aAkKsSiIzZ09 /-_.$^*\\\nßÿ\u00b5\u212a\u017f\u0130\u0131')), { maxLength: 6 })
    .map((c) => c.join(''));
  fc.assert(
    fc.property(literal, subject, fc.boolean(), (pattern, text, ignoreCase) => {
      const want = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0).test(text);
      assert.equal(compilePattern(pattern, ignoreCase).test(text), want);
    }),
    { numRuns: 5000, seed: 1 },
  );
});

test('a literal found in a subject made around it is found by RE2 too', () => {
  const word = fc.string({ unit: fc.constantFrom(...Array.from('abK./-')), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(word, word, word, fc.boolean(), fc.boolean(), (before, text, after, start, end) => {
      const pattern = `${start ? '^' : ''}${RE2JS.quote(text)}${end ? '$' : ''}`;
      const subject = `${start ? '' : before}${text}${end ? '' : after}`;
      assert.equal(compilePattern(pattern, false).test(subject), true);
      assert.equal(RE2JS.compile(pattern).test(subject), true);
    }),
    { numRuns: 500, seed: 2 },
  );
});

test('a pattern says of a subject what it said before, however many came between', () => {
  const pattern = compilePattern('^([a-z]+)(\\d{1,2})?$', false);
  const plain = RE2JS.compile('^([a-z]+)(\\d{1,2})?$');
  for (const round of [1, 2, 3]) {
    for (let i = 0; i < 150; i += round) {
      for (const subject of [`a${i}`, 'always', `${'a'.repeat(i * 3)}`, `A${i}`, '']) {
        const found: readonly unknown[] | null = plain.exec(subject);
        const want = found?.slice(1).map((group) => group ?? '');
        assert.deepEqual([pattern.test(subject), pattern.groups(subject)], [want !== undefined, want]);
      }
    }
  }
});

for (const { name, pattern, length, ok } of [
  { name: 'a literal sees 32768 characters', pattern: 'x', length: 32_768, ok: true },
  { name: 'a literal is not matched against more', pattern: 'x', length: 32_769, ok: false },
  { name: 'a small pattern sees 32768 characters', pattern: '(x+x+)+y', length: 32_768, ok: true },
  { name: 'a small pattern is not matched against more', pattern: '(x+x+)+y', length: 32_769, ok: false },
  { name: 'a large pattern is not matched against as much', pattern: '(\\w{1,300}\\d)', length: 8192, ok: false },
]) {
  test(name, () => {
    const match = () => compilePattern(pattern, false).test('a'.repeat(length));
    if (ok) assert.equal(match(), false);
    else assert.throws(match, { code: 'REWRITE_OVERFLOW', message: /limit \d+ for its pattern$/ });
  });
}

test('the steps of a match that backtracks without end elsewhere stay linear', () => {
  // A backtracking engine would not come back from this one.
  assert.equal(compilePattern('^(([a-z])+.)+[A-Z]([a-z])+$', false).groups('a'.repeat(32_768)), undefined);
});

test('the states that subjects make a pattern remember are given up before they are many', (context) => {
  const probe = RE2JS.compile('a.b');
  probe.test('axb');
  const clearCache = context.mock.method(Object.getPrototypeOf(probe.re2().lazyDFA), 'clearCache');
  const pattern = compilePattern('a[ab]{14}c', false);
  // Every window of fifteen letters is another state.
  let state = 1;
  const letters = Array.from({ length: 16_384 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state < 1_073_741_824 ? 'a' : 'b';
  });
  for (let i = 0; i < 4; i++) pattern.test(`${letters.join('')}c`);
  assert.ok(clearCache.mock.callCount() > 0);
});
