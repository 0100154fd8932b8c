import { resolveVariable, type Variable } from './variables.ts';

/** A value of a rule, parsed once: text mixed with `{…}` references. */
export type Template = readonly Segment[];

export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'variable'; readonly variable: Variable }
  /** A group, from 1, of what a condition of the same rule matched. */
  | { readonly kind: 'capture'; readonly condition: number; readonly group: number; readonly variable: Variable }
  /** Of what headerValueMatcher looked at: 0 is the whole value, else a group. */
  | { readonly kind: 'matched'; readonly group: number };

/** What a template may refer to. */
export interface TemplateScope {
  readonly phase: 'request' | 'response';
  /** The rule's conditions, in order; `groups` is undefined where the pattern is not usable. */
  readonly conditions: readonly {
    readonly name: string;
    readonly variable: Variable | undefined;
    readonly negate: boolean;
    readonly groups: number | undefined;
  }[];
  readonly matcher: { readonly negate: boolean; readonly groups: number | undefined } | undefined;
}

/** Parses a template; every fault goes to `report`, and what is returned is then not to be used. Never throws. */
export function parseTemplate(source: string, scope: TemplateScope, report: (message: string) => void): Template {
  const segments: Segment[] = [];
  let rest = source;
  while (rest !== '') {
    const brace = rest.search(/[{}]/);
    const text = brace === -1 ? rest : rest.slice(0, brace);
    if (text !== '') segments.push({ kind: 'text', text });
    if (brace === -1) break;
    const reference = /^\{([^{}]*)\}/.exec(rest.slice(brace));
    if (reference === null) {
      report(
        `unbalanced ${rest[brace] === '{' ? '{' : '}'} at character ${source.length - rest.length + brace + 1}: braces only enclose a variable, such as {var_host}`,
      );
      break;
    }
    const segment = parseReference(reference[1] ?? '', scope, report);
    if (segment !== undefined) segments.push(segment);
    rest = rest.slice(brace + reference[0].length);
  }
  return segments;
}

/** The variables that a template's value depends on, through captures too. */
export function templateVariables(template: Template): readonly Variable[] {
  return template.flatMap((segment) =>
    segment.kind === 'variable' || segment.kind === 'capture' ? [segment.variable] : [],
  );
}

function parseReference(name: string, scope: TemplateScope, report: (message: string) => void): Segment | undefined {
  const matched = /^capt_header_value_matcher(?:_(\d+))?$/.exec(name);
  if (matched !== null) return matcherReference(name, matched[1], scope, report);
  const capture = /^(.+)_(\d+)$/s.exec(name);
  const base = capture?.[1] ?? '';
  if (
    capture !== null &&
    isCapture(name, base, scope) &&
    scope.conditions.some((condition) => condition.name === name)
  ) {
    return refuse(report, `{${name}}: conditions are on ${base} and on ${name}: it cannot be told which is meant`);
  }
  if (capture !== null && isCapture(name, base, scope))
    return captureReference(name, base, Number(capture[2]), scope, report);
  const variable = resolveVariable(name);
  if ('fault' in variable) return refuse(report, `{${name}}: ${name || 'the empty name'} ${variable.fault}`);
  if (scope.phase === 'request' && variable.depends === 'response') {
    return refuse(
      report,
      `{${name}}: a request is rewritten before there is a response; use it in responseHeaderConfigurations`,
    );
  }
  return { kind: 'variable', variable };
}

/**
 * Only cookies can have a name that ends like a group number: there `_N` is a capture exactly where a condition is on
 * the cookie without it.
 */
function isCapture(name: string, base: string, scope: TemplateScope): boolean {
  return !name.startsWith('var_cookie_') || scope.conditions.some((condition) => condition.name === base);
}

function captureReference(
  name: string,
  base: string,
  group: number,
  scope: TemplateScope,
  report: (message: string) => void,
): Segment | undefined {
  const indices = scope.conditions.flatMap((condition, index) =>
    condition.name === base && !condition.negate ? [index] : [],
  );
  if (indices.length === 0) return refuse(report, `{${name}}: ${noCondition(base, scope)}`);
  if (indices.length > 1) {
    return refuse(
      report,
      `{${name}}: ${indices.length} conditions are on ${base}: it cannot be told whose group is meant`,
    );
  }
  const index = indices[0] ?? 0;
  const { variable, groups } = scope.conditions[index] ?? {};
  // The condition itself is reported already.
  if (variable === undefined || groups === undefined) return undefined;
  if (scope.phase === 'request' && variable.depends === 'response') {
    return refuse(report, `{${name}}: a request is rewritten before there is a response`);
  }
  if (group < 1 || group > groups) return refuse(report, `{${name}}: ${groupFault(group, groups)}`);
  return { kind: 'capture', condition: index, group, variable };
}

function noCondition(base: string, scope: TemplateScope): string {
  if (scope.conditions.some((condition) => condition.name === base)) {
    return `the condition on ${base} is negated: it captures nothing`;
  }
  const other = scope.conditions.find((condition) => condition.name.toLowerCase() === base.toLowerCase());
  if (other !== undefined) return `the condition is on ${other.name}: write it in the same case`;
  return `a capture needs a condition on ${base} in the same rule`;
}

function matcherReference(
  name: string,
  digits: string | undefined,
  scope: TemplateScope,
  report: (message: string) => void,
): Segment | undefined {
  if (scope.matcher === undefined) return refuse(report, `{${name}}: the action has no headerValueMatcher`);
  if (digits === undefined) return { kind: 'matched', group: 0 };
  const group = Number(digits);
  if (scope.matcher.negate) return refuse(report, `{${name}}: the headerValueMatcher is negated: it captures nothing`);
  const { groups } = scope.matcher;
  if (groups === undefined) return undefined;
  if (group < 1 || group > groups) return refuse(report, `{${name}}: ${groupFault(group, groups)}`);
  return { kind: 'matched', group };
}

function groupFault(group: number, groups: number): string {
  if (groups === 0) return 'the pattern has no group: put parentheses around what to capture';
  return `there is no group ${group}: the pattern has 1 to ${groups}`;
}

/** There is no segment where there is a fault. */
function refuse(report: (message: string) => void, message: string): undefined {
  report(message);
  return undefined;
}
