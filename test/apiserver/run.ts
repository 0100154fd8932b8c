import { spawnSync } from 'node:child_process';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reportTests } from '../support/test-report.ts';
import { buildJudge } from './judge.ts';

/*
 * npm run test:crds: the definitions, a table of bad resources and thousands of generated ones before the API server's
 * own code. Needs Go; the first build takes some minutes.
 */
const files = ['definitions', 'refusals', 'agreement'].map((name) =>
  fileURLToPath(new URL(`${name}.crds.ts`, import.meta.url)),
);

async function main(): Promise<number> {
  if (spawnSync('go', ['version']).error !== undefined) {
    print('skipped: there is no go, which builds the part of the API server that these tests ask');
    return 0;
  }
  const fault = buildJudge();
  if (fault !== undefined) {
    print(fault);
    return 1;
  }
  const counts = await reportTests(run({ files, concurrency: 2, timeout: 120_000 }), print);
  print(`\n# pass ${counts.passed}\n# fail ${counts.failed + counts.cancelled}\n# skipped ${counts.skipped}`);
  return counts.failed + counts.cancelled === 0 && counts.tests > 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
