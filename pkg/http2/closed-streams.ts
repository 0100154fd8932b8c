/** How a stream came to its end: both sides sent END_STREAM, the peer reset it, we did. */
export type Ending = 'ended' | 'reset-by-peer' | 'reset-by-us';

/**
 * The last streams that closed, and how: what still comes for one that we reset is on its way and must be ignored, what
 * comes for one that had ended breaks the protocol (RFC 9113 5.1). Bounded: the oldest is forgotten.
 */
export class ClosedStreams {
  /** Two words each: the identifier, the ending. */
  readonly #ring: Uint32Array;
  #next = 0;

  /** Remembers `size` streams. */
  constructor(size: number) {
    this.#ring = new Uint32Array(size * 2);
  }

  add(id: number, ending: Ending): void {
    this.#ring[this.#next] = id;
    this.#ring[this.#next + 1] = endings.indexOf(ending);
    this.#next = (this.#next + 2) % this.#ring.length;
  }

  /** @returns undefined for a stream that never was, or is forgotten. Looks through all: only a peer at fault or in a race asks. */
  find(id: number): Ending | undefined {
    for (let i = 0; i < this.#ring.length; i += 2) {
      if (this.#ring[i] === id) return endings[this.#ring[i + 1] ?? 0];
    }
    return undefined;
  }
}

const endings: readonly Ending[] = ['ended', 'reset-by-peer', 'reset-by-us'];
