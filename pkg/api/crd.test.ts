import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RE2JS } from 're2js';
import * as z from 'zod';
import { customResourceDefinitions, resourceKinds } from './crd.ts';
import { RewriteSetSpec } from './rewrite-set.ts';
import { leavesOf } from './schema.ts';
import { SslProfileSpec } from './ssl-profile.ts';
import { RewriteSetStatus, SslProfileStatus } from './status.ts';
import { type Extras, type StructuralSchema, structuralSchema } from './structural.ts';

const kinds = resourceKinds();
const none: Extras = { rules: {}, listMapKeys: {}, atomicMaps: [] };

describe('the definitions', () => {
  test('name both kinds, their short names and the category', () => {
    assert.deepEqual(
      customResourceDefinitions().map(({ metadata, spec }) => [
        metadata.name,
        spec.names.shortNames,
        spec.names.categories,
      ]),
      [
        ['sslprofiles.lychgate.dev', ['sslp'], ['lychgate']],
        ['rewritesets.lychgate.dev', ['rws'], ['lychgate']],
      ],
    );
  });

  test('have every leaf of the schemas', () => {
    const schemas = [SslProfileSpec, RewriteSetSpec];
    for (const [index, { spec, kind }] of kinds.entries()) {
      const wanted = leavesOf(schemas[index] ?? assert.fail(kind)).map(({ path }) => path);
      assert.deepEqual(leafPaths(spec, ''), wanted);
    }
  });

  test('have every leaf of the statuses', () => {
    const schemas = [SslProfileStatus, RewriteSetStatus];
    for (const [index, { status, kind }] of kinds.entries()) {
      const wanted = leavesOf(schemas[index] ?? assert.fail(kind)).map(({ path }) => path);
      assert.deepEqual(leafPaths(status, ''), wanted);
    }
  });

  test('have patterns that RE2 reads', () => {
    const patterns = kinds.flatMap(({ spec, status }) => [...patternsOf(spec), ...patternsOf(status)]);
    assert.ok(patterns.length > 20, `${patterns.length} patterns`);
    for (const pattern of patterns) RE2JS.compile(pattern);
  });

  test('have rules whose every pattern RE2 reads', () => {
    const literals = kinds
      .flatMap(({ spec }) => rulesOf(spec))
      .flatMap(({ rule }) => [...rule.matchAll(/\.matches\(r?(['"])(.*?)\1\)/g)].map(([, , pattern = '']) => pattern));
    assert.ok(literals.length > 10, `${literals.length} patterns`);
    for (const pattern of literals) RE2JS.compile(pattern);
  });

  test('have rules with messages of one line that name what is wrong', () => {
    for (const { message } of kinds.flatMap(({ spec }) => rulesOf(spec))) assert.match(message, /^[^\n]{12,}[^.\n]$/);
  });
});

describe('no structural schema is made of', () => {
  const cases: readonly { readonly name: string; readonly schema: z.ZodType; readonly want: RegExp }[] = [
    { name: 'a string of any length', schema: described(z.string()), want: /^x\.field needs maxLength/ },
    { name: 'a list of any length', schema: described(z.array(z.boolean())), want: /^x\.field needs maxItems/ },
    {
      name: 'a map of any size',
      schema: described(z.record(z.string(), z.boolean())),
      want: /^x\.field needs maxProperties/,
    },
    { name: 'a whole number without bounds', schema: described(z.int()), want: /^x\.field: an integer needs/ },
    { name: 'a broken number', schema: described(z.number().min(0).max(1)), want: /^x\.field: type number/ },
    {
      name: 'a field without a description',
      schema: z.strictObject({ field: z.boolean() }),
      want: /^x\.field has no description/,
    },
    {
      name: 'an object that takes unknown fields',
      schema: described(z.looseObject({ a: z.boolean().describe('A.') })),
      want: /^x\.field: named fields and others beside them/,
    },
    {
      name: 'a choice of types',
      schema: described(z.union([z.boolean(), z.int().min(0).max(1)])),
      want: /^x\.field: anyOf cannot be/,
    },
    { name: 'what may be null', schema: described(z.boolean().nullable()), want: /^x\.field: nullable cannot be/ },
    {
      name: 'a format that the server does not check',
      schema: described(z.email().max(9)),
      want: /^x\.field: the API server does not check format email/,
    },
    {
      name: 'a default that its own schema refuses',
      schema: described(z.int().min(1).max(2).default(3)),
      want: /^x\.field: out of bounds in the default/,
    },
    {
      name: 'a default with an entry that its own schema refuses',
      schema: described(z.array(z.string().max(1)).max(2).default(['a', 'bc'])),
      want: /^x\.field\[1\]: too long in the default/,
    },
    {
      name: 'an object that says nothing of unknown fields',
      schema: described(z.object({ a: z.boolean().describe('A.') })),
      want: /^x\.field: an object must refuse unknown fields/,
    },
  ];
  for (const { name, schema, want } of cases) {
    test(name, () =>
      assert.throws(() => structuralSchema(schema, 'x', none), { code: 'NOT_STRUCTURAL', message: want }),
    );
  }

  test('a schema that lacks a place with a rule', () => {
    const rules = { 'x.gone': [{ rule: 'true', message: 'never' }] };
    assert.throws(() => structuralSchema(described(z.boolean()), 'x', { ...none, rules }), {
      code: 'NOT_STRUCTURAL',
      message: 'the schema has no x.gone',
    });
  });
});

test('a list is one value to server-side apply unless it says what tells its entries apart', () => {
  const list = described(z.array(z.strictObject({ id: z.boolean().describe('It.') })).max(2));
  const of = (extras: Extras) => structuralSchema(list, 'x', extras).properties?.['field'];
  assert.equal(of(none)?.['x-kubernetes-list-type'], 'atomic');
  const keyed = of({ ...none, listMapKeys: { 'x.field': ['id'] } });
  assert.equal(keyed?.['x-kubernetes-list-type'], 'map');
  assert.deepEqual(keyed?.['x-kubernetes-list-map-keys'], ['id']);
});

function described(field: z.ZodType): z.ZodType {
  return z.strictObject({ field: field.describe('A field.') });
}

function leafPaths(schema: StructuralSchema, at: string): string[] {
  if (schema.items !== undefined) return leafPaths(schema.items, `${at}[]`);
  if (schema.properties === undefined) return [at];
  return Object.entries(schema.properties).flatMap(([name, field]) =>
    leafPaths(field, at === '' ? name : `${at}.${name}`),
  );
}

function patternsOf(schema: StructuralSchema): string[] {
  return [...(schema.pattern === undefined ? [] : [schema.pattern]), ...childrenOf(schema).flatMap(patternsOf)];
}

function rulesOf(schema: StructuralSchema): { readonly rule: string; readonly message: string }[] {
  return [...(schema['x-kubernetes-validations'] ?? []), ...childrenOf(schema).flatMap(rulesOf)];
}

function childrenOf({ properties = {}, items, additionalProperties }: StructuralSchema): StructuralSchema[] {
  return [...Object.values(properties), ...[items, additionalProperties].filter((child) => child !== undefined)];
}
