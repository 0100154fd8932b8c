import { createServer } from 'node:net';
import { DemoFailed } from './errors.ts';
import { type Listening, listen } from './listen.ts';

/** A port that is wanted. 0 is any free one. */
export interface PortWish {
  readonly port: number;
  /** Whether the user asked for this very port: then no other one is taken. */
  readonly named: boolean;
}

/**
 * Starts what listens on the wished port; where that is taken and the user did not name it, on a free one, and says
 * so. @throws DemoFailed when a named port cannot be had; whatever else `start` throws.
 */
export async function onWishedPort<T extends { readonly port: number }>(
  what: string,
  wish: PortWish,
  start: (port: number) => Promise<T>,
  say: (line: string) => void,
): Promise<T> {
  try {
    return await start(wish.port);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const why = code === 'EACCES' ? 'may not be used' : 'is taken';
    if (wish.named) {
      throw new DemoFailed(`port ${wish.port} for ${what} ${why}: name another one, or none to take one that is free`);
    }
    const started = await start(0);
    say(`Port ${wish.port} ${why}: ${what} gets ${started.port}.`);
    return started;
  }
}

/** A port that another process shall listen on: tried by listening, and let go of again. */
export async function probePort(port: number): Promise<Listening> {
  const listening = await listen(createServer(), port);
  await listening.close();
  return listening;
}
