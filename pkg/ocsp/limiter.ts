/** How many exchanges run at once, over all and for each responder, and how many may wait. */
export interface LimiterLimits {
  readonly total: number;
  readonly each: number;
  readonly queue: number;
}

/** Places for exchanges. A slow responder fills its own places, not everybody's; the queue is bounded. */
export interface Limiter {
  /** A place, or undefined when the queue is full or `waitMs` pass. The place must be given back once. */
  acquire(key: string, waitMs: number): Promise<(() => void) | undefined>;
  counts(): { readonly running: number; readonly queued: number };
}

interface Waiting {
  readonly key: string;
  readonly admit: () => void;
}

/** Makes a limiter without anybody in it. */
export function createLimiter(limits: LimiterLimits): Limiter {
  const perKey = new Map<string, number>();
  const queue: Waiting[] = [];
  let running = 0;

  function fits(key: string): boolean {
    return running < limits.total && (perKey.get(key) ?? 0) < limits.each;
  }

  function enter(key: string): () => void {
    running += 1;
    perKey.set(key, (perKey.get(key) ?? 0) + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      running -= 1;
      const left = (perKey.get(key) ?? 1) - 1;
      if (left === 0) perKey.delete(key);
      else perKey.set(key, left);
      next();
    };
  }

  function next(): void {
    const at = queue.findIndex((waiting) => fits(waiting.key));
    if (at >= 0) queue.splice(at, 1)[0]?.admit();
  }

  return {
    acquire: (key, waitMs) => {
      if (fits(key)) return Promise.resolve(enter(key));
      if (queue.length >= limits.queue || waitMs <= 0) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const waiting: Waiting = {
          key,
          admit: () => {
            clearTimeout(timer);
            resolve(enter(key));
          },
        };
        const timer = setTimeout(() => {
          queue.splice(queue.indexOf(waiting), 1);
          resolve(undefined);
        }, waitMs);
        queue.push(waiting);
      });
    },
    counts: () => ({ running, queued: queue.length }),
  };
}
