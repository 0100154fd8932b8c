import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../support/command.ts';
import { root } from '../support/source-files.ts';

/** The interpreter with h2 and hpack (PyPI); installed into build/ first. Undefined where that is not possible. */
export async function pythonWithH2(): Promise<string | undefined> {
  const folder = join(root, 'build', 'python-h2');
  const python = join(folder, 'bin', 'python');
  try {
    if (!existsSync(python)) await command('python3', ['-m', 'venv', folder]);
    const probe = ['-c', 'import h2, hpack'];
    if ((await command(python, probe)).code === 0) return python;
    await command(python, ['-m', 'pip', 'install', '-q', 'h2==4.4.1', 'hpack==4.2.0']);
    return (await command(python, probe)).code === 0 ? python : undefined;
  } catch {
    return undefined;
  }
}
