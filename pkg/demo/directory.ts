import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DemoFailed } from './errors.ts';

/** Where the demo keeps its files. */
export interface DemoDirectory {
  /** Absolute. */
  readonly path: string;
  /** Writes files with mode 0600, as all private keys must be. */
  write(folder: string, files: ReadonlyMap<string, string>): void;
  /** Removes the folder when it is a fresh one of ours; a folder that the user named stays. */
  remove(): void;
}

/**
 * A fresh folder under the system's temporary one, or the folder that the user named: it is made, or must be empty or
 * an earlier demo's, so that nobody's files are written over. @throws DemoFailed.
 */
export function openDirectory(named: string | undefined): DemoDirectory {
  const path = named === undefined ? mkdtempSync(join(tmpdir(), 'lychgate-demo-')) : resolve(named);
  if (named !== undefined) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (readdirSync(path).length > 0 && !existsSync(join(path, marker))) {
      throw new DemoFailed(`${path} is not empty and not an earlier demo's: name an empty folder, or one to be made`);
    }
    // An earlier run's manifests may have been edited, or be of another version.
    rmSync(join(path, 'manifests'), { recursive: true, force: true });
  }
  writeFileSync(join(path, marker), 'Made by `lychgate demo`. Everything in this folder may be removed.\n');
  return {
    path,
    write(folder, files) {
      mkdirSync(join(path, folder), { recursive: true, mode: 0o700 });
      for (const [name, text] of files) writeFileSync(join(path, folder, name), text, { mode: 0o600 });
    },
    remove() {
      if (named === undefined) rmSync(path, { recursive: true, force: true });
    },
  };
}

const marker = '.lychgate-demo';
