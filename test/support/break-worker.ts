import { renameSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/*
 * For tests, loaded by `node --import` before the sidecar: when a file of the name in LYCHGATE_TEST_BREAK appears, the
 * first worker that sees it throws where nobody catches it, as a mistake of the program would.
 */

const file = process.env['LYCHGATE_TEST_BREAK'];
if (!isMainThread && file !== undefined) {
  setInterval(() => {
    try {
      // One of them only: a file can be renamed once.
      renameSync(file, `${file}.taken`);
    } catch {
      return;
    }
    throw new Error('broken by a test');
  }, 20);
}
