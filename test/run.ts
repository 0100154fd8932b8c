import { resolve, sep } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { checkSteps, runStep } from './support/check-steps.ts';
import { filesUnder, root } from './support/source-files.ts';
import { reportTests } from './support/test-report.ts';

const help = `usage: npm test -- [options]

Types, lint, format and dead code are checked, then every test is run. Exits 0 if all of it passed.

  --only PATH     only the test files under PATH, a folder or a file; may be repeated; without the checks
  --name PATTERN  only the tests whose name matches; without the checks
  --checks        only the checks
  --no-checks     only the tests
  --slow          the tests in test/slow too
  --jobs N        test files at a time (2)
  --help          this text

LYCHGATE_RUNTIME names the program that black-box tests start the sidecar with (this Node by default).
UPDATE_GOLDEN=1 rewrites the golden files; refused where CI is set.
`;

/** One test, or one file's loading, may take this long. */
const testTimeoutMs = 120_000;

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
  if (process.env['CI'] !== undefined && process.env['UPDATE_GOLDEN'] !== undefined) {
    print('UPDATE_GOLDEN is refused where CI is set: a golden file that rewrites itself proves nothing');
    return 1;
  }
  const checks = options.runChecks ? await runChecks() : { passed: 0, failed: 0 };
  const tests = options.runTests ? await runTests(options) : { passed: 0, failed: 0, skipped: 0 };
  // The lines of Node's own runner, with each check counted as a test, so that no last line is green beside a red check.
  print('');
  print(`# pass ${checks.passed + tests.passed}`);
  print(`# fail ${checks.failed + tests.failed}`);
  if ('skipped' in tests) print(`# skipped ${tests.skipped}`);
  return checks.failed + tests.failed === 0 ? 0 : 1;
}

async function runChecks(): Promise<{ passed: number; failed: number }> {
  const results = await Promise.all(
    checkSteps.map(async (step) => {
      const result = await runStep(step);
      print(`${result.passed ? '✔' : '✖'} ${result.name} (${result.seconds.toFixed(1)} s)`);
      if (!result.passed) print(`  $ ${step.command.join(' ')}\n${result.output.trimEnd().replace(/^/gm, '  ')}`);
      return result;
    }),
  );
  const passed = results.filter((result) => result.passed).length;
  return { passed, failed: results.length - passed };
}

async function runTests(options: Options): Promise<{ passed: number; failed: number; skipped: number }> {
  const files = testFiles(options);
  if (files.length === 0) {
    print(`no test file was found${options.only.length === 0 ? '' : ` under ${options.only.join(', ')}`}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const stream = run({
    files: files.map((file) => resolve(root, file)),
    concurrency: options.jobs,
    timeout: testTimeoutMs,
    ...(options.name === undefined ? {} : { testNamePatterns: [new RegExp(options.name)] }),
  });
  const { passed, failed, cancelled, skipped, tests } = await reportTests(stream, print);
  if (tests === 0) print('no test was run');
  return { passed, failed: tests === 0 ? 1 : failed + cancelled, skipped };
}

/** Tests beside the code, then those of test/, slowest first: what starts last should be short. */
function testFiles({ only, slow }: Options): readonly string[] {
  const wanted = only.map((path) => resolve(path));
  return filesUnder(['test', 'cmd', 'pkg']).filter((path) => {
    if (!path.endsWith('.test.ts') || path.startsWith('test/mutants/')) return false;
    const full = resolve(root, path);
    if (wanted.length > 0) return wanted.some((folder) => full === folder || full.startsWith(folder + sep));
    return slow || !path.startsWith('test/slow/');
  });
}

interface Options {
  readonly help: boolean;
  readonly runChecks: boolean;
  readonly runTests: boolean;
  readonly only: readonly string[];
  readonly name: string | undefined;
  readonly slow: boolean;
  readonly jobs: number;
}

/** The options, or what is wrong with them. */
function readOptions(): Options | string {
  try {
    const { values } = parseArgs({
      options: {
        checks: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false, short: 'h' },
        jobs: { type: 'string', default: '2' },
        name: { type: 'string' },
        'no-checks': { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        slow: { type: 'boolean', default: false },
      },
    });
    if (!/^[1-9]\d?$/.test(values.jobs)) return `--jobs must be a number from 1 to 99: ${values.jobs}`;
    const narrowed = values.only.length > 0 || values.name !== undefined;
    if (values.checks && (narrowed || values['no-checks']))
      return '--checks runs no tests: it goes with no other option';
    return {
      help: values.help,
      runChecks: values.checks || !(narrowed || values['no-checks']),
      runTests: !values.checks,
      only: values.only,
      name: values.name,
      slow: values.slow,
      jobs: Number(values.jobs),
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
