import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { layoutOf } from '../layout.ts';
import { firstPid, inNetwork } from '../namespaces.ts';
import { hostname, type Shop } from './shop.ts';

/** A client inside the node that keeps one connection open between its requests. */
export interface OpenClient {
  /** The status of one more request on the same connection. @throws where the connection is gone. */
  ask(): Promise<number>;
  close(): void;
}

/** Connects to the gate and asks once. */
export async function openClient(shop: Shop, host: string, port = 443): Promise<OpenClient> {
  const network = `/proc/${firstPid(layoutOf(shop.cluster.directory))}/ns/net`;
  const { program, args } = inNetwork(network, process.execPath, [
    join(import.meta.dirname, '../load/one-connection.ts'),
    ...['--host', host, '--port', String(port), '--servername', hostname],
    ...['--ca', shop.ca.bundle, '--cert', shop.good.chain, '--key', shop.good.key],
  ]);
  const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const client: OpenClient = {
    ask: async () => {
      child.stdin.write('ask\n');
      const { value } = await lines.next();
      if (!/^\d+$/.test(String(value))) throw new Error(`the connection is gone: ${String(value)}`);
      return Number(value);
    },
    close: () => {
      child.stdin.end();
      child.kill('SIGKILL');
    },
  };
  child.stdin.on('error', () => undefined);
  const status = await client.ask();
  if (status !== 200) throw new Error(`the first request got ${status}`);
  return client;
}
