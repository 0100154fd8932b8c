import type { Socket } from 'node:net';

/**
 * Closes a connection whose last answer has been written: what the client still sends is thrown away for a while, since
 * a reset would take the answer from it (RFC 9112 9.6).
 */
export class Linger {
  readonly #socket: Socket;
  #untilMs = 0;
  #bytes = 0;

  /** Sends what is written, then the end. `onSent` is called when the client has all of it. */
  constructor(socket: Socket, now: () => number, onSent: () => void) {
    this.#socket = socket;
    socket.end(() => {
      this.#untilMs = now() + lingerMs;
      onSent();
    });
  }

  onData(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > maxBytes) this.#socket.destroy();
  }

  /** Nobody is cut off from an answer that is still being sent. */
  sweep(nowMs: number): void {
    if (this.#untilMs > 0 && nowMs > this.#untilMs) this.#socket.destroy();
  }
}

const lingerMs = 2000;
const maxBytes = 1_048_576;
