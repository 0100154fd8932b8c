import type { Socket } from 'node:net';

/**
 * Accepted sockets on their way to TLS. A handshake is a millisecond of arithmetic, and one turn of the event loop does
 * all that are ready: in a storm of them, whoever has an open connection would wait for the whole storm in every turn.
 * So a few begin in each turn, in the order in which they came; the rest wait unread. Without a storm nobody waits.
 */
export class HandshakeQueue {
  readonly #begin: (socket: Socket) => void;
  readonly #refuse: (socket: Socket) => void;
  #waiting: Socket[] = [];
  #begunInTurn = 0;
  #turnEnds = false;

  /** `refuse` is called, instead of `begin`, for a socket that comes when too many wait. */
  constructor(begin: (socket: Socket) => void, refuse: (socket: Socket) => void) {
    this.#begin = begin;
    this.#refuse = refuse;
  }

  /** Takes a socket that nobody reads. */
  add(socket: Socket): void {
    if (!this.#turnEnds) {
      this.#turnEnds = true;
      setImmediate(() => this.#nextTurn());
    }
    if (this.#begunInTurn < maxBegunInTurn) {
      this.#begunInTurn += 1;
      this.#begin(socket);
    } else if (this.#waiting.length < maxWaiting) {
      this.#waiting.push(socket);
    } else {
      this.#refuse(socket);
    }
  }

  /** Closes whoever waits. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting = [];
  }

  #nextTurn(): void {
    this.#turnEnds = false;
    const next = this.#waiting.splice(0, maxBegunInTurn);
    this.#begunInTurn = next.length;
    if (next.length === 0) return;
    // Also where none waits any more: what begins now counts for the turn that begins now.
    this.#turnEnds = true;
    setImmediate(() => this.#nextTurn());
    for (const socket of next) if (!socket.destroyed) this.#begin(socket);
  }
}

/** Some six milliseconds of every turn. */
export const maxBegunInTurn = 4;
/** Some four seconds of handshakes, and less than half of the files that a process may usually open. */
export const maxWaiting = 4096;
