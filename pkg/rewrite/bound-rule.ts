import { finishHeaderValue, finishPath, finishQuery, HeaderEdits } from './edits.ts';
import { type ConnectionFacts, type RequestView, type ResponseView, RewriteOverflow } from './rewrite.ts';
import type { CompiledAction, CompiledCondition, CompiledRule } from './rule.ts';
import type { Segment, Template } from './template.ts';

/** A rule on one connection: what depends on the connection is text by now. */
export interface BoundRule {
  /** As CompiledRule's. */
  readonly label: string;
  readonly requestConditions: readonly IndexedCondition[];
  readonly responseConditions: readonly IndexedCondition[];
  readonly requestActions: readonly BoundAction[];
  readonly responseActions: readonly BoundAction[];
  readonly path: Template | undefined;
  readonly query: Template | undefined;
  /** As CompiledRule's. */
  readonly reads: number;
  /** Groups of the conditions that are decided already, by condition. */
  readonly captures: Captures;
}

export type Captures = readonly (readonly string[] | undefined)[];

interface IndexedCondition extends CompiledCondition {
  readonly index: number;
}

interface BoundAction {
  readonly name: string;
  readonly lowerName: string;
  readonly matcher: CompiledAction['matcher'];
  /** Undefined deletes. */
  readonly value: Template | undefined;
  /** The finished value, or none where the header goes, where nothing can change it any more. */
  readonly constant: readonly string[] | undefined;
}

/** What templates are expanded from. */
interface Sources {
  readonly connection: ConnectionFacts;
  readonly request: RequestView;
  readonly response: ResponseView | undefined;
  readonly captures: Captures;
  /** What headerValueMatcher looked at: the whole value, then its groups. */
  readonly matched: readonly string[];
}

/** Decides what the connection decides; undefined where the rule cannot run on it. @throws RewriteOverflow. */
export function bindRule(rule: CompiledRule, connection: ConnectionFacts): BoundRule | undefined {
  const captures: (readonly string[] | undefined)[] = [];
  const requestConditions: IndexedCondition[] = [];
  const responseConditions: IndexedCondition[] = [];
  for (const [index, condition] of rule.conditions.entries()) {
    const { variable } = condition;
    if (variable.depends === 'request') requestConditions.push({ ...condition, index });
    else if (variable.depends === 'response') responseConditions.push({ ...condition, index });
    else if (!holds({ ...condition, index }, variable.read(connection), captures)) return undefined;
  }
  const bind = (template: Template) => bindTemplate(template, connection, captures);
  return {
    label: rule.label,
    requestConditions,
    responseConditions,
    requestActions: rule.requestActions.map((action) => bindAction(action, bind)),
    responseActions: rule.responseActions.map((action) => bindAction(action, bind)),
    path: rule.path && bind(rule.path),
    query: rule.query && bind(rule.query),
    reads: rule.reads,
    captures,
  };
}

/** What is thrown in place of an error that came out of a rule: whatever does not fit names its rule. */
export function errorOf({ label }: Pick<CompiledRule, 'label'>, error: unknown): unknown {
  return error instanceof RewriteOverflow ? new RewriteOverflow(`${label}: ${error.message}`) : error;
}

/** Whether no request can change what the rule does to requests. */
export function isConstant(rule: BoundRule): boolean {
  if (rule.path !== undefined || rule.query !== undefined) return false;
  if (rule.requestActions.length === 0) return true;
  const fixed = (action: BoundAction) => action.value === undefined || textOf(action.value) !== undefined;
  return rule.requestConditions.length === 0 && rule.requestActions.every(fixed);
}

/**
 * Header edits that no request can change, although other rules look at it: said once, and taken out of the rules that
 * are left for each request. A name that a request can change is left with all that is said of it, in order.
 */
export function settleRules(
  rules: readonly BoundRule[],
  start: HeaderEdits,
): { readonly fixed: HeaderEdits; readonly started: HeaderEdits; readonly rules: readonly BoundRule[] } {
  const open = new Set<string>();
  for (const rule of rules) {
    for (const { lowerName, constant } of rule.requestActions) {
      if (rule.requestConditions.length > 0 || constant === undefined) open.add(lowerName);
    }
  }
  const fixed = start.split((lowerName) => !open.has(lowerName));
  const left = rules.map((rule) => {
    const requestActions = rule.requestActions.filter(({ name, lowerName, constant }) => {
      if (constant === undefined || open.has(lowerName)) return true;
      fixed.put(name, lowerName, constant);
      return false;
    });
    return { ...rule, requestActions };
  });
  return { fixed, started: start, rules: left.filter(changesAnything) };
}

function changesAnything({ requestActions, responseActions, path, query }: BoundRule): boolean {
  return requestActions.length + responseActions.length > 0 || path !== undefined || query !== undefined;
}

/** The captures with those of the request's conditions; undefined where one does not hold. @throws RewriteOverflow. */
export function matchRequest(rule: BoundRule, connection: ConnectionFacts, request: RequestView): Captures | undefined {
  if (rule.requestConditions.length === 0) return rule.captures;
  const captures = [...rule.captures];
  for (const condition of rule.requestConditions) {
    const { variable } = condition;
    if (variable.depends !== 'request' || !holds(condition, variable.read(connection, request), captures))
      return undefined;
  }
  return captures;
}

/** The same for the response's conditions. */
export function matchResponse(rule: BoundRule, before: Captures, response: ResponseView): Captures | undefined {
  if (rule.responseConditions.length === 0) return before;
  const captures = [...before];
  for (const condition of rule.responseConditions) {
    const { variable } = condition;
    if (variable.depends !== 'response' || !holds(condition, variable.read(response), captures)) return undefined;
  }
  return captures;
}

/** Path and query as rules change them. */
export interface UrlEdits {
  path: string | undefined;
  query: string | undefined;
}

/** @throws RewriteOverflow. */
export function editRequest(
  rule: BoundRule,
  sources: Omit<Sources, 'matched' | 'response'>,
  headers: HeaderEdits,
  url: UrlEdits,
): void {
  const all = { ...sources, response: undefined, matched: [] };
  for (const action of rule.requestActions) editHeader(action, all, headers);
  // `*` of OPTIONS names no resource: there is no path to rewrite.
  if (sources.request.path === '*') return;
  if (rule.path !== undefined) url.path = finishPath(expand(rule.path, all));
  if (rule.query !== undefined) url.query = finishQuery(expand(rule.query, all));
}

/** @throws RewriteOverflow. */
export function editResponse(
  rule: BoundRule,
  sources: Omit<Sources, 'matched' | 'response'> & { readonly response: ResponseView },
  headers: HeaderEdits,
): void {
  for (const action of rule.responseActions) {
    if (action.matcher === undefined) editHeader(action, { ...sources, matched: [] }, headers);
    else editLines(action, action.matcher, sources, headers);
  }
}

/** Sets or deletes one header. */
function editHeader(action: BoundAction, sources: Sources, headers: HeaderEdits): void {
  const { name, lowerName, value } = action;
  headers.put(name, lowerName, action.constant ?? valuesOf(value && finishHeaderValue(name, expand(value, sources))));
}

function valuesOf(made: string | undefined): readonly string[] {
  return made === undefined ? noValues : [made];
}

/** Changes the lines that the matcher picks, as they are after earlier rules, and keeps the others as they are. */
function editLines(
  action: BoundAction,
  matcher: NonNullable<CompiledAction['matcher']>,
  sources: Omit<Sources, 'matched'> & { readonly response: ResponseView },
  headers: HeaderEdits,
): void {
  const { name, lowerName, value } = action;
  let changed = false;
  const lines = (headers.values(lowerName) ?? linesOf(sources.response.fields, lowerName)).flatMap((line) => {
    const groups = matcher.pattern.groups(line);
    if ((groups !== undefined) === matcher.negate) return [line];
    changed = true;
    const made = value && finishHeaderValue(name, expand(value, { ...sources, matched: [line, ...(groups ?? [])] }));
    return made === undefined ? [] : [made];
  });
  if (changed) headers.put(name, lowerName, lines);
}

function linesOf(fields: readonly string[], lowerName: string): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() === lowerName) lines.push(fields[i + 1] ?? '');
  }
  return lines;
}

/** Matches, and notes the groups where a value wants them. */
function holds(condition: IndexedCondition, subject: string, captures: (readonly string[] | undefined)[]): boolean {
  const { pattern, negate } = condition;
  if (negate || !condition.captures) return pattern.test(subject) !== negate;
  const groups = pattern.groups(subject);
  captures[condition.index] = groups;
  return groups !== undefined;
}

function bindAction(action: CompiledAction, bind: (template: Template) => Template): BoundAction {
  const value = action.value && bind(action.value);
  return {
    name: action.name,
    lowerName: action.lowerName,
    matcher: action.matcher,
    value,
    constant: constantOf(action, value),
  };
}

/** What does not fit fails when its rule runs, which may be never. */
function constantOf(action: CompiledAction, value: Template | undefined): readonly string[] | undefined {
  if (action.matcher !== undefined) return undefined;
  if (value === undefined) return noValues;
  const text = textOf(value);
  if (text === undefined) return undefined;
  try {
    return valuesOf(finishHeaderValue(action.name, text));
  } catch (error) {
    if (!(error instanceof RewriteOverflow)) throw error;
    return undefined;
  }
}

function textOf(template: Template): string | undefined {
  const [first, ...more] = template;
  if (first === undefined) return '';
  return first.kind === 'text' && more.length === 0 ? first.text : undefined;
}

/** Replaces what the connection knows by text, and joins neighbours. */
function bindTemplate(template: Template, connection: ConnectionFacts, captures: Captures): Template {
  const bound: Segment[] = [];
  for (const segment of template) {
    const text = connectionText(segment, connection, captures);
    const last = bound.at(-1);
    if (text === undefined) bound.push(segment);
    else if (last?.kind === 'text') bound[bound.length - 1] = { kind: 'text', text: last.text + text };
    else bound.push({ kind: 'text', text });
  }
  return bound;
}

function connectionText(segment: Segment, connection: ConnectionFacts, captures: Captures): string | undefined {
  if (segment.kind === 'text') return segment.text;
  if (segment.kind === 'matched' || segment.variable.depends !== 'connection') return undefined;
  if (segment.kind === 'variable') return segment.variable.read(connection);
  return captures[segment.condition]?.[segment.group - 1] ?? '';
}

function expand(template: Template, sources: Sources): string {
  let value = '';
  for (const segment of template) value += segmentText(segment, sources);
  return value;
}

function segmentText(segment: Segment, sources: Sources): string {
  switch (segment.kind) {
    case 'text':
      return segment.text;
    case 'capture':
      return sources.captures[segment.condition]?.[segment.group - 1] ?? '';
    case 'matched':
      return sources.matched[segment.group] ?? '';
    case 'variable': {
      const { variable } = segment;
      if (variable.depends === 'connection') return variable.read(sources.connection);
      if (variable.depends === 'request') return variable.read(sources.connection, sources.request);
      return sources.response === undefined ? '' : variable.read(sources.response);
    }
  }
}

const noValues: readonly string[] = Object.freeze([]);
