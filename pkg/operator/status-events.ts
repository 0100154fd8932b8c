import { apiVersion } from '../api/metadata.ts';
import type { StatusCondition } from '../api/status.ts';
import type { EventRecorder } from '../cluster/events.ts';
import type { WantedStatus } from './status.ts';

/** Records an event for every condition whose status changed; never for one that nobody knows. The summary has none of its own. */
export function recordChanges(
  events: Pick<EventRecorder, 'record'>,
  { kind, namespace, name, version }: WantedStatus['resource'],
  before: readonly StatusCondition[],
  after: readonly StatusCondition[],
): void {
  for (const { type, status, reason, message } of after) {
    const was = before.find((condition) => condition.type === type)?.status;
    if (type === 'Ready' || status === 'Unknown' || was === status) continue;
    const bad = (status === 'True') === (type === 'Exposed');
    // A profile begins unexposed: that is no news.
    if (type === 'Exposed' && !bad && was !== 'True') continue;
    events.record({
      regarding: { apiVersion, kind, namespace, name, uid: version?.uid ?? '' },
      type: bad ? 'Warning' : 'Normal',
      reason,
      action: type,
      note: message.length > maxNote ? `${message.slice(0, maxNote - 3)}...` : message,
    });
  }
}

/** Kubernetes takes 1024 bytes; of text in other scripts a character has up to three. */
const maxNote = 340;
