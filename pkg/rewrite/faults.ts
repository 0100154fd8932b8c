import { foldName } from '../http1/names.ts';
import type { RewriteSetPolicy } from '../policy/policy.ts';
import { isGuarded } from './guard.ts';
import { maxActionsPerSet, maxConditionsPerSet } from './limits.ts';
import { proofNames } from './proof.ts';
import { compileRule } from './rule.ts';
import { resolveVariable } from './variables.ts';

/** Something in a rewrite set that cannot work: where, and what to do about it. */
export interface RewriteFault {
  /** As the custom resource's spec names it: `rewriteRules[2].conditions[0].pattern`; indices are those of the given rules. */
  readonly path: string;
  readonly message: string;
}

/**
 * Everything that is wrong with a set, found without a connection; empty for a set that `compileRewrite` takes.
 * Rules may be in any order. Never throws.
 */
export function rewriteFaults(set: RewriteSetPolicy): RewriteFault[] {
  const faults: RewriteFault[] = [...limitFaults(set)];
  const sequences = new Map<number, string>();
  const compiled = set.rules.map((rule, index) => {
    const at = `rewriteRules[${index}]`;
    const other = sequences.get(rule.sequence);
    if (other !== undefined) {
      faults.push({
        path: `${at}.ruleSequence`,
        message: `${rule.sequence} is already that of rule ${other}: sequences are unique in a set`,
      });
    }
    sequences.set(rule.sequence, rule.name);
    return compileRule(set.name, rule, (path, message) => faults.push({ path: `${at}.${path}`, message }));
  });
  return faults.length > 0 ? faults : emptyReadFaults(set, proofNames(compiled));
}

/** Whether any rule reads the client certificate: then the profile's own certificate header is not set by default. */
export function usesCertificateVariable(sets: readonly RewriteSetPolicy[]): boolean {
  return sets.some((set) =>
    set.rules.some((rule) => {
      const values = [...rule.requestHeaders, ...rule.responseHeaders].map((action) => action.headerValue);
      const references = [...values, rule.url?.path ?? '', rule.url?.queryString ?? ''].flatMap((value) =>
        [...value.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? ''),
      );
      return [...rule.conditions.map((condition) => condition.variable), ...references].some(readsCertificate);
    }),
  );
}

function readsCertificate(name: string): boolean {
  const variable = resolveVariable(name.replace(/_\d+$/, ''));
  return 'proof' in variable && variable.proof === 'certificate';
}

function limitFaults(set: RewriteSetPolicy): RewriteFault[] {
  const conditions = set.rules.reduce((sum, rule) => sum + rule.conditions.length, 0);
  const actions = set.rules.reduce(
    (sum, rule) => sum + rule.requestHeaders.length + rule.responseHeaders.length + (rule.url === undefined ? 0 : 1),
    0,
  );
  const faults: RewriteFault[] = [];
  if (conditions > maxConditionsPerSet) {
    faults.push({
      path: 'rewriteRules',
      message: `${conditions} conditions, limit ${maxConditionsPerSet} in a set: split it`,
    });
  }
  if (actions > maxActionsPerSet) {
    faults.push({
      path: 'rewriteRules',
      message: `${actions} header and URL configurations, limit ${maxActionsPerSet} in a set: split it`,
    });
  }
  return faults;
}

/** A request header that is removed before rules run would always read as empty. */
function emptyReadFaults(set: RewriteSetPolicy, proofs: ReadonlySet<string>): RewriteFault[] {
  const faults: RewriteFault[] = [];
  const check = (path: string, name: string) => {
    const header = /^http_req_([A-Za-z0-9-]+)/.exec(name)?.[1];
    if (header === undefined) return;
    const folded = foldName(header);
    if (isGuarded(folded) || proofs.has(folded)) {
      const message = `${header} is removed from every request, since a client could forge it: use the certificate's variables, such as var_client_certificate_verification`;
      faults.push({ path, message });
    }
  };
  for (const [index, rule] of set.rules.entries()) {
    const at = `rewriteRules[${index}]`;
    for (const [i, condition] of rule.conditions.entries())
      check(`${at}.conditions[${i}].variable`, condition.variable);
    const values: (readonly [string, string])[] = [
      ...rule.requestHeaders.map(
        (action, i) => [`requestHeaderConfigurations[${i}].headerValue`, action.headerValue] as const,
      ),
      ...rule.responseHeaders.map(
        (action, i) => [`responseHeaderConfigurations[${i}].headerValue`, action.headerValue] as const,
      ),
      ['urlConfiguration.modifiedPath', rule.url?.path ?? ''],
      ['urlConfiguration.modifiedQueryString', rule.url?.queryString ?? ''],
    ];
    for (const [path, value] of values) {
      for (const reference of value.matchAll(/\{([^{}]*)\}/g)) check(`${at}.actionSet.${path}`, reference[1] ?? '');
    }
  }
  return faults;
}
