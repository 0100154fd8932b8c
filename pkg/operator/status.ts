import type { RewriteSet } from '../api/rewrite-set.ts';
import type { SslProfile } from '../api/ssl-profile.ts';
import type { RewriteSetStatus, SidecarCounts, SslProfileStatus } from '../api/status.ts';
import type { SidecarReport } from '../push/report.ts';
import { selects } from '../translate/select.ts';
import { podKey, type Resource, resourceKey } from '../translate/world.ts';
import { type TimelessCondition, timeless } from './condition.ts';
import { exposedCondition } from './exposed-condition.ts';
import { type FoundStatus, foundStatus } from './found-status.ts';
import { type ObservedPod, translatedPod } from './observed-pod.ts';
import { type JudgedPod, podState } from './pod-state.ts';
import { programmedCondition } from './programmed-condition.ts';
import { readyCondition } from './ready-condition.ts';
import type { StandingOffer, TranslatedNamespace } from './reconcile.ts';
import { podsWithoutSidecar } from './view.ts';

/** What the status of a resource is to be. */
export interface WantedStatus {
  readonly resource: Pick<Resource<unknown>, 'kind' | 'name' | 'namespace' | 'raw' | 'version'>;
  readonly status: Omit<RewriteSetStatus & SslProfileStatus, 'conditions'> & {
    readonly conditions: readonly TimelessCondition[];
  };
}

export interface StatusInput {
  readonly namespace: TranslatedNamespace;
  /** By `namespace/name` of the pod. */
  readonly offers: ReadonlyMap<string, Pick<StandingOffer, 'digest' | 'podUid' | 'sinceMs'>>;
  readonly reportOf: (podUid: string) => SidecarReport | undefined;
  /** Milliseconds of the monotonic clock. */
  readonly nowMs: number;
  /** When this replica began to collect the reports of all. */
  readonly leadingSinceMs: number;
}

/** The pods of a namespace, looked at once. */
export interface PodsJudged {
  /** Those with a sidecar that count, each once. */
  readonly judged: readonly JudgedPod[];
  /** Those that asked for a sidecar and have none. */
  readonly missing: readonly ObservedPod[];
}

/** The statuses of everything in a namespace. Pure. */
export function statusesOf(
  input: StatusInput,
  { judged, missing }: PodsJudged = judgePods(input),
): readonly WantedStatus[] {
  const { view } = input.namespace;
  const profiles = view.sslProfiles.map((resource) => profileStatus(resource, judged, missing, input));
  return [
    ...profiles.map(({ wanted }) => wanted),
    ...view.rewriteSets.map((resource) => rewriteSetStatus(resource, profiles, input)),
  ];
}

interface ProfileStatus {
  readonly wanted: WantedStatus;
  readonly name: string;
  readonly rewriteSets: readonly string[];
  /** Whether its policy is in what sidecars are offered. */
  readonly usable: boolean;
  readonly pods: readonly JudgedPod[];
  readonly missing: readonly ObservedPod[];
}

/** Counted are pods with a sidecar that neither terminate nor have finished. Pure. */
export function judgePods({ namespace, offers, reportOf, nowMs, leadingSinceMs }: StatusInput): PodsJudged {
  const judged = namespace.view.pods
    .filter(({ injected, phase }) => injected && phase === 'Live')
    .map((pod) => {
      const report = reportOf(pod.uid);
      return {
        pod,
        report,
        state: podState(pod, offers.get(podKey(pod)), report, { nowMs, leadingSinceMs }),
        profiles: namespace.translation.selections.get(podKey(pod)) ?? [],
      };
    });
  return { judged, missing: podsWithoutSidecar(namespace.view) };
}

function profileStatus(
  resource: Resource<SslProfile>,
  judged: readonly JudgedPod[],
  withoutSidecar: readonly ObservedPod[],
  input: StatusInput,
): ProfileStatus {
  const key = resourceKey(resource);
  const { translation } = input.namespace;
  const given = translation.conditions.get(key) ?? [];
  const usable = given.every(({ status }) => status === 'True');
  const pods = judged.filter(({ profiles }) => profiles.includes(key));
  const selector = translation.selectors.get(key);
  const missing =
    selector === undefined
      ? []
      : withoutSidecar.filter((pod) => selects(selector, resource.namespace, translatedPod(pod)));
  const before = foundStatus(resource.raw);
  const frozen = isFrozen(pods, before, resource, input);
  const programmed = frozen?.programmed ?? programmedCondition({ given, pods, missing, before, resource });
  const exposed = frozen?.exposed ?? exposedCondition(resource, pods);
  const notAfterMs = translation.certificateExpiries.get(key);
  return {
    name: resource.name,
    rewriteSets: resource.parsed.value?.spec.rewriteSets.map(({ name }) => name) ?? [],
    usable,
    pods,
    missing,
    wanted: {
      resource,
      status: {
        ...observed(resource),
        conditions: withGeneration(resource, [...given, programmed, exposed], readyCondition([...given, programmed])),
        sidecars: frozen?.sidecars ?? counts(pods, missing, given),
        ...(notAfterMs === undefined ? {} : { certificate: { notAfter: isoSeconds(notAfterMs) } }),
      },
    },
  };
}

function rewriteSetStatus(
  resource: Resource<RewriteSet>,
  profiles: readonly ProfileStatus[],
  input: StatusInput,
): WantedStatus {
  const given = input.namespace.translation.conditions.get(resourceKey(resource)) ?? [];
  const users = profiles.filter(({ rewriteSets }) => rewriteSets.includes(resource.name));
  const usable = given.every(({ status }) => status === 'True');
  const inForce = users.filter((profile) => profile.usable);
  const pods = distinct(inForce.flatMap((profile) => profile.pods));
  const missing = distinct(inForce.flatMap((profile) => profile.missing));
  const before = foundStatus(resource.raw);
  const frozen = isFrozen(pods, before, resource, input);
  const stuck = users.filter((profile) => !profile.usable).map(({ name }) => name);
  const programmed =
    frozen?.programmed ??
    (usable && users.length === 0
      ? notReferenced
      : usable && inForce.length === 0
        ? waitsForProfiles(resource.namespace, stuck)
        : programmedCondition({ given, pods, missing, before, resource }));
  return {
    resource,
    status: {
      ...observed(resource),
      conditions: withGeneration(resource, [...given, programmed], readyCondition([...given, programmed])),
      sidecars: frozen?.sidecars ?? counts(pods, missing, given),
    },
  };
}

/**
 * A replica that has just begun to lead hears of the pods one by one: until it can have heard of all, what the status
 * says of them stays as it was.
 */
function isFrozen(
  pods: readonly JudgedPod[],
  before: FoundStatus,
  resource: Resource<unknown>,
  { nowMs, leadingSinceMs }: StatusInput,
): { programmed: TimelessCondition; exposed: TimelessCondition | undefined; sidecars: SidecarCounts } | undefined {
  if (nowMs - leadingSinceMs >= settleMs || pods.every(({ report }) => report !== undefined)) return undefined;
  const kept = before.conditions.map(timeless);
  const programmed = kept.find(({ type }) => type === 'Programmed');
  const exposed = kept.find(({ type }) => type === 'Exposed');
  const { sidecars } = before;
  if (programmed === undefined || sidecars === undefined) return undefined;
  // What was said of an older generation is nothing to hold on to.
  return before.observedGeneration === resource.version?.generation ? { programmed, exposed, sidecars } : undefined;
}

function counts(
  pods: readonly JudgedPod[],
  missing: readonly ObservedPod[],
  given: readonly TimelessCondition[],
): SidecarCounts {
  // Of a resource that cannot be used, at most an earlier version is in force; where that is not known, nothing changes.
  const usable = given.every(({ status }) => status !== 'False');
  const programmed = usable ? pods.filter(({ state }) => state.kind === 'Programmed').length : 0;
  return {
    selected: pods.length,
    programmed,
    rejected: pods.filter(({ state }) => state.kind === 'Rejected').length,
    missing: missing.length,
    summary: `${programmed}/${pods.length}`,
  };
}

function waitsForProfiles(namespace: string, names: readonly string[]): TimelessCondition {
  const list = names.slice(0, 3).map((name) => `${namespace}/${name}`);
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return {
    type: 'Programmed',
    status: 'Unknown',
    reason: 'ProfileNotUsable',
    message: `The profiles that refer to it cannot be used; see the conditions of ${list.join(', ')}${more}.`,
  };
}

function withGeneration(
  resource: Resource<unknown>,
  conditions: readonly TimelessCondition[],
  ready: TimelessCondition,
): readonly TimelessCondition[] {
  return [...conditions, ready].map((condition) => ({ ...condition, ...observed(resource) }));
}

function observed({ version }: Resource<unknown>): { observedGeneration?: number } {
  return version?.generation === undefined ? {} : { observedGeneration: version.generation };
}

function distinct<T>(list: readonly T[]): readonly T[] {
  return [...new Set(list)];
}

/** As Kubernetes writes times: whole seconds. */
export function isoSeconds(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}

/** Until the sidecars of a replica that has gone have dialled another one, and that one has dialled the new lease holder. */
const settleMs = 10_000;
const notReferenced: TimelessCondition = {
  type: 'Programmed',
  status: 'True',
  reason: 'NotReferenced',
  message: 'No profile refers to it.',
};
