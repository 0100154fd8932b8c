/** One thing that is promised, tried on a real node. Steps run in order; later ones stand on what earlier ones made. */
export interface Step {
  /** A sentence that is true when the step passes. */
  readonly name: string;
  /** Resolves with what a reader may want to see: a measured time, a message. @throws where the promise is broken. */
  run(): Promise<string | undefined>;
}

/** A chapter: steps that are told together. */
export interface Chapter {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Told {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Runs the chapters, a line a step. A failed step ends its chapter: what follows stands on it, and would fail for no
 * reason of its own; it counts as failed. `onFailure` prints what helps to find out why.
 */
export async function tell(
  chapters: readonly Chapter[],
  print: (text: string) => void,
  onFailure: (step: string) => Promise<void>,
): Promise<Told> {
  let passed = 0;
  let failed = 0;
  for (const chapter of chapters) {
    const begun = performance.now();
    print(`\n${chapter.name}`);
    let broken = false;
    for (const step of chapter.steps) {
      if (broken) {
        failed += 1;
        print(`  - ${step.name}: not tried, stands on the step before`);
        continue;
      }
      const stepBegun = performance.now();
      try {
        const said = await step.run();
        passed += 1;
        print(`  ✔ ${step.name} (${seconds(stepBegun)}${said === undefined ? '' : `; ${said}`})`);
      } catch (error) {
        failed += 1;
        broken = true;
        print(
          `  ✖ ${step.name} (${seconds(stepBegun)})\n${indent(error instanceof Error ? error.message : String(error))}`,
        );
        await onFailure(step.name);
      }
    }
    print(`  ${seconds(begun)} in all`);
  }
  return { passed, failed };
}

function seconds(begun: number): string {
  return `${((performance.now() - begun) / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '      ');
}
