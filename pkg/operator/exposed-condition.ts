import type { Resource } from '../translate/world.ts';
import type { TimelessCondition } from './condition.ts';
import type { JudgedPod } from './pod-state.ts';

/** Whether an application also answers on its pod's own address, where the gate can be gone around. */
export function exposedCondition(
  { namespace, name }: Pick<Resource<unknown>, 'name' | 'namespace'>,
  pods: readonly JudgedPod[],
): TimelessCondition {
  const type = 'Exposed';
  if (pods.length === 0) {
    return { type, status: 'False', reason: 'NoPods', message: 'No pod with a sidecar is selected.' };
  }
  const found = pods.flatMap(({ pod, report }) =>
    (report?.exposed ?? [])
      .filter((entry) => entry.startsWith(`${namespace}/${name} `))
      .map((entry) => `${pod.namespace}/${pod.name} on ${shown(entry.slice(`${namespace}/${name} `.length))}`),
  );
  if (found.length > 0) {
    const list = found.slice(0, maxNamed).join(', ');
    const more = found.length > maxNamed ? ` and ${found.length - maxNamed} more` : '';
    return {
      type,
      status: 'True',
      reason: 'BackendExposed',
      message: `The application answers beside the gate, without any certificate: ${list}${more}. Let it listen on 127.0.0.1 only, or close the port: lychgate networkpolicy prints the policy.`,
    };
  }
  if (pods.every(({ report }) => report === undefined)) {
    return { type, status: 'Unknown', reason: 'Pending', message: 'No sidecar has reported yet.' };
  }
  return { type, status: 'False', reason: 'NotExposed', message: 'No application answers beside its gate.' };
}

/** An address as a sidecar wrote it; anything else in it is not shown. */
function shown(address: string): string {
  return address.replace(/[^0-9A-Za-z.:%[\]-]/g, '').slice(0, 64);
}

const maxNamed = 3;
