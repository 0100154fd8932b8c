import type * as z from 'zod';
import { nearest } from './distance.ts';
import { RewriteSet } from './rewrite-set.ts';
import { knownFields, leavesOf } from './schema.ts';
import { SslProfile } from './ssl-profile.ts';

/** One thing wrong with a resource: where, and what to do. */
export interface ParseFault {
  /** `spec.certificateRefs[0].name`; empty for the whole object. */
  readonly path: string;
  readonly message: string;
}

/** A resource with its defaults filled in, or every fault at once. */
export type Parsed<T> =
  | { readonly value: T; readonly faults: readonly [] }
  | { readonly value: undefined; readonly faults: readonly [ParseFault, ...ParseFault[]] };

/** Reads an SslProfile strictly: an unknown field or enum value is a fault. Never throws. */
export function parseSslProfile(raw: unknown): Parsed<SslProfile> {
  return parseWith(SslProfile, raw);
}

/** Reads a RewriteSet strictly: an unknown field or enum value is a fault. Never throws. */
export function parseRewriteSet(raw: unknown): Parsed<RewriteSet> {
  return parseWith(RewriteSet, raw);
}

/** Reads any value by a schema; `at` is the path put before every fault's own. Never throws. */
export function parseWith<S extends z.ZodType>(
  schema: S,
  raw: unknown,
  at: readonly PropertyKey[] = [],
): Parsed<z.output<S>> {
  const result = schema.safeParse(raw, { reportInput: true });
  if (result.success) return { value: result.data, faults: [] };
  const [first, ...rest] = result.error.issues.flatMap((issue) => faultsOf(schema, issue, at));
  return { value: undefined, faults: [first ?? { path: pathText(at), message: 'not readable' }, ...rest] };
}

/** Reads a list whose every entry must be readable; undefined for anything else. Never throws. */
export function parseList<S extends z.ZodType>(schema: S, raw: unknown): z.output<S>[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  const values: z.output<S>[] = [];
  for (const entry of raw) {
    const { value, faults } = parseWith(schema, entry);
    if (faults.length > 0) return undefined;
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** A path as users write it: `spec.certificateRefs[0].name`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? String(step) : `.${String(step)}`;
  }
  return text;
}

function faultsOf(schema: z.ZodType, issue: z.core.$ZodIssue, at: readonly PropertyKey[]): ParseFault[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(schema, issue.path);
    return issue.keys.map((key) => ({
      path: pathText([...at, ...issue.path, key]),
      message: `unknown field${suggestion(schema, key, known)}`,
    }));
  }
  return [{ path: pathText([...at, ...issue.path]), message: messageOf(issue) }];
}

function suggestion(schema: z.ZodType, key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) return `; did you mean ${near}?`;
  // The right name in the wrong place is as common as the wrong name.
  const elsewhere = leavesOf(schema).find((leaf) =>
    leaf.path.split('.').some((part) => part.replace('[]', '') === key),
  );
  if (elsewhere !== undefined) {
    const steps = elsewhere.path.split('.');
    const end = steps.findIndex((part) => part.replace('[]', '') === key);
    return `; did you mean ${steps.slice(0, end + 1).join('.')}?`;
  }
  return known.length > 0 ? `; known here: ${[...known].sort().join(', ')}` : '';
}

function messageOf(issue: z.core.$ZodIssue): string {
  const { input } = issue;
  switch (issue.code) {
    case 'invalid_value': {
      if (input === undefined) return `required; legal: ${issue.values.map(String).join(', ')}`;
      const legal = issue.values.map(String);
      const near = typeof input === 'string' ? nearest(input, legal) : undefined;
      return `${quote(input)} is not legal${near === undefined ? '' : `; did you mean ${near}?`}; legal: ${legal.join(', ')}`;
    }
    case 'invalid_type':
      return input === undefined ? `required: ${issue.expected}` : `${quote(input)} is not of type ${issue.expected}`;
    case 'too_big':
    case 'too_small': {
      const limit = issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
      if (issue.origin === 'string')
        return `${quote(input)} has ${String(input).length} characters; ${limit} are legal`;
      if (issue.origin === 'array')
        return `${Array.isArray(input) ? input.length : 'wrong number of'} entries; ${limit} are legal`;
      return `${quote(input)} is out of range; ${limit} is legal`;
    }
    case 'invalid_format':
      return `${quote(input)} ${issue.message}`;
    default:
      return issue.message;
  }
}

/** A value for a message: one line, at most 80 characters. Values of manifests may be long, and may be secrets put into the wrong field. */
function quote(input: unknown): string {
  const text =
    typeof input === 'object' && input !== null
      ? Array.isArray(input)
        ? 'a list'
        : 'an object'
      : JSON.stringify(input);
  return text === undefined ? 'nothing' : text.length > 80 ? `${text.slice(0, 77)}..."` : text;
}
