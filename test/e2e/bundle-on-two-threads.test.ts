import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectBothWorkers } from '../support/both-workers.ts';
import { command } from '../support/command.ts';
import { openShop } from '../support/shop.ts';

test('the bundle, as the image has it, serves on two threads', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'lychgate-bundle-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const built = await command(process.execPath, [join(import.meta.dirname, '..', '..', 'build.ts'), directory]);
  assert.equal(built.code, 0, built.stderr);
  const shop = await openShop({
    program: ['--max-semi-space-size=1', join(directory, 'sidecar.js')],
    args: ['--workers', '2'],
  });
  t.after(() => shop.close());
  const connections = await connectBothWorkers(shop);
  const asked = 'lychgate_proxy_ocsp_answers_total{result="good",reason="",cached="false"}';
  assert.equal(await shop.sidecar.metric(asked), 1);
  for (const { socket } of connections) socket.destroy();
  shop.sidecar.kill('SIGTERM');
  const { code, stderr } = await shop.sidecar.ended;
  assert.deepEqual([code, stderr], [0, '']);
});
