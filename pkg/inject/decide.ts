import {
  injectedLabelValue,
  injectedVersionAnnotation,
  podLabels,
  sidecarContainerName,
  sidecarTokenAudience,
  sidecarVolumeNames,
} from '../api/pod-names.ts';
import { readInjectLabel } from '../api/pod-settings.ts';
import { everyContainer, nativeSidecars, type Pod } from './pod.ts';
import type { PodNamespace } from './settings.ts';

/** Whether a pod is to get a sidecar. */
export type Decision =
  | { readonly kind: 'Inject' }
  | { readonly kind: 'Skip'; readonly why: string }
  | { readonly kind: 'Deny'; readonly message: string };

/**
 * Decides by the labels: the pod's own wins over its namespace's, and a value that is neither true nor false is denied.
 * A pod that has its sidecar is left alone; one that pretends to have it is denied, asked or not, since others trust the
 * label and the name. A namespace whose labels are not known asks: that is why its webhook entry was called.
 */
export function decide(pod: Pod, namespace: PodNamespace): Decision {
  const labels = pod.metadata?.labels ?? {};
  const present = sidecarIn(pod);
  if (present === 'ours') return { kind: 'Skip', why: 'the pod already has its sidecar' };
  if (labels[podLabels.sidecar] !== undefined) {
    return {
      kind: 'Deny',
      message: `label ${podLabels.sidecar} is set, and the pod has no sidecar of ours; remove the label: injection sets it`,
    };
  }
  const own = readInjectLabel(labels);
  switch (own.kind) {
    case 'illegal':
      return { kind: 'Deny', message: own.message };
    case 'declined':
      return { kind: 'Skip', why: `the pod's label ${podLabels.inject} is "false"` };
    case 'asked':
      return granted(present);
    case 'absent':
      return decideByNamespace(namespace, present);
  }
}

function decideByNamespace({ name, labels }: PodNamespace, present: 'foreign' | 'none'): Decision {
  if (labels === undefined) return granted(present);
  const asks = readInjectLabel(labels);
  switch (asks.kind) {
    case 'illegal':
      return { kind: 'Deny', message: `namespace ${name}: ${asks.message}` };
    case 'asked':
      return granted(present);
    case 'absent':
    case 'declined':
      return { kind: 'Skip', why: `neither the pod nor its namespace has the label ${podLabels.inject}: "true"` };
  }
}

function granted(present: 'foreign' | 'none'): Decision {
  if (present === 'none') return { kind: 'Inject' };
  return {
    kind: 'Deny',
    message: `a container is named ${sidecarContainerName} and was not made by injection; give it another name`,
  };
}

/** Ours is what injection leaves behind, all of it: a name alone is soon copied. */
function sidecarIn({ metadata, spec }: Pod): 'foreign' | 'none' | 'ours' {
  const named = [...everyContainer(spec), ...(spec.ephemeralContainers ?? [])].filter(
    ({ name }) => name === sidecarContainerName,
  );
  if (named.length === 0) return 'none';
  const native = nativeSidecars(spec).some(({ name }) => name === sidecarContainerName);
  const token = spec.volumes
    ?.find(({ name }) => name === sidecarVolumeNames.token)
    ?.projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken?.audience === sidecarTokenAudience);
  return named.length === 1 &&
    native &&
    token === true &&
    metadata?.labels?.[podLabels.sidecar] === injectedLabelValue &&
    metadata.annotations?.[injectedVersionAnnotation] !== undefined
    ? 'ours'
    : 'foreign';
}
