/** One protection taken away, and the tests of which at least one must then fail. */
export interface Mutant {
  /** What is missing in it, as a sentence: `an expired certificate is accepted`. */
  readonly name: string;
  /** The file that is changed, from the repository's root. */
  readonly file: string;
  /** Source text that occurs exactly once in the file. */
  readonly find: string;
  /** What stands in its place; must still be TypeScript. */
  readonly replace: string;
  /** Test files, from the repository's root; the fastest that should notice. */
  readonly tests: readonly [string, ...string[]];
  /** Only the tests of such names are run, where a file has many; all of them unless given. */
  readonly named?: RegExp | undefined;
}

/** The members of a Mutant beside its file, in order, with one test file. */
type Row = readonly [name: string, find: string, replace: string, test: string, named?: RegExp];

/** Mutants of one file. */
export function of(file: string, rows: readonly Row[]): readonly Mutant[] {
  return rows.map(([name, find, replace, test, named]) => ({ name, file, find, replace, tests: [test], named }));
}
