import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { folderSignature } from './files.ts';
import { watchFolder } from './watch.ts';

/** A watched folder, and a way to wait for the next call. Waiting has no end of its own: the test's time limit is it. */
async function watched(context: TestContext, rescanMs = 0, prepare?: (path: string) => void) {
  const root = mkdtempSync(join(tmpdir(), 'watch-'));
  const path = join(root, 'folder');
  mkdirSync(path);
  prepare?.(path);
  let calls = 0;
  let wake: (() => void) | undefined;
  const watch = watchFolder(
    path,
    () => {
      calls++;
      wake?.();
    },
    { debounceMs: 5, rescanMs, signature: await folderSignature(path) },
  );
  context.after(() => {
    watch.close();
    rmSync(root, { recursive: true });
  });
  return {
    path,
    watch,
    calls: () => calls,
    async next(change: () => void) {
      const before = calls;
      const called = new Promise<void>((resolve) => {
        wake = resolve;
      });
      change();
      if (calls === before) await called;
    },
  };
}

describe('a watched folder', { timeout: 20_000 }, () => {
  test('tells of a file that comes, changes and goes', async (context) => {
    const { path, next } = await watched(context);
    await next(() => writeFileSync(join(path, 'a.yaml'), 'one'));
    await next(() => writeFileSync(join(path, 'a.yaml'), 'longer'));
    await next(() => rmSync(join(path, 'a.yaml')));
  });

  test('tells of the swap of ..data in a mounted ConfigMap', async (context) => {
    const { path, next } = await watched(context, 0, (folder) => {
      for (const [name, text] of [
        ['..1', 'old'],
        ['..2', 'new'],
      ] as const) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'a.yaml'), text);
      }
      symlinkSync('..1', join(folder, '..data'));
      symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
    });
    await next(() => {
      symlinkSync('..2', join(path, '..data_tmp'));
      renameSync(join(path, '..data_tmp'), join(path, '..data'));
    });
  });

  test('is looked at again where no event comes: it was away and is back', async (context) => {
    const { path, next } = await watched(context, 10);
    await next(() => renameSync(path, `${path}-away`));
    await next(() => renameSync(`${path}-away`, path));
    await next(() => writeFileSync(join(path, 'a.yaml'), 'one'));
  });

  test('does not tell of what is no manifest', async (context) => {
    const { path, calls, next } = await watched(context);
    writeFileSync(join(path, 'a.txt'), 'one');
    await next(() => writeFileSync(join(path, 'a.yaml'), 'one'));
    assert.equal(calls(), 1);
  });

  test('goes on where onChange fails, and one call waits for the other', async (context) => {
    const root = mkdtempSync(join(tmpdir(), 'watch-'));
    let running = 0;
    let most = 0;
    let calls = 0;
    const done = Promise.withResolvers<void>();
    const watch = watchFolder(
      root,
      async () => {
        running++;
        most = Math.max(most, running);
        calls++;
        if (calls === 1) writeFileSync(join(root, 'b.yaml'), 'second');
        await new Promise(setImmediate);
        running--;
        if (calls === 2) done.resolve();
        throw new Error('cannot');
      },
      { debounceMs: 1, rescanMs: 10, signature: await folderSignature(root) },
    );
    context.after(() => {
      watch.close();
      rmSync(root, { recursive: true });
    });
    writeFileSync(join(root, 'a.yaml'), 'first');
    await done.promise;
    assert.equal(most, 1);
  });
});
