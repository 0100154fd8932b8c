import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ForwardedCertificate, HeaderAction, RewriteCondition, RewriteRule } from '../policy/policy.ts';
import { compileRewrite } from './compile.ts';
import { maxHeaderValueLength, maxUrlLength } from './limits.ts';
import { type BoundRewrite, type RequestView, type ResponseView, RewriteOverflow } from './rewrite.ts';
import { connection, header, request, rule, set, setCookie, when } from './testdata/facts.ts';

/** What a request can be told apart by, and what no request changes. */
const variables = [
  ...['var_uri_path', 'var_query_string', 'var_request_uri', 'var_host', 'var_http_method', 'var_http_version'],
  ...['var_cookie_a', 'var_client_user', 'var_add_x_forwarded_for_proxy', 'var_client_ip'],
  ...['http_req_Host', 'http_req_X-A', 'http_req_x-a', 'http_req_X-B'],
];
const responseVariables = ['var_http_status', 'http_resp_X-A'];
const patterns = ['(.)', '(a|b)', '^$', '^/a(/?)', 'b'];

const condition = (names: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...names), fc.constantFrom(...patterns), fc.boolean(), fc.boolean())
    .map(([name, pattern, ignoreCase, negate]) => when(name, pattern, { ignoreCase, negate }));

/** Each part is text, a variable, or a group of the condition of that number, where it has one. */
const value = fc.array(
  fc.oneof(fc.constantFrom('a', '{var_server_port}', ...variables.map((name) => `{${name}}`)), fc.nat(1)),
  { maxLength: 3 },
);
type Value = readonly (number | string)[];

function textOf(parts: Value, conditions: readonly RewriteCondition[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : groupOf(part, conditions))).join('');
}

function groupOf(index: number, conditions: readonly RewriteCondition[]): string {
  const { variable, pattern, negate } = conditions[index] ?? when('', '', { negate: true });
  const isOnlyOne = conditions.filter((other) => other.variable === variable).length === 1;
  return !negate && isOnlyOne && pattern.includes('(') ? `{${variable}_1}` : '';
}

const header1 = fc.tuple(fc.constantFrom('X-A', 'x-a', 'X-B', 'X-C'), value);
const host = fc.tuple(fc.constant('Host'), fc.constant<Value>(['{http_req_X-B}']));
const requestHeader = fc.oneof({ weight: 8, arbitrary: header1 }, { weight: 1, arbitrary: host });

const requestRule = fc
  .record({
    conditions: fc.array(condition(variables), { maxLength: 2 }),
    requestHeaders: fc.array(requestHeader, { maxLength: 3 }),
    responseHeaders: fc.array(header1, { maxLength: 1 }),
    path: fc.option(value, { nil: undefined }),
    query: fc.option(value, { nil: undefined }),
  })
  .map(({ conditions, requestHeaders, responseHeaders, path, query }) => {
    const actions = (list: readonly (readonly [string, Value])[]): HeaderAction[] =>
      list.map(([name, parts]) => header(name, textOf(parts, conditions)));
    const url = {
      ...(path === undefined
        ? {}
        : { path: `/${textOf(path, conditions).replaceAll('{var_request_uri}', '{var_uri_path}')}` }),
      ...(query === undefined ? {} : { queryString: textOf(query, conditions) }),
    };
    return rule({
      conditions,
      requestHeaders: actions(requestHeaders),
      responseHeaders: actions(responseHeaders),
      ...(path === undefined && query === undefined ? {} : { url }),
    });
  });

/** Decided by the answer, with words of the request. */
const responseRule = fc
  .tuple(condition(variables), condition(responseVariables), value, fc.boolean())
  .map(([ofRequest, ofResponse, parts, isCookie]) => {
    const conditions = [ofRequest, ofResponse];
    const text = textOf(parts, conditions);
    return rule({ conditions, responseHeaders: [isCookie ? setCookie(text, 'a') : header('X-A', text)] });
  });

const rules = fc
  .array(fc.oneof({ weight: 3, arbitrary: requestRule }, { weight: 1, arbitrary: responseRule }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((list) => list.filter(changesSomething).map((one, sequence) => ({ ...one, sequence })));

function changesSomething({ requestHeaders, responseHeaders, url }: RewriteRule): boolean {
  return requestHeaders.length + responseHeaders.length > 0 || url !== undefined;
}

/** A header that is taken from clients although rules read it: then they see a list of their own. */
const forwarded = fc.constantFrom<(ForwardedCertificate | undefined)[]>(undefined, {
  header: 'X-B',
  format: 'Rfc9440',
  unverified: 'Deny',
});

/** Lists of fields, of which some say the same; the last ones do not fit what rules make of them. */
const fieldLists: readonly (readonly string[])[] = [
  [],
  ['X-A', 'a'],
  ['X-A', 'a'],
  ['x-a', 'a', 'X-A', 'b'],
  ['X-A', 'b', 'X-B', 'b'],
  ['X-B', 'a'],
  ['Cookie', 'a=a', 'cookie', 'b=b', 'Authorization', 'Basic YTpi'],
  ['Cookie', 'a=b', 'X-Forwarded-For', '192.0.2.1'],
  ['X-A', '\0'],
  ['X-B', 'b'.repeat(maxHeaderValueLength)],
];

const requests = fc.record({
  method: fc.constantFrom('GET', 'OPTIONS'),
  path: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('/', '/a', '/a/b', '*') },
    fc.constant('/'.repeat(maxUrlLength)),
  ),
  query: fc.constantFrom(undefined, '', 'a', 'b'),
  authority: fc.constantFrom('a', 'A:1', 'b'),
  httpVersion: fc.constantFrom('HTTP/1.1' as const, 'HTTP/2.0' as const),
  fields: fc.constantFrom(...fieldLists),
});
/** What of the request before comes again: most clients change one thing at a time. */
const changes = fc.subarray<keyof RequestView>(
  ['method', 'path', 'query', 'authority', 'httpVersion', 'fields', 'fields', 'path'],
  { maxLength: 2 },
);

const answers: readonly ResponseView[] = [
  { status: 200, fields: ['Set-Cookie', 'a=1', 'X-A', 'b'] },
  { status: 404, fields: ['X-A', ''] },
];

/** Something else than the request before, or the one before that again, as after one that does not fit. */
const steps = fc.array(fc.record({ next: requests, changed: changes, goesBack: fc.boolean() }), {
  minLength: 2,
  maxLength: 12,
});

test('what rules remember of the requests before changes no edit of a request, nor of its answer, however late that comes', () => {
  fc.assert(
    fc.property(rules, forwarded, steps, (list, certificate, sequence) => {
      const rewrite = compileRewrite([set(...list)], certificate);
      const remembering = rewrite.bind(connection());
      const late: (() => void)[] = [];
      let before = request();
      let view = before;
      for (const { next, changed, goesBack } of sequence) {
        const other = { ...view, ...Object.fromEntries(changed.map((fact) => [fact, next[fact]])) };
        [before, view] = [view, goesBack ? before : other];
        const want = outcomeOf(rewrite.bind(connection()), view);
        const got = outcomeOf(remembering, view);
        assert.deepEqual(got.edits, want.edits);
        late.push(() => assert.deepEqual(got.answers(), want.answers()));
      }
      for (const compare of late) compare();
    }),
    { seed: 20_261_130, numRuns: 800 },
  );
});

function outcomeOf(bound: BoundRewrite, view: RequestView) {
  const outcome = orOverflow(() => bound.request(view));
  return typeof outcome === 'string'
    ? { edits: outcome, answers: () => [] }
    : { edits: outcome.edits, answers: () => answers.map((answer) => orOverflow(() => outcome.response(answer))) };
}

function orOverflow<Made>(make: () => Made): Made | string {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RewriteOverflow)) throw error;
    return error.message;
  }
}
