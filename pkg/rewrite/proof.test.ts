import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldName } from '../http1/names.ts';
import type { RewriteRule } from '../policy/policy.ts';
import { compileRewrite } from './compile.ts';
import { rewriteFaults } from './faults.ts';
import { isGuarded } from './guard.ts';
import { type BoundRewrite, type RequestEdits, type RequestView, RewriteOverflow } from './rewrite.ts';
import { accepted, connection, header, request, rule, set, when, wholeEdits, withSubject } from './testdata/facts.ts';
import { serverVariableNames } from './variables.ts';

const verified = when('var_client_certificate_verification', '^SUCCESS$');
const tables: readonly {
  readonly name: string;
  readonly rules: readonly Partial<RewriteRule>[];
  readonly want: readonly string[];
}[] = [
  {
    name: 'a value of the certificate',
    rules: [{ requestHeaders: [header('X-Who', 'a{var_client_certificate_subject}')] }],
    want: ['x-who'],
  },
  {
    name: 'a value of the connection',
    rules: [{ requestHeaders: [header('X-Tls', '{var_ssl_server_name}')] }],
    want: ['x-tls'],
  },
  {
    name: 'a value of an unverified certificate',
    rules: [{ requestHeaders: [header('X-Maybe', '{var_client_certificate_unverified}')] }],
    want: ['x-maybe'],
  },
  {
    name: 'a constant under a condition on the verification',
    rules: [{ conditions: [verified], requestHeaders: [header('X-Authenticated', 'true')] }],
    want: ['x-authenticated'],
  },
  {
    name: 'a capture of the certificate',
    rules: [
      {
        conditions: [when('var_client_certificate_subject', '(a)')],
        requestHeaders: [header('X-CN', '{var_client_certificate_subject_1}')],
      },
    ],
    want: ['x-cn'],
  },
  {
    name: 'a header set for everybody and deleted without a certificate',
    rules: [
      { sequence: 1, requestHeaders: [header('X-Role', 'partner')] },
      {
        sequence: 2,
        conditions: [when('var_client_certificate_verification', 'SUCCESS', { negate: true })],
        requestHeaders: [header('X-ROLE', '')],
      },
    ],
    want: ['x-role'],
  },
  {
    name: 'neither a header that is only deleted',
    rules: [{ conditions: [verified], requestHeaders: [header('X-Anonymous', '')] }],
    want: [],
  },
  {
    name: 'nor one without any proof',
    rules: [{ conditions: [when('var_http_method', 'GET')], requestHeaders: [header('X-Ip', '{var_client_ip}')] }],
    want: [],
  },
  {
    name: 'nor one of a response',
    rules: [{ responseHeaders: [header('X-Who', '{var_client_certificate_subject}')] }],
    want: [],
  },
];
for (const { name, rules, want } of tables) {
  test(`guarded: ${name}`, () => {
    const given = set(...rules.map((over, index) => rule({ sequence: 100 + index, ...over })));
    for (const facts of [connection(), connection(accepted(withSubject('CN=a')))]) {
      const rewrite = compileRewrite([given], undefined);
      rewrite.bind(facts);
      assert.deepEqual([...rewrite.guarded].sort(), want);
    }
  });
}

test('the forwarded header is guarded by its folded name', () => {
  assert.deepEqual(
    [...compileRewrite([], { header: 'My-Cert', format: 'Xfcc', unverified: 'Deny' }).guarded],
    ['my-cert'],
  );
});

test('a header that another set makes a proof reads as empty, though a client sends it', () => {
  const first = set(rule({ requestHeaders: [header('X-Role', '{var_client_certificate_subject}')] }));
  const second = set(
    rule({ conditions: [when('http_req_X-ROLE', 'admin')], requestHeaders: [header('X-Admin', 'yes')] }),
  );
  const bound = compileRewrite([first, second], undefined).bind(connection());
  const { edits } = bound.request(request({ fields: ['x-role', 'admin'] }));
  assert.deepEqual(wholeEdits(bound, edits), { path: undefined, query: undefined, remove: ['x-role'], set: [] });
});

const names = fc.constantFrom('X-A', 'x-b', 'X-C', 'X-D', 'X-E');
const variables = fc.constantFrom(
  ...serverVariableNames().filter((name) => name !== 'var_http_status'),
  'http_req_X-In',
  'http_req_Cookie',
  'var_cookie_c',
);
const text = fc.constantFrom('', 'a', ' b ', '/');
const value = fc
  .array(
    fc.oneof(
      text,
      variables.map((name) => `{${name}}`),
    ),
    { maxLength: 3 },
  )
  .map((parts) => parts.join(''));
const condition = fc.record({
  variable: variables,
  pattern: fc.constantFrom('', '^a', 'b$', '.', '(a|b)', '[^x]', '^$'),
  ignoreCase: fc.boolean(),
  negate: fc.boolean(),
});
const action = fc.record({ headerName: names, headerValue: value });
const anyRule = fc.record({
  conditions: fc.array(condition, { maxLength: 2 }),
  requestHeaders: fc.array(action, { minLength: 1, maxLength: 3 }),
  responseHeaders: fc.array(action, { maxLength: 2 }),
  url: fc.option(fc.record({ path: value.map((v) => `/${v}`), queryString: value.map((v) => `q${v}`) }), {
    nil: undefined,
  }),
});
const anySet = fc
  .array(anyRule, { minLength: 1, maxLength: 5 })
  .map((rules) =>
    set(
      ...rules.map(({ url, ...over }, index) =>
        rule({ sequence: index, ...over, ...(url === undefined ? {} : { url }) }),
      ),
    ),
  );
const wild = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', '\r', '\n', '\0', '\t', 'ë', '\u2603', '?', '#', ';', 'c='),
  maxLength: 6,
});

test('every header that a certificate or TLS variable reaches is guarded, whatever the rules', () => {
  const proof = /var_(?:client_certificate|ssl_|ciphers_)/;
  fc.assert(
    fc.property(anySet, (given) => {
      if (rewriteFaults(given).length > 0) return;
      const { guarded } = compileRewrite([given], undefined);
      for (const { conditions, requestHeaders } of given.rules) {
        const underProof = conditions.some(({ variable }) => proof.test(variable));
        for (const { headerName, headerValue } of requestHeaders) {
          const reached = proof.test(headerValue) || (underProof && headerValue !== '');
          if (reached) assert.ok(guarded.has(foldName(headerName)), headerName);
        }
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});

test('what rules make never holds a control character or anything outside Latin-1, whatever a client sends', () => {
  let made = 0;
  fc.assert(
    fc.property(anySet, wild, wild, wild, (given, sent, subject, path) => {
      if (rewriteFaults(given).length > 0) return;
      try {
        const bound = compileRewrite([given], undefined).bind(connection(accepted(withSubject(subject))));
        const view = request({ path: `/${path}`, query: path, fields: ['X-In', sent, 'Cookie', `c=${sent}`] });
        const { edits, response } = bound.request(view);
        for (const fields of [bound.fixed.set, edits.set, response({ status: 200, fields: ['X-In', sent] }).set]) {
          made += fields.length;
          for (const field of fields) assert.match(field, /^(?:[\x20-\x7e\t\x80-\xff])+$/);
        }
        assert.match(edits.path ?? '/', /^\/[!-~]*$/);
        assert.doesNotMatch(edits.path ?? '', /[?#]/);
        assert.match(edits.query ?? '', /^[!-~]*$/);
      } catch (error) {
        if (!(error instanceof RewriteOverflow)) throw error;
      }
    }),
    { numRuns: 1000, seed: 1 },
  );
  assert.ok(made > 500, `only ${made} fields were made`);
});

test('edits of requests and answers hang on no request before, whatever was asked in which order', () => {
  let repeated = 0;
  const alike = ['a', 'b'].map((sent) => ['X-In', sent, 'Cookie', `c=${sent}`]);
  const view = fc.record({
    method: fc.constantFrom('GET', 'POST'),
    path: fc.constantFrom('/a', '/b', '/a b', '*'),
    query: fc.constantFrom(undefined, 'q', 'r'),
    authority: fc.constantFrom('contoso.com', 'a.example:1'),
    httpVersion: fc.constantFrom('HTTP/1.1' as const, 'HTTP/2.0' as const),
    fields: fc.constantFrom(...alike, ['X-In', '\0']),
  });
  fc.assert(
    fc.property(anySet, fc.array(view, { minLength: 2, maxLength: 8 }), (given, views) => {
      if (rewriteFaults(given).length > 0) return;
      const compiled = compileRewrite([given], undefined);
      const facts = connection(accepted(withSubject('a b')));
      const used = unlessOverflow(() => compiled.bind(facts));
      if (used === 'overflow') return;
      for (const [index, one] of views.entries()) {
        const got = whole(used, one);
        assert.deepEqual(got, whole(compiled.bind(facts), one));
        if (index > 0 && used.constant === undefined && typeof got !== 'string') repeated += 1;
      }
    }),
    { numRuns: 1000, seed: 1 },
  );
  assert.ok(repeated > 1000, `only ${repeated} requests came after another`);
});

test('rules together do what each does alone, where the last word on a header counts', () => {
  let mixed = 0;
  const several = fc.array(anySet, { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(several, fc.constantFrom('', 'a', 'b'), (sets, sent) => {
      const given = sets.filter((one) => rewriteFaults(one).length === 0);
      const view = request({ fields: ['X-In', sent, 'Cookie', `c=${sent}`] });
      const facts = connection(accepted(withSubject('a b')));
      const single = given.flatMap((one) =>
        one.rules.toSorted((a, b) => a.sequence - b.sequence).map((rule) => ({ ...one, rules: [rule] })),
      );
      const want = unlessOverflow(() => {
        const last = new Map<string, string[]>();
        let [path, query]: (string | undefined)[] = [];
        for (const one of single) {
          const edits = wholeEditsOf(compileRewrite([one], undefined).bind(facts), view);
          for (const [name, values] of byName(edits)) last.set(name, values);
          path = edits.path ?? path;
          query = edits.query ?? query;
        }
        return { path, query, headers: sorted(last) };
      });
      const got = unlessOverflow(() => {
        const together = compileRewrite(given, undefined).bind(facts);
        if (together.constant === undefined && together.fixed.remove.length > 0) mixed += 1;
        const edits = wholeEditsOf(together, view);
        return { path: edits.path, query: edits.query, headers: sorted(byName(edits)) };
      });
      assert.deepEqual(got, want);
    }),
    { numRuns: 500, seed: 1 },
  );
  assert.ok(mixed > 50, `only ${mixed} of the sets had both kinds of rules`);
});

test('no header that a rule can set by a certificate variable escapes by its spelling', () => {
  const given = set(rule({ requestHeaders: [header('X-Client-Id', '{var_client_certificate_serial}')] }));
  const { guarded } = compileRewrite([given], undefined);
  for (const forged of ['x-client-id', 'X_Client_Id', 'X.CLIENT-ID']) assert.ok(guarded.has(foldName(forged)));
  assert.ok(!isGuarded(foldName('X-Client-Id')));
});

function wholeEditsOf(bound: BoundRewrite, view: RequestView): RequestEdits {
  return wholeEdits(bound, bound.request(view).edits);
}

/** Header edits by lower-case name; no values: it is removed. */
function byName({ remove, set: added }: RequestEdits): Map<string, string[]> {
  const headers = new Map<string, string[]>(remove.map((name) => [name, []]));
  for (let i = 0; i < added.length; i += 2) headers.get(added[i]?.toLowerCase() ?? '')?.push(added[i + 1] ?? '');
  return headers;
}

function sorted(headers: ReadonlyMap<string, string[]>): [string, string[]][] {
  return [...headers].sort(([a], [b]) => (a < b ? -1 : 1));
}

function whole(bound: BoundRewrite, view: RequestView): unknown {
  return unlessOverflow(() => {
    const { edits, response } = bound.request(view);
    const answer = unlessOverflow(() => response({ status: 200, fields: ['X-In', 'b'] }));
    return { edits: wholeEdits(bound, edits), answer };
  });
}

function unlessOverflow<T>(make: () => T): T | 'overflow' {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RewriteOverflow)) throw error;
    return 'overflow';
  }
}
