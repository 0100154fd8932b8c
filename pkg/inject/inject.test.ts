import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import { checkGolden, readYaml } from '../../test/support/golden.ts';
import { injectedPod, injectSettings } from '../../test/support/injection.ts';
import { parseProbes } from '../relay/probe.ts';
import { injectPod } from './inject.ts';
import type { InjectSettings, PodNamespace } from './settings.ts';

const testdata = new URL('testdata/', import.meta.url);

suite('a pod with its sidecar', () => {
  const names = readdirSync(testdata).flatMap((file) =>
    file.endsWith('.in.yaml') ? [file.slice(0, -'.in.yaml'.length)] : [],
  );
  test('has documents', () => assert.ok(names.length >= 14));
  for (const name of names) {
    test(name, () => {
      const { pod, namespace, settings } = readYaml(new URL(`${name}.in.yaml`, testdata)) as Document;
      const before = JSON.stringify(pod);
      const injection = injectPod(pod, injectSettings(settings), { name: 'shop', labels: {}, ...namespace });
      checkGolden(new URL(`${name}.out.yaml`, testdata), injection);
      assert.equal(JSON.stringify(pod), before, 'the given pod was changed');
    });
  }

  interface Document {
    readonly pod: unknown;
    readonly namespace?: Partial<PodNamespace>;
    readonly settings?: Partial<InjectSettings>;
  }
});

suite('whether a pod gets a sidecar', () => {
  const asks = { 'lychgate.dev/inject': 'true' };
  const cases: readonly {
    readonly name: string;
    readonly pod?: string;
    /** `unknown`: its labels are not known. */
    readonly namespace?: string;
    readonly want: 'Denied' | 'Injected' | 'Skipped';
  }[] = [
    { name: 'nobody asks', want: 'Skipped' },
    { name: 'the pod asks', pod: 'true', want: 'Injected' },
    { name: 'the namespace asks', namespace: 'true', want: 'Injected' },
    { name: 'the namespace declines', namespace: 'false', want: 'Skipped' },
    { name: 'the pod asks in a namespace that declines', pod: 'true', namespace: 'false', want: 'Injected' },
    { name: 'the pod declines in a namespace that asks', pod: 'false', namespace: 'true', want: 'Skipped' },
    { name: 'a namespace that is not known asks', namespace: 'unknown', want: 'Injected' },
    { name: 'a pod declines in a namespace that is not known', pod: 'false', namespace: 'unknown', want: 'Skipped' },
    { name: 'an illegal value on the pod', pod: 'enabled', namespace: 'true', want: 'Denied' },
    { name: 'an illegal value on the namespace', namespace: 'True', want: 'Denied' },
    { name: 'an illegal value on the namespace, and the pod decides', pod: 'true', namespace: '', want: 'Injected' },
    { name: 'an illegal value on the namespace, and the pod declines', pod: 'false', namespace: 'no', want: 'Skipped' },
  ];
  for (const { name, pod, namespace, want } of cases) {
    test(`${name}: ${want}`, () => {
      const labels = pod === undefined ? {} : { 'lychgate.dev/inject': pod };
      const facts: PodNamespace =
        namespace === 'unknown'
          ? { name: 'shop' }
          : { name: 'shop', labels: namespace === undefined ? {} : { 'lychgate.dev/inject': namespace } };
      const injection = injectPod({ metadata: { labels }, spec: spec() }, injectSettings(), facts);
      assert.equal(injection.kind, want);
    });
  }

  test('the illegal value and the legal ones are named', () => {
    const injection = injectPod({ spec: spec() }, injectSettings(), {
      name: 'shop',
      labels: { 'lychgate.dev/inject': 'on' },
    });
    assert.deepEqual(injection, {
      kind: 'Denied',
      message: 'namespace shop: label lychgate.dev/inject is "on"; legal: "true", "false"',
      warnings: [],
    });
  });

  test('a pod that has its sidecar is left alone, whatever other webhooks have put before it', () => {
    const pod = injectedPod({ metadata: { labels: asks }, spec: spec() });
    const { initContainers } = pod.spec;
    const changed = { ...pod, spec: { ...pod.spec, initContainers: [{ name: 'other' }, ...(initContainers ?? [])] } };
    assert.deepEqual(
      [pod, changed].map((one) => injectPod(one, injectSettings(), { name: 'shop' }).kind),
      ['Skipped', 'Skipped'],
    );
  });

  test('the label of an injected pod without the sidecar is denied, asked or not', () => {
    for (const inject of [{}, asks, { 'lychgate.dev/inject': 'false' }]) {
      const labels = { ...inject, 'lychgate.dev/sidecar': 'injected' };
      const injection = injectPod({ metadata: { labels }, spec: spec() }, injectSettings(), {
        name: 'shop',
        labels: {},
      });
      assert.deepEqual(injection, {
        kind: 'Denied',
        message:
          'label lychgate.dev/sidecar is set, and the pod has no sidecar of ours; remove the label: injection sets it',
        warnings: [],
      });
    }
  });

  const pretenders: readonly (readonly [string, object])[] = [
    ['container', { containers: [{ name: 'lychgate' }] }],
    ['init container', { containers: [], initContainers: [{ name: 'lychgate' }] }],
    ['native sidecar', { containers: [], initContainers: [{ name: 'lychgate', restartPolicy: 'Always' }] }],
    ['ephemeral container', { containers: [], ephemeralContainers: [{ name: 'lychgate' }] }],
  ];
  for (const [what, fields] of pretenders) {
    test(`a ${what} of the sidecar's name that is not ours is denied`, () => {
      const injection = injectPod({ metadata: { labels: asks }, spec: fields }, injectSettings(), { name: 'shop' });
      assert.deepEqual(injection, {
        kind: 'Denied',
        message: 'a container is named lychgate and was not made by injection; give it another name',
        warnings: [],
      });
    });
  }

  for (const missing of ['label', 'annotation', 'token', 'restartPolicy'] as const) {
    test(`a sidecar without its ${missing} is not ours`, () => {
      const pod = injectedPod({ metadata: { labels: asks }, spec: spec() });
      const [sidecar, ...rest] = pod.spec.initContainers ?? [];
      const injection = injectPod(
        {
          metadata: {
            labels: missing === 'label' ? asks : pod.metadata?.labels,
            annotations: missing === 'annotation' ? {} : pod.metadata?.annotations,
          },
          spec: {
            ...pod.spec,
            volumes: missing === 'token' ? [] : pod.spec.volumes,
            initContainers: missing === 'restartPolicy' ? [{ ...sidecar, restartPolicy: null }, ...rest] : [sidecar],
          },
        },
        injectSettings(),
        { name: 'shop' },
      );
      assert.equal(injection.kind, 'Denied');
    });
  }
});

suite('what is denied, with what to do', () => {
  const cases: readonly { readonly name: string; readonly pod: object; readonly message: RegExp }[] = [
    { name: 'the host network', pod: { hostNetwork: true }, message: /hostNetwork is true.*remove hostNetwork/ },
    { name: 'Windows by spec.os', pod: { os: { name: 'windows' } }, message: /for Windows/ },
    {
      name: 'Windows by its nodes',
      pod: { nodeSelector: { 'kubernetes.io/os': 'windows' } },
      message: /for Windows/,
    },
    {
      name: "a container on the gate's port",
      pod: { containers: [{ name: 'web', ports: [{ containerPort: 8443 }] }] },
      message: /^container web uses port 8443, .* for lychgate-tls; set annotation lychgate.dev\/port to a free port$/,
    },
    {
      name: 'an init container on the admin port',
      pod: { initContainers: [{ name: 'init', ports: [{ containerPort: 9844 }] }] },
      message: /^container init uses port 9844, .*lychgate.dev\/admin-port/,
    },
    {
      name: "a container on the relay's port, where there are probes",
      pod: {
        containers: [{ name: 'web', ports: [{ containerPort: 9845 }], livenessProbe: { tcpSocket: { port: 80 } } }],
      },
      message: /^container web uses port 9845, .*lychgate.dev\/probe-port/,
    },
    {
      name: "a port of the gate's name",
      pod: { containers: [{ name: 'web', ports: [{ name: 'lychgate-tls', containerPort: 1 }] }] },
      message: /^container web has a port named lychgate-tls, .*rename/,
    },
    {
      name: "a volume of the sidecar's name",
      pod: { volumes: [{ name: 'lychgate-state', emptyDir: {} }] },
      message: /^a volume is named lychgate-state, .*rename it$/,
    },
    {
      name: 'a probe of a port that its container does not name',
      pod: {
        containers: [
          { name: 'web', readinessProbe: { httpGet: { port: 'http' } } },
          { name: 'other', ports: [{ name: 'http', containerPort: 80 }] },
        ],
      },
      message: /^container web: readinessProbe asks the port named "http", .*\(it names none\); add it/,
    },
    {
      name: 'a probe that the relay could not ask',
      pod: {
        containers: [
          { name: 'web', livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'A', value: 'a\nb' }] } } },
        ],
      },
      message: /^probe web\/liveness cannot be relayed: .*no HTTP header/,
    },
    {
      name: 'annotations that contradict each other',
      pod: { annotations: { 'lychgate.dev/cpu-request': '2', 'lychgate.dev/cpu-limit': '1500m' } },
      message: /^annotation lychgate.dev\/cpu-request \(2\) is above lychgate.dev\/cpu-limit \(1500m\)/,
    },
    {
      name: 'an image, where the operator does not allow it',
      pod: { annotations: { 'lychgate.dev/image': 'mine' } },
      message: /^annotation lychgate.dev\/image is not allowed/,
    },
    {
      name: 'everything at once',
      pod: { hostNetwork: true, annotations: { 'lychgate.dev/port': '80', 'lychgate.dev/audit': 'some' } },
      message: /lychgate.dev\/port is "80"; legal: 1024 to 65535; .*lychgate.dev\/audit is "some".*; hostNetwork/,
    },
    { name: 'no containers', pod: { containers: null }, message: /^spec.containers is missing$/ },
    {
      name: 'ports that are text',
      pod: { containers: [{ name: 'a', ports: 'x' }] },
      message: /must be a list, found string/,
    },
  ];
  for (const { name, pod, message } of cases) {
    test(name, () => {
      const { annotations, ...fields } = { annotations: {}, ...pod };
      const injection = injectPod(
        { metadata: { labels: { 'lychgate.dev/inject': 'true' }, annotations }, spec: { ...spec(), ...fields } },
        injectSettings(),
        { name: 'shop' },
      );
      assert.ok(injection.kind === 'Denied', injection.kind);
      assert.match(injection.message, message);
    });
  }

  for (const raw of [undefined, null, 'pod', [], {}, { spec: [] }, { spec: { containers: [null] }, metadata: 1 }]) {
    test(`no pod at all: ${JSON.stringify(raw)}`, () => {
      assert.equal(injectPod(raw, injectSettings(), { name: 'shop' }).kind, 'Denied');
    });
  }
});

suite('what is not denied', () => {
  const fine: readonly (readonly [string, object])[] = [
    [
      'the same port number of UDP',
      { containers: [{ name: 'web', ports: [{ containerPort: 8443, protocol: 'UDP' }] }] },
    ],
    ["the relay's port where nothing is relayed", { containers: [{ name: 'web', ports: [{ containerPort: 9845 }] }] }],
    ['null where a field may be absent', { initContainers: null, volumes: null, securityContext: null }],
  ];
  for (const [name, fields] of fine) {
    test(name, () => {
      assert.equal(injectPod({ spec: { ...spec(), ...fields } }, injectSettings(), { name: 'shop' }).kind, 'Injected');
    });
  }

  test('what the relay is told survives the references of the kubelet', () => {
    const pod = injectedPod({
      spec: {
        containers: [
          { name: 'web', livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'A', value: '$(X) $$ $' }] } } },
        ],
      },
    });
    const env = (pod.spec.initContainers?.[0] as { env?: readonly { name: string; value?: string }[] } | undefined)
      ?.env;
    const text = env?.find(({ name }) => name === 'LYCHGATE_PROBES')?.value ?? '';
    // As the kubelet expands it: `$$` is a dollar, and begins no reference.
    assert.deepEqual(
      parseProbes(text.replaceAll('$$', '$')).map((probe) => (probe.kind === 'httpGet' ? probe.headers : [])),
      [[{ name: 'A', value: '$(X) $$ $' }]],
    );
  });
});

function spec() {
  return { containers: [{ name: 'web', image: 'web' }] };
}
