import type { Resource } from '../translate/world.ts';
import type { TimelessCondition } from './condition.ts';
import type { FoundStatus } from './found-status.ts';
import type { ObservedPod } from './observed-pod.ts';
import type { JudgedPod } from './pod-state.ts';

export interface ProgrammedInput {
  /** Accepted and ResolvedRefs. */
  readonly given: readonly TimelessCondition[];
  readonly pods: readonly JudgedPod[];
  /** Those that asked for a sidecar and have none. */
  readonly missing: readonly ObservedPod[];
  readonly before: FoundStatus;
  readonly resource: Pick<Resource<unknown>, 'kind' | 'namespace' | 'version'>;
}

/** Whether a resource is in force in every sidecar that is to have it. */
export function programmedCondition(input: ProgrammedInput): TimelessCondition {
  const { status, reason, message } = unusable(input) ?? answers(input);
  return { type: 'Programmed', status, reason, message: [message, missingText(input.missing)].join('') };
}

type Judgement = Pick<TimelessCondition, 'message' | 'reason' | 'status'>;

function unusable({ given, resource }: ProgrammedInput): Judgement | undefined {
  const bad = given.find(({ status }) => status === 'False') ?? given.find(({ status }) => status === 'Unknown');
  if (bad === undefined) return undefined;
  const what = resource.kind === 'SslProfile' ? 'it' : 'profiles that refer to it';
  const kept = conflicts.has(bad.reason)
    ? 'where it conflicts it is not served'
    : `sidecars that have an earlier version of ${what} serve on with that`;
  return {
    status: bad.status,
    reason: bad.status === 'Unknown' ? bad.reason : bad.type === 'Accepted' ? 'NotAccepted' : 'RefsNotResolved',
    message: `See the condition ${bad.type}; ${kept}.`,
  };
}

function answers({ pods, before, resource }: ProgrammedInput): Judgement {
  if (pods.length === 0) {
    return { status: 'True', reason: 'NoPods', message: 'No pod with a sidecar is selected.' };
  }
  const rejected = pods.filter(({ state }) => state.kind === 'Rejected');
  const outdated = pods.filter(({ state }) => state.kind === 'Outdated');
  const late = pods.filter(({ state }) => state.kind === 'Late');
  const of = `of ${pods.length} ${pods.length === 1 ? 'sidecar' : 'sidecars'}`;
  const [first] = [...rejected, ...late];
  const logs = first === undefined ? '' : `kubectl logs -n ${first.pod.namespace} ${first.pod.name} -c lychgate`;
  if (rejected.length > 0) {
    return {
      status: 'False',
      reason: 'SidecarRejected',
      message: `Refused by ${rejected.length} ${of}, which serve on with what they had: ${named(rejected)}. Correct what is named, or see ${logs}.`,
    };
  }
  if (outdated.length > 0) {
    const command = restartCommands(outdated.map(({ pod }) => pod));
    return {
      status: 'False',
      reason: 'SidecarOutdated',
      message: `Needs a newer sidecar than ${outdated.length} ${of} have: ${named(outdated)}. Make the pods anew: ${command}.`,
    };
  }
  if (late.length > 0) {
    return {
      status: 'False',
      reason: 'SidecarLate',
      message: `Not in force in ${late.length} ${of} after 30 s: ${named(late)}. See ${logs}.`,
    };
  }
  const programmed = pods.filter(({ state }) => state.kind === 'Programmed').length;
  if (programmed === pods.length) {
    return { status: 'True', reason: 'Programmed', message: `In force in ${programmed} ${of}.` };
  }
  const message = `In force in ${programmed} ${of}; the others have 30 s from their offer.`;
  // New pods come and objects are renewed all the time: what was in force everywhere stays so until one refuses or is late.
  const was = before.conditions.find(({ type }) => type === 'Programmed');
  const kept = was?.status === 'True' && was.observedGeneration === resource.version?.generation;
  return kept
    ? { status: 'True', reason: 'Programmed', message }
    : { status: 'Unknown', reason: 'Progressing', message };
}

/** At most three, each with what it said. */
function named(pods: readonly JudgedPod[]): string {
  const shown = pods.slice(0, maxNamed).map(({ pod, state }) => {
    const message = 'message' in state && state.message !== '' ? ` (${state.message})` : '';
    return `${pod.namespace}/${pod.name}${message}`;
  });
  return pods.length > maxNamed ? `${shown.join(', ')} and ${pods.length - maxNamed} more` : shown.join(', ');
}

function missingText(missing: readonly ObservedPod[]): string {
  if (missing.length === 0) return '';
  const what = missing.length === 1 ? '1 pod asked' : `${missing.length} pods asked`;
  const have = missing.length === 1 ? 'has' : 'have';
  return ` ${what} for a sidecar and ${have} none, since it can only come with a new pod: ${restartCommands(missing)}.`;
}

/** What makes pods anew: their workloads restarted, or where there is none, the pods deleted. */
function restartCommands(pods: readonly ObservedPod[]): string {
  const commands = new Set(
    pods.map(({ namespace, name, workload }) =>
      workload === undefined
        ? `kubectl delete pod -n ${namespace} ${name}`
        : `kubectl rollout restart -n ${namespace} ${workload}`,
    ),
  );
  const shown = [...commands].slice(0, maxNamed).join('; ');
  return commands.size > maxNamed ? `${shown}; and ${commands.size - maxNamed} more` : shown;
}

const maxNamed = 3;
const conflicts: ReadonlySet<string> = new Set(['Conflicted', 'WeakerSibling']);
