import { connect, type Socket } from 'node:net';

/** The application did not answer, or not as its protocol says. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/**
 * A connection to a port of the pod's own loopback: IPv4, then IPv6, and nothing else ever. The caller ends it; `signal`
 * destroys it at any time. @throws Unanswered.
 */
export async function connectLoopback(port: number, signal: AbortSignal): Promise<Socket> {
  try {
    return await dial(loopback[0], port, signal);
  } catch (first) {
    if (signal.aborted) throw first;
    return dial(loopback[1], port, signal).catch((second: unknown) => {
      throw new Unanswered(`${messageOf(first)}; ${messageOf(second)}`);
    });
  }
}

/** In the order in which they are dialled. */
export const loopback: readonly [string, string] = ['127.0.0.1', '::1'];

function dial(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, signal });
    // Heard to the end: an error that nobody listens to would end the process.
    socket.on('error', (cause) => reject(new Unanswered(cause.message, { cause })));
    socket.once('connect', () => resolve(socket));
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
