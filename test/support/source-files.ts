import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, absolute. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every file under these folders of the repository, as sorted paths with `/`, relative to the root; missing folders hold none. */
export function filesUnder(folders: readonly string[], base: string = root): readonly string[] {
  return folders
    .flatMap((folder) => walk(join(base, folder)))
    .map((path) => relative(base, path).split(sep).join('/'))
    .toSorted();
}

/** The text of one file of the repository. */
export function readSource(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The modules that TypeScript source names: static and dynamic imports, re-exports and `import('…')` types. */
export function importsOf(source: string): readonly string[] {
  const code = withoutComments(source);
  return [...code.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? '');
}

/** Source with its comments blanked and its strings kept; line numbers stay. Good enough for formatted TypeScript. */
export function withoutComments(source: string): string {
  return source.replace(commentOrString, (token) =>
    token.startsWith('//') || token.startsWith('/*') ? token.replace(/[^\n]/g, ' ') : token,
  );
}

function walk(folder: string): string[] {
  let entries: import('node:fs').Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path);
    return entry.isFile() ? [path] : [];
  });
}

const importPattern = /^(?:import|export)\b(?:[^'";=]*?\bfrom)?\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm;
const commentOrString =
  /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/(?![*/\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[dgimsuvy]*(?=\s*[.,;)\]:}]|\s*$)/gm;
