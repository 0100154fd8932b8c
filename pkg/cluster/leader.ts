import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import { pause, systemTimers, type Timers } from '../process/timers.ts';
import { ApiError } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { microTime } from './micro-time.ts';
import { isRecord, type KubernetesObject } from './object.ts';

/** Which replica leads, by a Lease of coordination.k8s.io. */
export interface LeaderElection {
  /** We lead, now, by our own clock. Ask before every write: it turns false by itself when the lease is not renewed. */
  readonly leading: boolean;
  /** Who holds the lease as far as is known, us included; undefined when nobody does or nothing is known. */
  readonly holder: LeaseHolder | undefined;
  /** Why the lease cannot be read or written now. */
  readonly fault: string | undefined;
  /** Stops taking part and gives the lease back if we hold it. Never rejects. */
  release(): Promise<void>;
}

export interface LeaseHolder {
  readonly identity: string;
  /** Where the other replicas reach it; empty if its lease does not say. */
  readonly address: string;
}

export interface LeaderElectionOptions {
  readonly cluster: Pick<Cluster, 'create' | 'get' | 'replace'>;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Unlike every other replica's, and unlike that of an earlier process in the same pod. */
  readonly identity: string;
  readonly address: string;
  readonly clock: Clock;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Called after `leading` or `holder` has changed. */
  readonly onChange: () => void;
  readonly timers?: Timers;
}

/** What we saw of the lease, and when we saw it change: its own times are another machine's clock. */
interface Observed {
  readonly lease: KubernetesObject;
  readonly spec: LeaseSpec;
  readonly changedAtMs: number;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/**
 * Takes part in the election for ever, with client-go's times: a lease of 15 s, tried every 2 s, and who could not
 * renew it for 10 s stops leading. Others take it over only 15 s after they saw it change last, so by everybody's own
 * clock there are never two leaders. Never throws.
 */
export function startLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { cluster, namespace, name, identity, address, clock, random, log, timers = systemTimers } = options;
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${collection}/${name}`;
  const stopping = new AbortController();
  let observed: Observed | undefined;
  /** When we sent the last request that made the lease ours. */
  let renewedAtMs: number | undefined;
  let fault: string | undefined;
  let told: { leading: boolean; holder: LeaseHolder | undefined } = { leading: false, holder: undefined };
  let cancelDeadline: () => void = () => undefined;

  function isLeading(): boolean {
    return renewedAtMs !== undefined && clock.monotonicMs() - renewedAtMs < renewDeadlineMs;
  }

  function holder(): LeaseHolder | undefined {
    const held = observed?.spec.holderIdentity ?? '';
    return held === '' ? undefined : { identity: held, address: addressOf(observed?.lease) };
  }

  function tell(): void {
    const now = { leading: isLeading(), holder: holder() };
    const isSame =
      now.leading === told.leading &&
      now.holder?.identity === told.holder?.identity &&
      now.holder?.address === told.holder?.address;
    if (isSame) return;
    if (now.leading !== told.leading)
      log.info(now.leading ? 'leading' : 'no longer leading', { lease: name, identity });
    told = now;
    try {
      options.onChange();
    } catch (cause) {
      log.error('the listener of the election failed', { err: cause instanceof Error ? cause : String(cause) });
    }
  }

  function observe(lease: KubernetesObject): Observed {
    const spec = (isRecord(lease['spec']) ? lease['spec'] : {}) as LeaseSpec;
    const isSame = observed !== undefined && sameRecord(observed.spec, spec);
    observed = {
      lease,
      spec,
      changedAtMs: isSame && observed !== undefined ? observed.changedAtMs : clock.monotonicMs(),
    };
    return observed;
  }

  function ours(sentAtMs: number, lease: KubernetesObject): void {
    observe(lease);
    renewedAtMs = sentAtMs;
    cancelDeadline();
    cancelDeadline = timers.after(Math.max(0, sentAtMs + renewDeadlineMs - clock.monotonicMs()), tell);
  }

  function leaseBody(before: Observed | undefined): object {
    const now = microTime(clock.wallMs());
    const isOurs = before?.spec.holderIdentity === identity;
    const metadata = before?.lease.metadata ?? { name, namespace };
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...metadata, annotations: { ...metadata.annotations, [addressAnnotation]: address } },
      spec: {
        // What others set beside it, as a strategy, stays.
        ...before?.spec,
        holderIdentity: identity,
        leaseDurationSeconds: leaseMs / 1000,
        acquireTime: (isOurs ? before.spec.acquireTime : undefined) ?? now,
        renewTime: now,
        leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (isOurs || before === undefined ? 0 : 1),
      },
    };
  }

  async function attempt(): Promise<void> {
    let seen: Observed;
    try {
      seen = observe(await cluster.get(path, limits));
    } catch (cause) {
      if (!(cause instanceof ApiError) || cause.status !== 404) throw cause;
      const sentAtMs = clock.monotonicMs();
      return ours(sentAtMs, await cluster.create(collection, leaseBody(undefined), limits));
    }
    const { holderIdentity = '', leaseDurationSeconds = leaseMs / 1000 } = seen.spec;
    const isOurs = holderIdentity === identity;
    if (!isOurs) renewedAtMs = undefined;
    const isFree = holderIdentity === '' || clock.monotonicMs() - seen.changedAtMs >= leaseDurationSeconds * 1000;
    if (!isOurs && !isFree) return;
    const sentAtMs = clock.monotonicMs();
    ours(sentAtMs, await cluster.replace(path, leaseBody(seen), limits));
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await attempt();
        if (fault !== undefined) log.info('the lease can be reached again', { lease: name });
        fault = undefined;
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        // Another replica was faster, which is what a lease is for.
        const isLost = cause instanceof ApiError && cause.status === 409;
        if (!isLost && message !== fault) log.warn('the lease cannot be renewed or taken', { fault: message });
        fault = isLost ? undefined : message;
      }
      tell();
      // Followers spread, so that they do not all try at the moment the lease ends.
      const waitMs = isLeading() ? retryMs : retryMs * (1 + random() * 1.2);
      await pause(timers, waitMs, stopping.signal);
    }
  }

  async function giveBack(): Promise<void> {
    if (observed?.spec.holderIdentity !== identity) return;
    const { lease, spec } = observed;
    const now = microTime(clock.wallMs());
    const free = { ...spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    try {
      observe(await cluster.replace(path, { ...lease, spec: free }, limits));
      log.info('lease released', { lease: name });
    } catch (cause) {
      log.warn('the lease could not be released and ends by itself', { fault: String(cause) });
    }
  }

  const running = run();
  let released: Promise<void> | undefined;
  return {
    get leading() {
      return isLeading();
    },
    get holder() {
      return holder();
    },
    get fault() {
      return fault;
    },
    release: () => {
      released ??= (async () => {
        stopping.abort();
        // What is being renewed now must be settled first, or the release would be of an older version.
        await running;
        cancelDeadline();
        renewedAtMs = undefined;
        tell();
        await giveBack();
        tell();
      })();
      return released;
    },
  };
}

function addressOf(lease: KubernetesObject | undefined): string {
  return lease?.metadata.annotations?.[addressAnnotation] ?? '';
}

function sameRecord(a: LeaseSpec, b: LeaseSpec): boolean {
  return (
    a.holderIdentity === b.holderIdentity &&
    a.renewTime === b.renewTime &&
    a.acquireTime === b.acquireTime &&
    a.leaseTransitions === b.leaseTransitions &&
    a.leaseDurationSeconds === b.leaseDurationSeconds
  );
}

const addressAnnotation = 'lychgate.dev/address';
const leaseMs = 15_000;
const renewDeadlineMs = 10_000;
const retryMs = 2000;
/** Half of the time in which a renewal must succeed, so that one lost answer does not cost the lease. */
const limits = { deadlineMs: renewDeadlineMs / 2 };
