/**
 * Makes calls of an asynchronous function follow each other. A call during a run gives the run after it, which begins
 * with everything that was known at the call; any number of calls share that one. `run` must not reject.
 */
export function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;
  function start(): Promise<void> {
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  }
  return () => {
    if (running === undefined) return start();
    following ??= running.then(() => {
      following = undefined;
      return start();
    });
    return following;
  };
}
