import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { toolPath } from '../cluster/tools.ts';
import { command } from '../support/command.ts';
import { filesUnder, readSource } from '../support/source-files.ts';
import { chartFolder, helms, lint, type Manifest, manifests, render } from './helm.ts';
import { kubernetesVersions, schemaFolder } from './schemas.ts';

/*
 * Every file of values, by both Helms: linted, rendered, held against the schemas of Kubernetes, and free of what a chart
 * must not do.
 */
const files = [...readdirSync(join(chartFolder, 'ci')).map((name) => `ci/${name}`), 'values-ha.yaml'];

for (const file of files) {
  describe(file, () => {
    const rendered = helms.map((helm) => manifests({}, { helm, files: [file] }));

    for (const helm of helms) {
      test(`${helm} lint --strict has nothing to say`, async () => {
        assert.equal(await lint(helm, [file]), '');
      });
    }

    test('Helm 3 and Helm 4 render the same', async () => {
      const [four, three] = await Promise.all(rendered);
      assert.deepEqual(byName(three ?? []), byName(four ?? []));
    });

    test('rendering it again gives the same bytes', async () => {
      assert.deepEqual(await render({}, { files: [file] }), await render({}, { files: [file] }));
    });

    test('nothing is rendered that the operator writes, and nothing has a finalizer', async () => {
      const objects = (await rendered[0]) ?? [];
      const text = JSON.stringify(objects);
      assert.ok(!text.includes('"caBundle"'));
      assert.ok(!text.includes('"finalizers"'));
      assert.deepEqual(
        objects.filter(({ kind }) => ['Secret', 'Lease', 'SslProfile', 'RewriteSet'].includes(kind)),
        [],
      );
    });

    test('every object has the common labels, and a namespace where it needs one', async () => {
      const objects = ((await rendered[0]) ?? []).filter(({ metadata }) => metadata.name !== 'more');
      for (const { kind, metadata } of objects) {
        const name = `${kind} ${metadata.name}`;
        assert.ok(metadata.labels?.['app.kubernetes.io/instance'], `${name} has no label for its release`);
        assert.equal(metadata.namespace === undefined, clusterScoped.includes(kind), `${name}: namespace`);
      }
    });

    test('only helm test has hooks', async () => {
      const hooked = ((await rendered[0]) ?? []).flatMap(({ metadata: { name, annotations = {} } }) =>
        annotations['helm.sh/hook'] === undefined ? [] : [[name.endsWith('-test'), annotations['helm.sh/hook']]],
      );
      assert.deepEqual(
        hooked,
        Array.from({ length: 4 }, () => [true, 'test']),
      );
    });
  });
}

describe('what every file of values renders', () => {
  const rendered = Promise.all(files.map((file) => render({}, { files: [file] })));

  for (const version of kubernetesVersions) {
    // Together: kubeconform compiles the schemas anew in every run.
    test(`is accepted by the schemas of Kubernetes ${version}`, async (context) => {
      if (!existsSync(schemaFolder)) {
        context.skip('the schemas could not be fetched');
        return;
      }
      const texts = (await rendered).map((one, index) => {
        assert.equal(one.kind, 'Rendered', files[index] ?? '');
        return one.kind === 'Rendered' ? one.text : '';
      });
      const location = `${schemaFolder}/${version}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
      const { code, stdout, stderr } = await command(
        toolPath('kubeconform'),
        [
          ...['-strict', '-summary', '-kubernetes-version', version, '-skip', foreign.join(',')],
          ...['-schema-location', location],
        ],
        { input: texts.join('\n---\n') },
      );
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /Invalid: 0, Errors: 0/);
    });
  }
});

describe('the templates', () => {
  const templates = filesUnder(['charts/lychgate/templates']);

  test('look nothing up in a cluster and roll no dice', () => {
    const found = templates.flatMap((path) =>
      [
        ...readSource(path).matchAll(
          /\b(lookup|rand[A-Z]\w*|gen[A-Z]\w*|uuidv4|now|derivePassword|htpasswd|bcrypt)\b(?=[^}\n]*\}\})/g,
        ),
      ]
        .filter(([, name]) => name !== 'now' || /\{\{[^}]*\bnow\b/.test(readSource(path)))
        .map(([, name]) => `${path}: ${name}`),
    );
    assert.deepEqual(found, []);
  });
});

function byName(objects: readonly Manifest[]): readonly Manifest[] {
  const key = ({ kind, metadata }: Manifest): string => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
  return objects.toSorted((one, other) => key(one).localeCompare(key(other)));
}

const clusterScoped = [
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
];
/** Kinds whose schemas Kubernetes does not have. */
const foreign = ['Certificate', 'PodMonitor', 'PrometheusRule', 'ServiceMonitor'];
