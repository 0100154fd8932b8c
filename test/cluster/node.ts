import { resolve } from 'node:path';
import { startCluster } from './cluster.ts';
import { buildImage } from './images.ts';
import { runInNode } from './run-in-node.ts';

const help = `usage: node test/cluster/node.ts DIR [--app] [--shell] [--lychgate] [IMAGE.tar...]
       node test/cluster/node.ts DIR -- COMMAND [ARGUMENT...]

Starts a Kubernetes node in the foreground, everything of it below DIR, until Ctrl-C or SIGTERM; DIR/ready appears when pods
can be created. --app, --shell and --lychgate build and load the images of test/cluster/images.ts (the last of dist/).
The folder stays, with the logs. The second form runs a command in a running node's network, with KUBECONFIG and PATH set.

  node test/cluster/node.ts /tmp/node &
  node test/cluster/node.ts /tmp/node -- kubectl get pods -A
`;

async function main(): Promise<number> {
  const [directory, ...rest] = process.argv.slice(2);
  if (directory === undefined || directory.startsWith('-')) {
    process.stderr.write(help);
    return directory === '--help' || directory === '-h' ? 0 : 64;
  }
  const [program, ...args] = rest[0] === '--' ? rest.slice(1) : [];
  if (program !== undefined) return runInNode(resolve(directory), program, args);
  return start(resolve(directory), rest);
}

async function start(directory: string, args: readonly string[]): Promise<number> {
  const images: string[] = [];
  for (const arg of args) {
    if (arg === '--app' || arg === '--shell' || arg === '--lychgate') {
      images.push(await buildImage(arg === '--app' ? 'app' : arg === '--shell' ? 'shell' : 'lychgate', print));
    } else images.push(resolve(arg));
  }
  const startedMs = performance.now();
  const cluster = await startCluster({ directory, keep: true, images, log: print });
  print(`the node is ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s; its logs: ${directory}/log`);
  await new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop());
  });
  await cluster.stop();
  return 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
