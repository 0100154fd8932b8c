import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseOptions } from '../../cmd/sidecar/options.ts';
import { injectedPod } from '../support/injection.ts';

suite('an injected sidecar', () => {
  test('understands its arguments, with every annotation and with none', () => {
    const annotations = {
      'lychgate.dev/port': '9443',
      'lychgate.dev/admin-port': '9001',
      'lychgate.dev/probe-port': '9002',
      'lychgate.dev/log-level': 'debug',
      'lychgate.dev/audit': 'off',
      'lychgate.dev/ready-without-policy': 'true',
      'lychgate.dev/shutdown-timeout': '1m30s',
      'lychgate.dev/max-connections': '5',
      'lychgate.dev/workers': '2',
    };
    const [full, plain] = [annotations, {}].map((given) =>
      parseOptions(['node', 'sidecar', ...argumentsOf({ metadata: { annotations: given }, spec: { containers: [] } })]),
    );
    assert.deepEqual(
      [
        full?.adminPort,
        full?.probePort,
        full?.logLevel,
        full?.audit,
        full?.shutdownMs,
        full?.maxConnections,
        full?.workers,
      ],
      [9001, 9002, 'debug', 'off', 90_000, 5, 2],
    );
    assert.deepEqual(full?.source, {
      kind: 'cluster',
      operator: 'lychgate.lychgate-system.svc:9443',
      caFile: '/var/run/lychgate/ca/ca.crt',
      tokenFile: '/var/run/lychgate/token/token',
      stateDir: '/var/run/lychgate/state',
      readyWithoutPolicy: true,
    });
    assert.deepEqual(
      [plain?.adminPort, plain?.probePort, plain?.drainDelayMs, plain?.workers],
      [9844, 9845, 5000, 'auto'],
    );
  });
});

function argumentsOf(pod: object): readonly string[] {
  const [sidecar] = injectedPod(pod).spec.initContainers ?? [];
  return (sidecar as { readonly args?: readonly string[] } | undefined)?.args ?? [];
}
