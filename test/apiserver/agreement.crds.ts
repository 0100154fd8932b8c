import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { resourceKinds } from '../../pkg/api/crd.ts';
import { type ParseFault, parseRewriteSet, parseSslProfile } from '../../pkg/api/parse.ts';
import type { StructuralSchema } from '../../pkg/api/structural.ts';
import { changed, type Json, outcome, profileBase, setBase } from '../../pkg/translate/testdata/leaf-world.ts';
import { type Edits, profileEdits, rewriteSetEdits } from './edits.ts';
import { judge, type Verdict } from './judge.ts';
import { resource, shortestProfile, shortestSet } from './resources.ts';

/*
 * Generated resources before the API server's own code and before ours: both take the same, but for the differences
 * that are listed. A difference that is not listed fails, and so does a rule that was never broken or never kept.
 */

/** Faults that the translation tells and the API server cannot: a look at other objects, or at the meaning of a value. */
const translationOnly: readonly (readonly [why: string, message: RegExp])[] = [
  ['names of cipher suites are a list that grows', /cipher suite name|^TLS_\S+ is refused: /],
  [
    'templates refer to variables, groups and conditions',
    /^\{|capture|condition on|unbalanced|is removed from every request/,
  ],
  ['names of variables are a list that grows', /is not a variable|is not available/],
  ['a pattern compiles to a number of instructions', /instructions, limit/],
  ['addresses and host names within URLs and lists', /is not an http|neither a host name nor|proxy URL/],
];

/** Reasons that need other objects. */
const otherObjects: ReadonlySet<string> = new Set([
  'Conflicted',
  'InvalidRewriteSet',
  'InvalidServerCertificate',
  'InvalidTrustedClientCertificate',
  'PortNotDeclared',
  'RefNotFound',
  'WeakerSibling',
]);

const kinds = [
  { kind: 'SslProfile', edits: profileEdits, bases: [shortestProfile, profileBase], parse: parseSslProfile, seed: 25 },
  { kind: 'RewriteSet', edits: rewriteSetEdits, bases: [shortestSet, setBase], parse: parseRewriteSet, seed: 26 },
] as const;
const specsPerKind = 2000;

for (const { kind, edits, bases, parse, seed } of kinds) {
  describe(`the API server and the translation agree on ${kind}`, async () => {
    const specs = fc.sample(specOf(bases, edits), { seed, numRuns: specsPerKind });
    const asked = specs.map(({ spec }) => resource(kind, spec));
    const { resources: verdicts } = await judge(asked.map((object) => ({ object })));

    test('of the generated resources at least 30 of 100 are refused, and as many taken', () => {
      const taken = verdicts.filter(({ accepted }) => accepted).length / verdicts.length;
      assert.ok(taken >= 0.3 && taken <= 0.7, `${Math.round(taken * 100)} of 100 were taken`);
    });

    test('what one takes the other takes', () => {
      const differences = specs.flatMap(({ spec, edited }, index) => {
        const server = verdicts[index]?.errors ?? ['no verdict'];
        const ours = ourFaults(kind, spec, parse(asked[index]).faults);
        // What only the translation looks at may be wrong beside what both look at, and then speaks for itself.
        const agreed = server.length > 0 ? ours.all.length > 0 : ours.claimed.length === 0;
        return agreed ? [] : [{ edited, server, ours }];
      });
      const few = differences.sort((a, b) => size(a.edited) - size(b.edited)).slice(0, 5);
      assert.equal(differences.length, 0, `${differences.length} differences, such as ${JSON.stringify(few, null, 2)}`);
    });

    test('every rule was broken by one and kept by another', () => {
      const { spec } = resourceKinds().find((one) => one.kind === kind) ?? assert.fail(kind);
      const missed = rulesOf(spec, 'spec').flatMap(({ place, at, message }) => {
        const reached = verdicts
          .map((verdict, index) => ({ verdict, index }))
          .filter(({ index }) => isThere(specs[index]?.spec ?? null, place.split('.').slice(1)));
        const broken = reached.filter(({ verdict }) => tells(verdict, at, message)).length;
        const kept = reached.filter(({ verdict }) => verdict.accepted).length;
        return broken > 0 && kept > 0 ? [] : [`${at}: ${message} (broken ${broken}, kept ${kept})`];
      });
      assert.deepEqual(missed, []);
    });
  });
}

/** A base with up to four fields edited. */
function specOf(bases: readonly Json[], edits: Edits) {
  const edit = fc
    .constantFrom(...Object.entries(edits))
    .chain(([field, values]) => fc.constantFrom(...values).map((value) => [field, value] as const));
  return fc
    .record({ base: fc.constantFrom(...bases), list: fc.array(edit, { maxLength: 4 }) })
    .map(({ base, list }) => {
      const edited: Record<string, Json | undefined> = Object.fromEntries(list);
      return { spec: changed(base, edited), edited };
    });
}

/** Our faults that need no other object, and those of them that the API server claims to see too. */
function ourFaults(kind: 'RewriteSet' | 'SslProfile', spec: Json, unreadable: readonly ParseFault[]) {
  if (unreadable.length > 0) return { all: unreadable, claimed: unreadable };
  const all = outcome(kind, spec).errors.filter(
    ({ object, reason }) => object.startsWith(kind) && !otherObjects.has(reason),
  );
  return { all, claimed: all.filter(({ message }) => !translationOnly.some(([, known]) => known.test(message))) };
}

interface PlacedRule {
  /** Where the rule runs. */
  readonly place: string;
  /** What it tells of. */
  readonly at: string;
  readonly message: string;
}

function rulesOf(schema: StructuralSchema, place: string): PlacedRule[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map(({ message, fieldPath = '' }) => ({
      place,
      at: `${place}${fieldPath}`,
      message,
    })),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => rulesOf(field, `${place}.${name}`)),
    ...(schema.items === undefined ? [] : rulesOf(schema.items, `${place}[]`)),
  ];
}

function tells({ errors }: Verdict, at: string, message: string): boolean {
  return errors.some((error) => error.replaceAll(/\[\d+\]/g, '[]').startsWith(`${at}: `) && error.includes(message));
}

/** Whether a spec has the place at all, by itself or by its defaults; lists must have an entry. */
function isThere(spec: Json | undefined, [step, ...rest]: readonly string[]): boolean {
  if (step === undefined) return true;
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return false;
  const name = step.replace('[]', '');
  const value = spec[name];
  if (!step.endsWith('[]')) return value === undefined ? false : isThere(value, rest);
  return Array.isArray(value) && value.some((entry) => isThere(entry, rest));
}

function size(edited: Readonly<Record<string, unknown>>): number {
  return Object.keys(edited).length;
}
