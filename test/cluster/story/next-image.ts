import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { succeed } from '../../support/command.ts';
import { root } from '../../support/source-files.ts';
import { buildImage } from '../images.ts';

/** The image of a release that does not exist yet. */
export const nextImage = 'localhost/lychgate:next';

/**
 * Builds the image of a later release out of this tree: its snapshots have one more schema, 2, beside 1, as the first
 * release that changes the snapshot's shape will have. @returns the path of a docker-archive tar.
 */
export async function buildNextImage(log: (line: string) => void): Promise<string> {
  const copy = mkdtempSync(join(tmpdir(), 'lychgate-next-'));
  try {
    for (const name of ['cmd', 'pkg', 'build.ts', 'package.json', 'require-node.cjs', 'tsconfig.json']) {
      cpSync(join(root, name), join(copy, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
    const file = join(copy, 'pkg/push/schema.ts');
    const source = readFileSync(file, 'utf8');
    const changed = source.replace(oneSchema, twoSchemas);
    if (changed === source) throw new Error('pkg/push/schema.ts no longer has the table of schemas as it was');
    writeFileSync(file, changed);
    await succeed(process.execPath, ['build.ts'], { cwd: copy });
    return await buildImage('lychgate', log, { dist: join(copy, 'dist'), name: nextImage });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const oneSchema = 'schemas: readonly Schema[] = [{';
const twoSchemas = `schemas: readonly Schema[] = [
  {
    version: 2,
    encode: (policy) => encodeSnapshot(policy).replace(/"schema":1}$/, '"schema":2}'),
    decode: (text) => decodeSnapshot(text.replace(/"schema":2}$/, '"schema":1}')),
  },
  {`;
