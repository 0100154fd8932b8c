import * as z from 'zod';

/** A schema without its optional, nullable and default wrappings. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault
  ) {
    inner = inner.def.innerType;
  }
  return inner;
}

/** The names an object schema knows at `path` of `root`; empty where there is no object. Never throws. */
export function knownFields(root: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  let schema = bare(root);
  for (const step of path) {
    const next = schema instanceof z.ZodObject ? fieldOf(schema, step) : elementOf(schema);
    if (next === undefined) return [];
    schema = bare(next);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** One leaf: a place of the schema that holds a value and no further fields. Lists are written `[]`. */
export interface Leaf {
  /** `spec.clientAuthConfiguration.allow[].uri`. */
  readonly path: string;
  readonly schema: z.core.$ZodType;
  readonly description: string | undefined;
}

/** Every leaf below `root`, in the schema's order. A map of strings (labels) is one leaf; `above` describes what has no words of its own. */
export function leavesOf(root: z.core.$ZodType, at = '', above?: string): Leaf[] {
  const schema = bare(root);
  if (schema instanceof z.ZodObject && Object.keys(schema.shape).length > 0) {
    return Object.entries<z.core.$ZodType>(schema.shape).flatMap(([name, field]) =>
      leavesOf(field, at === '' ? name : `${at}.${name}`),
    );
  }
  const element = elementOf(schema);
  if (element !== undefined && !(schema instanceof z.ZodRecord))
    return leavesOf(element, `${at}[]`, descriptionOf(root));
  return [{ path: at, schema, description: descriptionOf(root) ?? above }];
}

/** The description a field's schema carries, also below its wrappings. */
export function descriptionOf(schema: z.core.$ZodType): string | undefined {
  let inner = schema;
  for (;;) {
    const found = z.globalRegistry.get(inner)?.description;
    if (found !== undefined) return found;
    const next = bareOnce(inner);
    if (next === undefined) return undefined;
    inner = next;
  }
}

function bareOnce(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  return schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
    ? schema.def.innerType
    : undefined;
}

function fieldOf(schema: z.ZodObject, step: PropertyKey): z.core.$ZodType | undefined {
  return typeof step === 'string' && Object.hasOwn(schema.shape, step) ? schema.shape[step] : undefined;
}

function elementOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.def.element;
  return schema instanceof z.ZodRecord ? schema.def.valueType : undefined;
}
