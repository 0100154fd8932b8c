import { injectedLabelValue, injectedVersionAnnotation, podLabels } from '../api/pod-names.ts';
import { type PodSettings, podSettings, readPodSettings } from '../api/pod-settings.ts';
import { decide } from './decide.ts';
import { meshWarnings } from './mesh.ts';
import { gracePeriodSeconds, type Pod, type PodSpec } from './pod.ts';
import { delayStop } from './pre-stop.ts';
import { relayProbes } from './probes.ts';
import { refusals } from './refusals.ts';
import { chooseResources } from './resources.ts';
import type { InjectSettings, PodNamespace } from './settings.ts';
import { readPod } from './shape.ts';
import { sidecarContainer, sidecarVolumes } from './sidecar.ts';

/** What became of a pod. */
export type Injection =
  | { readonly kind: 'Injected'; readonly pod: object; readonly warnings: readonly string[] }
  | { readonly kind: 'Skipped'; readonly why: string }
  | { readonly kind: 'Denied'; readonly message: string; readonly warnings: readonly string[] };

/**
 * Gives a pod, or a pod's template, its sidecar; says why not, or what has to change first, every reason at once. The
 * given pod is not changed, and a pod that has its sidecar is skipped. Never throws.
 */
export function injectPod(raw: unknown, operator: InjectSettings, namespace: PodNamespace): Injection {
  const read = readPod(raw);
  if (read.kind === 'fault') return denied(read.faults, []);
  const { pod } = read;
  const decision = decide(pod, namespace);
  if (decision.kind === 'Skip') return { kind: 'Skipped', why: decision.why };
  if (decision.kind === 'Deny') return denied([decision.message], []);
  return inject(pod, operator, namespace);
}

function inject(pod: Pod, operator: InjectSettings, namespace: PodNamespace): Injection {
  const { settings, faults, warnings } = readPodSettings(pod.metadata?.annotations ?? {});
  const relayed = relayProbes(pod.spec, settings, operator.newSecret);
  const chosen = chooseResources(pod.spec, settings, operator.resources);
  const all = {
    faults: [
      ...faults,
      ...imageFaults(settings, operator),
      ...refusals(pod.spec, settings, relayed.probes.length > 0),
      ...relayed.faults,
      ...chosen.faults,
    ],
    warnings: [
      ...warnings,
      ...relayed.warnings,
      ...chosen.warnings,
      ...specWarnings(pod.spec, settings),
      ...meshWarnings(pod, namespace, settings.port),
    ],
  };
  if (all.faults.length > 0) return denied(all.faults, all.warnings);
  const { probes } = relayed;
  const container = sidecarContainer({
    spec: pod.spec,
    settings,
    operator,
    namespace,
    resources: chosen.resources,
    probes,
  });
  const spec = delayStop(relayed.spec);
  return {
    kind: 'Injected',
    pod: {
      ...pod,
      metadata: {
        ...pod.metadata,
        labels: { ...pod.metadata?.labels, [podLabels.sidecar]: injectedLabelValue },
        annotations: { ...pod.metadata?.annotations, [injectedVersionAnnotation]: operator.version },
      },
      spec: {
        ...spec,
        ...pullSecrets(spec, settings, operator),
        initContainers: [container, ...(spec.initContainers ?? [])],
        volumes: [...(spec.volumes ?? []), ...sidecarVolumes(operator)],
      },
    },
    warnings: all.warnings,
  };
}

function denied(messages: readonly string[], warnings: readonly string[]): Injection {
  return { kind: 'Denied', message: messages.join('; '), warnings };
}

function imageFaults({ image }: PodSettings, { imageAnnotation }: InjectSettings): string[] {
  if (image === undefined || imageAnnotation === 'Allow') return [];
  return [`annotation ${podSettings.image.annotation} is not allowed by the operator's settings; remove it`];
}

function pullSecrets(
  spec: PodSpec,
  { imagePullSecret }: PodSettings,
  { imagePullSecrets }: InjectSettings,
): Partial<PodSpec> {
  const present = spec.imagePullSecrets ?? [];
  const wanted = new Set(imagePullSecret === undefined ? imagePullSecrets : [imagePullSecret]);
  for (const { name } of present) if (typeof name === 'string') wanted.delete(name);
  return wanted.size === 0 ? {} : { imagePullSecrets: [...present, ...[...wanted].map((name) => ({ name }))] };
}

function specWarnings(spec: PodSpec, { shutdownTimeoutMs }: PodSettings): string[] {
  const warnings: string[] = [];
  if (spec.shareProcessNamespace === true) {
    warnings.push(
      "shareProcessNamespace is true: a container of the same user, or of root, can read the gate's private keys out of its memory; remove it",
    );
  }
  const graceSeconds = gracePeriodSeconds(spec);
  if (shutdownTimeoutMs !== undefined && shutdownTimeoutMs > graceSeconds * 1000) {
    warnings.push(
      `annotation ${podSettings.shutdownTimeout.annotation} is longer than terminationGracePeriodSeconds (${graceSeconds}), after which everything is killed; raise the latter`,
    );
  }
  return warnings;
}
