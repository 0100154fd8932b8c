import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { OpensslIdentity } from '../support/openssl.ts';

/** Lets programs that present no client certificate speak HTTP/2 to a gate that demands one. */
export interface Bridge {
  /** On 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * TLS in, mutual TLS as `client` out to `gatePort`, ALPN h2 on both sides, every byte as it is. TLS in too: clients name
 * the scheme by it. The end of one side is the other's.
 */
export async function startBridge(gatePort: number, client: OpensslIdentity, server: OpensslIdentity): Promise<Bridge> {
  const presented = { cert: readFileSync(client.chain), key: readFileSync(client.key) };
  const open = new Set<TLSSocket>();
  const listener = createServer(
    { cert: readFileSync(server.chain), key: readFileSync(server.key), ALPNProtocols: ['h2'] },
    (inward) => {
      const outward = connect({
        ...presented,
        ...{ host: '127.0.0.1', port: gatePort, servername: 'localhost', ALPNProtocols: ['h2'] },
        rejectUnauthorized: false,
      });
      for (const [from, to] of [
        [inward, outward],
        [outward, inward],
      ] as const) {
        open.add(from);
        from.setNoDelay(true);
        from.on('error', () => undefined);
        from.on('close', () => {
          open.delete(from);
          to.destroySoon();
        });
        from.pipe(to);
      }
    },
  );
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    close: async () => {
      for (const socket of open) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
