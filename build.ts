import { existsSync } from 'node:fs';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

/**
 * Bundles each command into a file of dist/, which needs Node and nothing else; what a command imports only when it is
 * asked to (the sidecar its folder of manifests, or its operator's stream) is in files of its own beside it. Stripping types at run time would cost
 * about 40 MiB and a quarter of a second in every pod. Names and lines stay readable: a stack trace of a gate must be.
 * Another folder in place of dist/ may be given.
 */
const root = fileURLToPath(new URL('.', import.meta.url));

interface Bundle {
  readonly name: string;
  readonly entry: string;
  /** Whether it may hold the Kubernetes client, which costs tens of MiB of memory. */
  readonly client: boolean;
  /** Left out where its entry is missing. */
  readonly optional: boolean;
}

const bundles: readonly Bundle[] = [
  { name: 'lychgate', entry: 'cmd/lychgate/main.ts', client: false, optional: false },
  { name: 'sidecar', entry: 'cmd/sidecar/main.ts', client: false, optional: false },
  // A thread of the sidecar, where it serves on several.
  { name: 'worker', entry: 'cmd/sidecar/worker.ts', client: false, optional: false },
  // The preStop hook of the sidecar: a process of its own for each pod that ends, so it loads next to nothing.
  { name: 'drain', entry: 'cmd/sidecar/drain.ts', client: false, optional: true },
  { name: 'operator', entry: 'cmd/operator/main.ts', client: true, optional: true },
];

const unused = new RegExp(
  `[/\\\\](${[
    'prom-client/lib/cluster',
    'prom-client/lib/defaultMetrics',
    'prom-client/lib/pushgateway',
    '@grpc/proto-loader/build/src/index',
    'thread-stream/index',
    'zod/v4/locales/index',
  ]
    .join('|')
    .replaceAll('/', '[/\\\\]')})\\.js$`,
);

/**
 * Leaves out what no pod should pay memory for: prom-client's push gateway and default metrics, pino's
 * worker threads, grpc-js's reader of .proto files (for its admin services, which are not registered) and zod's other
 * languages are never used. Node's own modules are loaded when they are first used: `import` from an ES module reads all
 * their properties at once, which loads the WebSocket client for `node:http` and WebCrypto for `node:crypto`.
 */
const lean: Plugin = {
  name: 'lean',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^(node:)?[a-z_0-9/]+$/ }, ({ path }) =>
      isBuiltin(path) ? { path: path.replace('node:', ''), namespace: 'builtin' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: facade(path) }));
    onLoad({ filter: unused }, () => ({ contents: '' }));
  },
};

/** A module of Node that is loaded when the first of its properties is read, where it is no function itself. */
function facade(path: string): string {
  const builtin: unknown = process.getBuiltinModule(path);
  if (typeof builtin !== 'object') return `module.exports = process.getBuiltinModule('node:${path}');`;
  const names = Object.keys(builtin ?? {}).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
  return `let it;
const load = () => (it ??= process.getBuiltinModule('node:${path}'));
module.exports = { ${names.map((name) => `get ${name}() { return load().${name}; }`).join(',\n')} };`;
}

const folder = process.argv[2] ?? `${root}dist`;
await rm(folder, { recursive: true, force: true });
for (const { name, entry, client, optional } of bundles) {
  if (!existsSync(`${root}${entry}`)) {
    if (optional) continue;
    throw new Error(`cannot build ${name}: ${entry} is missing`);
  }
  const outfile = `${folder}/${name}.js`;
  const result = await build({
    entryPoints: [{ in: `${root}${entry}`, out: name }],
    outdir: folder,
    // Text that is never needed is memory too: one file would be read and kept whole.
    splitting: true,
    chunkNames: `${name}-[name]-[hash]`,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Text is memory: comments go; names stay, and so do lines that a stack trace can name. (`keepNames` would only undo
    // the renaming of equal names, at the cost of a call and an object shape for every function.)
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    legalComments: 'linked',
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    plugins: [lean],
    // CommonJS dependencies (pino, prom-client, node-forge) call require, which an ES module does not have.
    banner: {
      js: [
        '#!/usr/bin/env node',
        "import { createRequire as createRequireOfBundle } from 'node:module';",
        'const require = createRequireOfBundle(import.meta.url);',
      ].join('\n'),
    },
    logLevel: 'warning',
  });
  await chmod(outfile, 0o755);
  const scripts = Object.entries(result.metafile.outputs).filter(([file]) => file.endsWith('.js'));
  const bytes = scripts.reduce((sum, [, output]) => sum + output.bytes, 0);
  const foreign = Object.keys(result.metafile.inputs).filter((input) => input.includes('@kubernetes/client-node'));
  if (foreign.length > 0 && !client) throw new Error(`${name} must not load the Kubernetes client: ${foreign[0]}`);
  process.stdout.write(`dist/${name}.js (${Math.round(bytes / 1024)} KiB in ${scripts.length} files)\n`);
}
// dist/ can be copied anywhere: without this Node would read the files as CommonJS there.
await writeFile(`${folder}/package.json`, '{ "type": "module" }\n');
