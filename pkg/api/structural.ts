import * as z from 'zod';
import { pathText } from './parse.ts';

/** A rule of the Common Expression Language that the API server runs on the value at its place. */
export interface ValidationRule {
  readonly rule: string;
  /** What a person reads: what is wrong, and the next step. */
  readonly message: string;
  /** The field below the place that the message is about: `.backend.port`. */
  readonly fieldPath?: string;
}

/** A structural schema, as apiextensions.k8s.io/v1 takes it. */
export interface StructuralSchema {
  readonly type: 'array' | 'boolean' | 'integer' | 'object' | 'string';
  readonly description?: string;
  readonly format?: 'date-time' | 'int32' | 'int64';
  readonly enum?: readonly (number | string)[];
  readonly default?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
  readonly additionalProperties?: StructuralSchema;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

/** What a schema cannot say by itself, by its place: `spec.rewriteRules[]`; `selector.matchLabels{}` is a map's value. */
export interface Extras {
  readonly rules: Readonly<Record<string, readonly ValidationRule[]>>;
  /** Lists that are merged entry by entry, with the fields that tell entries apart; every other list is one value. */
  readonly listMapKeys: Readonly<Record<string, readonly string[]>>;
  /** Objects that are one value to server-side apply. */
  readonly atomicMaps: readonly string[];
}

/** A schema of which no structural one can be made; the message says where and why. */
export class NotStructural extends Error {
  readonly code = 'NOT_STRUCTURAL';
}

/**
 * The structural schema of a zod schema. Every string, list, map and integer must be bounded, every field described,
 * every default legal, and every place that `extras` names must exist.
 * @throws NotStructural.
 */
export function structuralSchema(schema: z.ZodType, at: string, extras: Extras): StructuralSchema {
  const json: unknown = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
  });
  const used = new Set<string>();
  const made = convert(json, at, extras, used);
  const wanted = [...Object.keys(extras.rules), ...Object.keys(extras.listMapKeys), ...extras.atomicMaps];
  const lost = wanted.filter((place) => (place === at || place.startsWith(`${at}.`)) && !used.has(place));
  if (lost.length > 0) throw new NotStructural(`the schema has no ${lost.join(', ')}`);
  return made;
}

function convert(json: unknown, at: string, extras: Extras, used: Set<string>): StructuralSchema {
  const given = recordOf(json, at);
  const foreign = Object.keys(given).filter((key) => !known.has(key));
  if (foreign.length > 0) throw new NotStructural(`${at}: ${foreign.join(', ')} cannot be in a structural schema`);
  const made: { -readonly [K in keyof StructuralSchema]: StructuralSchema[K] } = { type: typeOf(given, at) };
  const description = textOf(given['description']);
  if (description !== undefined) made.description = description;
  if (Array.isArray(given['enum'])) made.enum = given['enum'];
  used.add(at);
  switch (made.type) {
    case 'array':
      convertArray(given, made, at, extras, used);
      break;
    case 'boolean':
      break;
    case 'integer':
      convertInteger(given, made, at);
      break;
    case 'object':
      convertObject(given, made, at, extras, used);
      break;
    case 'string':
      convertString(given, made, at);
      break;
  }
  const rules = extras.rules[at];
  if (rules !== undefined) made['x-kubernetes-validations'] = rules;
  if (extras.atomicMaps.includes(at)) made['x-kubernetes-map-type'] = 'atomic';
  if ('default' in given) {
    const fault = defaultFault(given['default'], made, at);
    if (fault !== undefined) throw new NotStructural(`${fault} in the default`);
    made.default = given['default'];
  }
  return made;
}

type Made = { -readonly [K in keyof StructuralSchema]: StructuralSchema[K] };
type Given = Readonly<Record<string, unknown>>;

function convertArray(given: Given, made: Made, at: string, extras: Extras, used: Set<string>): void {
  made.maxItems = bound(given, 'maxItems', at);
  const minimum = numberOf(given['minItems']);
  if (minimum !== undefined) made.minItems = minimum;
  made.items = convert(given['items'], `${at}[]`, extras, used);
  const keys = extras.listMapKeys[at];
  made['x-kubernetes-list-type'] = keys === undefined ? 'atomic' : 'map';
  if (keys !== undefined) made['x-kubernetes-list-map-keys'] = keys;
}

function convertInteger(given: Given, made: Made, at: string): void {
  if (made.enum !== undefined) {
    made.format = 'int32';
    return;
  }
  const minimum = bound(given, 'minimum', at);
  const maximum = bound(given, 'maximum', at);
  if (Math.abs(minimum) === Number.MAX_SAFE_INTEGER || maximum === Number.MAX_SAFE_INTEGER) {
    throw new NotStructural(`${at}: an integer needs a lower and an upper bound`);
  }
  made.format = maximum > 2 ** 31 - 1 ? 'int64' : 'int32';
  made.minimum = minimum;
  made.maximum = maximum;
}

function convertString(given: Given, made: Made, at: string): void {
  const format = textOf(given['format']);
  if (format === 'date-time') made.format = format;
  else if (format !== undefined) throw new NotStructural(`${at}: the API server does not check format ${format}`);
  // The pattern of a date in zod looks ahead, which RE2 cannot; the server knows the format by itself.
  const pattern = textOf(given['pattern']);
  if (pattern !== undefined && format === undefined) made.pattern = pattern;
  const minimum = numberOf(given['minLength']);
  if (minimum !== undefined) made.minLength = minimum;
  if (made.enum === undefined && format === undefined) made.maxLength = bound(given, 'maxLength', at);
}

function convertObject(given: Given, made: Made, at: string, extras: Extras, used: Set<string>): void {
  const { additionalProperties: values } = given;
  const fields = given['properties'] === undefined ? {} : recordOf(given['properties'], at);
  if (typeof values === 'object') {
    if (Object.keys(fields).length > 0) throw new NotStructural(`${at}: named fields and others beside them`);
    made.maxProperties = bound(given, 'maxProperties', at);
    made.additionalProperties = convert(values, `${at}{}`, extras, used);
    return;
  }
  // Unknown fields are pruned, and refused where the request asks for strict field validation, as kubectl does.
  if (values !== false) throw new NotStructural(`${at}: an object must refuse unknown fields`);
  made.properties = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const place = `${at}.${name}`;
      const property = convert(field, place, extras, used);
      if ((property.description ?? '') === '') throw new NotStructural(`${place} has no description`);
      return [name, property];
    }),
  );
  const { required } = given;
  if (Array.isArray(required) && required.length > 0) made.required = required;
}

/** What is wrong with a default that the server would fill in; only what the schema says by itself is looked at. */
function defaultFault(value: unknown, schema: StructuralSchema, at: string): string | undefined {
  switch (schema.type) {
    case 'array':
      if (!Array.isArray(value)) return `${at}: no list`;
      return schema.items === undefined ? undefined : firstFault(value, schema.items, at);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `${at}: no boolean`;
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) return `${at}: no integer`;
      if (schema.enum !== undefined && !schema.enum.includes(value)) return `${at}: not in enum`;
      return value < (schema.minimum ?? value) || value > (schema.maximum ?? value)
        ? `${at}: out of bounds`
        : undefined;
    case 'string':
      if (typeof value !== 'string') return `${at}: no string`;
      if (schema.enum !== undefined && !schema.enum.includes(value)) return `${at}: not in enum`;
      if (value.length > (schema.maxLength ?? value.length)) return `${at}: too long`;
      return schema.pattern === undefined || new RegExp(schema.pattern).test(value)
        ? undefined
        : `${at}: unlike its pattern`;
    case 'object': {
      const given = recordOf(value, at);
      for (const [name, field] of Object.entries(given)) {
        const property = schema.properties?.[name] ?? schema.additionalProperties;
        if (property === undefined) return `${at}.${name}: not known`;
        const fault = defaultFault(field, property, `${at}.${name}`);
        if (fault !== undefined) return fault;
      }
      const missing = schema.required?.find((name) => !(name in given));
      return missing === undefined ? undefined : `${at}.${missing}: missing`;
    }
  }
}

function firstFault(values: readonly unknown[], schema: StructuralSchema, at: string): string | undefined {
  return values.map((value, index) => defaultFault(value, schema, `${at}${pathText([index])}`)).find(Boolean);
}

function typeOf(given: Given, at: string): StructuralSchema['type'] {
  const { type } = given;
  // A choice of whole numbers, such as status codes, is of type number to zod.
  const values = given['enum'];
  if (type === 'number' && Array.isArray(values) && values.every(Number.isInteger)) return 'integer';
  const found = types.find((name) => name === type);
  if (found === undefined) throw new NotStructural(`${at}: type ${String(type)} has no place in a resource`);
  return found;
}

function bound(given: Given, key: string, at: string): number {
  const value = numberOf(given[key]);
  if (value === undefined) throw new NotStructural(`${at} needs ${key}: rules on it have no bounded cost otherwise`);
  return value;
}

function recordOf(value: unknown, at: string): Given {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NotStructural(`${at}: no object`);
  return Object.fromEntries(Object.entries(value));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

const types = ['array', 'boolean', 'integer', 'object', 'string'] as const;

/** Anything else (anyOf, oneOf, $ref, nullable, not, prefixItems …) is no structural schema, or means something else there. */
const known: ReadonlySet<string> = new Set([
  'additionalProperties',
  'default',
  'description',
  'enum',
  'format',
  'items',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minimum',
  'pattern',
  'properties',
  'required',
  'type',
]);
