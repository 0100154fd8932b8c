import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** A folder that cannot be listed; the message says which and why. */
export class FolderUnreadable extends Error {
  readonly code = 'FOLDER_UNREADABLE';
  constructor(folder: string, cause: unknown) {
    super(`cannot read the folder ${folder}: ${codeOf(cause)}`, { cause });
    this.name = 'FolderUnreadable';
  }
}

/** Largest file and folder, in bytes, and most files. */
export const maxFileBytes = 4_194_304;
export const maxFolderBytes = 67_108_864;
export const maxFiles = 1000;

/** A manifest file: its text, or why it has none. */
export type ManifestFile =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly text: undefined; readonly message: string };

/**
 * The files that `kubectl apply -f FOLDER` takes, by name: `.yaml`, `.yml`, `.json`, not those of subfolders. Symbolic
 * links count where they lead to a file inside the folder, as in a mounted ConfigMap. @throws FolderUnreadable.
 */
export async function manifestFiles(folder: string): Promise<readonly ManifestFile[]> {
  const names = await manifestNames(folder);
  const root = await realpath(folder).catch((error: unknown) => {
    throw new FolderUnreadable(folder, error);
  });
  if (names.length > maxFiles) throw new FolderUnreadable(folder, `${names.length} manifests, limit ${maxFiles}`);
  const files: ManifestFile[] = [];
  let total = 0;
  for (const name of names) {
    const file = await readManifest(root, name);
    if (file === undefined) continue;
    total += file.text?.length ?? 0;
    if (total > maxFolderBytes) throw new FolderUnreadable(folder, `more than ${maxFolderBytes} bytes of manifests`);
    files.push(file);
  }
  return files;
}

/** What tells one state of a folder from another without reading its files. Never rejects. */
export async function folderSignature(folder: string): Promise<string> {
  try {
    const names = await manifestNames(folder);
    const states = await Promise.all(
      names.slice(0, maxFiles).map(async (name) => {
        try {
          const { ino, size, mtimeNs, ctimeNs } = await stat(join(folder, name), { bigint: true });
          return `${name} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
        } catch (error) {
          return `${name} ${codeOf(error)}`;
        }
      }),
    );
    return states.join('\n');
  } catch (error) {
    return `unreadable ${codeOf(error instanceof FolderUnreadable ? error.cause : error)}`;
  }
}

async function manifestNames(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    // By code units, not by locale: which of two duplicates counts must not depend on the machine.
    return names.filter((name) => /\.(json|ya?ml)$/.test(name)).sort();
  } catch (error) {
    throw new FolderUnreadable(folder, error);
  }
}

/** Undefined for what is no file. */
async function readManifest(root: string, name: string): Promise<ManifestFile | undefined> {
  const fault = (message: string): ManifestFile => ({ name, text: undefined, message });
  let path: string;
  try {
    path = await realpath(join(root, name));
    if (!(await stat(path)).isFile()) return undefined;
  } catch (error) {
    return fault(`cannot be read: ${codeOf(error)}`);
  }
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep))
    return fault('is a symbolic link that leads outside the folder; copy the file into it');
  try {
    // Without O_NONBLOCK a pipe put there in the meantime would never return.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const { size } = await handle.stat();
      if (size > maxFileBytes) return fault(`has ${size} bytes, limit ${maxFileBytes}; split it`);
      const bytes = await handle.readFile();
      if (bytes.length > maxFileBytes) return fault(`has ${bytes.length} bytes, limit ${maxFileBytes}; split it`);
      return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return fault(error instanceof TypeError ? 'is not UTF-8' : `cannot be read: ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return 'unknown error';
}
