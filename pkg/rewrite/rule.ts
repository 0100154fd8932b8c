import type { HeaderAction, RewriteRule } from '../policy/policy.ts';
import { headerNameFault } from './header-name.ts';
import { maxUrlLength } from './limits.ts';
import { compilePattern, type Pattern, PatternInvalid } from './pattern.ts';
import { requestFact } from './request-facts.ts';
import { parseTemplate, type Template, type TemplateScope, templateVariables } from './template.ts';
import { resolveVariable, type Variable } from './variables.ts';

/** A rule with everything parsed that can be parsed before a connection exists. */
export interface CompiledRule {
  /** Set and rule, for messages. */
  readonly label: string;
  readonly sequence: number;
  readonly conditions: readonly CompiledCondition[];
  readonly requestActions: readonly CompiledAction[];
  readonly responseActions: readonly CompiledAction[];
  readonly path: Template | undefined;
  readonly query: Template | undefined;
  /** What of a request decides what the rule does to it and to its answer: bits of requestFact. */
  readonly reads: number;
}

export interface CompiledCondition {
  readonly variable: Variable;
  readonly pattern: Pattern;
  readonly negate: boolean;
  /** Whether any value of the rule uses its groups. */
  readonly captures: boolean;
}

export interface CompiledAction {
  /** As the rule writes it. */
  readonly name: string;
  readonly lowerName: string;
  /** Undefined deletes the header. */
  readonly value: Template | undefined;
  /** Only lines that match (or, negated, do not) are changed. */
  readonly matcher: { readonly pattern: Pattern; readonly negate: boolean } | undefined;
}

/** Where a fault is, relative to the rule, as the custom resource names its fields. */
export type Report = (path: string, message: string) => void;

/** Parses one rule of a set and reports everything that is wrong with it; the result is not to be used after any report. */
export function compileRule(set: string, rule: RewriteRule, report: Report): CompiledRule {
  const conditions = rule.conditions.map((condition, index) => {
    const at = `conditions[${index}]`;
    const variable = resolveVariable(condition.variable);
    if ('fault' in variable) report(`${at}.variable`, `${condition.variable || 'the empty name'} ${variable.fault}`);
    return {
      name: condition.variable,
      variable: 'fault' in variable ? undefined : variable,
      negate: condition.negate,
      pattern: patternOr(condition.pattern, condition.ignoreCase, (message) => report(`${at}.pattern`, message)),
    };
  });
  const scope = conditions.map(({ pattern, ...condition }) => ({ ...condition, groups: pattern?.groupCount }));
  const ofResponse = conditions.find((condition) => condition.variable?.depends === 'response');
  const actions = (phase: 'request' | 'response', list: readonly HeaderAction[]) =>
    list.map((action, index) => {
      const at = `actionSet.${phase}HeaderConfigurations[${index}]`;
      if (phase === 'request' && ofResponse !== undefined) report(at, requestUnderResponse(ofResponse.name));
      return compileAction(action, phase, scope, (path, message) => report(`${at}.${path}`, message));
    });
  const requestActions = actions('request', rule.requestHeaders);
  const responseActions = actions('response', rule.responseHeaders);
  const url = rule.url ?? {};
  const urlAt = 'actionSet.urlConfiguration';
  if (rule.url !== undefined && ofResponse !== undefined) report(urlAt, requestUnderResponse(ofResponse.name));
  if (rule.url !== undefined && url.path === undefined && url.queryString === undefined) {
    report(urlAt, 'neither modifiedPath nor modifiedQueryString is given: nothing would change');
  }
  const path =
    url.path === undefined ? undefined : compilePath(url.path, scope, (m) => report(`${urlAt}.modifiedPath`, m));
  const query =
    url.queryString === undefined
      ? undefined
      : compileQuery(url.queryString, scope, (m) => report(`${urlAt}.modifiedQueryString`, m));
  if (requestActions.length + responseActions.length === 0 && rule.url === undefined) {
    report('actionSet', 'the rule changes nothing: give it a header or a URL configuration');
  }
  const parts = { requestActions, responseActions, path, query };
  const used = usedConditions(templatesOf(parts));
  const compiled = {
    label: `rewrite set ${set}, rule ${rule.name}`,
    sequence: rule.sequence,
    conditions: conditions.flatMap(({ variable, pattern, negate }, index) =>
      variable === undefined || pattern === undefined ? [] : [{ variable, pattern, negate, captures: used.has(index) }],
    ),
    ...parts,
  };
  // Where the path is `*`, a URL stays as it is.
  const ofUrl = path === undefined && query === undefined ? 0 : requestFact.path;
  const reads = ruleVariables(compiled).map((read) => (read.depends === 'request' ? read.reads : 0));
  return { ...compiled, reads: reads.reduce((bits, more) => bits | more, ofUrl) };
}

/** Every variable on which anything that the rule does depends. */
export function ruleVariables(rule: Omit<CompiledRule, 'reads'>): readonly Variable[] {
  return [...rule.conditions.map(({ variable }) => variable), ...templatesOf(rule).flatMap(templateVariables)];
}

function templatesOf({
  requestActions,
  responseActions,
  path,
  query,
}: Pick<CompiledRule, 'path' | 'query' | 'requestActions' | 'responseActions'>): readonly Template[] {
  const values = [...requestActions, ...responseActions].map((action) => action.value);
  return [...values, path, query].flatMap((template) => (template === undefined ? [] : [template]));
}

function compileAction(
  action: HeaderAction,
  phase: 'request' | 'response',
  conditions: TemplateScope['conditions'],
  report: Report,
): CompiledAction {
  const { headerName: name, headerValue, headerValueMatcher: matcher } = action;
  const lowerName = name.toLowerCase();
  const nameFault = headerNameFault(name, phase, headerValue === '');
  if (nameFault !== undefined) report('headerName', `${name} ${nameFault}`.trimStart());
  if (matcher !== undefined && (phase === 'request' || lowerName !== 'set-cookie')) {
    report('headerValueMatcher', `only the response header Set-Cookie can have one, not ${name}`);
  }
  const pattern =
    matcher &&
    patternOr(matcher.pattern, matcher.ignoreCase, (message) => report('headerValueMatcher.pattern', message));
  const scope: TemplateScope = {
    phase,
    conditions,
    matcher: matcher && { negate: matcher.negate, groups: pattern?.groupCount },
  };
  const value = parseTemplate(headerValue, scope, (message) => report('headerValue', message));
  if (textOf(value).some((text) => /[^\t\x20-\x7e]/.test(text))) {
    report('headerValue', 'has a character that is not visible ASCII, a space or a tab (RFC 9110 5.5)');
  }
  return {
    name,
    lowerName,
    value: headerValue === '' ? undefined : value,
    matcher: matcher && pattern && { pattern, negate: matcher.negate },
  };
}

function compilePath(
  source: string,
  conditions: TemplateScope['conditions'],
  report: (message: string) => void,
): Template {
  const path = parseTemplate(source, { phase: 'request', conditions, matcher: undefined }, report);
  if (source === '') report('is empty: leave it out to keep the path');
  if (source.includes('{var_request_uri}'))
    report('{var_request_uri} holds the query too: use {var_uri_path} in a path');
  if (source.length > maxUrlLength) report(`has ${source.length} characters, limit ${maxUrlLength}`);
  if (textOf(path).some((text) => text.includes('?'))) report('contains ?: put the query into modifiedQueryString');
  if (textOf(path).some((text) => /[^\x21-\x7e]|#/.test(text)))
    report('has a character that a path cannot have: percent-encode it');
  return path;
}

function compileQuery(
  source: string,
  conditions: TemplateScope['conditions'],
  report: (message: string) => void,
): Template {
  const query = parseTemplate(source, { phase: 'request', conditions, matcher: undefined }, report);
  if (source.length > maxUrlLength) report(`has ${source.length} characters, limit ${maxUrlLength}`);
  if (source.startsWith('?')) report('begins with ?: leave it out, it is put in');
  if (textOf(query).some((text) => /[^\x21-\x7e]|#/.test(text)))
    report('has a character that a query cannot have: percent-encode it');
  return query;
}

function patternOr(source: string, ignoreCase: boolean, report: (message: string) => void): Pattern | undefined {
  try {
    return compilePattern(source, ignoreCase);
  } catch (error) {
    if (!(error instanceof PatternInvalid)) throw error;
    report(error.message);
    return undefined;
  }
}

function textOf(template: Template): readonly string[] {
  return template.flatMap((segment) => (segment.kind === 'text' ? [segment.text] : []));
}

function usedConditions(templates: readonly Template[]): ReadonlySet<number> {
  return new Set(templates.flat().flatMap((segment) => (segment.kind === 'capture' ? [segment.condition] : [])));
}

function requestUnderResponse(variable: string): string {
  return `the condition on ${variable} is known only after the request has gone: put the action into a rule without it`;
}
