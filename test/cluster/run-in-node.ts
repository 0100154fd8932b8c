import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { environment } from './cluster.ts';
import { layoutOf } from './layout.ts';
import { firstPid, inNetwork } from './namespaces.ts';

/**
 * Runs a command of this terminal in the network of the node that runs in `directory`, with KUBECONFIG and PATH set.
 * @returns its exit code @throws where no node runs there or the program is missing
 */
export function runInNode(directory: string, program: string, args: readonly string[]): Promise<number> {
  const layout = layoutOf(directory);
  if (!existsSync(layout.pidFile)) throw new Error(`no node runs in ${directory}: start one first`);
  const entered = inNetwork(`/proc/${firstPid(layout)}/ns/net`, program, args);
  return new Promise((done, fail) => {
    const child = spawn(entered.program, [...entered.args], { env: environment(layout), stdio: 'inherit' });
    // Ctrl-C reaches the command too, which decides.
    process.on('SIGINT', () => undefined);
    child.on('error', fail);
    child.on('close', (code) => done(code ?? 1));
  });
}
