import type { AddressInfo, Server, Socket } from 'node:net';

/** A server on 127.0.0.1. */
export interface Listening {
  readonly port: number;
  /** Stops accepting and cuts every connection, also one that has been upgraded. Never throws. */
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; port 0 takes a free one. @throws the listening error (EADDRINUSE, EACCES). */
export async function listen(server: Server, port: number): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that goes away is no event of this demo.
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: portOf(server.address()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
