import type { RewriteSet } from '../api/rewrite-set.ts';
import type { Input } from '../policy/input.ts';
import type { TranslatedProfile } from './profile.ts';
import type { Files } from './references.ts';
import { type ObjectVersion, type Pod, type Resource, resourceKey } from './world.ts';

/**
 * The objects that a pod's policy was made of, sorted: the pod, the profiles that are for it, their rewrite sets and
 * files. Objects without a version (outside a cluster) and such as are not there are left out.
 */
export function inputsOf(
  pod: Pod,
  profiles: Iterable<TranslatedProfile>,
  /** By resourceKey. */
  rewriteSets: ReadonlyMap<string, Resource<RewriteSet>>,
  files: Files,
): readonly Input[] {
  const found = new Map<string, Input>();
  const add = (kind: string, namespace: string, name: string, version: ObjectVersion | undefined): void => {
    if (version !== undefined) found.set(`${kind} ${namespace}/${name}`, { kind, namespace, name, ...version });
  };
  add('Pod', pod.namespace ?? '', pod.name, pod.version);
  for (const { resource, references, rewriteSetNames } of profiles) {
    add(resource.kind, resource.namespace, resource.name, resource.version);
    for (const name of rewriteSetNames) {
      const { namespace } = resource;
      add(
        'RewriteSet',
        namespace,
        name,
        rewriteSets.get(resourceKey({ kind: 'RewriteSet', namespace, name }))?.version,
      );
    }
    for (const ref of references.values()) add(ref.kind, ref.namespace, ref.name, files.find(ref)?.version);
  }
  return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, input]) => input);
}
