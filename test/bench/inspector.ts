import { setTimeout as delay } from 'node:timers/promises';

/** What a process of Node holds once its garbage is collected, in bytes. */
export interface HeldMemory {
  /** Resident. */
  readonly rss: number;
  /** V8's heap. */
  readonly heapUsed: number;
  /** Buffers outside of it. */
  readonly external: number;
}

/** A process of Node that was started with `--inspect`. */
export interface Inspected {
  /** Collects its garbage first. */
  memory(): Promise<HeldMemory>;
  close(): void;
}

/** Connects to the inspector on a port of 127.0.0.1. @throws where none answers. */
export async function inspect(port: number): Promise<Inspected> {
  const response = await fetch(`http://127.0.0.1:${port}/json/list`);
  const targets = (await response.json()) as readonly { readonly webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '');
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const opened = Promise.withResolvers<void>();
  socket.addEventListener('open', () => opened.resolve());
  socket.addEventListener('close', () => {
    const error = new Error(`the inspector on ${port} is gone`);
    for (const { reject } of [opened, ...waiting.values()]) reject(error);
  });
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { readonly id?: number; readonly result?: unknown };
    if (id === undefined) return;
    waiting.get(id)?.resolve(result);
    waiting.delete(id);
  });
  await opened.promise;

  let last = 0;
  function ask(method: string, params: object = {}): Promise<unknown> {
    last += 1;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(last, answer);
    socket.send(JSON.stringify({ id: last, method, params }));
    return answer.promise;
  }

  return {
    memory: async () => {
      await ask('HeapProfiler.collectGarbage');
      // What the collection sets free outside of the heap is freed in later turns.
      await delay(200);
      await ask('HeapProfiler.collectGarbage');
      const found = await ask('Runtime.evaluate', { expression: 'process.memoryUsage()', returnByValue: true });
      return (found as { readonly result: { readonly value: HeldMemory } }).result.value;
    },
    close: () => socket.close(),
  };
}
