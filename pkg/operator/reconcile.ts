import { encodeSnapshot, snapshotDigest } from '../policy/digest.ts';
import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { Timers } from '../process/timers.ts';
import type { PodCaller } from '../push/caller.ts';
import type { Offer, OfferSource } from '../push/offer.ts';
import { type Translation, translate } from '../translate/translate.ts';
import { podKey } from '../translate/world.ts';
import { debounce } from './debounce.ts';
import type { OperatorMetrics } from './metrics.ts';
import { type NamespaceView, notListedYet, sameView, worldOf } from './view.ts';
import type { WorldWatch } from './world-watch.ts';

/** One namespace as it was translated last. */
export interface TranslatedNamespace {
  readonly view: NamespaceView;
  readonly translation: Translation;
}

/** What one pod is offered, and since when. */
export interface StandingOffer extends Offer {
  readonly podUid: string;
  /** By the monotonic clock: when a policy of this digest was first offered to this pod. */
  readonly sinceMs: number;
}

/** Turns what the watches see into offers. */
export interface Reconciler extends OfferSource {
  /** Says that something may have changed. */
  touch(): void;
  /** By name: what was translated last; a namespace whose translation failed is there as it was before. */
  readonly namespaces: ReadonlyMap<string, TranslatedNamespace>;
  /** By `namespace/name`. */
  readonly offers: ReadonlyMap<string, StandingOffer>;
  close(): void;
}

export interface ReconcilerOptions {
  readonly watch: Pick<WorldWatch, 'follow' | 'views'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Pick<OperatorMetrics, 'snapshotBytes' | 'translateDuration' | 'translations'>;
  /** Called for a pod that is gone: deleted, or another one has its name now. */
  readonly onPodGone: (podUid: string) => void;
  /** Called after every run that looked at anything anew. */
  readonly onTranslated: () => void;
  /** For tests. */
  readonly translate?: typeof translate;
}

/**
 * Waits until changes pause, translates the namespaces that changed, and tells of the pods whose offer differs. A
 * namespace whose translation throws (a bug of ours) keeps its offers, and stops no other.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { watch, clock, timers, log, metrics } = options;
  const translateWorld = options.translate ?? translate;
  const namespaces = new Map<string, TranslatedNamespace>();
  const failed = new Map<string, NamespaceView>();
  const offers = new Map<string, StandingOffer>();
  /** By pod key: every pod that has or had a view, so that its end is noticed. */
  const uids = new Map<string, string>();
  const listeners = new Set<(podKeys: ReadonlySet<string>) => void>();
  const changes = debounce({ clock, timers, quietMs, atMostMs, run: reconcile });

  function reconcile(): void {
    const views = watch.views();
    const changed = new Set<string>();
    let looked = false;
    for (const [namespace, view] of views) {
      const before = failed.get(namespace) ?? namespaces.get(namespace)?.view;
      if (before !== undefined && sameView(before, view)) continue;
      looked = true;
      const result = translateView(view);
      if (result === undefined) {
        failed.set(namespace, view);
        continue;
      }
      failed.delete(namespace);
      namespaces.set(namespace, result);
      for (const key of offerPods(result)) changed.add(key);
    }
    for (const namespace of namespaces.keys()) {
      if (views.has(namespace)) continue;
      // Nothing is in it any more: an observed absence, since only complete lists make views.
      looked = true;
      namespaces.delete(namespace);
      failed.delete(namespace);
      watch.follow(namespace, new Map());
    }
    endPods(views);
    if (changed.size > 0) for (const listener of listeners) listener(changed);
    if (looked) options.onTranslated();
  }

  /** Translates until nothing new is looked for: a reference that was not watched yet is unknown, not absent. */
  function translateView(view: NamespaceView): TranslatedNamespace | undefined {
    const startMs = clock.monotonicMs();
    let current = view;
    try {
      let translation = translateWorld(worldOf(current));
      for (;;) {
        const opened = watch.follow(current.namespace, translation.references);
        if (opened.length === 0) break;
        current = { ...current, unknown: new Map([...current.unknown, ...opened.map(unlisted)]) };
        translation = translateWorld(worldOf(current));
      }
      metrics.translations.inc({ result: 'success' });
      return { view: current, translation };
    } catch (cause) {
      metrics.translations.inc({ result: 'failure' });
      log.error('namespace could not be translated: its pods keep what they were offered', {
        namespace: view.namespace,
        err: cause instanceof Error ? cause : new Error(String(cause)),
      });
      return undefined;
    } finally {
      metrics.translateDuration.observe((clock.monotonicMs() - startMs) / 1000);
    }
  }

  /** @returns the pods whose offer differs now. */
  function offerPods({ view, translation }: TranslatedNamespace): readonly string[] {
    const changed: string[] = [];
    for (const pod of view.pods) {
      if (!pod.injected) continue;
      const key = podKey(pod);
      const policy = translation.policies.get(key);
      const unknown = translation.unknown.get(key) ?? [];
      // What is not known must neither be given nor taken away: the offer of before stands, and where there is none, none.
      if (policy === undefined || unknown.length > 0) continue;
      const text = encodeSnapshot(policy);
      const digest = snapshotDigest(text);
      const inputs = translation.inputs.get(key) ?? [];
      const before = offers.get(key);
      if (before?.digest === digest && before.podUid === pod.uid) {
        offers.set(key, { ...before, inputs });
        continue;
      }
      offers.set(key, { policy, digest, inputs, podUid: pod.uid, sinceMs: clock.monotonicMs() });
      metrics.snapshotBytes.observe(Buffer.byteLength(text));
      changed.push(key);
    }
    return changed;
  }

  /** A pod keeps its offer until it is gone, also while it terminates. */
  function endPods(views: ReadonlyMap<string, NamespaceView>): void {
    const present = new Map(
      [...views.values()].flatMap(({ pods }) =>
        pods.filter(({ injected }) => injected).map((pod) => [podKey(pod), pod.uid] as const),
      ),
    );
    for (const [key, uid] of uids) {
      if (present.get(key) === uid) continue;
      uids.delete(key);
      if (offers.get(key)?.podUid === uid) offers.delete(key);
      options.onPodGone(uid);
    }
    for (const [key, uid] of present) uids.set(key, uid);
  }

  return {
    touch: () => changes.touch(),
    namespaces,
    offers,
    offerFor(pod: PodCaller) {
      const offer = offers.get(podKey(pod));
      return offer?.podUid === pod.uid ? offer : undefined;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => changes.close(),
  };
}

function unlisted(key: string): readonly [string, string] {
  return [key, notListedYet];
}

const quietMs = 100;
const atMostMs = 1000;
