import type { SidecarReport } from '../push/report.ts';
import type { ObservedPod } from './observed-pod.ts';
import type { StandingOffer } from './reconcile.ts';

/** What became of a pod's policy. */
export type PodState =
  | { readonly kind: 'Late'; readonly message: string }
  | { readonly kind: 'Outdated'; readonly message: string }
  | { readonly kind: 'Programmed' }
  | { readonly kind: 'Rejected'; readonly message: string }
  /** Offered not long ago, or nothing to offer yet. */
  | { readonly kind: 'Waiting' };

/** A pod that counts, with what its sidecar said. */
export interface JudgedPod {
  readonly pod: ObservedPod;
  readonly state: PodState;
  readonly report: SidecarReport | undefined;
  /** By resourceKey: the profiles that are for it. */
  readonly profiles: readonly string[];
}

/** Judges one pod. Times are milliseconds of the monotonic clock; `leadingSinceMs` is when reports began to be collected here. */
export function podState(
  pod: Pick<ObservedPod, 'uid'>,
  offer: Pick<StandingOffer, 'digest' | 'podUid' | 'sinceMs'> | undefined,
  report: SidecarReport | undefined,
  { nowMs, leadingSinceMs }: { readonly nowMs: number; readonly leadingSinceMs: number },
): PodState {
  if (offer === undefined || offer.podUid !== pod.uid) return { kind: 'Waiting' };
  if (report?.digest === offer.digest) {
    const message = said(report);
    if (report.result === 'Ack') return { kind: 'Programmed' };
    if (report.result === 'Outdated') return { kind: 'Outdated', message };
    // Stale: a replica that lags offered what the sidecar has left behind; that replica catches up.
    if (report.result === 'Nack' && report.reason !== 'Stale') return { kind: 'Rejected', message };
  }
  if (nowMs - Math.max(offer.sinceMs, leadingSinceMs) < lateMs) return { kind: 'Waiting' };
  return { kind: 'Late', message: report === undefined ? 'has not connected' : 'has not answered' };
}

/** What a sidecar said, as one line: it is shown on terminals. */
function said({ reason, message }: SidecarReport): string {
  const text = [reason, message].filter((part) => part !== undefined && part !== '').join(': ');
  return text.replace(invisible, ' ').slice(0, maxMessage);
}

/** From the offer to the answer that is expected of every sidecar. */
const lateMs = 30_000;
const maxMessage = 300;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
const invisible = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;
