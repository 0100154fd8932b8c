import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '../../pkg/cluster/api-error.ts';
import type { Cluster } from '../../pkg/cluster/cluster.ts';
import { connectCluster } from '../../pkg/cluster/connect.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { silentLog } from '../../pkg/process/log.ts';
import { type RealApiServer, startRealApiServer } from '../support/api-server.ts';
import { until } from '../support/until.ts';
import { manifests, only } from './helm.ts';

/** What the admission policy says where no webhook is: pods without and with our sidecar, by every combination of labels. */
const combinations: readonly (readonly [
  namespace: string | undefined,
  pod: string | undefined,
  plain: Outcome,
  gated: Outcome,
])[] = [
  [undefined, undefined, 'Made', 'Made'],
  [undefined, 'true', 'Refused', 'Made'],
  [undefined, 'false', 'Made', 'Made'],
  [undefined, 'yes', 'Refused', 'Refused'],
  ['true', undefined, 'Refused', 'Made'],
  ['true', 'true', 'Refused', 'Made'],
  ['true', 'false', 'Made', 'Made'],
  ['true', 'yes', 'Refused', 'Refused'],
  ['false', undefined, 'Made', 'Made'],
  ['false', 'true', 'Refused', 'Made'],
  ['false', 'false', 'Made', 'Made'],
  ['false', 'yes', 'Refused', 'Refused'],
  ['yes', undefined, 'Refused', 'Refused'],
  ['yes', 'true', 'Refused', 'Made'],
  ['yes', 'false', 'Made', 'Made'],
  ['yes', 'no', 'Refused', 'Refused'],
];

const sidecar = { name: 'lychgate', image: 'lychgate:1', restartPolicy: 'Always' };
const asked = { 'lychgate.dev/inject': 'true' };

describe('the admission policy before the real API server', () => {
  let server: RealApiServer;
  let cluster: Cluster;

  before(async () => {
    server = await startRealApiServer();
    cluster = connectCluster({
      log: silentLog,
      clock: systemClock,
      random: Math.random,
      userAgent: 'lychgate-test',
      kubeconfig: server.kubeconfig,
    });
    for (const label of ['true', 'false', 'yes', undefined]) {
      await makeNamespace(nameOf(label), label);
    }
    await makeNamespace('lychgate', 'true');
    const objects = await manifests({}, { showOnly: 'templates/admission-policy.yaml' });
    for (const kind of ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'] as const) {
      const path = kind === 'ValidatingAdmissionPolicy' ? 'validatingadmissionpolicies' : `${kind.toLowerCase()}s`;
      await cluster.create(`/apis/admissionregistration.k8s.io/v1/${path}`, only(objects, kind));
    }
    // The API server compiles a policy a moment after it was made.
    await until(async () => ((await tryPod(nameOf('true'), {})).kind === 'Refused' ? true : undefined), 'the policy');
  });

  after(async () => {
    cluster.close();
    await server.close();
  });

  for (const [namespace, label, plain, gated] of combinations) {
    const labels = label === undefined ? {} : { 'lychgate.dev/inject': label };
    test(`namespace ${namespace ?? 'without label'}, pod ${label ?? 'without label'}: ${plain}, ${gated} with a sidecar`, async () => {
      assert.equal((await tryPod(nameOf(namespace), labels)).kind, plain);
      const marked = { ...labels, 'lychgate.dev/sidecar': 'injected' };
      assert.equal((await tryPod(nameOf(namespace), marked, [sidecar])).kind, gated);
    });
  }

  test('the refusal of a pod without its gate names the next step', async () => {
    const { message } = await tryPod(nameOf('true'), {});
    assert.match(message, /has none: the injection webhook did not see it; check that the operator runs/);
  });

  const pretenders: readonly (readonly [string, object, readonly object[]])[] = [
    ['the mark without a sidecar', { 'lychgate.dev/sidecar': 'injected' }, []],
    ['a container of the name that is no native sidecar', asked, [{ name: 'lychgate', image: 'a:1' }]],
    ['a native sidecar of another name', asked, [{ ...sidecar, name: 'other' }]],
    ['another mark', { ...asked, 'lychgate.dev/sidecar': 'yes' }, [sidecar]],
  ];
  for (const [name, labels, containers] of pretenders) {
    test(`${name} is refused`, async () => {
      assert.equal((await tryPod(nameOf(undefined), labels, containers)).kind, 'Refused');
    });
  }

  test('the release’s own namespace is never asked', async () => {
    assert.equal((await tryPod('lychgate', {})).kind, 'Made');
  });

  async function makeNamespace(name: string, label: string | undefined): Promise<void> {
    const labels = label === undefined ? {} : { 'lychgate.dev/inject': label };
    await cluster.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  }

  async function tryPod(namespace: string, labels: object, initContainers: readonly object[] = []): Promise<Tried> {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'web-', labels },
      // Set by a plug-in that is off here.
      spec: { serviceAccountName: 'default', initContainers, containers: [{ name: 'web', image: 'web:1' }] },
    };
    try {
      await cluster.create(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
      return { kind: 'Made', message: '' };
    } catch (error) {
      // Anything but the policy's own word is trouble.
      if (error instanceof ApiError && error.message.includes('ValidatingAdmissionPolicy'))
        return { kind: 'Refused', message: error.message };
      throw error;
    }
  }
});

type Outcome = 'Made' | 'Refused';
interface Tried {
  readonly kind: Outcome;
  readonly message: string;
}

function nameOf(label: string | undefined): string {
  return `labels-${label ?? 'none'}`;
}
