import { type FSWatcher, watch } from 'node:fs';
import { folderSignature } from './files.ts';

/** How a folder is watched. */
export interface WatchOptions {
  /** Events wait until nothing more has come for this long. */
  readonly debounceMs: number;
  /** The folder is looked at this often even without events: network file systems and bind mounts send none. 0 for never. */
  readonly rescanMs?: number;
  /** The state that has been read already, from folderSignature; the state at the call unless given. */
  readonly signature?: string;
}

/** Stops the watching; no call of onChange begins afterwards. */
export interface FolderWatch {
  close(): void;
}

/**
 * Calls `onChange` after the manifests of a folder have changed, one call at a time; a change during a call gives
 * another one after it. What onChange throws is its own to handle: a rejection is passed over, and the watch goes on.
 * Also notices the swap of `..data` in a mounted ConfigMap, and a folder that goes and comes back. Never throws.
 */
export function watchFolder(
  folder: string,
  onChange: () => Promise<void> | void,
  { debounceMs, rescanMs = 5000, signature }: WatchOptions,
): FolderWatch {
  let closed = false;
  let running = false;
  let again = false;
  let known = signature;
  let watcher: FSWatcher | undefined;
  let debounce: NodeJS.Timeout | undefined;

  function arm(): void {
    if (watcher !== undefined || closed) return;
    try {
      const opened = watch(folder, { persistent: false }, (event) => {
        // After a rename the watch may be on a folder that is no longer there.
        if (event === 'rename') disarm();
        soon();
      });
      opened.on('error', () => {
        disarm();
        soon();
      });
      watcher = opened;
    } catch {
      // No such folder, or no inotify watch left: the next look tries again.
      watcher = undefined;
    }
  }

  function disarm(): void {
    watcher?.close();
    watcher = undefined;
  }

  function soon(): void {
    if (closed) return;
    clearTimeout(debounce);
    debounce = setTimeout(() => void look(), debounceMs);
  }

  async function look(): Promise<void> {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        // Armed before looking, so that what changes in between is an event.
        arm();
        const found = await folderSignature(folder);
        if (closed || found === known) continue;
        const first = known === undefined;
        known = found;
        if (!first) await onChange();
      } while (again && !closed);
    } catch {
      // onChange's own trouble, reported by it.
    } finally {
      running = false;
    }
  }

  void look();
  const rescan = rescanMs > 0 ? setInterval(() => void look(), rescanMs) : undefined;
  return {
    close() {
      closed = true;
      clearTimeout(debounce);
      clearInterval(rescan);
      disarm();
    },
  };
}
