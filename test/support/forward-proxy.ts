import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ForwardProxy {
  readonly port: number;
  /** Request lines received so far: `GET http://…` or `CONNECT host:port`. */
  readonly lines: string[];
  /** Answers with this status instead of passing on. */
  refuseWith: number | undefined;
  close(): Promise<void>;
}

/** Starts a forward proxy on 127.0.0.1 that knows one target, whatever host it is asked for. */
export async function startForwardProxy(targetPort: number): Promise<ForwardProxy> {
  const open = new Set<Duplex>();
  const server = createServer((incoming, response) => {
    proxy.lines.push(`${incoming.method} ${incoming.url}`);
    if (proxy.refuseWith !== undefined) return void response.writeHead(proxy.refuseWith).end();
    const { pathname, search } = new URL(incoming.url ?? '');
    const options = { host: '127.0.0.1', port: targetPort, path: pathname + search };
    const outgoing = request({ ...options, method: incoming.method, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on('connect', (incoming: IncomingMessage, client: Duplex) => {
    proxy.lines.push(`CONNECT ${incoming.url}`);
    if (proxy.refuseWith !== undefined) return void client.end(`HTTP/1.1 ${proxy.refuseWith} No\r\n\r\n`);
    const target = connect(targetPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(target).pipe(client);
    });
    for (const end of [client, target]) {
      open.add(end);
      end.on('error', () => end.destroy()).on('close', () => open.delete(end));
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const proxy: ForwardProxy = {
    port: (server.address() as AddressInfo).port,
    lines: [],
    refuseWith: undefined,
    close: () => {
      server.closeAllConnections();
      for (const end of open) end.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
  return proxy;
}
