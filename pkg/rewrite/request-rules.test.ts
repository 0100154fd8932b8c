import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRewrite } from './compile.ts';
import { requestFact } from './request-facts.ts';
import type { RequestView } from './rewrite.ts';
import { connection, header, request, rule, set, when } from './testdata/facts.ts';
import { resolveVariable, serverVariableNames } from './variables.ts';

const rules = set(
  rule({
    sequence: 1,
    conditions: [when('var_uri_path', '^/api/')],
    requestHeaders: [header('X-Area', 'api'), header('X-Tool', '')],
  }),
  rule({
    sequence: 2,
    conditions: [when('http_req_User-Agent', '(curl|wget)')],
    requestHeaders: [header('X-Tool', '{http_req_User-Agent_1}')],
  }),
);
const fields = ['User-Agent', 'curl/8'];
const cases: readonly { readonly name: string; readonly next: Partial<RequestView>; readonly isSame: boolean }[] = [
  { name: 'nothing differs', next: {}, isSame: true },
  { name: 'what no rule reads differs', next: { method: 'POST', query: 'b', authority: 'b' }, isSame: true },
  { name: 'what a rule reads differs, and it says the same', next: { path: '/api/b' }, isSame: true },
  { name: 'other fields say the same to the rules', next: { fields: [...fields, 'X-A', '1'] }, isSame: true },
  { name: 'a rule does not run any more', next: { path: '/b' }, isSame: false },
  { name: 'a rule says something else', next: { fields: ['User-Agent', 'wget'] }, isSame: false },
];
for (const { name, next, isSame } of cases) {
  test(`the edits are ${isSame ? 'the same objects' : 'made anew'} where ${name}`, () => {
    const compiled = compileRewrite([rules], undefined);
    const bound = compiled.bind(connection());
    const first = request({ path: '/api/a', fields });
    const before = bound.request(first);
    const after = bound.request({ ...first, ...next });
    assert.equal(after.edits === before.edits, isSame);
    assert.deepEqual(after.edits, compiled.bind(connection()).request({ ...first, ...next }).edits);
  });
}

test("what response rules say is made anew where what they read of the request differs, else it is the same function's", () => {
  const answering = set(rule({ responseHeaders: [header('X-Path', '{var_uri_path}')] }));
  const bound = compileRewrite([answering], undefined).bind(connection());
  const { response } = bound.request(request({ path: '/a' }));
  assert.equal(bound.request(request({ path: '/a', query: 'b' })).response, response);
  const other = bound.request(request({ path: '/b' }));
  const view = { status: 200, fields: [] };
  assert.deepEqual(
    [response(view).set, other.response(view).set],
    [
      ['X-Path', '/a'],
      ['X-Path', '/b'],
    ],
  );
});

test('after a request that was refused, rules are asked again', () => {
  const given = set(
    rule({ sequence: 1, requestHeaders: [header('X-Path', '{var_uri_path}')] }),
    rule({ sequence: 2, requestHeaders: [header('X-In', '{http_req_X-In}')] }),
    rule({ sequence: 3, requestHeaders: [header('X-Query', '{var_query_string}')] }),
  );
  const bound = compileRewrite([given], undefined).bind(connection());
  const good = request({ path: '/a', query: 'a', fields: ['X-In', 'a'] });
  const { set: want } = bound.request(good).edits;
  const bad = request({ path: '/b', query: 'b', fields: ['X-In', '\0'] });
  assert.throws(() => bound.request(bad), { code: 'REWRITE_OVERFLOW' });
  assert.deepEqual(bound.request(good).edits.set, want);
});

for (const name of [...serverVariableNames(), 'var_cookie_a', 'http_req_Host', 'http_req_X-A']) {
  const variable = resolveVariable(name);
  if ('fault' in variable || variable.depends !== 'request') continue;
  test(`${name} reads no more of a request than it says`, () => {
    let read = 0;
    const watched = new Proxy(request({ fields: ['Cookie', 'a=b', 'X-A', 'c'] }), {
      get: (view, fact: keyof RequestView) => {
        read |= requestFact[fact];
        return view[fact];
      },
    });
    variable.read(connection(), watched);
    assert.equal(read, variable.reads);
  });
}
