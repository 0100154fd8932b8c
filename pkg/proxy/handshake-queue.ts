import type { Socket } from 'node:net';

export interface HandshakeQueueOptions {
  /** Its turn has come. */
  readonly begin: (socket: Socket) => void;
  /** Too many wait already. */
  readonly refuse: (socket: Socket) => void;
  /** It has waited for longer than `waitMs`. */
  readonly expire: (socket: Socket) => void;
  readonly waitMs: number;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

/**
 * Accepted sockets on their way to TLS. A handshake is a millisecond of arithmetic, and one turn of the event loop does
 * all that are ready: in a storm of them, whoever has an open connection would wait for the whole storm in every turn.
 * So a few begin in each turn, in the order in which they came; the rest wait unread. Without a storm nobody waits. For
 * every socket exactly one of begin, refuse and expire is called, unless it is gone before.
 */
export class HandshakeQueue {
  readonly #options: HandshakeQueueOptions;
  #waiting: Waiting[] = [];
  #begunInTurn = 0;
  #turnEnds = false;

  constructor(options: HandshakeQueueOptions) {
    this.#options = options;
  }

  /** Takes a socket that nobody reads. */
  add(socket: Socket): void {
    if (!this.#turnEnds) {
      this.#turnEnds = true;
      setImmediate(() => this.#nextTurn());
    }
    if (this.#begunInTurn < maxBegunInTurn) {
      this.#begunInTurn += 1;
      this.#options.begin(socket);
    } else if (this.#waiting.length < maxWaiting) {
      this.#waiting.push({ socket, sinceMs: this.#options.now() });
    } else {
      this.#options.refuse(socket);
    }
  }

  /** Closes whoever waits. */
  close(): void {
    for (const { socket } of this.#waiting) socket.destroy();
    this.#waiting = [];
  }

  #nextTurn(): void {
    this.#turnEnds = false;
    if (this.#waiting.length > 0) this.#expire();
    const next = this.#waiting.splice(0, maxBegunInTurn);
    this.#begunInTurn = next.length;
    if (next.length === 0) return;
    // Also where none waits any more: what begins now counts for the turn that begins now.
    this.#turnEnds = true;
    setImmediate(() => this.#nextTurn());
    for (const { socket } of next) if (!socket.destroyed) this.#options.begin(socket);
  }

  /** Whoever has waited longest stands first. */
  #expire(): void {
    const { now, waitMs, expire } = this.#options;
    const limitMs = now() - waitMs;
    let count = 0;
    while ((this.#waiting[count]?.sinceMs ?? limitMs) < limitMs) count += 1;
    for (const { socket } of this.#waiting.splice(0, count)) if (!socket.destroyed) expire(socket);
  }
}

interface Waiting {
  readonly socket: Socket;
  readonly sinceMs: number;
}

/** Some six milliseconds of every turn. */
export const maxBegunInTurn = 4;
/** Some four seconds of handshakes, and less than half of the files that a process may usually open. */
export const maxWaiting = 4096;
