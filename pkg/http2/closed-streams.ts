/** How a stream came to its end: both sides sent END_STREAM, the peer reset it, we did. */
export type Ending = 'ended' | 'reset-by-peer' | 'reset-by-us';

/**
 * The last streams that closed, and how: what still comes for one that we reset is on its way and must be ignored, what
 * comes for one that had ended breaks the protocol (RFC 9113 5.1). Bounded: the oldest is forgotten, and may have been
 * either. Then no peer may suffer for what is in order: one that opens hundreds of streams before it knows our limit has
 * bodies and trailers on their way for all that we refuse. That what comes for a closed stream is an error of the
 * connection is what we may say, not what we must; nghttp2 ignores it throughout.
 */
export class ClosedStreams {
  /** Two words each: the identifier, the ending. */
  readonly #ring: Uint32Array;
  #next = 0;
  /** The highest identifier that is forgotten. */
  #forgotten = 0;

  /** Remembers `size` streams. */
  constructor(size: number) {
    this.#ring = new Uint32Array(size * 2);
  }

  /** A stream that we refuse is counted once: what its end was stays its end. */
  addRefused(id: number): void {
    if (this.#placeOf(id) === undefined) this.add(id, 'reset-by-us');
  }

  add(id: number, ending: Ending): void {
    const forgotten = this.#ring[this.#next] ?? 0;
    if (forgotten > this.#forgotten) this.#forgotten = forgotten;
    this.#ring[this.#next] = id;
    this.#ring[this.#next + 1] = endings.indexOf(ending);
    this.#next = (this.#next + 2) % this.#ring.length;
  }

  /**
   * The peer resets a stream that we reset or that is over. Behind its own RST_STREAM nothing of it can be on its way any
   * more: what comes is its fault (RFC 9113 5.1).
   */
  resetByPeer(id: number): void {
    const place = this.#placeOf(id);
    if (place !== undefined && this.#endingAt(place) === 'reset-by-us') {
      this.#ring[place + 1] = endings.indexOf('reset-by-peer');
    }
  }

  /** @returns undefined for a stream that never was. */
  find(id: number): Ending | 'forgotten' | undefined {
    const place = this.#placeOf(id);
    if (place !== undefined) return this.#endingAt(place);
    return id <= this.#forgotten ? 'forgotten' : undefined;
  }

  /** Looks through all: only a peer at fault or in a race asks. */
  #placeOf(id: number): number | undefined {
    for (let place = 0; place < this.#ring.length; place += 2) {
      if (this.#ring[place] === id) return place;
    }
    return undefined;
  }

  #endingAt(place: number): Ending | undefined {
    return endings[this.#ring[place + 1] ?? 0];
  }
}

const endings: readonly Ending[] = ['ended', 'reset-by-peer', 'reset-by-us'];
