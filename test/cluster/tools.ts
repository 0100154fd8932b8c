import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** The programs that a node and its tests are made of; each is an ordinary build of a Go module. */
export const toolNames = [
  'kube-apiserver',
  'kubectl',
  'etcd',
  'helm',
  'helm3',
  'kubeconform',
  'kubelet',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'coredns',
  'h2spec',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
] as const;
export type ToolName = (typeof toolNames)[number];

/** The Kubernetes that is built and told the story; the first where LYCHGATE_KUBERNETES names none. */
const kubernetesModules: Readonly<Record<string, string>> = { '1.34': 'kubernetes', '1.37': 'kubernetes-1.37' };

/** @throws where LYCHGATE_KUBERNETES names a version that is not among them. */
function kubernetesModule(): string {
  const wanted = process.env['LYCHGATE_KUBERNETES'] ?? '1.34';
  const module = kubernetesModules[wanted];
  if (module !== undefined) return module;
  throw new Error(`LYCHGATE_KUBERNETES is ${wanted}: choose one of ${Object.keys(kubernetesModules).join(', ')}`);
}

/** Kubernetes 1.34 runs on Debian 12's containerd 1.6; a kubelet of 1.36 and newer needs containerd 2. */
const containerdTools: readonly ToolName[] =
  kubernetesModule() === 'kubernetes' ? [] : ['containerd', 'containerd-shim-runc-v2', 'ctr'];

/** Those without which a node does not start. */
export const nodeTools: readonly ToolName[] = [
  ...(['kube-apiserver', 'kubectl', 'etcd', 'kubelet'] as const),
  ...(['kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'coredns'] as const),
  ...containerdTools,
];

/** What the node and its story need; they find them in PATH before the machine's own programs. */
export const usedTools: readonly ToolName[] = [...nodeTools, 'helm', 'helm3'];

/**
 * The folder in which that program is, or will be once `buildTools` has run. It is named by the version and by a hash of
 * all that decides the build, so that a changed pin is a new folder: `~/.cache/lychgate/tools/helm4-v4.3.1-0123456789ab`.
 */
export function toolFolder(name: ToolName): string {
  const { module, requires } = recipes[name];
  const read = (file: string) => readFileSync(join(modules, module, file), 'utf8');
  const [gomod, gosum] = [read('go.mod'), read('go.sum')];
  const version = versionIn(gomod, requires);
  if (version === undefined) throw new Error(`${module}/go.mod names no version of ${requires}`);
  const hash = createHash('sha256').update(gomod).update(gosum).update(linkerFlags(module)).digest('hex').slice(0, 12);
  return join(cacheFolder(), 'tools', `${module}-${version}-${hash}`);
}

/** The path of that program; it may not have been built yet. */
export function toolPath(name: ToolName): string {
  return join(toolFolder(name), name);
}

/** The folders of these programs, each once, for PATH. */
export function toolFolders(names: readonly ToolName[] = usedTools): readonly string[] {
  return [...new Set(names.map(toolFolder))];
}

/**
 * Builds those of the programs that are missing, one at a time, in the order given. Needs Go, and its module proxy for
 * what is not in the module cache; cold it is some ten minutes on two cores. A program appears under its name whole or
 * not at all, so that two builds at once do no harm.
 * @throws where Go is missing or a build fails; what the compiler said has been written to standard error.
 */
export async function buildTools(names: readonly ToolName[], log: (line: string) => void): Promise<void> {
  const missing = names.filter((name) => !existsSync(toolPath(name)));
  if (missing.length === 0) return;
  if (spawnSync('go', ['version']).error !== undefined) {
    throw new Error(`go is missing, which builds ${missing.join(', ')}: install Go 1.26 or newer`);
  }
  for (const name of missing) {
    const startedMs = performance.now();
    await buildTool(name);
    log(`built ${toolPath(name)} (${((performance.now() - startedMs) / 1000).toFixed(0)} s)`);
  }
}

async function buildTool(name: ToolName): Promise<void> {
  const { module, package: goPackage } = recipes[name];
  const folder = toolFolder(name);
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, '.build-'));
  try {
    const built = join(scratch, name);
    await runGo(module, ['build', '-trimpath', '-ldflags', linkerFlags(module), '-o', built, goPackage]);
    renameSync(built, join(folder, name));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function runGo(module: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', [...args], { cwd: join(modules, module), stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`go ${args[0]} ${args.at(-1)} in test/cluster/tools/${module}: exit ${code}`)),
    );
  });
}

function versionIn(gomod: string, path: string): string | undefined {
  const line = gomod.split('\n').find((text) =>
    text
      .trim()
      .replace(/^require /, '')
      .startsWith(`${path} v`),
  );
  return line?.split(`${path} `)[1]?.split(' ')[0];
}

/**
 * Kubernetes' programs say the version that the linker writes into them: without it the API server calls itself v0.0.0.
 * Helm 3 takes from it which Kubernetes it renders for where none is asked: without it, 1.20.
 */
function linkerFlags(module: string): string {
  const variables = linkedVariables(module, readFileSync(join(modules, module, 'go.mod'), 'utf8'));
  return ['-s -w', ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

function linkedVariables(module: string, gomod: string): Readonly<Record<string, string>> {
  const numbersOf = (path: string) => (versionIn(gomod, path) ?? '').replace('v', '').split('.');
  if (module === kubernetesModule()) {
    const [gitMajor = '', gitMinor = ''] = numbersOf(kubernetes);
    const version = { gitVersion: versionIn(gomod, kubernetes) ?? '', gitMajor, gitMinor, gitTreeState: 'clean' };
    return Object.fromEntries(
      Object.entries(version).map(([name, value]) => [`k8s.io/component-base/version.${name}`, value]),
    );
  }
  if (module !== 'helm3') return {};
  // Kubernetes 1.N has its libraries as v0.N.
  const [, minor = ''] = numbersOf('k8s.io/client-go');
  return Object.fromEntries(
    ['pkg/lint/rules', 'pkg/chartutil'].flatMap((path) => [
      [`helm.sh/helm/v3/${path}.k8sVersionMajor`, '1'],
      [`helm.sh/helm/v3/${path}.k8sVersionMinor`, minor],
    ]),
  );
}

/** `${XDG_CACHE_HOME:-~/.cache}/lychgate`: what may be deleted at any time and is made again. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'lychgate');
}

const help = `usage: node test/cluster/tools.ts [--print] [NAME...]

Builds the programs of the test cluster that are missing, all of them or those named, and prints their folders,
joined by ':' for PATH. --print only prints.

Kubernetes is 1.34, or what LYCHGATE_KUBERNETES says (${Object.keys(kubernetesModules).join(', ')}).

Programs: ${toolNames.join(' ')}
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false }, print: { type: 'boolean', default: false } },
  });
  const names = positionals.length === 0 ? usedTools : toolNames.filter((name) => positionals.includes(name));
  const unknown = positionals.filter((name) => !toolNames.some((known) => known === name));
  if (values.help || unknown.length > 0) {
    process.stderr.write(unknown.length > 0 ? `no such program: ${unknown.join(', ')}\n\n${help}` : help);
    return values.help ? 0 : 64;
  }
  if (!values.print) await buildTools(names, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${toolFolders(names).join(':')}\n`);
  return 0;
}

interface Recipe {
  /** The folder below tools/ with the go.mod: one for each set of versions that cannot live together. */
  readonly module: string;
  readonly package: string;
  /** The module whose version names the folder. */
  readonly requires: string;
}

const kubernetes = 'k8s.io/kubernetes';
const containerd = 'github.com/containerd/containerd/v2';
const modules = fileURLToPath(new URL('tools', import.meta.url));

function ofKubernetes(name: string): Recipe {
  return { module: kubernetesModule(), package: `${kubernetes}/cmd/${name}`, requires: kubernetes };
}

function ofContainerd(name: string): Recipe {
  return { module: 'containerd', package: `${containerd}/cmd/${name}`, requires: containerd };
}

const recipes: Readonly<Record<ToolName, Recipe>> = {
  'kube-apiserver': ofKubernetes('kube-apiserver'),
  kubectl: ofKubernetes('kubectl'),
  etcd: { module: 'etcd', package: 'go.etcd.io/etcd/server/v3', requires: 'go.etcd.io/etcd/server/v3' },
  helm: { module: 'helm4', package: 'helm.sh/helm/v4/cmd/helm', requires: 'helm.sh/helm/v4' },
  helm3: { module: 'helm3', package: 'helm.sh/helm/v3/cmd/helm', requires: 'helm.sh/helm/v3' },
  kubeconform: {
    module: 'kubeconform',
    package: 'github.com/yannh/kubeconform/cmd/kubeconform',
    requires: 'github.com/yannh/kubeconform',
  },
  kubelet: ofKubernetes('kubelet'),
  'kube-controller-manager': ofKubernetes('kube-controller-manager'),
  'kube-scheduler': ofKubernetes('kube-scheduler'),
  'kube-proxy': ofKubernetes('kube-proxy'),
  containerd: ofContainerd('containerd'),
  'containerd-shim-runc-v2': ofContainerd('containerd-shim-runc-v2'),
  ctr: ofContainerd('ctr'),
  coredns: { module: 'coredns', package: 'github.com/coredns/coredns', requires: 'github.com/coredns/coredns' },
  h2spec: {
    module: 'h2spec',
    package: 'github.com/summerwind/h2spec/cmd/h2spec',
    requires: 'github.com/summerwind/h2spec',
  },
};

if (import.meta.main) process.exitCode = await main();
