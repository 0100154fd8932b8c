import { spawnSync } from 'node:child_process';
import { run } from 'node:test';
import { filesUnder, root } from '../support/source-files.ts';
import { reportTests } from '../support/test-report.ts';
import { requireHostPrograms } from './host-programs.ts';
import { buildImage, type ImageKind } from './images.ts';
import { buildTools, toolNames } from './tools.ts';

const help = `usage: npm run test:cluster [-- PATH...]

Builds what is missing (programs, bundles, images), then runs the stories (test/cluster/**/*.story.ts, or those named), each of
which starts a node of its own. Needs root, Go, and Debian's packages, which are installed where CI is set.
The first build takes some ten minutes; see docs/cluster-development.md.
`;

/** All steps of one story together. */
const storyTimeoutMs = 20 * 60_000;

async function main(paths: readonly string[]): Promise<number> {
  if (paths.includes('--help') || paths.includes('-h')) {
    print(help.trimEnd());
    return 0;
  }
  await requireHostPrograms(print);
  await buildTools(toolNames, print);
  const { status } = spawnSync(process.execPath, ['build.ts'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) return 1;
  // Built here and found in the cache by the stories.
  for (const kind of ['pause', 'shell', 'app', 'lychgate'] satisfies ImageKind[]) await buildImage(kind, print);

  const files = filesUnder(['test/cluster']).filter(
    (path) => path.endsWith('.story.ts') && (paths.length === 0 || paths.some((wanted) => path.includes(wanted))),
  );
  if (files.length === 0) {
    print(`no story was found${paths.length === 0 ? '' : ` for ${paths.join(', ')}`}`);
    return 1;
  }
  const stream = run({ files: files.map((path) => `${root}/${path}`), concurrency: 1, timeout: storyTimeoutMs });
  const counts = await reportTests(stream, print);
  print(`\n# pass ${counts.passed}\n# fail ${counts.failed + counts.cancelled}\n# skipped ${counts.skipped}`);
  return counts.failed + counts.cancelled === 0 && counts.tests > 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
