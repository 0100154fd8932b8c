import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkField, type FieldCase } from './testdata/field-case.ts';
import { changed, outcome, setBase } from './testdata/leaf-world.ts';

const rule = 'rewriteRules[]';

const cases: readonly FieldCase[] = [
  { name: 'a rule has its name', leaf: 'rewriteRules[].name', value: 'other', at: 'rule.name', want: 'other' },
  {
    name: 'ruleSequence is the sequence',
    leaf: 'rewriteRules[].ruleSequence',
    value: 101,
    at: 'rule.sequence',
    want: 101,
  },
  {
    name: 'conditions.variable is what is looked at',
    leaf: 'rewriteRules[].conditions[].variable',
    value: 'var_host',
    at: 'rule.conditions.0.variable',
    want: 'var_host',
  },
  {
    name: 'conditions.pattern is searched for',
    leaf: 'rewriteRules[].conditions[].pattern',
    value: '^/b',
    at: 'rule.conditions.0.pattern',
    want: '^/b',
  },
  {
    name: 'conditions.ignoreCase folds case',
    leaf: 'rewriteRules[].conditions[].ignoreCase',
    value: true,
    at: 'rule.conditions.0.ignoreCase',
    want: true,
  },
  {
    name: 'conditions.negate turns a condition round',
    leaf: 'rewriteRules[].conditions[].negate',
    value: true,
    at: 'rule.conditions.0.negate',
    want: true,
  },
  {
    name: 'requestHeaderConfigurations.headerName names the request header',
    leaf: 'rewriteRules[].actionSet.requestHeaderConfigurations[].headerName',
    value: 'X-Two',
    at: 'rule.requestHeaders.0.headerName',
    want: 'X-Two',
  },
  {
    name: 'requestHeaderConfigurations.headerValue is its value',
    leaf: 'rewriteRules[].actionSet.requestHeaderConfigurations[].headerValue',
    value: '{var_uri_path}',
    at: 'rule.requestHeaders.0.headerValue',
    want: '{var_uri_path}',
  },
  {
    name: 'responseHeaderConfigurations.headerName names the response header',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerName',
    value: 'X-Two',
    at: 'rule.responseHeaders.0',
    want: { headerName: 'X-Two', headerValue: 'a=b' },
    with: { [`${rule}.actionSet.responseHeaderConfigurations[].headerValueMatcher`]: undefined },
  },
  {
    name: 'responseHeaderConfigurations.headerValue is its value',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValue',
    value: 'e=f',
    at: 'rule.responseHeaders.0.headerValue',
    want: 'e=f',
  },
  {
    name: 'headerValueMatcher.pattern picks cookies',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.pattern',
    value: '^b=',
    at: 'rule.responseHeaders.0.headerValueMatcher.pattern',
    want: '^b=',
  },
  {
    name: 'headerValueMatcher.ignoreCase folds case',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.ignoreCase',
    value: true,
    at: 'rule.responseHeaders.0.headerValueMatcher.ignoreCase',
    want: true,
  },
  {
    name: 'headerValueMatcher.negate picks the other cookies',
    leaf: 'rewriteRules[].actionSet.responseHeaderConfigurations[].headerValueMatcher.negate',
    value: true,
    at: 'rule.responseHeaders.0.headerValueMatcher.negate',
    want: true,
  },
  {
    name: 'modifiedPath is the new path',
    leaf: 'rewriteRules[].actionSet.urlConfiguration.modifiedPath',
    value: '/e',
    at: 'rule.url.path',
    want: '/e',
  },
  {
    name: 'an empty modifiedQueryString is handed on, not left out',
    leaf: 'rewriteRules[].actionSet.urlConfiguration.modifiedQueryString',
    value: '',
    at: 'rule.url.queryString',
    want: '',
  },
];

describe('a field of a RewriteSet in the policy', () => {
  for (const wanted of cases) test(wanted.name, () => checkField('RewriteSet', setBase, wanted));

  test('reroute: true is refused', () => {
    const { errors } = outcome(
      'RewriteSet',
      changed(setBase, { [`${rule}.actionSet.urlConfiguration.reroute`]: true }),
    );
    assert.deepEqual(
      errors.map(({ object, field, message }) => ({ object, field, message })),
      [
        {
          object: 'SslProfile shop/shop',
          field: 'spec.rewriteSets[0]',
          message: 'RewriteSet shop/one cannot be used; see its own condition',
        },
        {
          object: 'RewriteSet shop/one',
          field: 'spec.rewriteRules[0].actionSet.urlConfiguration.reroute',
          message: 'true has no meaning: there is one application; remove it',
        },
      ],
    );
  });

  test('a headerValueMatcher on a request header is refused', () => {
    const matcher = `${rule}.actionSet.requestHeaderConfigurations[].headerValueMatcher`;
    const { errors } = outcome('RewriteSet', changed(setBase, { [matcher]: { pattern: 'x' } }));
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['spec.rewriteSets[0]', 'spec.rewriteRules[0].actionSet.requestHeaderConfigurations[0].headerValueMatcher'],
    );
  });
});
