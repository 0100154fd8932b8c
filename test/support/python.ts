import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { command, succeed } from './command.ts';
import { root } from './source-files.ts';

/**
 * The interpreter of an environment in `build/FOLDER` in which `modules` can be imported; `packages` (PyPI) are installed
 * there where they are missing. Undefined where that is not possible.
 */
export async function pythonWith(
  folder: string,
  packages: readonly string[],
  modules: string,
): Promise<string | undefined> {
  const environment = join(root, 'build', folder);
  const python = join(environment, 'bin', 'python');
  const imports = async () => {
    try {
      return (await command(python, ['-c', `import ${modules}`])).code === 0;
    } catch {
      // No interpreter there yet.
      return false;
    }
  };
  try {
    if (await imports()) return python;
    await succeed('python3', ['-m', 'venv', environment]);
    // Longer than the twenty seconds that commands have here.
    const pip = spawn(python, ['-m', 'pip', 'install', '-q', ...packages], { stdio: 'ignore' });
    await once(pip, 'close');
    return (await imports()) ? python : undefined;
  } catch {
    return undefined;
  }
}
