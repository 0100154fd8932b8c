import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../support/source-files.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { requireHostPrograms } from './host-programs.ts';
import { buildImage, imageNames, imageValues } from './images.ts';
import { runInNode } from './run-in-node.ts';
import { buildTools } from './tools.ts';

const help = `usage: npm run cluster [-- OPTIONS]
       npm run cluster -- COMMAND [ARGUMENT...]

Starts a real Kubernetes node in namespaces of its own, installs the chart with this tree's image, and leaves it running until
Ctrl-C. The second form, in another terminal, runs a command in the node's network: kubectl, helm, curl, or a shell.

  --directory DIR  where everything of the node is (build/cluster)
  --keep           leave the folder, with all logs, when it ends
  --bare           the node alone, without image, application and chart
  --help           this text

Needs root, Go and Debian's packages: docs/cluster-development.md. The first build takes some ten minutes.
`;

async function main(): Promise<number> {
  const [first] = process.argv.slice(2);
  if (first !== undefined && !first.startsWith('-')) {
    const [, , program = '', ...args] = process.argv;
    return runInNode(defaultDirectory, program, args);
  }
  const { values } = parseArgs({
    options: {
      bare: { type: 'boolean', default: false },
      directory: { type: 'string', default: defaultDirectory },
      help: { type: 'boolean', short: 'h', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    print(help.trimEnd());
    return 0;
  }
  const directory = resolve(values.directory);
  await requireHostPrograms(print);
  await buildTools(['helm'], print);
  const images = values.bare ? [] : await buildImages();
  const cluster = await startCluster({ directory, keep: values.keep, images, log: print });
  try {
    if (!values.bare) await install(cluster);
    print(usage(directory));
    await new Promise<void>((stop) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop());
    });
  } finally {
    await cluster.stop();
  }
  return 0;
}

async function buildImages(): Promise<readonly string[]> {
  const { status } = spawnSync(process.execPath, ['build.ts'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the bundles could not be built');
  return [await buildImage('lychgate', print), await buildImage('app', print), await buildImage('shell', print)];
}

async function install(cluster: TestCluster): Promise<void> {
  if (!existsSync(join(chart, 'Chart.yaml'))) return;
  const where = ['--namespace', 'lychgate-system', '--create-namespace', ...imageValues(imageNames.lychgate)];
  const { code, stderr } = await cluster.run(
    'helm',
    ['install', 'lychgate', chart, ...where, '--wait', '--timeout', '120s'],
    { timeoutMs: 150_000 },
  );
  // A broken operator is worth looking at, so the node stays.
  print(code === 0 ? 'lychgate is installed in lychgate-system' : `helm install failed; the node stays: ${stderr}`);
}

function usage(directory: string): string {
  const run = directory === defaultDirectory ? 'npm run -s cluster --' : `node test/cluster/node.ts ${directory} --`;
  return [
    '',
    'The node is ready. In another terminal:',
    '',
    `  ${run} kubectl get pods -A`,
    `  ${run} helm list -A`,
    `  ${run} bash            # a shell in the node's network: kubectl, helm, curl to pods and Services`,
    '',
    `Its images: ${Object.values(imageNames).join(', ')}; no registry can be reached.`,
    `Its logs: ${join(directory, 'log')}. Ctrl-C ends it.`,
  ].join('\n');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const chart = join(root, 'charts/lychgate');
const defaultDirectory = join(root, 'build/cluster');

try {
  process.exitCode = await main();
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
