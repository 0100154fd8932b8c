import { http1Mutants } from './http1-mutants.ts';
import type { Mutant } from './mutant.ts';
import { processMutants } from './process-mutants.ts';
import { rewriteMutants } from './rewrite-mutants.ts';

/** Every protection that can be taken away; a list a package, each in a file of its own. */
export const mutants: readonly Mutant[] = [...http1Mutants, ...processMutants, ...rewriteMutants];
