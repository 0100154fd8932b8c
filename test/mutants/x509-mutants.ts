import type { Mutant } from './mutant.ts';

const path = 'pkg/x509/path.ts';
const tests = ['pkg/x509/path.test.ts'] as const;

/** Our own path: every link is proven, by a CA that may issue. */
export const x509Mutants: readonly Mutant[] = [
  {
    name: 'a link of the path needs no valid signature',
    file: path,
    find: 'if (!last.isIssuedBy(issuer)) return',
    replace: 'if (last.sha256 === issuer.sha256) return',
    tests,
  },
  {
    name: 'whoever is no CA may issue',
    file: path,
    find: 'if (!issuer.isCa) return `${name} is not a CA`;',
    replace: '',
    tests,
  },
  {
    name: 'a CA without keyCertSign may issue',
    file: path,
    find: "if (issuer.keyUsage !== undefined && !issuer.keyUsage.has('keyCertSign')) {",
    replace: 'if (issuer.keyUsage !== undefined && issuer.keyUsage.size < 0) {',
    tests,
  },
  {
    name: 'pathLenConstraint is ignored',
    file: path,
    find: 'if (issuer.pathLength !== undefined && below > issuer.pathLength) {',
    replace: 'if (issuer.pathLength !== undefined && below > 100) {',
    tests,
  },
  {
    name: 'name constraints are ignored',
    file: path,
    find: 'if (fault !== undefined) return note(search, certificates, fault);',
    replace: '',
    tests,
  },
  {
    name: 'a path may be as long as it likes',
    file: path,
    find: 'if (path.length >= maxPathLength) return',
    replace: 'if (path.length >= 100) return',
    tests,
  },
  {
    name: 'a CA with a critical extension that nobody understands may issue',
    file: path,
    find: 'if (critical !== undefined) return',
    replace: "if (critical === '') return",
    tests,
  },
  {
    name: 'a CA with a weak key may issue',
    file: path,
    find: 'if (weak !== undefined) return',
    replace: "if (weak === '') return",
    tests,
  },
  {
    name: 'a search of many candidates never ends',
    file: path,
    find: 'if (search.checksLeft < 0) return',
    replace: 'if (search.checksLeft < -1e6) return',
    tests,
  },
];
