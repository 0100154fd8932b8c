import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { resourceKey } from '../translate/world.ts';
import { FolderUnreadable } from './files.ts';
import { faultText, type LoadedFolder, loadFolder } from './load.ts';

const root = mkdtempSync(join(tmpdir(), 'manifests-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;

/** A new folder with these files. */
function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = join(root, String(count++));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

function objectsOf({ world }: LoadedFolder): string[] {
  return [...world.sslProfiles, ...world.rewriteSets, ...world.secrets, ...world.configMaps].map(resourceKey);
}

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;

describe('a folder is read as kubectl does', () => {
  test('several documents, lists and JSON, by extension, not below it', async () => {
    const path = folder({
      'a.yaml': `# only a comment\n---\n${configMap('a1')}---\n\n---\n${configMap('a2')}`,
      'b.yml': `apiVersion: v1\nkind: List\nitems:\n- ${configMap('b1').replaceAll('\n', '\n  ')}\n- ${configMap('b2').replaceAll('\n', '\n  ')}`,
      'c.json': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'shop' } }),
      'd.txt': configMap('d'),
      'e.yaml.bak': configMap('e'),
    });
    mkdirSync(join(path, 'sub.yaml'));
    writeFileSync(join(path, 'sub.yaml', 'f.yaml'), configMap('f'));
    const loaded = await loadFolder(path);
    assert.deepEqual(loaded.faults, []);
    assert.deepEqual(objectsOf(loaded), [
      'ConfigMap default/a1',
      'ConfigMap default/a2',
      'ConfigMap default/b1',
      'ConfigMap default/b2',
      'ConfigMap shop/c',
    ]);
  });

  test('stringData is written over data, which is base64', async () => {
    const text = `apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  x: b25l\n  y: |\n    dHdv\nstringData: {x: three}\n`;
    const { world, faults } = await loadFolder(folder({ 'a.yaml': text }));
    assert.deepEqual(faults, []);
    const [secret] = world.secrets;
    assert.deepEqual([secret?.type, secret?.file('x'), secret?.file('y')], ['Opaque', 'three', 'two']);
    assert.ok(!JSON.stringify(world).includes('three'), 'printing a world shows no Secret');
  });

  test('a mounted ConfigMap is read through its links', async () => {
    const path = folder({});
    mkdirSync(join(path, '..2026_01'));
    writeFileSync(join(path, '..2026_01', 'a.yaml'), configMap('a'));
    symlinkSync('..2026_01', join(path, '..data'));
    symlinkSync('..data/a.yaml', join(path, 'a.yaml'));
    const loaded = await loadFolder(path);
    assert.deepEqual([loaded.faults, objectsOf(loaded)], [[], ['ConfigMap default/a']]);
  });
});

describe('a fault in a folder names file, line, object, field and rule', () => {
  const cases: readonly { name: string; text: string | Uint8Array; want: readonly string[] }[] = [
    {
      name: 'for another version of a kind',
      text: 'apiVersion: lychgate.dev/v1\nkind: SslProfile\nmetadata: {name: a}\n',
      want: ['a.yaml:1: apiVersion: SslProfile: lychgate.dev/v1 is not served; write lychgate.dev/v1alpha1'],
    },
    {
      name: 'for a kind that is nearly one',
      text: '\napiVersion: lychgate.dev/v1alpha1\nkind: SSLProfil\nmetadata: {name: a}\n',
      want: ['a.yaml:3: kind: SSLProfil: not known in lychgate.dev; did you mean SslProfile?'],
    },
    {
      name: 'for an object that is there twice',
      text: `${configMap('a')}---\n${configMap('a')}`,
      want: ['a.yaml:7: metadata.name: ConfigMap default/a is already in a.yaml, line 1; remove one'],
    },
    {
      name: 'for a key that is there twice',
      text: `${configMap('a')}data:\n  x: one\n  x: two\n`,
      want: ['a.yaml:6: Map keys must be unique'],
    },
    {
      name: 'for a value that is no base64, without the value',
      text: 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  tls.key: sesame!\n',
      want: ['a.yaml:5: Secret default/a: data.tls.key: is not base64; encode it, or write it under stringData'],
    },
    {
      name: 'for an unknown field of a Secret',
      text: 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringdata: {}\n',
      want: ['a.yaml:4: Secret default/a: stringdata: unknown field; did you mean stringData?'],
    },
    {
      name: 'for a document that is no object',
      text: '- 1\n',
      want: ['a.yaml:1: no Kubernetes object: expected a mapping with apiVersion, kind and metadata'],
    },
    {
      name: 'for an object without a name',
      text: 'apiVersion: v1\nkind: Secret\nmetadata: {generateName: a-}\n',
      want: ['a.yaml:3: metadata.name: Secret: a name is required: lower-case letters, digits, hyphens and dots'],
    },
    { name: 'for bytes that are no text', text: Uint8Array.of(0xff, 0xfe), want: ['a.yaml:1: the file is not UTF-8'] },
    {
      name: 'for a file over the limit',
      text: '#'.repeat(4_194_305),
      want: ['a.yaml:1: the file has 4194305 bytes, limit 4194304; split it'],
    },
    {
      name: 'for aliases that would grow without end',
      text: `a: &a [1,1]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]\n`,
      want: ['a.yaml:1: more aliases than the limit of 100, or an unknown one'],
    },
    { name: 'for a tag', text: 'a: !!js/function x\n', want: ['a.yaml:1: unknown tag; quote text that begins with !'] },
    { name: 'for nesting without end', text: '['.repeat(100_000), want: ['a.yaml:1: nested too deeply'] },
  ];
  for (const { name, text, want } of cases) {
    test(name, async () => {
      const { faults } = await loadFolder(folder({ 'a.yaml': text }));
      assert.deepEqual(faults.map(faultText), want);
      assert.ok(faults.every(({ severity }) => severity === 'error'));
    });
  }

  test('of text, without quoting it', async () => {
    const text = 'apiVersion: v1\nkind: Secret\nstringData:\n  key: "sesame\n sesame: sesame ] }\n  *sesame';
    const { faults } = await loadFolder(folder({ 'a.yaml': text }));
    assert.ok(faults.length > 0);
    assert.ok(!JSON.stringify(faults).includes('sesame'));
  });

  test('another kind is skipped with a warning', async () => {
    const { faults } = await loadFolder(
      folder({ 'a.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n' }),
    );
    assert.deepEqual(
      faults.map(({ severity, message }) => ({ severity, message })),
      [
        {
          severity: 'warning',
          message: 'apps/v1 Deployment is none of SslProfile, RewriteSet, Secret, ConfigMap; skipped',
        },
      ],
    );
  });

  test('a fault of the translation gets the line of its field, or of what is nearest around it', async () => {
    const text = `---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: lychgate.dev/v1alpha1\n  kind: SslProfile\n  metadata: {name: a}\n  spec:\n    hostnames:\n    - one\n    - two\n`;
    const { locate } = await loadFolder(folder({ 'a.yaml': text }));
    const fault = { object: 'SslProfile default/a', message: 'm', severity: 'error', reason: 'Invalid' } as const;
    assert.deepEqual(
      ['spec.hostnames[1]', 'spec.backend.port', ''].map((field) => locate({ ...fault, field }).line),
      [11, 9, 5],
    );
  });
});

describe('a folder that is not to be trusted', () => {
  test('a link out of it is refused', async () => {
    const outside = folder({ 'x.yaml': configMap('x') });
    const path = folder({});
    symlinkSync(join(outside, 'x.yaml'), join(path, 'a.yaml'));
    const loaded = await loadFolder(path);
    assert.deepEqual(loaded.faults.map(faultText), [
      'a.yaml:1: the file is a symbolic link that leads outside the folder; copy the file into it',
    ]);
    assert.deepEqual(objectsOf(loaded), []);
  });

  test('a link to nothing is a fault', async () => {
    const path = folder({});
    symlinkSync('nowhere', join(path, 'a.yaml'));
    assert.deepEqual((await loadFolder(path)).faults.map(faultText), ['a.yaml:1: the file cannot be read: ENOENT']);
  });

  test('a pipe is passed over and not waited for', async () => {
    const path = folder({});
    execFileSync('mkfifo', [join(path, 'a.yaml')]);
    assert.deepEqual((await loadFolder(path)).faults, []);
  });

  test('that is not there is refused', async () => {
    const path = join(root, 'nowhere');
    await assert.rejects(loadFolder(path), new FolderUnreadable(path, { code: 'ENOENT' }));
  });
});
