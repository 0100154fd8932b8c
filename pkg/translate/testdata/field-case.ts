import assert from 'node:assert/strict';
import { changed, type Json, outcome, profileBase } from './leaf-world.ts';
import { normalised } from './material.ts';

/** What each field comes to in the policy. `at` may begin with a short name of `places`. */
export interface FieldCase {
  readonly name: string;
  readonly leaf: string;
  readonly value: Json;
  readonly at: string;
  readonly want: Json;
  /** Fields that must be so for the value to be legal. */
  readonly with?: Readonly<Record<string, Json | undefined>>;
  /** A stricter profile in front of the same application. */
  readonly sibling?: true;
}

const first = 'listeners.0.profiles.0';
const places: Readonly<Record<string, string>> = {
  profile: first,
  ocsp: `${first}.clientAuth.revocation.ocsp`,
  crl: `${first}.clientAuth.revocation.crl`,
  allow: `${first}.clientAuth.allow.0`,
  backend: `${first}.backend`,
  rule: `${first}.rewriteSets.0.rules.0`,
};

/** Checks one case against the policy of a pod. */
export function checkField(kind: 'RewriteSet' | 'SslProfile', base: Json, wanted: FieldCase): void {
  const spec = changed(base, { ...wanted.with, [wanted.leaf]: wanted.value });
  const sibling = wanted.sibling ? changed(profileBase, { port: 9443 }) : undefined;
  const { errors, policy } = outcome(kind, spec, sibling);
  assert.deepEqual(errors, []);
  const [head = '', ...rest] = wanted.at.split('.');
  const path = [...(places[head] ?? head).split('.'), ...rest];
  let found: unknown = normalised(policy);
  for (const step of path) found = typeof found === 'object' && found !== null ? Reflect.get(found, step) : undefined;
  assert.deepEqual(found, wanted.want);
}
