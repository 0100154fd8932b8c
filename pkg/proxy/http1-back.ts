import type { BackTarget } from './back-target.ts';
import type { Back, Exchange, OutgoingRequest, ResponseSink } from './exchange.ts';
import { BackSocket, type SocketPool } from './http1-back-socket.ts';
import { repeatsKeptMs } from './repeats.ts';
import { Roster } from './roster.ts';

/**
 * HTTP/1.1 to the application for one client connection. A socket carries one exchange at a time, is kept for the next
 * one only after a whole, undisturbed exchange, and never serves another client connection.
 */
export function createHttp1Back(target: BackTarget, now: () => number, maxIdle: number): Back {
  return new Http1Back(target, now, maxIdle);
}

class Http1Back implements Back, SocketPool {
  readonly target: BackTarget;
  readonly now: () => number;
  readonly #maxIdle: number;
  readonly #idle: BackSocket[] = [];
  readonly #busy = new Roster<BackSocket>();
  #retired = false;

  constructor(target: BackTarget, now: () => number, maxIdle: number) {
    this.target = target;
    this.now = now;
    this.#maxIdle = maxIdle;
  }

  begin(request: OutgoingRequest, sink: ResponseSink): Exchange {
    const socket = this.#idle.pop() ?? new BackSocket(this);
    this.#busy.add(socket);
    socket.begin(request, sink);
    return socket;
  }

  sweep(nowMs: number): void {
    this.#busy.forEach((socket) => socket.sweep(nowMs));
    for (const socket of [...this.#idle]) {
      if (nowMs - socket.idleSinceMs > idleSocketMs) socket.destroy();
      else if (nowMs - socket.idleSinceMs > repeatsKeptMs) socket.forget();
    }
  }

  retire(): void {
    this.#retired = true;
    for (const socket of [...this.#idle]) socket.destroy();
  }

  close(): void {
    for (const socket of [...this.#idle]) socket.destroy();
    this.#busy.forEach((socket) => socket.destroy());
  }

  release(socket: BackSocket): void {
    this.#busy.delete(socket);
    if (this.#retired || this.#idle.length >= this.#maxIdle) socket.destroy();
    else this.#idle.push(socket);
  }

  forget(socket: BackSocket): void {
    this.#busy.delete(socket);
    const at = this.#idle.indexOf(socket);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

/** Idle sockets to the application are closed by us before common servers close them (Node 5 s), so that a request does not meet a closing socket. */
const idleSocketMs = 4000;
