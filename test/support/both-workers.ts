import type { Shop } from './shop.ts';
import { getRequest, type TlsClient, tlsClient } from './tls-client.ts';

/** Opens connections, each with one answered request, until both of two workers have at least one of them. */
export async function connectBothWorkers(shop: Shop, identity = shop.client): Promise<TlsClient[]> {
  const before = await connectionsOf(shop);
  const connections: TlsClient[] = [];
  // The kernel gives each connection to a worker by a hash of its port: all to the same is one in 2^39.
  while (connections.length < 40) {
    const connection = await tlsClient(shop.sidecar.port, identity);
    connections.push(connection);
    connection.send(getRequest('/'));
    const text = await connection.until((seen) => seen.endsWith('hello\n'));
    if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(text);
    const counts = await connectionsOf(shop);
    if (connections.length >= 4 && counts.every((count, index) => count > (before[index] ?? 0))) return connections;
  }
  throw new Error('one worker has all of 40 connections');
}

/** Open connections of each of two workers. */
export function connectionsOf({ sidecar }: Shop): Promise<readonly number[]> {
  return Promise.all([1, 2].map((worker) => sidecar.metric(`lychgate_worker_connections{worker="${worker}"}`)));
}
