import type { ValidationRule } from './structural.ts';

const rule = 'spec.rewriteRules[]';
const actionSet = `${rule}.actionSet`;
const ofResponse = "self.conditions.exists(c, c.variable.startsWith('http_resp_') || c.variable == 'var_http_status')";
const connectionHeaders =
  'connection|content-length|expect|http2-settings|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade';

/** What crosses the fields of a RewriteSet, by place, in the words of the translation, which checks all of it again and more. */
export const rewriteSetRules: Readonly<Record<string, readonly ValidationRule[]>> = {
  'spec.rewriteRules': [
    {
      rule: 'self.all(one, self.exists_one(other, other.ruleSequence == one.ruleSequence))',
      message: 'two rules have the same ruleSequence: sequences are unique in a set; give one another number',
    },
    {
      rule: 'self.map(one, size(one.conditions)).sum() <= 40',
      message: 'more than 40 conditions in a set: split it',
    },
    {
      rule: 'self.map(one, size(one.actionSet.requestHeaderConfigurations) + size(one.actionSet.responseHeaderConfigurations) + (has(one.actionSet.urlConfiguration) ? 1 : 0)).sum() <= 40',
      message: 'more than 40 header and URL configurations in a set: split it',
    },
  ],
  [rule]: [
    {
      rule: `!${ofResponse} || (size(self.actionSet.requestHeaderConfigurations) == 0 && !has(self.actionSet.urlConfiguration))`,
      message:
        'a condition on the response is known only after the request has gone: put what changes the request into a rule without it',
      fieldPath: '.actionSet',
    },
  ],
  [`${rule}.conditions[]`]: [
    {
      rule: String.raw`self.variable.matches('^(var_.+|http_(req|resp)_[A-Za-z0-9-]+)$')`,
      message: 'it is not a variable: write var_NAME, http_req_HEADER or http_resp_HEADER, without braces',
      fieldPath: '.variable',
    },
  ],
  [`${rule}.conditions[].pattern`]: [pattern()],
  [actionSet]: [
    {
      rule: 'size(self.requestHeaderConfigurations) + size(self.responseHeaderConfigurations) > 0 || has(self.urlConfiguration)',
      message: 'the rule changes nothing: give it a header or a URL configuration',
    },
  ],
  [`${actionSet}.requestHeaderConfigurations[]`]: [
    {
      rule: "self.headerName.matches('^[A-Za-z0-9-]+$')",
      message: 'may have letters, digits and hyphens only: others are dropped from every request; rename it',
      fieldPath: '.headerName',
    },
    ...header(`${connectionHeaders}|x-original-host`),
    {
      rule: "self.headerName.lowerAscii() != 'host' || size(self.headerValue) > 0",
      message: 'host cannot be deleted: every request has one; give it a value',
      fieldPath: '.headerName',
    },
    {
      rule: '!has(self.headerValueMatcher)',
      message: 'only the response header Set-Cookie can have one; remove it',
      fieldPath: '.headerValueMatcher',
    },
  ],
  [`${actionSet}.responseHeaderConfigurations[]`]: [
    {
      rule: String.raw`self.headerName.matches(r"^[!#$%&'*+.^_` + '`' + String.raw`|~0-9A-Za-z-]+$")`,
      message: 'is not a header name (RFC 9110 5.1); write it like X-Name',
      fieldPath: '.headerName',
    },
    ...header(connectionHeaders),
    {
      rule: "!has(self.headerValueMatcher) || self.headerName.lowerAscii() == 'set-cookie'",
      message: 'only the response header Set-Cookie can have one; remove it',
      fieldPath: '.headerValueMatcher',
    },
  ],
  [`${actionSet}.responseHeaderConfigurations[].headerValueMatcher.pattern`]: [pattern()],
  [`${actionSet}.urlConfiguration`]: [
    {
      rule: 'has(self.modifiedPath) || has(self.modifiedQueryString)',
      message: 'neither modifiedPath nor modifiedQueryString is given: nothing would change; give one, or remove it',
    },
    {
      rule: '!self.reroute',
      message: 'true has no meaning: there is one application; remove it',
      fieldPath: '.reroute',
    },
    {
      rule: String.raw`!has(self.modifiedPath) || self.modifiedPath.matches(r'^([\x21-\x22\x24-\x3e\x40-\x7a|~]|\{[^{}]*\})+$')`,
      message:
        'not a path: it may not be empty (leave it out to keep the path), braces only enclose a variable, ? belongs into modifiedQueryString, and other characters are percent-encoded',
      fieldPath: '.modifiedPath',
    },
    {
      rule: String.raw`!has(self.modifiedQueryString) || (!self.modifiedQueryString.startsWith('?') && self.modifiedQueryString.matches(r'^([\x21-\x22\x24-\x7a|~]|\{[^{}]*\})*$'))`,
      message:
        'not a query: it begins without ?, braces only enclose a variable, and other characters are percent-encoded',
      fieldPath: '.modifiedQueryString',
    },
  ],
};

/**
 * Matching a constant against a pattern that is no RE2 is an error of the rule, and so a refusal whose message is RE2's
 * own; whether it matches is of no interest.
 */
function pattern(): ValidationRule {
  return {
    rule: "'a'.matches(self) ? true : true",
    message: 'it is not an RE2 pattern: look-around and back-references do not exist; correct it',
  };
}

function header(refused: string): readonly ValidationRule[] {
  return [
    {
      rule: `!self.headerName.matches('(?i)^(${refused})$')`,
      message: 'belongs to one connection or frames the message: rules cannot change it; name another header',
      fieldPath: '.headerName',
    },
  ];
}
