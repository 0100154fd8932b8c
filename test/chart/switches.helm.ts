import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseOptions } from '../../cmd/operator/options.ts';
import { type Manifest, manifests, only, type RenderOptions, render, type Values } from './helm.ts';
import { deploymentSpec, operatorContainer, rightsOf } from './objects.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const environment = { POD_NAMESPACE: 'lychgate', POD_NAME: 'lychgate-1', POD_IP: '10.0.0.1' };

async function operatorOptions(values: Values = {}): Promise<ReturnType<typeof parseOptions>> {
  const { args } = operatorContainer(only(await manifests(values), 'Deployment'));
  return parseOptions(['node', '/app/operator.js', ...args], environment);
}

describe('the operator is started', () => {
  test('with flags that it knows, and their defaults are its own but for what the chart settles', async () => {
    const fromChart = await operatorOptions({ image: { tag: '1.2.3' } });
    const alone = parseOptions(['node', '/app/operator.js'], environment);
    assert.deepEqual(fromChart, {
      ...alone,
      shutdownDelayMs: 5000,
      sidecar: { ...alone.sidecar, image: 'ghcr.io/lychgate/lychgate:1.2.3', imagePullPolicy: 'IfNotPresent' },
    });
  });

  test('with names of its own under another release', async () => {
    const { args } = operatorContainer(only(await manifests({}, { release: 'gate' }), 'Deployment'));
    const options = parseOptions(['node', '/app/operator.js', ...args], environment);
    assert.deepEqual(
      [options.service, options.webhookConfiguration, options.lease, options.caSecret],
      ['gate-lychgate', 'gate-lychgate', 'gate-lychgate-operator', 'gate-lychgate-ca'],
    );
  });

  test('with the ports of its container', async () => {
    const ports = { webhook: 11_001, push: 11_002, admin: 11_003 };
    const options = await operatorOptions({ ports });
    assert.deepEqual([options.webhookPort, options.pushPort, options.adminPort], Object.values(ports));
    const container = operatorContainer(only(await manifests({ ports }), 'Deployment'));
    assert.deepEqual(Object.fromEntries(container.ports.map((port) => [port.name, port.containerPort])), ports);
  });

  test('with the files of cert-manager, and then without a CA of its own', async () => {
    const options = await operatorOptions({ certManager: { enabled: true, issuerRef: { name: 'ca' } } });
    assert.equal(options.servingCertificate, '/var/run/lychgate/serving');
  });

  test('with the pull secrets that injected pods name', async () => {
    const { sidecar } = await operatorOptions({
      global: { imagePullSecrets: [{ name: 'a' }] },
      image: { pullSecrets: [{ name: 'b' }] },
      sidecar: { image: { pullSecrets: [{ name: 'c' }, { name: 'a' }] } },
    });
    assert.deepEqual(sidecar.imagePullSecrets, ['a', 'b', 'c']);
  });

  const images: readonly (readonly [string, Values, string, string])[] = [
    ['a tag', { image: { tag: '1.0' } }, 'ghcr.io/lychgate/lychgate:1.0', 'ghcr.io/lychgate/lychgate:1.0'],
    ['no registry', { image: { registry: '', tag: '1' } }, 'lychgate/lychgate:1', 'lychgate/lychgate:1'],
    ['a digest', { image: { digest } }, `ghcr.io/lychgate/lychgate@${digest}`, `ghcr.io/lychgate/lychgate@${digest}`],
    [
      'both',
      { image: { tag: '1.0', digest } },
      `ghcr.io/lychgate/lychgate:1.0@${digest}`,
      `ghcr.io/lychgate/lychgate:1.0@${digest}`,
    ],
    [
      'a sidecar of another version, which the digest of the operator is not for',
      { image: { tag: '1.0', digest }, sidecar: { image: { tag: '0.9' } } },
      `ghcr.io/lychgate/lychgate:1.0@${digest}`,
      'ghcr.io/lychgate/lychgate:0.9',
    ],
    [
      'a registry for everything',
      { global: { imageRegistry: 'mirror.example' }, image: { tag: '1' }, sidecar: { image: { repository: 'side' } } },
      'mirror.example/lychgate/lychgate:1',
      'mirror.example/side:1',
    ],
  ];
  for (const [name, values, operator, sidecar] of images) {
    test(`image: ${name}`, async () => {
      assert.equal(operatorContainer(only(await manifests(values), 'Deployment')).image, operator);
      assert.equal((await operatorOptions(values)).sidecar.image, sidecar);
    });
  }
});

describe('rights', () => {
  const roles = async (values: Values): Promise<readonly Manifest[]> =>
    (await manifests(values)).filter(
      ({ kind, metadata: { name } }) => kind.endsWith('Role') && !/-(test|view|edit)$/.test(name),
    );

  test('over the whole cluster', async () => {
    const all = await roles({});
    assert.deepEqual(
      rightsOf(all.filter(({ kind }) => kind === 'ClusterRole')),
      [...ofCluster, ...ofWatching].toSorted(),
    );
    assert.deepEqual(rightsOf(all.filter(({ kind }) => kind === 'Role')), ofRelease.toSorted());
  });

  test('in a list of namespaces', async () => {
    const all = await roles({ watchNamespaces: ['shop', 'stock'] });
    assert.deepEqual(
      rightsOf(all.filter(({ kind }) => kind === 'ClusterRole')),
      ofCluster.filter((right) => !right.includes('/namespaces')).toSorted(),
    );
    for (const namespace of ['shop', 'stock']) {
      assert.deepEqual(
        rightsOf(all.filter(({ metadata }) => metadata.namespace === namespace)),
        [...ofWatching, `get /namespaces ${namespace}`].toSorted(),
      );
    }
  });

  test('with cert-manager there are none on the CA and on the webhook', async () => {
    const rights = rightsOf(await roles({ certManager: { enabled: true, issuerRef: { name: 'ca' } } }));
    assert.deepEqual(
      rights.filter((right) => right.includes('lychgate-ca') || right.includes('webhookconfigurations')),
      ['patch /configmaps lychgate-ca'],
    );
    assert.ok(!rights.includes('create /secrets'));
  });

  test('have no wildcard', async () => {
    for (const right of rightsOf(await roles({}))) assert.ok(!right.includes('*'), right);
  });
});

describe('switches', () => {
  const kinds = async (values: Values, options?: RenderOptions): Promise<readonly string[]> =>
    (await manifests(values, options)).map(({ kind, metadata }) => `${kind}/${metadata.name}`);

  const absent: readonly (readonly [string, Values, RegExp])[] = [
    ['crds.install', { crds: { install: false } }, /^CustomResourceDefinition/],
    ['podDisruptionBudget.enabled', { podDisruptionBudget: { enabled: false } }, /^PodDisruptionBudget/],
    ['one replica', { operator: { replicas: 1 } }, /^PodDisruptionBudget/],
    ['admissionPolicy.enabled', { admissionPolicy: { enabled: false } }, /^ValidatingAdmissionPolicy/],
    ['networkPolicy.enabled', { networkPolicy: { enabled: false } }, /^NetworkPolicy/],
    ['serviceAccount.create', { serviceAccount: { create: false, name: 'x' } }, /^ServiceAccount\/(lychgate|x)$/],
    ['rbac.create', { rbac: { create: false } }, /^(Cluster)?Role(Binding)?\/((?!test).)*$/],
    ['rbac.aggregateRoles', { rbac: { aggregateRoles: false } }, /^ClusterRole\/.*-(view|edit)$/],
  ];
  for (const [name, values, pattern] of absent) {
    test(`${name} takes away what is otherwise there`, async () => {
      assert.ok((await kinds({})).some((object) => pattern.test(object)));
      assert.deepEqual(
        (await kinds(values)).filter((object) => pattern.test(object)),
        [],
      );
    });
  }

  const present: readonly (readonly [string, Values, string])[] = [
    [
      'certManager.enabled',
      { certManager: { enabled: true, issuerRef: { name: 'ca' } } },
      'Certificate/lychgate-serving',
    ],
    ['metrics.serviceMonitor.enabled', { metrics: { serviceMonitor: { enabled: true } } }, 'ServiceMonitor/lychgate'],
    ['metrics.podMonitor.enabled', { metrics: { podMonitor: { enabled: true } } }, 'PodMonitor/lychgate-sidecars'],
    ['metrics.prometheusRule.enabled', { metrics: { prometheusRule: { enabled: true } } }, 'PrometheusRule/lychgate'],
    ['metrics.dashboards.enabled', { metrics: { dashboards: { enabled: true } } }, 'ConfigMap/lychgate-dashboards'],
  ];
  for (const [name, values, object] of present) {
    test(`${name} brings ${object}`, async () => {
      const options = { apiVersions: ['monitoring.coreos.com/v1'] };
      assert.ok(!(await kinds({}, options)).includes(object));
      assert.ok((await kinds(values, options)).includes(object));
    });
  }

  test('crds.keep decides whether the definitions outlive the release', async () => {
    for (const keep of [true, false]) {
      const definitions = (await manifests({ crds: { keep } })).filter(
        ({ kind }) => kind === 'CustomResourceDefinition',
      );
      assert.deepEqual(
        definitions.map(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy']),
        keep ? ['keep', 'keep'] : [undefined, undefined],
      );
    }
  });

  test('replicas: null leaves the number to an autoscaler', async () => {
    const spec = deploymentSpec(only(await manifests({ operator: { replicas: null } }), 'Deployment'));
    assert.equal('replicas' in spec, false);
  });

  test('annotations for scraping give way to a ServiceMonitor', async () => {
    const annotated = async (values: Values): Promise<boolean> => {
      const objects = await manifests(values, { apiVersions: ['monitoring.coreos.com/v1'] });
      return 'prometheus.io/scrape' in deploymentSpec(only(objects, 'Deployment')).template.metadata.annotations;
    };
    assert.equal(await annotated({}), true);
    assert.equal(await annotated({ metrics: { serviceMonitor: { enabled: true } } }), false);
  });

  test('alerts lose those that are disabled, and get the runbooks of the house', async () => {
    const rules = { enabled: true, runbookBaseUrl: 'https://wiki.example/r/', disabled: ['LychgateNoLeader'] };
    const objects = await manifests({ metrics: { apiCheck: 'Skip', prometheusRule: rules } });
    const text = JSON.stringify(only(objects, 'PrometheusRule'));
    assert.ok(!text.includes('LychgateNoLeader'));
    assert.ok(text.includes('"https://wiki.example/r/LychgateOcspFailing"'));
    assert.ok(text.includes('{{ $labels.namespace }}'));
  });
});

describe('what cannot work is refused', () => {
  const refused: readonly (readonly [string, Values, RegExp])[] = [
    ['an unknown key', { operater: { replicas: 3 } }, /operater/],
    ['a key that is none in a group', { operator: { replica: 3 } }, /replica/],
    ['cert-manager without an issuer', { certManager: { enabled: true } }, /set certManager\.issuerRef\.name/],
    ['two ports that are one', { ports: { webhook: 9443 } }, /must differ/],
    ["the kubelet's port on the node", { operator: { hostNetwork: true } }, /set ports\.webhook/],
    ['watching kube-system', { watchNamespaces: ['kube-system'] }, /watchNamespaces has kube-system/],
    ["watching the release's own namespace", { watchNamespaces: ['lychgate'] }, /watchNamespaces has lychgate/],
    ['rights for the account named default', { serviceAccount: { create: false } }, /set serviceAccount\.name/],
    ['a budget of nothing', { podDisruptionBudget: { maxUnavailable: null } }, /minAvailable or maxUnavailable/],
    [
      'a monitor without its kind',
      { metrics: { podMonitor: { enabled: true } } },
      /install the CRDs of the Prometheus Operator/,
    ],
  ];
  for (const [name, values, message] of refused) {
    for (const helm of ['helm', 'helm3'] as const) {
      test(`${name} (${helm})`, async () => {
        const rendered = await render(values, { helm });
        assert.equal(rendered.kind, 'Refused');
        assert.match(rendered.kind === 'Refused' ? rendered.message : '', message);
      });
    }
  }
});

const ofCluster: readonly string[] = [
  'create authentication.k8s.io/tokenreviews',
  ...['list', 'patch', 'watch'].map(
    (verb) => `${verb} admissionregistration.k8s.io/mutatingwebhookconfigurations lychgate`,
  ),
  ...['get', 'list', 'watch'].map((verb) => `${verb} /namespaces`),
];

const ofWatching: readonly string[] = [
  ...['lychgate.dev/sslprofiles', 'lychgate.dev/rewritesets', '/pods', '/secrets', '/configmaps'].flatMap((resource) =>
    ['list', 'watch'].map((verb) => `${verb} ${resource}`),
  ),
  'get /pods',
  'patch lychgate.dev/sslprofiles/status',
  'patch lychgate.dev/rewritesets/status',
  'create /configmaps',
  'patch /configmaps lychgate-ca',
  'create events.k8s.io/events',
  'patch events.k8s.io/events',
];

const ofRelease: readonly string[] = [
  'create coordination.k8s.io/leases',
  ...['get', 'update'].map((verb) => `${verb} coordination.k8s.io/leases lychgate-operator`),
  'create /secrets',
  ...['list', 'watch', 'update'].map((verb) => `${verb} /secrets lychgate-ca`),
  'create events.k8s.io/events',
  'patch events.k8s.io/events',
];
