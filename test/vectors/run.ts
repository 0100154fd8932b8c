import { isAsExpected, runVectors } from './cases.ts';

/*
 * node test/vectors/run.ts DIR: a line for each failed case, then `N passed, N failed`. Exits 0 if none of level `must`
 * failed, 1 otherwise, 2 if the folder cannot be read. DIR has cases.json and cases/ID/{response,issuer,cert,request}.der.
 */
const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write('usage: node test/vectors/run.ts DIR\n');
  process.exitCode = 2;
} else {
  try {
    const results = runVectors(directory);
    const failed = results.filter((result) => !isAsExpected(result));
    for (const { case: one, detail, got, requestMatches } of failed) {
      const what =
        requestMatches === false ? 'our request differs from the recorded one' : `expected ${one.expect}, got ${got}`;
      process.stdout.write(`FAIL ${one.id} (${one.level}): ${what}: ${detail}\n`);
    }
    process.stdout.write(`${results.length - failed.length} passed, ${failed.length} failed\n`);
    process.exitCode = failed.some(({ case: one }) => one.level === 'must') ? 1 : 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
