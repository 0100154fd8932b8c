/** Counts client connections against their limits. */
export interface Places {
  /**
   * Takes a place of the pod and of the profile; undefined where either has none left. 0 is no limit. What is returned
   * gives the place back, once.
   */
  take(profileId: string, podLimit: number, profileLimit: number): (() => void) | undefined;
}

/** Places of a gate that serves alone. */
export class OwnPlaces implements Places {
  readonly #perProfile = new Map<string, number>();
  #taken = 0;

  take(profileId: string, podLimit: number, profileLimit: number): (() => void) | undefined {
    const ofProfile = this.#perProfile.get(profileId) ?? 0;
    if (podLimit > 0 && this.#taken >= podLimit) return undefined;
    if (profileLimit > 0 && ofProfile >= profileLimit) return undefined;
    this.#taken += 1;
    this.#perProfile.set(profileId, ofProfile + 1);
    return () => {
      this.#taken -= 1;
      const left = (this.#perProfile.get(profileId) ?? 1) - 1;
      if (left > 0) this.#perProfile.set(profileId, left);
      else this.#perProfile.delete(profileId);
    };
  }
}
