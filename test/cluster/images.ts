import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { succeed } from '../support/command.ts';
import { root } from '../support/source-files.ts';
import { pauseImage } from './configuration.ts';
import { cacheFolder } from './tools.ts';

/** What pods of the test cluster are made of. All but `pause` have Node. */
export const imageNames = {
  /** Every pod's first container. */
  pause: pauseImage,
  /** Busybox, for a shell, and curl beside Node. */
  shell: 'localhost/shell:test',
  /** The application behind the gate: see app/main.ts. */
  app: 'localhost/lychgate-demo-app:test',
  /** The project's own image, by its own Dockerfile. */
  lychgate: 'localhost/lychgate:test',
} as const;
export type ImageKind = keyof typeof imageNames;

/** What helm is told of an image that is in the node and in no registry: `--set` and what follows it. */
export function imageValues(name: string): readonly string[] {
  const [registry = '', repository = '', tag = ''] = name.split(/[/:]/);
  const image = { registry, repository, tag, pullPolicy: 'Never' };
  return [
    '--set',
    Object.entries(image)
      .map(([key, value]) => `image.${key}=${value}`)
      .join(','),
  ];
}

/** Other bundles than this tree's, under another name. */
export interface ImageSource {
  readonly dist?: string;
  readonly name?: string;
}

/**
 * Builds an image with buildah, without a registry, unless one of the same content has been built before.
 * @param kind `lychgate` takes the bundles of dist/ as they are: `npm run build` first
 * @returns the path of a docker-archive tar, in the cache
 * @throws where a bundle is missing or buildah fails
 */
export async function buildImage(
  kind: ImageKind,
  log: (line: string) => void,
  { dist = join(root, 'dist'), name = imageNames[kind] }: ImageSource = {},
): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'lychgate-image-'));
  try {
    const context = join(scratch, 'context');
    mkdirSync(context);
    const steps = await recipes[kind](context, dist, name);
    const tar = join(cacheFolder(), 'images', `${name.replaceAll(/[^a-z0-9]+/g, '-')}-${contentHash(context)}.tar`);
    if (existsSync(tar)) return tar;
    const startedMs = performance.now();
    await runSteps(scratch, steps, name, tar);
    const [seconds, mebibytes] = [(performance.now() - startedMs) / 1000, statSync(tar).size / 1024 / 1024];
    removeOld(dirname(tar), `${name.replaceAll(/[^a-z0-9]+/g, '-')}-`);
    log(`built ${name} (${seconds.toFixed(0)} s, ${mebibytes.toFixed(0)} MiB): ${tar}`);
    return tar;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** One `buildah build`: the last step makes the image that is wanted. */
interface Step {
  readonly name: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly options?: readonly string[];
}

/** A recipe fills the context, whose content names the tar, and says what to build of it. */
const recipes: Readonly<Record<ImageKind, (context: string, dist: string, name: string) => Promise<readonly Step[]>>> =
  {
    pause: async (context) => {
      copyFileSync(findBusybox(), join(context, 'busybox'));
      const text =
        'FROM scratch\nCOPY busybox /bin/\nUSER 65535\nENTRYPOINT ["/bin/busybox","tail","-f","/dev/null"]\n';
      return [{ name: imageNames.pause, context, dockerfile: write(context, 'Dockerfile', text) }];
    },
    shell: async (context) => {
      copyFileSync(findBusybox(), join(context, 'busybox'));
      await copyLinked('/usr/bin/curl', join(context, 'curl'), 'usr/bin/curl');
      const text = [
        `FROM ${nodeImage}`,
        // Curl, because even a static program loads libraries to look a name up: busybox' wget ends with SIGSEGV.
        'COPY curl /',
        'COPY busybox /bin/',
        'RUN ["/bin/busybox","--install","-s","/bin"]',
        'USER 65532:65532',
        'CMD ["sleep","2147483647"]',
      ];
      const shell = {
        name: imageNames.shell,
        context,
        dockerfile: write(context, 'Dockerfile', `${text.join('\n')}\n`),
      };
      return [await nodeBase(context), shell];
    },
    app: async (context) => {
      await build({ ...appBundle, outfile: join(context, 'app/app.js') });
      const text = [
        `FROM ${nodeImage}`,
        'COPY app/app.js /app/app.js',
        'USER 65532:65532',
        'ENTRYPOINT ["node","--max-semi-space-size=1","/app/app.js"]',
      ];
      const app = { name: imageNames.app, context, dockerfile: write(context, 'Dockerfile', `${text.join('\n')}\n`) };
      return [await nodeBase(context), app];
    },
    lychgate: async (context, from, name) => {
      const dist = join(context, 'build/src/dist');
      mkdirSync(dist, { recursive: true });
      for (const file of ['sidecar.js', 'lychgate.js']) {
        if (!existsSync(join(from, file))) throw new Error(`dist/${file} is missing: npm run build`);
      }
      for (const file of readdirSync(from)) copyFileSync(join(from, file), join(dist, file));
      for (const file of ['Dockerfile', 'LICENSE']) copyFileSync(join(root, file), join(context, file));
      // The stage `build` needs a registry for its base and one for npm: its result is handed in instead.
      const options = ['--build-context', `build=${join(context, 'build')}`, '--build-arg', `RUN_IMAGE=${nodeImage}`];
      return [await nodeBase(context), { name, context, dockerfile: join(context, 'Dockerfile'), options }];
    },
  };

/** What stands in for the official images of Node: the program of the npm package with the libraries it is linked to, and no CA. */
async function nodeBase(context: string): Promise<Step> {
  const base = join(context, 'node');
  await copyLinked(join(root, `node_modules/node-linux-${process.arch}/bin/node`), base, 'usr/local/bin/node');
  mkdirSync(join(base, 'etc'));
  writeFileSync(
    join(base, 'etc/passwd'),
    'root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/home/nonroot:/none\n',
  );
  writeFileSync(join(base, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  return { name: nodeImage, context: base, dockerfile: write(context, 'Dockerfile.node', 'FROM scratch\nCOPY . /\n') };
}

/** Copies a program below `folder`, and the libraries it is linked to, each to where the program looks for it. */
async function copyLinked(program: string, folder: string, target: string): Promise<void> {
  const linked = await succeed('ldd', [program]);
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => [path, path]);
  for (const [source = '', place = ''] of [[program, target], ...libraries]) {
    mkdirSync(join(folder, dirname(place)), { recursive: true });
    copyFileSync(source, join(folder, place));
  }
}

async function runSteps(scratch: string, steps: readonly Step[], name: string, tar: string): Promise<void> {
  // A store of its own: nothing is left behind, and two builds do not meet.
  const store = ['--root', join(scratch, 'store'), '--runroot', join(scratch, 'run'), '--storage-driver', 'vfs'];
  const buildah = (...args: readonly string[]) =>
    succeed('buildah', [...store, ...args], {
      timeoutMs: 600_000,
      env: { ...process.env, BUILDAH_ISOLATION: 'chroot' },
    });
  for (const { name: tag, context, dockerfile, options = [] } of steps) {
    // With one time for every file equal content is an equal layer, which the node stores once.
    const same = ['--timestamp', '0', '--pull-never', '--format', 'docker', '--network', 'none'];
    await buildah('build', ...same, ...options, '-t', tag, '-f', dockerfile, context);
  }
  mkdirSync(dirname(tar), { recursive: true });
  const partial = join(dirname(tar), `.${basename(tar)}.${process.pid}`);
  try {
    await buildah('push', name, `docker-archive:${partial}:${name}`);
    renameSync(partial, tar);
  } finally {
    rmSync(partial, { force: true });
  }
}

/** Bundles change with every edit, and each image has some 150 MiB: the newest few stay. */
function removeOld(folder: string, prefix: string): void {
  const tars = readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ path: join(folder, name), changedMs: statSync(join(folder, name)).mtimeMs }))
    .toSorted((a, b) => b.changedMs - a.changedMs);
  for (const { path } of tars.slice(4)) rmSync(path, { force: true });
}

function findBusybox(): string {
  return existsSync('/usr/bin/busybox') ? '/usr/bin/busybox' : '/bin/busybox';
}

function write(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function contentHash(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.toSorted()) hash.update(`${file.slice(folder.length)}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

const nodeImage = 'localhost/node:test';

const appBundle: BuildOptions = {
  entryPoints: [join(root, 'test/cluster/app/main.ts')],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node24',
  logLevel: 'warning',
};
