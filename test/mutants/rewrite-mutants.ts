import type { Mutant } from './mutant.ts';

/** Headers that prove something, and values that could become something else on the wire. */
export const rewriteMutants: readonly Mutant[] = [
  {
    name: 'names are compared unfolded: X_Client_Cert gets through',
    file: 'pkg/http1/names.ts',
    find: "return name.toLowerCase().replace(/[^a-z0-9]/g, '-');",
    replace: 'return name.toLowerCase();',
    tests: ['pkg/rewrite/guard.test.ts', 'pkg/rewrite/proof.test.ts'],
  },
  {
    name: 'certificate headers of other proxies are not known',
    file: 'pkg/rewrite/guard.ts',
    find: 'return guardedNames.has(folded) || guardedPrefixes.some((prefix) => folded.startsWith(prefix));',
    replace: 'return folded === "" && guardedNames.has(folded) && guardedPrefixes.length > 0;',
    tests: ['pkg/rewrite/guard.test.ts'],
  },
  {
    name: 'a constant header under a condition on the certificate is no proof',
    file: 'pkg/rewrite/proof.ts',
    find: ' || (underProof && set.has(name))',
    replace: '',
    tests: ['pkg/rewrite/proof.test.ts'],
  },
  {
    name: 'a header made of a certificate variable is no proof',
    file: 'pkg/rewrite/proof.ts',
    find: 'templateVariables(action.value ?? []).some(isProof) || ',
    replace: '',
    tests: ['pkg/rewrite/proof.test.ts'],
  },
  {
    name: 'the forwarded certificate header of the profile is no proof',
    file: 'pkg/rewrite/compile.ts',
    find: 'if (forwarded !== undefined) guarded.add(foldName(forwarded.header));',
    replace: '',
    tests: ['pkg/rewrite/proof.test.ts', 'pkg/rewrite/compile.test.ts'],
  },
  {
    name: 'rules can read a proof that the client sent',
    file: 'pkg/rewrite/compile.ts',
    find: '? (view: RequestView) => withoutFields(view, isStripped)',
    replace: '? (view: RequestView) => view',
    tests: ['pkg/rewrite/proof.test.ts', 'pkg/rewrite/compile.test.ts', 'pkg/rewrite/bind.test.ts'],
  },
  {
    name: 'a value with a line break becomes two headers',
    file: 'pkg/rewrite/edits.ts',
    find: 'const illegal = /[^\\t\\x20-\\x7e\\x80-\\xff]/.exec(value);',
    replace: 'const illegal = /\\0/.exec(value);',
    tests: ['pkg/rewrite/bind.test.ts', 'pkg/rewrite/compile.test.ts'],
  },
  {
    name: 'a rewritten path may hold a space or a line break',
    file: 'pkg/rewrite/edits.ts',
    find: 'const illegal = /[^\\x21-\\x7e]|[?#]/.exec(path);',
    replace: 'const illegal = /\\0/.exec(path);',
    tests: ['pkg/rewrite/bind.test.ts', 'pkg/rewrite/compile.test.ts'],
  },
  {
    name: 'a header that a request can change is said once and for all',
    file: 'pkg/rewrite/bound-rule.ts',
    find: 'if (constant === undefined || open.has(lowerName)) return true;',
    replace: 'if (constant === undefined) return true;',
    tests: ['pkg/rewrite/proof.test.ts'],
  },
  {
    name: 'what a rule says under conditions is said to all',
    file: 'pkg/rewrite/bound-rule.ts',
    find: 'if (rule.requestConditions.length > 0 || constant === undefined) open.add(lowerName);',
    replace: 'if (constant === undefined) open.add(lowerName);',
    tests: ['pkg/rewrite/proof.test.ts'],
  },
];
