import type { PodPolicy } from '../policy/policy.ts';
import { profileId, profilesOf } from '../policy/profiles.ts';
import type { Places } from '../proxy/places.ts';

/**
 * Places that several threads count together. Every worker writes one number of its own, so that what a worker held that
 * has died can be given back. A place is taken first and the sum looked at second: two that come for the last place in
 * the same moment may both be refused, but never are both let in.
 */
export class SharedPlaces implements Places {
  readonly #index: number;
  readonly #pod: Int32Array;
  readonly #profiles = new Map<string, Int32Array>();

  /** `worker` counts from 1. */
  constructor(worker: number, pod: SharedArrayBuffer) {
    this.#index = worker - 1;
    this.#pod = new Int32Array(pod);
  }

  /** These profiles have places from now on, beside those that are known. */
  know(profiles: ReadonlyMap<string, SharedArrayBuffer>): void {
    for (const [id, buffer] of profiles) this.#profiles.set(id, new Int32Array(buffer));
  }

  /** All others have none any more. */
  keep(profileIds: readonly string[]): void {
    const wanted = new Set(profileIds);
    for (const id of this.#profiles.keys()) if (!wanted.has(id)) this.#profiles.delete(id);
  }

  take(profileId: string, podLimit: number, profileLimit: number): (() => void) | undefined {
    const pod = this.#pod;
    const profile = this.#profiles.get(profileId);
    if (profile === undefined) return undefined;
    const index = this.#index;
    const leave = () => {
      Atomics.sub(pod, index, 1);
      Atomics.sub(profile, index, 1);
    };
    Atomics.add(pod, index, 1);
    Atomics.add(profile, index, 1);
    if ((podLimit > 0 && sum(pod) > podLimit) || (profileLimit > 0 && sum(profile) > profileLimit)) {
      leave();
      return undefined;
    }
    return leave;
  }
}

/** The owner's side of all places. */
export class PlaceLedger {
  readonly #workers: number;
  readonly #pod: SharedArrayBuffer;
  readonly #profiles = new Map<string, SharedArrayBuffer>();

  constructor(workers: number) {
    this.#workers = workers;
    this.#pod = this.#make();
  }

  get pod(): SharedArrayBuffer {
    return this.#pod;
  }

  /** Those of these profiles; a profile keeps its own from one policy to the next. */
  of(profileIds: readonly string[]): ReadonlyMap<string, SharedArrayBuffer> {
    return new Map(
      profileIds.map((id) => {
        const known = this.#profiles.get(id) ?? this.#make();
        this.#profiles.set(id, known);
        return [id, known];
      }),
    );
  }

  /** Profiles that are not in force any more, on any thread, and have no connection left, are forgotten. */
  keep(profileIds: readonly string[]): void {
    const wanted = new Set(profileIds);
    for (const [id, buffer] of this.#profiles) {
      if (!wanted.has(id) && sum(new Int32Array(buffer)) === 0) this.#profiles.delete(id);
    }
  }

  /** What a worker that has died held is free again. */
  release(worker: number): void {
    for (const buffer of [this.#pod, ...this.#profiles.values()]) Atomics.store(new Int32Array(buffer), worker - 1, 0);
  }

  /** Connections of all workers. */
  count(): number {
    return sum(new Int32Array(this.#pod));
  }

  countOf(worker: number): number {
    return Atomics.load(new Int32Array(this.#pod), worker - 1);
  }

  #make(): SharedArrayBuffer {
    return new SharedArrayBuffer(this.#workers * Int32Array.BYTES_PER_ELEMENT);
  }
}

/** Whose places a policy needs. */
export function profileIds(policy: PodPolicy): readonly string[] {
  return profilesOf(policy).map(profileId);
}

function sum(counts: Int32Array): number {
  let total = 0;
  for (let i = 0; i < counts.length; i += 1) total += Atomics.load(counts, i);
  return total;
}
