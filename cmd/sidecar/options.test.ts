import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { withoutUnsafeVariables } from '../../pkg/process/env.ts';
import { command } from '../../test/support/command.ts';
import { freePort } from '../../test/support/free-port.ts';
import { parseOptions } from './options.ts';

const main = join(import.meta.dirname, 'main.ts');
const inPod = [
  '--operator',
  'lychgate.test:9443',
  '--operator-ca',
  'ca',
  '--token',
  'token',
  '--state',
  '/nonexistent',
];

suite('the command line', () => {
  const cases: readonly (readonly [name: string, args: readonly string[], message: RegExp])[] = [
    ['without a word on what to serve', [], /--operator \(in a pod\) or --manifests \(standalone\) is needed/],
    ['with two of them', [...inPod, '--manifests', '.'], /'--manifests <dir>' cannot be used with option '--operator/],
    ['with an operator alone', ['--operator', 'a:1'], /--operator needs --operator-ca, --token and --state too/],
    ['with an operator without a port', ['--operator', 'lychgate'], /host:port is needed/],
    ['with a port that is none', ['--operator', 'a:70000'], /host:port is needed/],
    ['with labels in a pod', [...inPod, '--labels', 'a=b'], /'--labels <k=v,...>' cannot be used with/],
    ['with the readiness of Jobs standalone', ['--manifests', '.', '--ready-without-policy'], /cannot be used with/],
    ['with no worker', ['--manifests', '.', '--workers', '0'], /auto, or 1 to 64, is needed/],
    ['with too many workers', ['--manifests', '.', '--workers', '65'], /auto, or 1 to 64, is needed/],
    [
      'with workers that no annotation may have',
      ['--manifests', '.', '--workers', '08'],
      /auto, or 1 to 64, is needed/,
    ],
    ['with handshakes that never time out', ['--manifests', '.', '--handshake-timeout', '0s'], /above 0 is needed/],
    ['with a delay that is none', [...inPod, '--drain-delay', '5'], /a duration such as 10s/],
  ];
  for (const [name, args, message] of cases) {
    test(`is refused ${name}`, (t) => {
      let said = '';
      t.mock.method(process.stderr, 'write', (text: string) => {
        said += text;
        return true;
      });
      t.mock.method(process, 'exit', (code: number) => {
        throw new Error(`exit ${code}`);
      });
      assert.throws(() => parseOptions(['node', 'sidecar', ...args]), /^Error: exit 1$/);
      assert.match(said, message);
    });
  }

  test('of an injected pod is read', () => {
    const args = ['--admin-address', '::', '--admin-port', '9844', '--port', '8443', '--probe-port', '9845'];
    const { source, ...rest } = parseOptions(['node', 'sidecar', ...inPod, ...args, '--ready-without-policy']);
    assert.deepEqual(source, {
      kind: 'cluster',
      operator: 'lychgate.test:9443',
      caFile: 'ca',
      tokenFile: 'token',
      stateDir: '/nonexistent',
      readyWithoutPolicy: true,
    });
    assert.deepEqual(rest, {
      listenAddress: undefined,
      adminAddress: '::',
      adminPort: 9844,
      probePort: 9845,
      logLevel: 'info',
      audit: 'refusals',
      handshakeMs: 10_000,
      shutdownMs: 25_000,
      drainDelayMs: 5000,
      maxConnections: 0,
      workers: 'auto',
    });
  });
});

suite('a sidecar does not start', { concurrency: 2 }, () => {
  test('where it is not told which pod it is in', async () => {
    const { code, stderr } = await run([...inPod, '--admin-port', '0'], {});
    assert.equal(code, 1);
    assert.match(stderr, /^sidecar: --operator needs POD_NAMESPACE, POD_NAME, POD_UID in the environment/);
  });

  const pod = { POD_NAMESPACE: 'shop', POD_NAME: 'a', POD_UID: 'u' };

  test('without a folder for its state', async () => {
    const { code, stderr } = await run([...inPod, '--admin-port', '0'], pod);
    assert.equal(code, 1);
    assert.match(stderr, /^sidecar: .*\/nonexistent\/drain\.sock/);
  });

  test('with probes that it cannot read', async () => {
    const environment = { ...pod, LYCHGATE_PROBES: '[{"id":"app/readiness","kind":"exec"}]' };
    const port = String(await freePort());
    const { code, stderr } = await run([...inPod, '--admin-port', '0', '--probe-port', port], environment);
    assert.equal(code, 1);
    assert.match(stderr, /^sidecar: the list of probes: 0\.kind/);
  });
});

function run(args: readonly string[], environment: Readonly<Record<string, string>>) {
  return command(process.execPath, [main, ...args], {
    env: { ...withoutUnsafeVariables(process.env), ...environment },
  });
}
