import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { transform } from 'esbuild';
import { root } from '../support/source-files.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';

const help = `usage: npm run test:mutants -- [options]

Takes one protection after the other out of a copy of the sources and runs the tests that should notice.
Exits 0 if every mutant made a test fail.

  --only PATTERN  only the mutants whose name or file matches
  --jobs N        mutants at a time (2)
  --help          this text
`;

/** Of one run of test files; each of their tests has a limit of its own well below it. */
const runTimeoutMs = 180_000;

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${help}`);
    return 64;
  }
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  const chosen = mutants.filter(({ name, file }) => options.only.test(name) || options.only.test(file));
  const copies = await Promise.all(Array.from({ length: Math.min(options.jobs, chosen.length) }, copyTree));
  let passed = 0;
  let failed = chosen.length === 0 ? 1 : 0;
  if (chosen.length === 0) print('no mutant matches: nothing was tried');
  const count = (name: string, fault: string | undefined, seconds: number): void => {
    if (fault === undefined) passed += 1;
    else failed += 1;
    print(
      `${fault === undefined ? '✔' : '✖'} ${name} (${seconds.toFixed(1)} s)${fault === undefined ? '' : `: ${fault}`}`,
    );
  };
  try {
    // Tests that fail anyway would "notice" every mutant.
    const broken = new Map<string, string>();
    await share(copies, [...new Set(chosen.flatMap(({ tests }) => tests))], async (copy, file) => {
      const fault = existsSync(join(copy, file)) ? await unchangedFault(copy, file) : 'does not exist';
      if (fault !== undefined) broken.set(file, fault);
    });
    await share(copies, chosen, async (copy, mutant) => {
      const begun = performance.now();
      const useless = mutant.tests.find((file) => broken.has(file));
      const fault =
        useless === undefined ? await tryMutant(copy, mutant) : `not tried: ${useless} ${broken.get(useless)}`;
      count(mutant.name, fault, (performance.now() - begun) / 1000);
    });
  } finally {
    await Promise.all(copies.map((copy) => rm(copy, { recursive: true, force: true })));
  }
  print(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** What is wrong with the mutant or with its tests; nothing if a test noticed. The copy is as before afterwards. */
async function tryMutant(copy: string, { file, find, replace, tests, named }: Mutant): Promise<string | undefined> {
  const path = join(copy, file);
  if (!existsSync(path)) return `${file} does not exist`;
  const source = await readFile(path, 'utf8');
  const found = source.split(find).length - 1;
  if (found !== 1) return `the text to replace stands ${found} times in ${file}, must be once: ${JSON.stringify(find)}`;
  const mutated = source.replace(find, () => replace);
  try {
    await transform(mutated, { loader: 'ts' });
  } catch (error) {
    return `the mutant is no TypeScript: ${String(error)}`;
  }
  await writeFile(path, mutated);
  try {
    const { tests: ran, failedTests, failedFiles } = await runTests(copy, tests, named);
    if (failedTests > 0) return undefined;
    if (ran === 0 && failedFiles === 0) return `no test of ${tests.join(', ')} is named ${named}`;
    return failedFiles > 0
      ? `a test file could not even be loaded: ${tests.join(', ')}`
      : `no test failed in ${tests.join(', ')}`;
  } finally {
    await writeFile(path, source);
  }
}

async function unchangedFault(copy: string, file: string): Promise<string | undefined> {
  const { tests, failedTests, failedFiles } = await runTests(copy, [file]);
  if (failedTests + failedFiles > 0) return 'fails without any mutant';
  return tests === 0 ? 'holds no test' : undefined;
}

interface Counts {
  readonly tests: number;
  readonly failedTests: number;
  readonly failedFiles: number;
}

/** Runs test files in a process group of their own, of which nothing is left afterwards. */
async function runTests(copy: string, files: readonly string[], named?: RegExp): Promise<Counts> {
  const child = spawn(
    process.execPath,
    [join(root, 'test/mutants/run-files.ts'), ...[named?.source ?? '', ...files.map((file) => join(copy, file))]],
    { cwd: copy, detached: true, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let written = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written += text;
  });
  const late = setTimeout(() => child.kill('SIGKILL'), runTimeoutMs);
  await once(child, 'exit');
  clearTimeout(late);
  endGroup(child.pid);
  // Whatever else held the pipe is gone now too.
  if (!child.stdout.readableEnded) await once(child.stdout, 'close');
  return countsOf(written);
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing was left.
  }
}

/** A run that was ended before it could say how it went has failed. */
function countsOf(written: string): Counts {
  const line = written.trim().split('\n').at(-1) ?? '';
  const counts: unknown = line.startsWith('{') ? JSON.parse(line) : undefined;
  return isCounts(counts) ? counts : { tests: 0, failedTests: 1, failedFiles: 0 };
}

function isCounts(value: unknown): value is Counts {
  return typeof value === 'object' && value !== null && 'tests' in value && 'failedTests' in value;
}

/** The sources without what is installed or built, in a folder of their own; node_modules is the real one. */
async function copyTree(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'lychgate-mutant-'));
  for (const name of await readdir(root)) {
    if (!notCopied.has(name)) await cp(join(root, name), join(copy, basename(name)), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
  return copy;
}

/** Works the list off with one worker a copy. */
async function share<T>(
  copies: readonly string[],
  list: readonly T[],
  work: (copy: string, entry: T) => Promise<void>,
): Promise<void> {
  const rest = [...list];
  await Promise.all(
    copies.map(async (copy) => {
      for (let entry = rest.shift(); entry !== undefined; entry = rest.shift()) await work(copy, entry);
    }),
  );
}

function readOptions(): { help: boolean; only: RegExp; jobs: number } | string {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean', default: false, short: 'h' },
        jobs: { type: 'string', default: '2' },
        only: { type: 'string', default: '' },
      },
    });
    if (!/^[1-9]\d?$/.test(values.jobs)) return `--jobs must be a number from 1 to 99: ${values.jobs}`;
    return { help: values.help, only: new RegExp(values.only, 'i'), jobs: Number(values.jobs) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const notCopied: ReadonlySet<string> = new Set(['.git', 'build', 'dist', 'node_modules']);

// Nothing that a mutant left behind may keep this process.
process.exit(await main());
