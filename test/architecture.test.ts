import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { suite, test } from 'node:test';
import { filesUnder, importsOf, readSource, withoutComments } from './support/source-files.ts';

/** One row of the table in ARCHITECTURE.md. */
interface Row {
  readonly packages: ReadonlySet<string>;
  readonly modules: ReadonlySet<string>;
}

interface SourceFile {
  readonly path: string;
  readonly source: string;
}

suite('the architecture table', () => {
  const table = parseTable(readSource('ARCHITECTURE.md'));
  const paths = filesUnder(['cmd', 'pkg']).filter((path) => path.endsWith('.ts'));
  const files = paths.map((path) => ({ path, source: readSource(path) }));

  test('has rows, and there are files to hold against it', () => {
    assert.ok(table.size >= 10, `${table.size} rows were read from ARCHITECTURE.md`);
    assert.ok(files.length >= 10, `${files.length} files were found under cmd/ and pkg/`);
    const imports = files.flatMap(({ source }) => importsOf(source));
    assert.ok(imports.length >= files.length, `only ${imports.length} imports were found in ${files.length} files`);
  });

  test('names every folder of cmd/ and pkg/, and no other', () => {
    const folders = new Set(paths.map(ownerOf));
    assert.deepEqual([...table.keys()].toSorted(), [...folders].toSorted());
  });

  test('names only rows, and has no circle', () => {
    assert.deepEqual(circles(table), []);
    for (const [owner, row] of table) {
      for (const other of row.packages) assert.ok(table.has(other), `${owner}: no row is named ${other}`);
    }
  });

  test('allows every import line', () => {
    assert.deepEqual(
      files.flatMap((file) => forbiddenImports(file, table)),
      [],
    );
  });

  test('permits no third-party module that nothing uses', () => {
    const used = new Set(
      files
        .filter(({ path }) => !isTest(path))
        .flatMap(({ path, source }) => importsOf(source).map((name) => `${ownerOf(path)}: ${moduleName(name)}`)),
    );
    const permitted = [...table].flatMap(([owner, row]) => [...row.modules].map((name) => `${owner}: ${name}`));
    assert.deepEqual(
      permitted.filter((entry) => !used.has(entry)),
      [],
    );
  });

  // A state machine or a table of cases is read in one piece; anything longer is more than one idea.
  test('is kept by readable files: none over 450 lines, no test over 600', () => {
    const all = filesUnder(['cmd', 'pkg', 'test']).filter((path) => path.endsWith('.ts'));
    const lengths = all.map((path) => [path, readSource(path).split('\n').length - 1] as const);
    assert.deepEqual(
      lengths.filter(([path, lines]) => lines > (path.startsWith('test/') || path.endsWith('.test.ts') ? 600 : 450)),
      [],
    );
  });

  test('leaves environment, clock, random and console to cmd/ and pkg/process', () => {
    assert.deepEqual(
      files.flatMap(({ path, source }) => ambientUses(path, source)),
      [],
    );
  });
});

suite('the architecture test sees', () => {
  const table = parseTable(
    [
      '| package | may import of pkg/ | third party |',
      '|---|---|---|',
      '| low | – | zod |',
      '| high | low | – |',
      '| cmd/tool | high | commander |',
    ].join('\n'),
  );
  const cases: readonly (SourceFile & { readonly name: string; readonly want: readonly string[] })[] = [
    { name: 'an allowed package', path: 'pkg/high/a.ts', source: "import { x } from '../low/x.ts';", want: [] },
    { name: 'an allowed module', path: 'pkg/low/a.ts', source: "import { z } from 'zod';", want: [] },
    { name: 'a node module', path: 'pkg/low/a.ts', source: "import { x } from 'node:net';", want: [] },
    { name: 'a neighbour', path: 'pkg/low/a.ts', source: "import { x } from './b.ts';", want: [] },
    {
      name: 'an import against the direction',
      path: 'pkg/low/a.ts',
      source: "import { x } from '../high/x.ts';",
      want: ['pkg/low/a.ts: low may not import high'],
    },
    {
      name: 'an import over several lines',
      path: 'pkg/low/a.ts',
      source: "import {\n  type X,\n  y,\n} from '../high/x.ts';",
      want: ['pkg/low/a.ts: low may not import high'],
    },
    {
      name: 'a re-export',
      path: 'pkg/low/a.ts',
      source: "export * from '../high/x.ts';",
      want: ['pkg/low/a.ts: low may not import high'],
    },
    {
      name: 'a type in the middle of a line',
      path: 'pkg/low/a.ts',
      source: "export const x: import('../high/x.ts').X = 1;",
      want: ['pkg/low/a.ts: low may not import high'],
    },
    {
      name: 'a dynamic import',
      path: 'pkg/low/a.ts',
      source: "const x = await import('../high/x.ts');",
      want: ['pkg/low/a.ts: low may not import high'],
    },
    {
      name: 'a dynamic import whose module is computed',
      path: 'pkg/low/a.ts',
      source: 'const x = await import(name);',
      want: ['pkg/low/a.ts: a computed import cannot be checked'],
    },
    {
      name: 'a foreign module and its sub-path',
      path: 'pkg/high/a.ts',
      source: "import 'zod/v4';\nimport '@scope/name/part';",
      want: ['pkg/high/a.ts: high may not import zod', 'pkg/high/a.ts: high may not import @scope/name'],
    },
    {
      name: 'test support in shipped code',
      path: 'cmd/tool/main.ts',
      source: "import { x } from '../../test/support/pki.ts';",
      want: ['cmd/tool/main.ts: only tests may import test/support/pki.ts'],
    },
    {
      name: 'test data in shipped code',
      path: 'pkg/low/a.ts',
      source: "import x from './testdata/x.json' with { type: 'json' };",
      want: ['pkg/low/a.ts: only tests may import pkg/low/testdata/x.json'],
    },
    {
      name: 'the version in a command',
      path: 'cmd/tool/main.ts',
      source: "import x from '../../package.json' with { type: 'json' };",
      want: [],
    },
    {
      name: 'that a command is imported from below',
      path: 'pkg/high/a.ts',
      source: "import { x } from '../../cmd/tool/main.ts';",
      want: ['pkg/high/a.ts: high may not import cmd/tool'],
    },
    {
      name: 'that tests are free',
      path: 'pkg/low/a.test.ts',
      source: "import '../high/x.ts';\nimport '../../test/support/pki.ts';\nimport 'fast-check';",
      want: [],
    },
    {
      name: 'that a comment is no import',
      path: 'pkg/low/a.ts',
      source: "// import 'x';\n/* import('y') */",
      want: [],
    },
    { name: 'that a string is no import', path: 'pkg/low/a.ts', source: "say('import(x) is bad');", want: [] },
  ];
  for (const { name, path, source, want } of cases) {
    test(name, () => assert.deepEqual(forbiddenImports({ path, source }, table), want));
  }

  test('a circle', () => {
    const rows = [
      '| package | may import | third |',
      '|---|---|---|',
      '| a | b | – |',
      '| b | c | – |',
      '| c | a | – |',
    ];
    assert.deepEqual(circles(parseTable(rows.join('\n'))), ['a > b > c > a']);
  });

  test('an ambient clock, but not one in a comment or in a longer name', () => {
    const source = '// Date.now()\nconst a = Date.now();\nconst b = process.environment;\nnew Date(1);\nnew Date();\n';
    assert.deepEqual(ambientUses('pkg/low/a.ts', source), ['pkg/low/a.ts:2: Date.now', 'pkg/low/a.ts:5: new Date()']);
    assert.deepEqual(ambientUses('pkg/process/clock.ts', source), []);
    assert.deepEqual(ambientUses('pkg/low/a.test.ts', source), []);
  });
});

/** Rows of the first table whose head begins with `package`. */
function parseTable(text: string): ReadonlyMap<string, Row> {
  const lines = text.split('\n');
  const head = lines.findIndex((line) => /^\|\s*package\s*\|/.test(line));
  const rows = new Map<string, Row>();
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith('|')) break;
    const [, owner = '', packages = '', modules = ''] = line.split('|').map((cell) => cell.trim());
    assert.ok(!rows.has(owner), `ARCHITECTURE.md: two rows for ${owner}`);
    rows.set(owner, { packages: new Set(names(packages)), modules: new Set(names(modules)) });
  }
  return rows;
}

function names(cell: string): string[] {
  return cell
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== '–');
}

/** `pkg/x509/der.ts` belongs to `x509`, `cmd/sidecar/main.ts` to `cmd/sidecar`. */
function ownerOf(path: string): string {
  const [top = '', folder = ''] = path.split('/');
  return top === 'pkg' ? folder : `${top}/${folder}`;
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.includes('/testdata/');
}

function forbiddenImports({ path, source }: SourceFile, table: ReadonlyMap<string, Row>): string[] {
  if (isTest(path)) return [];
  const owner = ownerOf(path);
  const row = table.get(owner);
  if (row === undefined) return [`${path}: ${owner} has no row in ARCHITECTURE.md`];
  const faults = importsOf(source).map((name) => forbiddenImport(path, owner, row, name));
  if (/\bimport\((?!\s*')/.test(withoutStrings(source))) faults.push('a computed import cannot be checked');
  return faults.filter((fault) => fault !== undefined).map((fault) => `${path}: ${fault}`);
}

function forbiddenImport(path: string, owner: string, row: Row, name: string): string | undefined {
  if (name.startsWith('node:')) return undefined;
  if (!name.startsWith('.')) {
    return row.modules.has(moduleName(name)) ? undefined : `${owner} may not import ${moduleName(name)}`;
  }
  const target = posix.normalize(posix.join(posix.dirname(path), name));
  // The version stands there, and only a command may say it.
  if (target === 'package.json' && owner.startsWith('cmd/')) return undefined;
  if (target.startsWith('test/') || isTest(target)) {
    return `only tests may import ${target}`;
  }
  const other = ownerOf(target);
  return other === owner || row.packages.has(other) ? undefined : `${owner} may not import ${other}`;
}

/** `zod/v4` is of `zod`, `@scope/name/part` of `@scope/name`. */
function moduleName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function circles(table: ReadonlyMap<string, Row>): string[] {
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    if (trail.includes(name)) {
      found.push([...trail.slice(trail.indexOf(name)), name].join(' > '));
      return;
    }
    if (finished.has(name)) return;
    for (const other of table.get(name)?.packages ?? []) visit(other, [...trail, name]);
    finished.add(name);
  };
  for (const name of table.keys()) visit(name, []);
  return found;
}

function ambientUses(path: string, source: string): string[] {
  if (isTest(path) || path.startsWith('cmd/') || path.startsWith('pkg/process/')) return [];
  return withoutStrings(source)
    .split('\n')
    .flatMap((line, index) => {
      const use = ambient.exec(line)?.[0];
      return use === undefined ? [] : [`${path}:${index + 1}: ${use}`];
    });
}

/** Code only: what a message says about `Date.now` is no use of it. A dynamic import's name stays recognisable. */
function withoutStrings(source: string): string {
  return withoutComments(source).replace(/(?<!\bimport\(\s*)'(?:\\.|[^'\\\n])*'/g, "''");
}

const ambient = /\bprocess\.env\b|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bconsole\.\w+/;
