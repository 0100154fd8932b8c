import assert from 'node:assert/strict';
import { join } from 'node:path';
import { hostname, type Shop, serviceAddress } from './shop.ts';

/** What the load program counted; see test/cluster/load/load.ts. */
export interface Traffic {
  readonly sent: number;
  readonly ok: number;
  readonly retried: number;
  readonly failures: number;
  readonly slowestMs: number;
  readonly samples: readonly string[];
}

/** Sends requests with the good certificate through the Service, 200 a second, half of them on new connections. */
export async function traffic(shop: Shop, seconds: number, rate = 200): Promise<Traffic> {
  const { code, stdout, stderr } = await shop.cluster.run(
    process.execPath,
    [
      join(import.meta.dirname, '../load/load.ts'),
      ...['--url', `https://${await serviceAddress(shop)}/`, '--servername', hostname],
      ...['--ca', shop.ca.bundle, '--cert', shop.good.chain, '--key', shop.good.key],
      ...['--seconds', String(seconds), '--rate', String(rate)],
    ],
    { timeoutMs: (seconds + 30) * 1000 },
  );
  assert.equal(code, 0, stderr);
  const counted: unknown = JSON.parse(stdout);
  assert.ok(typeof counted === 'object' && counted !== null && 'failures' in counted);
  // The program's own line.
  return counted as Traffic;
}

/** @throws where any request failed, with the first of them. */
export function requireNoFailure({ sent, ok, failures, samples }: Traffic): void {
  assert.equal(failures, 0, `${failures} of ${sent} requests failed:\n${samples.join('\n')}`);
  assert.equal(ok, sent);
}

export function inWords({ sent, failures, retried, slowestMs }: Traffic): string {
  return `${sent} requests, ${failures} failed, ${retried} sent again, slowest ${slowestMs} ms`;
}
