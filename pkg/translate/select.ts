import type { LabelSelector } from '../api/ssl-profile.ts';
import type { FaultList } from './fault.ts';
import type { Pod } from './world.ts';

/** Whether a selector picks a pod. An empty selector picks none: in Kubernetes it would pick all, and a gate for all is never meant. */
export function selects(selector: LabelSelector, namespace: string, pod: Pod): boolean {
  if (pod.namespace !== undefined && pod.namespace !== namespace) return false;
  if (isEmpty(selector)) return false;
  const { labels } = pod;
  if (labels === undefined) return true;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => valueOf(labels, key) === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = valueOf(labels, key);
      switch (operator) {
        case 'DoesNotExist':
          return value === undefined;
        case 'Exists':
          return value !== undefined;
        case 'In':
          return value !== undefined && values.includes(value);
        // As in Kubernetes: a pod without the label is selected.
        case 'NotIn':
          return value === undefined || !values.includes(value);
      }
    })
  );
}

/** Tells what is wrong with a selector. */
export function checkSelector(selector: LabelSelector, faults: FaultList): void {
  if (isEmpty(selector)) {
    faults.error('spec.selector', 'it is empty and selects no pod; name the labels of the pods it is for');
  }
  for (const [index, { operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const field = `spec.selector.matchExpressions[${index}].values`;
    const wantsValues = operator === 'In' || operator === 'NotIn';
    if (wantsValues && values.length === 0) faults.error(field, `${operator} needs at least one value`);
    if (!wantsValues && values.length > 0) faults.error(field, `${operator} takes no values; remove them`);
  }
}

/** A host name as it is compared: lower case, without a trailing dot. */
export function foldHostname(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** Folded host names in order, each once; what TLS could never send as a server name is told. */
export function hostnamesOf(names: readonly string[], faults: FaultList): readonly string[] {
  for (const [index, name] of names.entries()) {
    const folded = foldHostname(name);
    const field = `spec.hostnames[${index}]`;
    if (/(^|\.)[0-9]+$/.test(folded)) {
      faults.error(
        field,
        `${JSON.stringify(name)} is an address or ends like one; clients send no server name for addresses`,
      );
    }
    if (folded.length > 253 || folded.split('.').some((label) => label.length > 63)) {
      faults.error(field, `${JSON.stringify(name)} is no DNS name: at most 253 characters, 63 a label`);
    }
  }
  return [...new Set(names.map(foldHostname))];
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

function valueOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
