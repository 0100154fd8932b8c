import { run } from 'node:test';

/**
 * A process of its own: runs test files and writes `{tests, failedTests, failedFiles}` as one line of JSON.
 * Arguments: the pattern of test names (empty for all), then the files. Whoever starts it ends its process group: a
 * mutant may leave behind a test, and programs that the test started, which end by nothing else.
 */
const [named = '', ...files] = process.argv.slice(2);

/** A mutant that makes a test hang is noticed too, but should not take long. */
const testTimeoutMs = 60_000;
/** How long after its first failure a test file may still run. */
const hungAfterMs = 5000;

// What a failed test leaves open would keep its process for ever.
const hung = new AbortController();
let patience: NodeJS.Timeout | undefined;
const stream = run({
  files,
  concurrency: 1,
  timeout: testTimeoutMs,
  signal: hung.signal,
  ...(named === '' ? {} : { testNamePatterns: new RegExp(named) }),
});
let tests = 0;
let failedTests = 0;
let failedFiles = 0;
for await (const event of stream) {
  if (event.type === 'test:pass' && event.data.details.type !== 'suite') tests += 1;
  if (event.type !== 'test:fail') continue;
  patience ??= setTimeout(() => hung.abort(), hungAfterMs);
  // The runner reports a file that could not be loaded as a test of the file's name.
  if (event.data.name.endsWith('.test.ts')) failedFiles += 1;
  else failedTests += 1;
}
process.stdout.write(`${JSON.stringify({ tests, failedTests, failedFiles })}\n`, () => process.exit());
