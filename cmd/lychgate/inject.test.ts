import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { command } from '../../test/support/command.ts';
import { injectedPod, injectSettings } from '../../test/support/injection.ts';
import { injectManifests } from './inject-manifests.ts';

const podSpec = { containers: [{ name: 'web', image: 'web' }] };

function injected(text: string, format: 'json' | 'yaml' = 'yaml') {
  return injectManifests([{ name: 'web.yaml', text }], injectSettings(), format);
}

suite('manifests with sidecars', () => {
  const template = { metadata: { labels: { app: 'web' } }, spec: podSpec };
  const workloads: readonly (readonly [string, object, readonly string[]])[] = [
    ['Pod', { apiVersion: 'v1', spec: podSpec }, []],
    ['PodTemplate', { apiVersion: 'v1', template }, ['template']],
    ['ReplicationController', { apiVersion: 'v1', spec: { template } }, ['spec', 'template']],
    ['Deployment', { apiVersion: 'apps/v1', spec: { replicas: 2, template } }, ['spec', 'template']],
    ['StatefulSet', { apiVersion: 'apps/v1', spec: { template } }, ['spec', 'template']],
    ['DaemonSet', { apiVersion: 'apps/v1', spec: { template } }, ['spec', 'template']],
    ['ReplicaSet', { apiVersion: 'apps/v1', spec: { template } }, ['spec', 'template']],
    ['Job', { apiVersion: 'batch/v1', spec: { template } }, ['spec', 'template']],
    [
      'CronJob',
      { apiVersion: 'batch/v1', spec: { schedule: '@daily', jobTemplate: { spec: { template } } } },
      ['spec', 'jobTemplate', 'spec', 'template'],
    ],
  ];
  for (const [kind, fields, path] of workloads) {
    test(`${kind}: the pod of injection, and nothing else changes; as an item of a List too`, () => {
      const object = { kind, metadata: { name: 'web' }, ...fields };
      const want = structuredClone(object) as Record<string, unknown>;
      const [last] = path.slice(-1);
      const parent = path.slice(0, -1).reduce<Record<string, unknown>>((at, step) => at[step] as typeof at, want);
      if (last === undefined) Object.assign(want, injectedPod(object));
      else parent[last] = injectedPod(parent[last]);
      const got = injected(JSON.stringify(object));
      assert.deepEqual(
        { ...got, text: parse(got.text) as unknown },
        { text: want, faults: [], denied: [], warnings: [] },
      );
      const list = { apiVersion: 'v1', kind: 'List', items: [{ kind: 'Service', apiVersion: 'v1' }, object] };
      assert.deepEqual(parse(injected(JSON.stringify(list)).text), {
        ...list,
        items: [{ kind: 'Service', apiVersion: 'v1' }, want],
      });
    });
  }

  test('other documents pass with their comments, and so do those of what is changed', () => {
    const { text } = injected(
      [
        '# of the Service',
        'apiVersion: v1',
        'kind: Service',
        'metadata: { name: web } # beside',
        '---',
        '# nothing but a comment',
        '---',
        'apiVersion: v1',
        'kind: Pod',
        'metadata:',
        '  name: web # the name',
        'spec:',
        '  # before',
        '  containers:',
        '    - name: web # first',
        '      tty: "on"',
      ].join('\n'),
    );
    const lines = text.split('\n');
    assert.deepEqual(lines.slice(0, 7), [
      '# of the Service',
      'apiVersion: v1',
      'kind: Service',
      'metadata: { name: web } # beside',
      '---',
      '# nothing but a comment',
      '---',
    ]);
    for (const line of ['  name: web # the name', '  # before', '    - name: web # first', '      tty: "on"']) {
      assert.ok(lines.includes(line), `${line} is not in:\n${text}`);
    }
    assert.equal(parseAllDocuments(text).length, 3);
  });

  test('what an alias stands for is changed where it is a pod, and there only', () => {
    const { text } = injected(
      [
        'apiVersion: apps/v1',
        'kind: Deployment',
        'metadata: { name: web, labels: &labels { app: "yes" } }',
        'spec: { template: { metadata: { labels: *labels }, spec: { containers: [{ <<: { image: web }, name: web }] } } }',
      ].join('\n'),
    );
    const labels = { app: 'yes' };
    assert.deepEqual(parse(text, { version: '1.1' }), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels },
      spec: { template: injectedPod({ metadata: { labels }, spec: { containers: [{ image: 'web', name: 'web' }] } }) },
    });
  });

  test('injecting what was injected changes nothing, and says so', () => {
    const first = injected(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: podSpec }));
    const second = injected(first.text);
    assert.deepEqual(second, {
      text: first.text,
      faults: [],
      denied: [],
      warnings: ['web.yaml: document 1: Pod web: left as it is: the pod already has its sidecar'],
    });
  });

  test('JSON: one object as it is, several as a List', () => {
    const object = { apiVersion: 'v1', kind: 'Service' };
    assert.deepEqual(JSON.parse(injected(JSON.stringify(object), 'json').text), object);
    assert.deepEqual(JSON.parse(injected('{apiVersion: v1, kind: A}\n---\n{apiVersion: v1, kind: B}', 'json').text), {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'A' },
        { apiVersion: 'v1', kind: 'B' },
      ],
    });
  });

  const wrong: readonly { readonly name: string; readonly text: string; readonly message: RegExp }[] = [
    {
      name: 'a pod that cannot have a sidecar',
      text: 'a: 1\n---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent, namespace: kube}\nspec: {template: {spec: {hostNetwork: true, containers: []}}}',
      message: /^web.yaml: document 2: DaemonSet kube\/agent: hostNetwork is true/,
    },
    {
      name: 'a template that is none',
      text: 'apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-}\nspec: {template: }',
      message: /^web.yaml: document 1: Job a-: the pod must be an object, found null/,
    },
    { name: 'no YAML', text: 'a: b\n---\na: [', message: /^web.yaml: document 2: line 3: / },
    { name: 'a key twice', text: 'a: 1\na: 2', message: /^web.yaml: document 1: line 2: .*unique/ },
    { name: 'an unknown alias', text: 'a: *b', message: /^web.yaml: document 1: / },
  ];
  for (const { name, text, message } of wrong) {
    test(`${name} is told with file, document and object`, () => {
      const { faults, denied } = injected(text);
      assert.equal(faults.length + denied.length, 1);
      assert.match([...faults, ...denied].join(), message);
    });
  }
});

suite('lychgate inject', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'lychgate-inject-'));
    writeFileSync(
      join(directory, 'web.yaml'),
      `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: ${JSON.stringify(podSpec)}\n`,
    );
    writeFileSync(
      join(directory, 'bad.yaml'),
      'apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec: {hostNetwork: true, containers: []}\n',
    );
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  function run(args: readonly string[], input = '') {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    return command(process.execPath, [main, 'inject', ...args], { input, cwd: directory });
  }

  test('reads files and standard input, takes image and operator, and ends with 0', async () => {
    const secret = 'apiVersion: v1\nkind: Secret\n';
    const args = ['-f', 'web.yaml', '-f', '-', '--image', 'mine', '--operator', 'op.ns.svc:1', '--user', 'namespace'];
    const { code, stdout, stderr } = await run(args, secret);
    assert.deepEqual([code, stderr], [0, '']);
    const [pod, other] = parseAllDocuments(stdout).map((document): unknown => document.toJS());
    const sidecar = (pod as { spec: { initContainers: readonly Record<string, unknown>[] } }).spec.initContainers[0];
    assert.deepEqual(other, { apiVersion: 'v1', kind: 'Secret' });
    assert.equal(sidecar?.['image'], 'mine');
    assert.deepEqual((sidecar['args'] as readonly string[]).slice(0, 2), ['--operator', 'op.ns.svc:1']);
    assert.equal((sidecar['securityContext'] as Record<string, unknown>)['runAsUser'], undefined);
  });

  test('a pod that cannot have a sidecar: exit code 1, and nothing to apply', async () => {
    const { code, stdout, stderr } = await run(['-f', 'web.yaml', '-f', 'bad.yaml']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^lychgate inject: bad.yaml: document 1: Pod bad: hostNetwork is true/);
  });

  const unusable: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['a file that is not there', ['-f', 'none.yaml'], /none.yaml cannot be read: there is no such file/],
    ['a folder', ['-f', '.'], /\. cannot be read: it is a folder; give its files/],
    ['an operator without a port', ['-f', 'web.yaml', '--operator', 'host'], /expected host:port/],
    ['root', ['-f', 'web.yaml', '--user', '0'], /expected a user id above 0/],
  ];
  for (const [name, args, message] of unusable) {
    test(`${name}: exit code 2`, async () => {
      const { code, stdout, stderr } = await run(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, message);
    });
  }

  test('--help has examples', async () => {
    const { code, stdout } = await run(['--help']);
    assert.equal(code, 0);
    assert.match(stdout, /lychgate inject -f deployment.yaml \| kubectl apply -f -/);
  });
});
