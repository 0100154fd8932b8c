import { foldName } from '../http1/names.ts';
import type { CompiledAction, CompiledRule } from './rule.ts';
import { templateVariables } from './template.ts';
import type { Variable } from './variables.ts';

/**
 * The folded names of request headers that these rules make proofs of: set by a value or under a condition that uses a
 * certificate or TLS variable, through captures too; or set anywhere and deleted under such a condition. They must be
 * taken from the client whether or not a rule runs.
 */
export function proofNames(rules: readonly CompiledRule[]): ReadonlySet<string> {
  const proofs = new Set<string>();
  const set = new Set(rules.flatMap((rule) => rule.requestActions.filter(sets).map((action) => foldName(action.name))));
  for (const rule of rules) {
    const underProof = rule.conditions.some((condition) => isProof(condition.variable));
    for (const action of rule.requestActions) {
      const name = foldName(action.name);
      if (templateVariables(action.value ?? []).some(isProof) || (underProof && set.has(name))) proofs.add(name);
    }
  }
  return proofs;
}

function sets(action: CompiledAction): boolean {
  return action.value !== undefined;
}

function isProof(variable: Variable): boolean {
  return variable.proof !== 'none';
}
