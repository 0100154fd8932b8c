/**
 * Gives back what starting up needed and serving does not: read text, garbage, code that ran once; some 4 MiB of every
 * pod for some 60 ms of CPU time. Called once, before the process is ready. Does nothing without Node's `--expose-gc`,
 * which the image sets.
 */
export function settle(): void {
  globalThis.gc?.({ type: 'major', flavor: 'last-resort', execution: 'sync' });
}
