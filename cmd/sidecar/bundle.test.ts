import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, type Metafile } from 'esbuild';

/* What a sidecar loads is memory of every pod: by the same division into files as in build.ts. */

const root = join(import.meta.dirname, '..', '..');

test('a sidecar loads the folder of manifests, the stream and the relay only where it is told to', async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['cmd/sidecar/main.ts'],
    outdir: 'unwritten',
    write: false,
    bundle: true,
    splitting: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  const always = loadedWith(metafile, 'cmd/sidecar/main.ts');
  assert.ok(always.includes('pkg/proxy'));
  assert.deepEqual(among(always), []);
  assert.deepEqual(among(loadedWith(metafile, 'cmd/sidecar/cluster.ts')), ['@grpc/grpc-js', 'pkg/push']);
  assert.deepEqual(among(loadedWith(metafile, 'cmd/sidecar/standalone.ts')), [
    'pkg/manifests',
    'pkg/translate',
    'yaml',
  ]);
  assert.deepEqual(among(loadedWith(metafile, 'pkg/relay/relay.ts')), ['pkg/relay']);
});

const optional = ['@grpc/grpc-js', 'pkg/manifests', 'pkg/push', 'pkg/relay', 'pkg/translate', 'yaml'];

function among(loaded: readonly string[]): readonly string[] {
  return optional.filter((name) => loaded.includes(name));
}

/** Packages in the file that has this entry, and in all that it imports at once. */
function loadedWith({ outputs }: Metafile, entry: string): readonly string[] {
  const first = Object.keys(outputs).find((file) => outputs[file]?.entryPoint === entry);
  assert.ok(first !== undefined, `${entry} has a file of its own`);
  const files = new Set([first]);
  for (const file of files) {
    for (const { path, kind } of outputs[file]?.imports ?? []) if (kind === 'import-statement') files.add(path);
  }
  const inputs = [...files].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
  return [...new Set(inputs.map(packageOf))];
}

function packageOf(input: string): string {
  const [, foreign] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
  return foreign ?? input.split('/', 2).join('/');
}
