import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type FieldRow,
  gateFromManifests,
  type ManifestsGate,
  rewriteSetText,
  testFields,
} from '../support/profile.ts';
import { answer, linesNamed } from '../support/talk.ts';

/* What each field of a RewriteSet does to requests and answers, seen by the application and by clients. */

const respond = (text: string) =>
  text.endsWith('\r\n\r\n')
    ? answer('ok', 'X-Kind: plain\r\nSet-Cookie: Session=1; Path=/\r\nSet-Cookie: theme=dark\r\n')
    : undefined;

/** One field of the one rule of a set, in two or more settings: a set each, which the profile refers to. */
function ruleRow(
  name: string,
  rules: readonly string[],
  question: (gate: ManifestsGate) => Promise<string>,
  want: readonly string[],
): FieldRow {
  return {
    name,
    options: { respond, documents: rules.map((rule, index) => rewriteSetText(`set-${index}`, rule)) },
    specs: rules.map((_, index) => ({ rewriteSets: `[{name: set-${index}}]` })),
    question,
    want,
  };
}

function rule(text: string, sequence = 100): string {
  return `{name: first, ruleSequence: ${sequence}, ${text}}`;
}

/** A rule that marks the requests which its condition holds for. */
function marks(condition: string): string {
  return `[${rule(`conditions: [{${condition}}], actionSet: {requestHeaderConfigurations: [{headerName: X-Mark, headerValue: yes}]}`)}]`;
}

function requestHeader(text: string, sequence?: number): string {
  return rule(`actionSet: {requestHeaderConfigurations: [{${text}}]}`, sequence);
}

function responseHeader(text: string): string {
  return `[${rule(`actionSet: {responseHeaderConfigurations: [{${text}}]}`)}]`;
}

function url(text: string): string {
  return `[${rule(`actionSet: {urlConfiguration: {${text}}}`)}]`;
}

/** Which of the paths were marked. */
function marked(...paths: readonly string[]): (gate: ManifestsGate) => Promise<string> {
  return async ({ app, ask }) => {
    for (const path of paths) await ask({ path });
    return app.received
      .filter((text) => linesNamed(text, 'x-mark').length > 0)
      .map((text) => text.split(' ')[1])
      .join();
  };
}

/** The fields that the application gets of that name. */
function received(name: string, fields = ''): (gate: ManifestsGate) => Promise<string> {
  return async ({ app, ask }) => {
    await ask({ path: '/a?b=c', fields });
    return linesNamed(app.received[0] ?? '', name).join();
  };
}

/** The fields that the client gets of that name. */
function answered(name: string): (gate: ManifestsGate) => Promise<string> {
  return async ({ ask }) => linesNamed(await ask(), name).join();
}

async function target({ app, ask }: ManifestsGate): Promise<string> {
  await ask({ path: '/a?b=c' });
  return (app.received[0] ?? '').split(' ')[1] ?? '';
}

const setsOne = 'actionSet: {requestHeaderConfigurations: [{headerName: X-One, headerValue: v}]}';
const cookies = 'headerName: Set-Cookie, headerValue: "changed=1", headerValueMatcher:';

testFields([
  {
    name: 'rewriteSets.name is the set whose rules run',
    options: {
      documents: ['one', 'two'].map((name) =>
        rewriteSetText(name, `[${requestHeader(`headerName: X-Set, headerValue: ${name}`)}]`),
      ),
    },
    specs: [
      {},
      { rewriteSets: '[{name: one}]' },
      { rewriteSets: '[{name: two}]' },
      { rewriteSets: '[{name: two}, {name: one}]' },
    ],
    question: received('x-set'),
    want: ['', 'X-Set: one', 'X-Set: two', 'X-Set: one'],
  },
  ruleRow(
    'ruleSequence is the order of rules, whatever theirs in the list',
    [
      `[${requestHeader('headerName: X-Last, headerValue: a', 1)}, ${requestHeader('headerName: X-Last, headerValue: b', 2)}]`,
      `[${requestHeader('headerName: X-Last, headerValue: a', 2)}, ${requestHeader('headerName: X-Last, headerValue: b', 1)}]`,
    ],
    received('x-last'),
    ['X-Last: b', 'X-Last: a'],
  ),
  ruleRow(
    'conditions.variable is what the pattern is looked for in',
    [marks('variable: var_uri_path, pattern: c'), marks('variable: var_query_string, pattern: c')],
    marked('/c?b', '/b?c'),
    ['/c?b', '/b?c'],
  ),
  ruleRow(
    'conditions.pattern decides which requests a rule is for',
    [marks('variable: var_uri_path, pattern: "^/a"'), marks('variable: var_uri_path, pattern: "a$"')],
    marked('/ab', '/ba'),
    ['/ab', '/ba'],
  ),
  ruleRow(
    'conditions.ignoreCase: true finds the pattern in any case',
    ['false', 'true'].map((word) => marks(`variable: var_uri_path, pattern: "^/a", ignoreCase: ${word}`)),
    marked('/a', '/A'),
    ['/a', '/a,/A'],
  ),
  ruleRow(
    'conditions.negate: true is for the requests in which the pattern is not found',
    ['false', 'true'].map((word) => marks(`variable: var_uri_path, pattern: "^/a", negate: ${word}`)),
    marked('/a', '/b'),
    ['/a', '/b'],
  ),
  ruleRow(
    'requestHeaderConfigurations.headerName is the header that the application gets',
    ['X-One', 'X-Two'].map((name) => `[${requestHeader(`headerName: ${name}, headerValue: v`)}]`),
    async (gate) => {
      const one = await received('x-one')(gate);
      return `${one}|${linesNamed(gate.app.received[0] ?? '', 'x-two').join()}`;
    },
    ['X-One: v|', '|X-Two: v'],
  ),
  ruleRow(
    'requestHeaderConfigurations.headerValue is its value, made of text and variables, and nothing deletes the header',
    ['text', '"{var_uri_path} of {http_req_X-One}"', '""'].map(
      (value) => `[${requestHeader(`headerName: X-One, headerValue: ${value}`)}]`,
    ),
    received('x-one', 'X-One: client\r\n'),
    ['X-One: text', 'X-One: /a of client', ''],
  ),
  ruleRow(
    'responseHeaderConfigurations.headerName is the header that the client gets',
    ['X-Kind', 'X-Other'].map((name) => responseHeader(`headerName: ${name}, headerValue: v`)),
    async (gate) => {
      const text = await gate.ask();
      return [...linesNamed(text, 'x-kind'), ...linesNamed(text, 'x-other')].join();
    },
    ['X-Kind: v', 'X-Kind: plain,X-Other: v'],
  ),
  ruleRow(
    'responseHeaderConfigurations.headerValue is its value, made of text and variables, and nothing deletes the header',
    ['text', '"{http_resp_X-Kind} {var_http_status}"', '""'].map((value) =>
      responseHeader(`headerName: X-Kind, headerValue: ${value}`),
    ),
    answered('x-kind'),
    ['X-Kind: text', 'X-Kind: plain 200', ''],
  ),
  ruleRow(
    'headerValueMatcher.pattern picks the cookies that are changed',
    ['^Session=', '^theme='].map((pattern) => responseHeader(`${cookies} {pattern: "${pattern}"}`)),
    answered('set-cookie'),
    ['Set-Cookie: changed=1,Set-Cookie: theme=dark', 'Set-Cookie: Session=1; Path=/,Set-Cookie: changed=1'],
  ),
  ruleRow(
    'headerValueMatcher.ignoreCase: true picks cookies in any case',
    ['false', 'true'].map((word) => responseHeader(`${cookies} {pattern: "^session=", ignoreCase: ${word}}`)),
    answered('set-cookie'),
    ['Set-Cookie: Session=1; Path=/,Set-Cookie: theme=dark', 'Set-Cookie: changed=1,Set-Cookie: theme=dark'],
  ),
  ruleRow(
    'headerValueMatcher.negate: true picks the cookies in which the pattern is not found',
    ['false', 'true'].map((word) => responseHeader(`${cookies} {pattern: "^theme=", negate: ${word}}`)),
    answered('set-cookie'),
    ['Set-Cookie: Session=1; Path=/,Set-Cookie: changed=1', 'Set-Cookie: changed=1,Set-Cookie: theme=dark'],
  ),
  ruleRow(
    'modifiedPath is the path that the application gets, and absent leaves it',
    [url('modifiedQueryString: x=y'), url('modifiedPath: "/v2{var_uri_path}"')],
    target,
    ['/a?x=y', '/v2/a?b=c'],
  ),
  ruleRow(
    'modifiedQueryString is the query that the application gets, empty removes it and absent leaves it',
    [url('modifiedPath: /d'), url('modifiedQueryString: x=y'), url('modifiedQueryString: ""')],
    target,
    ['/d?b=c', '/a?x=y', '/a'],
  ),
]);

/** A set that is refused holds the profile: nothing is served by rules that were not understood. */
const refusals: readonly { readonly name: string; readonly rules: string; readonly fault: string }[] = [
  {
    name: 'reroute: true is refused and the profile is not served',
    rules: url('modifiedPath: /a, reroute: true'),
    fault:
      'spec.rewriteRules[0].actionSet.urlConfiguration.reroute: true has no meaning: there is one application; remove it',
  },
  {
    name: 'a headerValueMatcher on a request header is refused and the profile is not served',
    rules: `[${requestHeader('headerName: X-One, headerValue: v, headerValueMatcher: {pattern: a}')}]`,
    fault:
      'spec.rewriteRules[0].actionSet.requestHeaderConfigurations[0].headerValueMatcher: only the response header Set-Cookie can have one, not X-One',
  },
  {
    name: 'the name of a rule says which one another rule is at odds with',
    rules: `[${rule(setsOne).replace('first', 'greeting')}, ${rule(setsOne)}]`,
    fault: 'spec.rewriteRules[1].ruleSequence: 100 is already that of rule greeting: sequences are unique in a set',
  },
];

for (const { name, rules, fault } of refusals) {
  test(name, async (t) => {
    const { outcome, faults } = await gateFromManifests(t, {
      documents: [rewriteSetText('set', rules)],
      spec: { rewriteSets: '[{name: set}]' },
    });
    assert.equal(await outcome(), 'no handshake');
    assert.deepEqual(faults, ['spec.rewriteSets[0]: RewriteSet shop/set cannot be used; see its own condition', fault]);
  });
}
