import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { policyDigest } from '../../pkg/policy/digest.ts';
import { type CommandResult, command } from '../../test/support/command.ts';
import { startEchoApp } from '../../test/support/echo-app.ts';
import { freePort } from '../../test/support/free-port.ts';
import { connectTo, policyOf, profileOf } from '../../test/support/gate.ts';
import { type PodSidecar, startPodSidecar } from '../../test/support/pod-sidecar.ts';
import { inputOf, pushPki, startOperator, temporaryDirectory } from '../../test/support/push.ts';
import { get, Talk } from '../../test/support/talk.ts';
import { until } from '../../test/support/until.ts';

interface Pod {
  readonly sidecar: PodSidecar;
  /** Requests to /slow that the application has not answered yet. */
  readonly waiting: readonly ServerResponse[];
  talk(): Promise<Talk>;
  hook(): Promise<CommandResult>;
}

async function podOf(t: TestContext, args: readonly string[]): Promise<Pod> {
  const waiting: ServerResponse[] = [];
  const app = await startEchoApp((request, response) => {
    if (request.url === '/slow') waiting.push(response);
    else response.end('hello\n');
  });
  t.after(() => app.close());
  const operator = await startOperator(t);
  const sidecar = await startPodSidecar(t, { operatorPort: operator.server.port, args });
  const port = await freePort();
  const policy = policyOf(port, [profileOf(pushPki, app.port)]);
  operator.offer({ policy, digest: policyDigest(policy), inputs: [inputOf('partners', 1)] });
  await operator.reported({ result: 'Ack' });
  return {
    sidecar,
    waiting,
    talk: async () => new Talk(await connectTo(port, pushPki, pushPki.client('good'))),
    hook: () => hookOf(sidecar.stateDir),
  };
}

function hookOf(stateDir: string): Promise<CommandResult> {
  return command(process.execPath, [join(import.meta.dirname, 'drain.ts'), join(stateDir, 'drain.sock')]);
}

async function notReady({ sidecar }: Pod): Promise<string> {
  return until(async () => {
    const { status, body } = await sidecar.admin('/readyz');
    return status === 503 ? body : undefined;
  }, 'not ready');
}

suite('the preStop hook', { concurrency: 2 }, () => {
  test('ends the gate while the process lives: new requests for a while, running ones to their end; then SIGTERM is quick', async (t) => {
    const pod = await podOf(t, ['--drain-delay', '2s', '--shutdown-timeout', '20s']);
    const slow = await pod.talk();
    slow.send(get('/slow'));
    await until(() => pod.waiting.length === 1 || undefined, 'a request at the application');

    let over = false;
    const hook = pod.hook().finally(() => {
      over = true;
    });
    assert.equal(await notReady(pod), 'not ready:\n- shutting down\n');
    // Not everybody has heard yet: a new connection is served, and told to be the last.
    const late = await pod.talk();
    late.send(get('/late'));
    assert.match(await late.rest(), /^HTTP\/1\.1 200 .*\r\nconnection: close\r\n.*hello\n$/is);
    await until(
      async () =>
        pod.talk().then(
          () => undefined,
          () => true,
        ),
      'no connection is accepted any more',
    );
    assert.equal(over, false);

    pod.waiting[0]?.end('done\n');
    assert.match(await slow.rest(), /^HTTP\/1\.1 200 .*done\n$/is);
    assert.deepEqual(await hook, { code: 0, stdout: '', stderr: '' });
    assert.equal((await pod.sidecar.admin('/livez')).status, 200);
    assert.deepEqual(await pod.hook(), { code: 0, stdout: '', stderr: '' }, 'a second one has nothing to wait for');

    const startMs = performance.now();
    pod.sidecar.kill('SIGTERM');
    assert.equal(await pod.sidecar.ended, 0);
    assert.ok(performance.now() - startMs < 5000);
    assert.equal(pod.sidecar.stderr(), '');
  });

  test('does not wait longer than the time-out: what runs then is cut', async (t) => {
    const pod = await podOf(t, ['--drain-delay', '0s', '--shutdown-timeout', '1s']);
    const slow = await pod.talk();
    slow.send(get('/slow'));
    await until(() => pod.waiting.length === 1 || undefined, 'a request at the application');
    assert.equal((await pod.hook()).code, 0);
    assert.equal(await slow.rest(), '');
  });

  test('has nothing to wait for where nothing is served', async (t) => {
    const sidecar = await startPodSidecar(t, { operatorPort: await freePort(), args: ['--drain-delay', '1h'] });
    assert.equal((await hookOf(sidecar.stateDir)).code, 0);
  });

  test('is cut short by SIGTERM', async (t) => {
    const pod = await podOf(t, ['--drain-delay', '1h', '--shutdown-timeout', '2h']);
    const hook = pod.hook();
    await notReady(pod);
    pod.sidecar.kill('SIGTERM');
    assert.equal(await pod.sidecar.ended, 0);
    assert.notEqual((await hook).code, null);
  });

  test('says what is wrong where there is no sidecar', async (t) => {
    const directory = temporaryDirectory(t);
    const { code, stderr } = await hookOf(directory);
    assert.equal(code, 1);
    assert.match(stderr, /^drain: .*drain\.sock: connect ENOENT .*; is the sidecar running\?\n$/);
  });

  test("comes over a socket that is this user's alone, also where one was left behind", async (t) => {
    const first = await startPodSidecar(t, { operatorPort: await freePort() });
    first.kill('SIGKILL');
    await first.ended;
    const path = join(first.stateDir, 'drain.sock');
    assert.ok(existsSync(path));
    await startPodSidecar(t, { operatorPort: await freePort(), after: first });
    await until(() => (statSync(path).mode & 0o777) === 0o600 || undefined, 'the mode of the socket');
    assert.equal((await hookOf(first.stateDir)).code, 0);
  });
});
