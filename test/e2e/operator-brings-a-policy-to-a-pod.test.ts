import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PodPolicy } from '../../pkg/policy/policy.ts';
import { systemClock } from '../../pkg/process/clock.ts';
import { silentLog } from '../../pkg/process/log.ts';
import { startSubscriber } from '../../pkg/push/subscriber.ts';
import { caConfigMapObject, podObject, profileObject, tlsSecretObject } from '../support/cluster-objects.ts';
import { startFakeApiServer } from '../support/fake-api-server.ts';
import { operatorReady, startOperator } from '../support/operator.ts';
import { makePki } from '../support/pki.ts';
import { until } from '../support/until.ts';

const path = '/apis/lychgate.dev/v1alpha1/namespaces/shop/sslprofiles/partners';
const leasePath = '/apis/coordination.k8s.io/v1/namespaces/lychgate-system/leases/lychgate-operator';

test('from objects at the API server to a policy in a sidecar, back to the status, and out in order', async (t) => {
  const pki = makePki({ nowMs: Date.now() });
  const server = await startFakeApiServer();
  t.after(() => server.close());
  server.put(profileObject());
  server.put(tlsSecretObject(pki.server));
  server.put(caConfigMapObject(pki));
  const pod = server.put(podObject({ name: 'web-1' }));
  const uid = String(pod.metadata.uid);

  const operator = await startOperator(server);
  t.after(() => operator.stop());
  await operatorReady(operator);

  const stateDir = mkdtempSync(join(tmpdir(), 'state-'));
  t.after(() => rmSync(stateDir, { recursive: true }));
  const token = server.issueToken({
    namespace: 'shop',
    podName: 'web-1',
    podUid: uid,
    audience: 'lychgate.dev',
    expiresAtMs: Date.now() + 3_600_000,
  });
  const applied: PodPolicy[] = [];
  const sidecar = await startSubscriber({
    address: `localhost:${operator.pushPort}`,
    ca: () => Promise.resolve(operator.caPem),
    token: () => Promise.resolve(token),
    identity: { namespace: 'shop', name: 'web-1', uid, version: '0.1.0' },
    apply: (policy) => {
      applied.push(policy);
      return Promise.resolve(policy);
    },
    exposed: () => [],
    stateDir,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  t.after(() => sidecar.close());
  await until(() => applied[0], 'the policy');
  assert.deepEqual(
    applied[0]?.listeners.map(({ port, profiles }) => [port, profiles.map(({ name }) => name)]),
    [[8443, ['partners']]],
  );
  const ready = await until(() => readyOf(server.at(path)), 'the status');
  assert.deepEqual(ready, { status: 'True', reason: 'Programmed', message: 'In force in 1 of 1 sidecar.' });
  assert.deepEqual(Reflect.get(Object(server.at(path)?.['status']), 'sidecars'), {
    selected: 1,
    programmed: 1,
    rejected: 0,
    missing: 0,
    summary: '1/1',
  });

  server.remove('/api/v1/namespaces/shop/configmaps/partner-ca');
  await until(() => applied[1], 'the withdrawal');
  assert.deepEqual(
    applied[1]?.holds.map(({ name, trustedCas }) => [name, trustedCas]),
    [['partners', []]],
  );

  operator.kill('SIGTERM');
  const { code, output } = await operator.ended;
  assert.equal(code, 0, output);
  assert.equal(Reflect.get(Object(server.at(leasePath)?.['spec']), 'holderIdentity'), '');
  assert.ok(!output.includes('PRIVATE KEY') && !output.includes(token), 'the log has a secret');
});

test('an environment that could widen trust is refused', async (t) => {
  const operator = await startOperator({ kubeconfig: '' }, { env: { NODE_EXTRA_CA_CERTS: '/dev/null' } });
  t.after(() => operator.stop());
  const { code, output } = await operator.ended;
  assert.equal(code, 1);
  assert.match(output, /refusing to start with NODE_EXTRA_CA_CERTS set/);
});

/** The condition Ready once it is True. */
function readyOf(object: unknown): object | undefined {
  const conditions: unknown = Reflect.get(Object(Reflect.get(Object(object), 'status')), 'conditions');
  if (!Array.isArray(conditions)) return undefined;
  const { status, reason, message } = Object(conditions.find(({ type }) => type === 'Ready'));
  return status === 'True' && reason === 'Programmed' ? { status, reason, message } : undefined;
}
