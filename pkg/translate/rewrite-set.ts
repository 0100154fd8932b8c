import type { HeaderConfiguration, RewriteRule as RewriteRuleResource, RewriteSet } from '../api/rewrite-set.ts';
import type { HeaderAction, RewriteRule, RewriteSetPolicy } from '../policy/policy.ts';
import { rewriteFaults } from '../rewrite/faults.ts';
import { FaultList } from './fault.ts';
import { type Resource, resourceKey } from './world.ts';

/** A RewriteSet as the policy has it; undefined where something is wrong, which is in the faults. */
export interface TranslatedRewriteSet {
  readonly policy: RewriteSetPolicy | undefined;
  readonly faults: FaultList;
}

/** Translates one RewriteSet. Rules come out in ascending sequence. */
export function translateRewriteSet(resource: Resource<RewriteSet>): TranslatedRewriteSet {
  const faults = new FaultList(resourceKey(resource));
  const { value } = resource.parsed;
  if (value === undefined) {
    for (const { path, message } of resource.parsed.faults) faults.error(path, message);
    return { policy: undefined, faults };
  }
  const { rewriteRules } = value.spec;
  const set = { name: resource.name, rules: rewriteRules.map(ruleOf) };
  // Before sorting: the indices in the messages are those of the resource.
  for (const { path, message } of rewriteFaults(set)) faults.error(`spec.${path}`, message);
  for (const [index, { actionSet }] of rewriteRules.entries()) {
    const at = `spec.rewriteRules[${index}].actionSet`;
    const { modifiedPath, modifiedQueryString } = actionSet.urlConfiguration ?? { modifiedPath: '' };
    if (modifiedPath === undefined && modifiedQueryString === undefined) {
      faults.error(
        `${at}.urlConfiguration`,
        'neither modifiedPath nor modifiedQueryString is given: nothing would change; give one, or remove it',
      );
    }
    if (actionSet.urlConfiguration?.reroute === true) {
      faults.error(`${at}.urlConfiguration.reroute`, 'true has no meaning: there is one application; remove it');
    }
  }
  set.rules.sort((left, right) => left.sequence - right.sequence);
  return { policy: faults.hasErrors ? undefined : set, faults };
}

function ruleOf(rule: RewriteRuleResource): RewriteRule {
  const { requestHeaderConfigurations, responseHeaderConfigurations, urlConfiguration: url } = rule.actionSet;
  const path = url?.modifiedPath;
  const queryString = url?.modifiedQueryString;
  return {
    name: rule.name,
    sequence: rule.ruleSequence,
    conditions: rule.conditions,
    requestHeaders: requestHeaderConfigurations.map(actionOf),
    responseHeaders: responseHeaderConfigurations.map(actionOf),
    ...(path === undefined && queryString === undefined
      ? {}
      : { url: { ...(path === undefined ? {} : { path }), ...(queryString === undefined ? {} : { queryString }) } }),
  };
}

function actionOf({ headerName, headerValue, headerValueMatcher }: HeaderConfiguration): HeaderAction {
  return { headerName, headerValue, ...(headerValueMatcher === undefined ? {} : { headerValueMatcher }) };
}
