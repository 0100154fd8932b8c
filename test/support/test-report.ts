import { relative } from 'node:path';
import type { TestsStream } from 'node:test';
import { inspect, stripVTControlCharacters } from 'node:util';
import { root } from './source-files.ts';

/** How a run of test files went, in tests. */
export interface TestCounts {
  readonly tests: number;
  readonly passed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly todo: number;
}

/**
 * Prints one line a test file as it ends, every failure in full when all have ended, and counts. A skipped test is
 * named with its reason: nothing may go missing unseen.
 */
export async function reportTests(stream: TestsStream, print: (text: string) => void): Promise<TestCounts> {
  const failures: string[] = [];
  const skips: string[] = [];
  const outputs = new Map<string, string>();
  let counts: TestCounts = { tests: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
  for await (const event of stream) {
    switch (event.type) {
      case 'test:fail': {
        const { name, file, line, details } = event.data;
        // A suite, or a file, that fails only because of a test within it says nothing new.
        if (causedBySubtest(details.error)) break;
        failures.push(`✖ ${place(file, line)}: ${name}\n${indent(explain(details.error))}`);
        break;
      }
      case 'test:pass': {
        const { name, file, line, skip } = event.data;
        if (skip !== undefined) skips.push(`- ${place(file, line)}: ${name} (skipped: ${String(skip)})`);
        break;
      }
      case 'test:stderr':
      case 'test:stdout':
        outputs.set(event.data.file, (outputs.get(event.data.file) ?? '') + event.data.message);
        break;
      case 'test:summary': {
        const { file, success, counts: found, duration_ms: durationMs } = event.data;
        if (file === undefined) {
          const { tests, passed, cancelled, skipped, todo } = found;
          counts = { tests, passed, cancelled, skipped, todo, failed: tests - passed - cancelled - skipped - todo };
          break;
        }
        const seconds = (durationMs / 1000).toFixed(1);
        print(`${success ? '✔' : '✖'} ${place(file)} (${found.passed} of ${found.tests}, ${seconds} s)`);
        const output = outputs.get(file);
        if (!success && output !== undefined) failures.push(`output of ${place(file)}:\n${indent(output.trimEnd())}`);
        break;
      }
    }
  }
  if (skips.length > 0) print(`\n${skips.join('\n')}`);
  if (failures.length > 0) print(`\nfailing tests:\n\n${failures.join('\n\n')}`);
  return counts;
}

function place(file: string | undefined, line?: number): string {
  if (file === undefined) return 'test';
  return relative(root, file) + (line === undefined ? '' : `:${line}`);
}

function causedBySubtest(error: unknown): boolean {
  return error instanceof Error && 'failureType' in error && error.failureType === 'subtestsFailed';
}

/** The runner wraps what a test threw; the wrapper's own stack leads nowhere. */
function explain(error: unknown): string {
  const thrown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (typeof thrown === 'string') return thrown;
  return stripVTControlCharacters(inspect(thrown, { depth: 8, maxArrayLength: 200, maxStringLength: 20_000 }));
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
