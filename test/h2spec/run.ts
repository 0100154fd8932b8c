import { spawnSync } from 'node:child_process';
import { buildTools, toolPath } from '../cluster/tools.ts';
import { command } from '../support/command.ts';
import { openShop } from '../support/shop.ts';
import { startBridge } from './bridge.ts';

/*
 * npm run test:h2spec: the gate, black box, before h2spec's strict cases (RFC 9113, RFC 7541); `-- http2/6.9` runs one
 * section. Prints the cases that fail, and last the counts. Needs Go; the first build takes some seconds.
 */
async function main(sections: readonly string[]): Promise<number> {
  if (spawnSync('go', ['version']).error !== undefined) {
    print('skipped: there is no go, which builds h2spec');
    return 0;
  }
  await buildTools(['h2spec'], print);
  const shop = await openShop();
  try {
    const bridge = await startBridge(shop.sidecar.port, shop.client, shop.server);
    try {
      return await judge(bridge.port, sections);
    } finally {
      await bridge.close();
    }
  } finally {
    await shop.close();
  }
}

async function judge(port: number, sections: readonly string[]): Promise<number> {
  const { stdout, stderr } = await command(
    toolPath('h2spec'),
    ['--strict', '--tls', '--insecure', '--host', '127.0.0.1', '--port', String(port), ...sections],
    { timeoutMs: 900_000 },
  );
  const counts = /^\d+ tests, (\d+) passed, (\d+) skipped, (\d+) failed$/m.exec(stdout);
  const passed = Number(counts?.[1] ?? 0);
  // What was not tried is not kept.
  const failed = Number(counts?.[2] ?? 0) + Number(counts?.[3] ?? 0);
  if (counts === null) print(`h2spec broke off:\n${stdout}${stderr}`);
  else if (failed > 0) print(stdout.slice(Math.max(0, stdout.indexOf('Failures:'))));
  print(`${passed} passed, ${failed} failed`);
  return passed > 0 && failed === 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main(process.argv.slice(2));
